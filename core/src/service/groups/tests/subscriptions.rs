//! Joining, leaving, and the limits on both.

use super::*;

#[test]
fn each_limit_holds_and_says_which_it_is() {
    let limits =
        Config { max_name: 3, max_groups: 3, max_groups_per_member: 2, max_members: 2, ..Config::default() };
    let mut hall = Hall::new(limits, 4);
    for (member, group, outcome) in [
        (0, "", Err(SubscribeError::BadName { limit: 3 })),
        (0, "four", Err(SubscribeError::BadName { limit: 3 })),
        (0, "a", Ok(true)),
        (0, "a", Ok(false)),
        (0, "b", Ok(true)),
        (0, "c", Err(SubscribeError::TooManyOfMember { limit: 2 })),
        (0, "b", Ok(false)),
        (1, "a", Ok(true)),
        (2, "a", Err(SubscribeError::GroupFull { limit: 2 })),
        (2, "c", Ok(true)),
        (2, "d", Err(SubscribeError::TooManyGroups { limit: 3 })),
        (2, "b", Ok(true)),
    ] {
        assert_eq!(hall.join(member, group), outcome, "{member} {group}");
    }
    assert_eq!(hall.groups().stats().refused, 5);
    assert!(!hall.leave(3, "a") && !hall.leave(0, "c") && hall.leave(0, "a"));
    assert_eq!(hall.join(2, "a"), Err(SubscribeError::TooManyOfMember { limit: 2 }));
    assert_eq!(hall.join(3, "a"), Ok(true));
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("a", 2), ("b", 2), ("c", 1)]);
    assert_eq!(hall.groups().members_of("a").collect::<Vec<_>>(), [hall.conns[1], hall.conns[3]]);
    assert_eq!(hall.groups().groups_of(hall.conns[2]).collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn the_sender_is_left_out_where_asked() {
    let mut hall = Hall::new(Config::default(), 3);
    for member in 0..3 {
        hall.join(member, "g").unwrap();
    }
    assert_eq!(hall.say(&["g"], Some(1), "a").total(), 2);
    assert_eq!(hall.say_to(To::Members, Some(0), "b").total(), 2);
    assert_eq!(hall.say_to(To::Everyone, Some(2), "c").total(), 2);
    assert_eq!(hall.say(&["g", "h"], Some(0), "d").total(), 2);
    assert_eq!(hall.say(&["nobody's"], None, "e"), Sent::default());
    assert_eq!(
        (hall.lines(0), hall.lines(1), hall.lines(2)),
        (
            ["a", "c"].map(String::from).to_vec(),
            ["b", "c", "d"].map(String::from).to_vec(),
            ["a", "b", "d"].map(String::from).to_vec(),
        )
    );
}

#[test]
fn what_a_transport_cannot_carry_is_counted_and_not_waited_for() {
    let mut hall = Hall::new(Config::default(), 1);
    hall.join(0, "g").unwrap();
    let binary = Prepared::new(Kind::Binary, b"x"[..].into()).unwrap();
    let sent = hall.act(move |groups, cx| groups.broadcast(cx, To::Group("g"), None, &binary));
    assert_eq!((sent.unsendable, sent.total()), (1, 1));
    assert_eq!(hall.say(&["g"], None, "two\nlines").unsendable, 1);
    assert_eq!(hall.say(&["g"], None, &"x".repeat(100_000)).unsendable, 1);
    assert_eq!(hall.say(&["g"], None, "one").sent, 1);
    assert_eq!((hall.lines(0), hall.stats(0).unsendable), (alloc::vec!["one".into()], 3));
    assert_eq!(hall.vanish(0).stats.unsendable, 3);
    assert_eq!(hall.groups().stats().unsendable, 3);
}

#[test]
fn one_that_is_closing_has_left() {
    let mut hall = Hall::new(Config::default(), 2);
    hall.join(0, "g").unwrap();
    hall.join(1, "g").unwrap();
    let conn = hall.conns[0];
    hall.act(move |_, cx| cx.close(conn, CloseCode::NORMAL, "").unwrap());
    assert_eq!(hall.join(0, "h"), Err(SubscribeError::NotOpen));
    let sent = hall.say(&["g"], None, "a");
    assert_eq!((sent.sent, sent.unsent), (1, 1));
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("g", 1)]);
    assert_eq!(hall.say_to(To::Everyone, None, "b").unsent, 1);
    let left = hall.vanish(0);
    assert_eq!((&*left.groups[0], left.stats.unsent, left.stats.is_disconnected), ("g", 2, false));
    assert_eq!(hall.groups().stats().unsent, 2);
    assert_eq!(hall.groups().slow().count(), 0, "nothing is remembered of it");
}

/// A connection that nobody knows, or that is no member, leaves no trace.
#[test]
fn strangers_are_not_remembered() {
    let mut hall = Hall::new(Config::default(), 2);
    hall.vanish(0);
    let conn = hall.conns[0];
    let fate = hall.act(move |groups, cx| groups.send(cx, conn, &text_message("a")));
    assert_eq!(fate, Fate::Unsent);
    assert_eq!((hall.groups().slow().count(), hall.groups().member(conn)), (0, None));
    let conn = hall.conns[1];
    hall.act(move |groups, cx| assert_eq!(groups.send(cx, conn, &text_message("a")), Fate::Sent));
    assert_eq!((hall.lines(1), hall.groups().member(conn)), (alloc::vec!["a".into()], None));
    assert_eq!(hall.vanish(1), Left::default());
}
