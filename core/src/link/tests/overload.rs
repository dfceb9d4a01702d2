use super::*;
use crate::base::{Cause, SendError};
use crate::link::Overload;

const BIG: usize = 100_000;

fn config(overload: Overload) -> Config {
    let mut config = Config::default();
    (config.max_queued, config.overload) = (5 * BIG / 2, overload);
    config
}

/// Has the hub send so much to `peer`, which takes nothing.
fn flood(hub: &mut Hub<Scripted>, peer: &mut Peer, size: usize) {
    peer.link.send(START, Message::text("x".repeat(size))).unwrap();
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
    hub.handle_written(START, peer.conn, 0);
}

#[test]
fn who_takes_least_pays_for_too_much_that_waits() {
    let mut hub = hub(config(Overload::Disconnect));
    let mut peers = [0, 1, 2, 3].map(|_| Peer::connect(&mut hub));
    flood(&mut hub, &mut peers[0], BIG / 2);
    flood(&mut hub, &mut peers[1], BIG);
    flood(&mut hub, &mut peers[2], BIG / 2);
    let counted = hub.queued();
    assert!((2 * BIG - 3 * 4096..=2 * BIG + 64).contains(&counted), "{counted}");
    flood(&mut hub, &mut peers[3], BIG * 3 / 4);
    assert_eq!(hub.wants(peers[1].conn).unwrap().shutdown, Some(Shutdown::Abort));
    let closed = hub.closed(peers[1].conn).unwrap();
    assert_eq!((closed.cause, closed.code), (Cause::Overload, CloseCode::ABNORMAL));
    assert_eq!((hub.stats().shed, &*hub.service().log[4]), (1, "closed 1006"));
    assert!(hub.queued() <= 5 * BIG / 2);
    // The others lost nothing.
    for (peer, size) in [(&peers[0], BIG / 2), (&peers[2], BIG / 2), (&peers[3], BIG * 3 / 4)] {
        assert!(written(&mut hub, START, peer.conn).len() > size);
    }
    hub.release(START, peers[1].conn);
    assert_eq!((hub.queued(), hub.len()), (0, 3));
}

/// It is the one that is fed which has the most.
#[test]
fn who_is_fed_may_be_who_pays() {
    let mut hub = hub(config(Overload::Disconnect));
    let mut greedy = Peer::connect(&mut hub);
    flood(&mut hub, &mut greedy, 3 * BIG);
    assert_eq!(hub.wants(greedy.conn).unwrap().shutdown, Some(Shutdown::Abort));
    hub.release(START, greedy.conn);
    assert_eq!((hub.queued(), hub.len(), hub.stats().shed), (0, 0, 1));
}

#[test]
fn messages_are_refused_while_too_much_waits() {
    let mut hub = hub(config(Overload::Refuse));
    let (mut slow, mut other) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    flood(&mut hub, &mut slow, 3 * BIG);
    let queued = hub.queued();
    assert!(queued > 5 * BIG / 2);
    let sent = Context::new(&mut hub.core).send(other.conn, Message::text("a"));
    assert_eq!(sent, Err(SendError::Overload));
    let sent = Context::new(&mut hub.core).send_bytes(other.conn, crate::base::Kind::Text, "a".into());
    assert_eq!((sent, hub.queued()), (Err(SendError::Overload), queued));
    // Nobody is ended for it, and all is well once it is taken.
    assert!(written(&mut hub, START, slow.conn).len() > 3 * BIG);
    other.say(&mut hub, "again");
    assert_eq!(other.got, ["opened", "again"]);
    assert_eq!((hub.queued(), hub.stats().sends_refused, hub.stats().shed), (0, 2, 0));
}

/// A message to many counts at each of them, also where no event comes of it.
#[test]
fn a_broadcast_counts() {
    let mut config = config(Overload::Disconnect);
    config.max_queued = 1 << 20;
    let mut hub = hub(config);
    let peers = [0, 1, 2].map(|_| Peer::connect(&mut hub));
    for peer in &peers {
        Context::new(&mut hub.core).send(peer.conn, Message::text("y".repeat(10_000))).unwrap();
    }
    assert_eq!(hub.queued(), 3 * 8192);
    hub.release(START, peers[0].conn);
    assert_eq!(hub.queued(), 2 * 8192);
}
