use super::*;
use crate::base::Scratch;
use crate::ws;

/// Whoever feeds a connection looks at it himself; others that it brought something about are named.
#[test]
fn the_connection_that_is_fed_is_not_named() {
    let mut hub = hub(Config::default());
    let (mut a, b) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    while hub.poll_dirty().is_some() {}
    a.say(&mut hub, "hello");
    assert_eq!(hub.poll_dirty(), None);
    a.say(&mut hub, "all");
    assert_eq!((hub.poll_dirty(), hub.poll_dirty()), (Some(b.conn), None));
    assert!(hub.wants(b.conn).unwrap().write);
    feed(&mut hub, &mut a, &["close"]);
    assert_eq!(hub.poll_dirty(), None);
}

/// What is sent to another connection is to be taken in time, as what is sent to one's own.
#[test]
fn a_send_to_another_has_a_deadline() {
    let ws = ws::Config { write_timeout: Some(core::time::Duration::from_secs(1)), ..ws::Config::default() };
    let mut hub = hub(Config { ws: Arc::new(ws), ..Config::default() });
    let (mut a, b) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    hub.handle_timeout(START + core::time::Duration::from_secs(10));
    let due = |hub: &mut Hub<Scripted>| hub.core.entry(b.conn).unwrap().due;
    assert!(due(&mut hub) > START + core::time::Duration::from_secs(11));
    a.say(&mut hub, "all");
    assert_eq!(due(&mut hub), START + core::time::Duration::from_secs(11));
}

#[test]
fn writing_goes_on_until_the_transport_takes_no_more() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    feed(&mut hub, &mut peer, &["hello", "again"]);
    let mut room = Vec::from([0, 1, 5, 2]);
    let (mut shown, mut written) = (0, Vec::new());
    let wants = hub.write(START, peer.conn, |pieces| {
        shown += 1;
        let Some(n) = room.pop() else { return 0 };
        written.extend_from_slice(&pieces.concat()[..n]);
        n
    });
    assert!(wants.unwrap().write);
    assert_eq!((shown, written.len()), (4, 8));
    let wants = hub.write(START, peer.conn, |pieces| {
        written.extend_from_slice(&pieces.concat());
        usize::MAX
    });
    assert!(!wants.unwrap().write);
    assert_eq!(written, b"\x81\x05hello\x81\x05again");
    assert!(!hub.write(START, peer.conn, |_| unreachable!()).unwrap().write, "there is nothing to show");
    hub.receive_end(START, peer.conn, End::WriteFailed);
    hub.release(START, peer.conn);
    assert_eq!(hub.write(START, peer.conn, |_| unreachable!()), None);
}

/// What was held back, and the room that is told of, come of the writing itself.
#[test]
fn writing_takes_what_was_held_back() {
    let mut ws = ws::Config::default();
    (ws.high_mark, ws.low_mark, ws.max_message, ws.queue_limit) = (10, 0, 500, 0);
    let mut hub = hub(Config { ws: Arc::new(ws), ..Config::default() });
    let mut peer = Peer::connect(&mut hub);
    feed(&mut hub, &mut peer, &["hello", "again", "and once more", "last"]);
    assert!(!hub.wants(peer.conn).unwrap().read);
    let mut written = Vec::new();
    let wants = hub.write(START, peer.conn, |pieces| {
        written.extend_from_slice(&pieces.concat());
        usize::MAX
    });
    assert_eq!(wants, Some(crate::base::Wants { read: true, write: false, shutdown: None }));
    assert!(written.ends_with(b"\x81\x04last"));
    assert_eq!(hub.service().log, ["opened", "drained", "drained"]);
}

/// A connection that nothing is held back of is told of the room that writing made.
#[test]
fn writing_brings_about_what_was_waited_for() {
    let ws = ws::Config { high_mark: 10, low_mark: 0, ..ws::Config::default() };
    let mut hub = hub(Config { ws: Arc::new(ws), ..Config::default() });
    let mut peer = Peer::connect(&mut hub);
    feed(&mut hub, &mut peer, &["hello and more"]);
    assert!(!hub.wants(peer.conn).unwrap().read);
    assert!(hub.write(START, peer.conn, |pieces| pieces[0].len()).unwrap().read);
    assert_eq!(hub.service().log, ["opened", "drained"]);
}

/// The scratch stays with whoever was fed last, but not once it has grown large.
#[test]
fn a_large_answer_is_not_kept() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "hello");
    assert_eq!(hub.core.lent, Some(peer.conn));
    for step in [usize::MAX, 100_000] {
        let long = "x".repeat(3 * Scratch::KEEP);
        feed(&mut hub, &mut peer, &[&long]);
        assert_eq!(hub.core.lent, Some(peer.conn));
        while hub.write(START, peer.conn, |pieces| pieces[0].len().min(step)).unwrap().write {}
        assert_eq!(hub.core.lent, None);
        assert!(hub.core.scratch.capacity() <= 2 * Scratch::KEEP, "{}", hub.core.scratch.capacity());
    }
}

/// All of it comes in one read.
fn feed(hub: &mut Hub<Scripted>, peer: &mut Peer, texts: &[&str]) {
    for text in texts {
        peer.link.send(START, Message::text(*text)).unwrap();
    }
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
}
