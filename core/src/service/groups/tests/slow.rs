//! Members that do not read.

use super::*;

/// 20 bytes on the wire.
fn said(i: usize) -> String {
    std::format!("message number {i:04}")
}

/// Two members, the second of which reads nothing; so many messages of 20 bytes to both.
fn hall(slow: SlowPolicy, messages: usize) -> Hall {
    let mut hall = Hall::new(config(slow), 2);
    hall.join(0, "g").unwrap();
    hall.join(1, "g").unwrap();
    hall.join(1, "h").unwrap();
    speak(&mut hall, 0..messages);
    hall
}

fn speak(hall: &mut Hall, numbers: core::ops::Range<usize>) {
    for i in numbers {
        hall.say(&["g"], None, &said(i));
        while hall.read(0, 1000) {}
    }
}

fn lines(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(said).collect()
}

#[test]
fn the_newest_are_dropped() {
    // 5 bring the output to its high mark and the sixth over it, 4 wait, the others are dropped.
    let mut hall = hall(SlowPolicy::DropNewest, 15);
    let stats = hall.stats(1);
    assert_eq!((stats.behind, stats.behind_bytes, stats.dropped), (4, 76, 5));
    assert_eq!(hall.groups().slow().collect::<Vec<_>>(), [(hall.conns[1], stats)]);
    assert_eq!(hall.lines(1), lines(0..10));
    speak(&mut hall, 15..16);
    assert_eq!(hall.lines(1), lines((0..10).chain([15])));
    assert_eq!(hall.vanish(1).stats, MemberStats { dropped: 5, ..MemberStats::default() });
    assert_eq!((hall.groups().stats().dropped, hall.groups().stats().disconnected), (5, 0));
}

#[test]
fn the_oldest_are_dropped() {
    let mut hall = hall(SlowPolicy::DropOldest, 15);
    let stats = hall.stats(1);
    assert_eq!((stats.behind, stats.behind_bytes, stats.dropped), (4, 76, 5));
    assert_eq!(hall.lines(1), lines((0..6).chain(11..15)));
    assert_eq!(hall.stats(1).dropped, 5);
    assert_eq!(hall.groups().stats().behind, 0);
}

/// A message that could never wait costs none of those that do.
#[test]
fn one_that_is_too_large_to_wait_drops_itself_alone() {
    let mut hall = hall(SlowPolicy::DropOldest, 8);
    assert_eq!(hall.say(&["g"], Some(0), &"x".repeat(101)).dropped, 1);
    assert_eq!((hall.stats(1).behind, hall.stats(1).dropped), (2, 1));
    assert_eq!(hall.lines(1), lines(0..8));
}

#[test]
fn a_slow_member_is_disconnected_with_1013() {
    let mut hall = hall(SlowPolicy::Disconnect, 10);
    assert!(!hall.stats(1).is_disconnected);
    let sent = hall.say(&["g"], None, "one too many");
    assert_eq!((sent.sent, sent.unsent), (1, 1));
    let expected = MemberStats { unsent: 5, is_disconnected: true, ..MemberStats::default() };
    assert_eq!(hall.stats(1), expected);
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("g", 1)], "it has left at once");
    assert_eq!(hall.join(1, "g"), Err(SubscribeError::NotOpen));
    assert_eq!(hall.lines(1), lines(0..6), "what it was sent before it still gets");
    let report = hall.vanish(1);
    assert_eq!(report.groups.iter().map(|name| &**name).collect::<Vec<_>>(), ["g", "h"]);
    assert_eq!(report.stats, expected);
    let stats = hall.groups().stats();
    assert_eq!((stats.disconnected, stats.unsent, stats.behind, stats.behind_bytes), (1, 5, 0, 0));
}

#[test]
fn waiting_ends_at_its_deadline() {
    let second = Duration::from_secs(1);
    let mut hall = hall(SlowPolicy::Wait(second), 6);
    assert_eq!(hall.groups().poll_timeout(), None, "congested, and nothing waits");
    hall.pass(second);
    speak(&mut hall, 6..8);
    assert_eq!(hall.groups().poll_timeout(), Some(hall.now + second));
    hall.pass(second / 2);
    // It takes some, which is not all.
    hall.read(1, 70);
    assert_eq!(hall.stats(1).behind, 0, "what fits behind the low mark was sent on");
    assert_eq!(hall.groups().poll_timeout(), None);
    speak(&mut hall, 8..13);
    let due = hall.now + second;
    assert_eq!(hall.groups().poll_timeout(), Some(due));
    hall.pass(second - Duration::from_nanos(1));
    assert!(!hall.stats(1).is_disconnected);
    hall.pass(Duration::from_nanos(1));
    assert_eq!((hall.stats(1).is_disconnected, hall.stats(1).unsent), (true, 4));
    assert_eq!(hall.groups().poll_timeout(), None);
    assert_eq!(hall.vanish(1).stats.unsent, 4);
}

#[test]
fn waiting_ends_where_no_more_may_wait() {
    let mut hall = hall(SlowPolicy::Wait(Duration::from_secs(1)), 11);
    assert!(hall.stats(1).is_disconnected && hall.groups().poll_timeout().is_none());
    assert_eq!((hall.lines(1), hall.vanish(1).stats.unsent), (lines(0..6), 5));
}

/// What is said to one by itself stands behind what was said to all.
#[test]
fn a_direct_send_does_not_overtake() {
    let mut hall = hall(SlowPolicy::DropNewest, 8);
    let conn = hall.conns[1];
    let fate = hall.act(move |groups, cx| groups.send(cx, conn, &text_message("to you alone")));
    assert_eq!(fate, Fate::Waiting);
    speak(&mut hall, 8..9);
    let mut expected = lines(0..8);
    expected.extend(["to you alone".into(), said(8)]);
    assert_eq!(hall.lines(1), expected);
}

#[test]
fn one_that_has_left_still_gets_what_it_was_sent() {
    let mut hall = hall(SlowPolicy::DropNewest, 8);
    assert!(hall.leave(1, "g") && hall.leave(1, "h"));
    speak(&mut hall, 8..9);
    assert_eq!(hall.lines(1), lines(0..8));
    assert_eq!(hall.groups().member(hall.conns[1]), None);
}

/// Whoever drains gets what waits up to the high mark, as anybody would, and not all that its queue could take.
#[test]
fn what_waits_goes_out_only_as_far_as_there_is_room() {
    let mut hall = Hall::new(Config { max_behind: 50, max_behind_bytes: 1000, ..Config::default() }, 1);
    hall.join(0, "g").unwrap();
    for i in 0..20 {
        hall.say(&["g"], None, &said(i));
    }
    assert_eq!(hall.stats(0).behind, 14);
    hall.read(0, 70);
    // It is at its low mark then, and three more bring it over the high one.
    assert_eq!(hall.stats(0).behind, 11);
    assert_eq!(hall.lines(0), lines(0..20));
}

/// All members together may have no more waiting than this.
#[test]
fn the_bytes_of_all_backlogs_are_bounded() {
    let mut hall = Hall::new(Config { max_bytes: 100, ..config(SlowPolicy::DropOldest) }, 8);
    for member in 0..8 {
        hall.join(member, "g").unwrap();
    }
    for i in 0..20 {
        hall.say(&["g"], None, &said(i));
        assert!(hall.groups().stats().behind_bytes <= 100);
    }
    let stats = hall.groups().stats();
    assert_eq!((stats.behind_messages, stats.dropped), (5, 8 * 14 - 5));
    for member in 0..8 {
        let got = hall.lines(member);
        assert_eq!(got[..6], lines(0..6));
        assert!(got.len() == 6 || got[6..].is_sorted());
    }
    assert_eq!(hall.groups().stats().behind_messages, 0);
}

/// Several messages in one turn are no reason to be disconnected: nobody could have read in between.
#[test]
fn a_burst_waits_for_those_who_read() {
    let mut hall = Hall::new(Config { max_behind: 50, max_behind_bytes: 1000, ..Config::default() }, 3);
    for member in 0..3 {
        hall.join(member, "g").unwrap();
    }
    hall.act(|groups, cx| {
        for i in 0..40 {
            groups.broadcast(cx, To::Group("g"), None, &text_message(&said(i)));
        }
    });
    assert_eq!((hall.groups().stats().behind, hall.groups().stats().behind_messages), (3, 3 * 34));
    for member in 0..3 {
        assert_eq!(hall.lines(member), lines(0..40));
    }
    assert_eq!(hall.groups().slow().count(), 0, "who has caught up is like all others");
    assert_eq!(hall.groups().stats().sent, 120);
}
