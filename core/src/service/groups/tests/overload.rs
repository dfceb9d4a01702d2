//! A hub that refuses to send.

use super::*;

fn hall(slow: SlowPolicy) -> Hall {
    hall_with(config(slow))
}

/// Two members of a group, the second of which is behind by two messages.
fn hall_with(config: Config) -> Hall {
    let mut hall = Hall::new(config, 2);
    hall.join(0, "g").unwrap();
    hall.join(1, "g").unwrap();
    for i in 0..8 {
        hall.say(&["g"], None, &said(i));
        while hall.read(0, 1000) {}
    }
    assert_eq!(hall.stats(1).behind, 2);
    hall
}

fn said(i: usize) -> String {
    std::format!("message number {i:04}")
}

/// Somebody to whom much is sent and who takes nothing, until the hub sends nothing any more.
fn overload(hall: &mut Hall) -> ConnId {
    let limits = link::Config { framing: Framing::codec(Lines::new()), ..link::Config::default() };
    let address = Address::Unix(String::new());
    let hog = hall.hub.accept_as(hall.now, address, Some(&limits.into())).unwrap();
    hall.hub.receive(hall.now, hog, &mut []);
    let large = text_message(&"x".repeat(MOST + 8192));
    assert_eq!(hall.act(move |groups, cx| groups.send(cx, hog, &large)), Fate::Sent);
    hog
}

fn relieve(hall: &mut Hall, hog: ConnId) {
    hall.hub.handle_written(hall.now, hog, MOST + 8193);
}

#[test]
fn what_waits_is_not_lost_while_nothing_may_be_sent() {
    let mut hall = hall(SlowPolicy::Disconnect);
    let hog = overload(&mut hall);
    assert_eq!(hall.lines(1).len(), 6);
    assert_eq!((hall.stats(1).behind, hall.stats(1).dropped), (2, 0), "it has room, and waits");
    // In order, behind what waits; one that is not behind is told nothing.
    let sent = hall.say(&["g"], None, &said(8));
    assert_eq!((sent.dropped, sent.waiting), (1, 1));
    for _ in 0..3 {
        let due = hall.groups().poll_timeout().unwrap();
        assert!(due > hall.now);
        hall.pass(due - hall.now);
        assert_eq!((hall.lines(1).len(), hall.stats(1).behind), (6, 3));
    }
    relieve(&mut hall, hog);
    let due = hall.groups().poll_timeout().unwrap();
    hall.pass(due - hall.now);
    assert_eq!(hall.lines(1), (0..9).map(said).collect::<Vec<_>>());
    assert_eq!((hall.groups().stats().behind, hall.groups().poll_timeout()), (0, None));
    assert_eq!((hall.groups().stats().dropped, hall.stats(0).dropped), (1, 1));
}

#[test]
fn how_long_until_they_are_tried_again_is_set() {
    for (set, held) in [(2000, 2000), (0, 1)] {
        let mut config = config(SlowPolicy::DropNewest);
        config.retry = Duration::from_millis(set);
        let mut hall = hall_with(config);
        overload(&mut hall);
        // Room for one that waits, and nothing may be sent.
        assert_eq!(hall.lines(1).len(), 6);
        let due = hall.groups().poll_timeout().unwrap();
        assert_eq!(due - hall.now, Duration::from_millis(held));
    }
}

#[test]
fn one_that_ends_while_nothing_may_be_sent_is_forgotten() {
    let mut hall = hall(SlowPolicy::DropNewest);
    overload(&mut hall);
    assert_eq!(hall.lines(1).len(), 6);
    assert!(hall.groups().poll_timeout().is_some());
    assert_eq!(hall.vanish(1).stats.unsent, 2);
    assert_eq!((hall.groups().poll_timeout(), hall.groups().stats().behind_messages), (None, 0));
}

/// Its end was told, so nobody would forget it.
#[test]
fn one_that_is_gone_is_not_remembered_for_what_cannot_be_sent() {
    let mut hall = hall(SlowPolicy::DropNewest);
    let gone = hall.conns[0];
    hall.vanish(0);
    // The stream of this one is still being closed, and text it could not have been sent in any case.
    let limits = link::Config { framing: Framing::codec(framed::Typed), ..link::Config::default() };
    let ended = hall.hub.accept_as(hall.now, Address::Unix(String::new()), Some(&limits.into())).unwrap();
    hall.hub.receive(hall.now, ended, &mut []);
    hall.hub.receive_end(hall.now, ended, End::Reset);
    let send = |hall: &mut Hall, conn| {
        let fate = hall.act(move |groups, cx| groups.send(cx, conn, &text_message("x")));
        assert_eq!((fate, hall.groups().member(conn)), (Fate::Unsent, None));
    };
    send(&mut hall, ended);
    overload(&mut hall);
    send(&mut hall, ended);
    send(&mut hall, gone);
}
