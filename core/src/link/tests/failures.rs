use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn caught(act: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(act)).is_err(), "it should have panicked");
}

#[test]
fn a_panic_closes_its_connection_and_no_other() {
    let mut hub = hub(Config::default());
    let (mut a, mut b) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    caught(|| a.say(&mut hub, "panic"));
    assert_eq!(hub.recover(START), Some(a.conn));
    assert_eq!(hub.peer(a.conn), Some(&Address::Unix(String::new())));
    a.exchange(&mut hub, START);
    assert_eq!(a.got, ["opened", "closed 1011"]);
    b.say(&mut hub, "still here");
    assert_eq!(b.got, ["opened", "still here"]);
    assert_eq!(hub.service().log, ["opened", "opened", "closed 1011"]);
    assert_eq!(hub.stats().panics, 1);
}

#[test]
fn a_panic_over_a_request_is_a_500() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    caught(|| drop(get(&mut hub, conn, "/panic")));
    hub.recover(START);
    let text = String::from_utf8(written(&mut hub, START, conn)).unwrap();
    assert!(text.starts_with("HTTP/1.1 500 ") && text.ends_with("Internal Server Error"), "{text}");
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Write));
}

#[test]
fn a_panic_for_nobody_leaves_all() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    caught(|| hub.command(START, "panic".into()));
    peer.say(&mut hub, "on");
    assert_eq!(peer.got, ["opened", "on"]);
    assert_eq!(hub.stats().panics, 1);
}

#[test]
fn an_old_name_touches_no_successor() {
    let mut hub = hub(Config::default());
    let old = Peer::connect(&mut hub).conn;
    hub.release(START, old);
    assert_eq!(hub.service().log, ["opened", "closed 1006"]);
    let new = Peer::connect(&mut hub);
    assert_ne!(new.conn, old);
    assert_eq!(new.conn.slot(), old.slot());
    assert_eq!(hub.peer(old), None);
    hub.receive(START, old, &mut [0xff; 10]);
    hub.receive_end(START, old, End::Reset);
    hub.handle_written(START, old, 10);
    hub.release(START, old);
    assert_eq!(hub.wants(old), None);
    assert_eq!((hub.len(), hub.service().log.len()), (1, 3));
    assert!(hub.wants(new.conn).unwrap().read);
}

#[test]
fn a_silent_connection_is_gone_at_its_deadline() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let due = hub.poll_timeout().unwrap();
    assert_eq!(due, START + core::time::Duration::from_secs(10));
    hub.handle_timeout(due);
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Both));
    assert_eq!(hub.poll_timeout(), None);
    hub.release(due, conn);
    assert_eq!((hub.poll_timeout(), hub.len()), (None, 0));
}

/// What was read together with the message that the program failed over was not taken, so nothing behind it means what
/// it says.
#[test]
fn nothing_is_heard_behind_a_panic() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    for text in ["panic", "cut", "behind"] {
        peer.link.send(START, Message::text(text)).unwrap();
    }
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    let mut rest = up.split_off(up.len() - 10);
    caught(|| hub.receive(START, peer.conn, &mut up));
    hub.recover(START);
    hub.receive(START, peer.conn, &mut rest);
    peer.link.send(START, Message::text("all")).unwrap();
    peer.exchange(&mut hub, START);
    assert_eq!(peer.got, ["opened", "closed 1011"]);
    assert_eq!(hub.service().log, ["opened", "closed 1011"]);
}

#[test]
fn a_panic_in_closed_leaves_no_connection_behind() {
    let mut hub = hub(Config::default());
    let peers = [Peer::connect(&mut hub), Peer::connect(&mut hub)];
    hub.service.fragile = true;
    for peer in peers {
        caught(|| hub.release(START, peer.conn));
        assert_eq!(hub.poll_timeout(), Some(START));
        hub.handle_timeout(START);
        assert_eq!(hub.wants(peer.conn), None);
    }
    assert_eq!((hub.len(), hub.stats().closed, hub.stats().panics), (0, 2, 2));
}

#[test]
fn a_close_that_is_not_answered_ends_at_its_own_deadline() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.link.send(START, Message::text("close")).unwrap();
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
    let due = START + core::time::Duration::from_secs(5);
    assert_eq!(hub.poll_timeout(), Some(due));
    hub.handle_timeout(due);
    assert_eq!(hub.wants(peer.conn).unwrap().shutdown, Some(Shutdown::Abort));
}
