//! Users who take less than they are sent.

use super::*;

fn congest(site: &mut Site, conn: u32) {
    site.rooms.handle_congested(conn);
    site.heard.clear();
}

fn relieve(site: &mut Site, conn: u32) {
    site.rooms.handle_drained(site.now, site.wall(), conn);
    site.drain();
}

fn say(site: &mut Site, conn: u32, content: &str) {
    site.say(conn, json!({"type": "message", "content": content}));
    site.pass(50);
}

#[test]
fn who_is_congested_misses_what_is_said_and_is_told_it_later() {
    let mut site = Site::of(3);
    say(&mut site, 1, "a");
    congest(&mut site, 2);
    for _ in 0..3 {
        say(&mut site, 1, "a");
    }
    assert_eq!((site.ids(2), site.ids(3)), (vec![], vec![2, 3, 4]));
    relieve(&mut site, 2);
    assert_eq!(site.ids(2), [2, 3, 4]);
    say(&mut site, 1, "a");
    assert_eq!((site.ids(2), site.ids(3)), (vec![5], vec![5]));
}

#[test]
fn what_was_missed_waits_for_each_part_to_be_taken() {
    let mut site = Site::of(2);
    congest(&mut site, 2);
    for _ in 0..60 {
        say(&mut site, 1, &"x".repeat(4_000));
    }
    let mut ids = Vec::new();
    for _ in 0..4 {
        site.rooms.handle_drained(site.now, site.wall(), 2);
        while let Some(Action::Send { conn: 2, text }) = site.rooms.poll_action() {
            ids.extend(ids_of(&serde_json::from_slice(&text).unwrap()));
            site.rooms.handle_congested(2);
        }
        assert!(ids.len() % 16 == 0 || ids.len() == 60, "{ids:?}");
    }
    assert_eq!(ids, (1..=60).collect::<Vec<_>>());
    relieve(&mut site, 2);
    assert!(site.heard(2).is_empty() && site.rooms.stats().behind == 0);
}

#[test]
fn who_has_missed_more_than_is_at_hand_has_it_read() {
    let mut site = Site::of(6);
    site.mood = Mood::Slow;
    for i in 0..200 {
        site.say(i % 5 + 1, json!({"type": "message", "content": "\u{1}".repeat(4_096)}));
    }
    congest(&mut site, 6);
    site.heal();
    assert!(site.heard(6).is_empty() && site.closed.is_empty());
    relieve(&mut site, 6);
    assert_eq!(site.ids(6), (1..=200).collect::<Vec<_>>());
}

#[test]
fn who_has_too_much_to_take_has_two_seconds_for_it() {
    let mut site = Site::of(3);
    congest(&mut site, 2);
    let content = "x".repeat(4_000);
    let mut said = 0;
    while site.rooms.congested.poll_timeout().is_none() {
        say(&mut site, 1, &content);
        said += 1;
        assert!(said < 300, "it never has too much");
    }
    assert!(said * 4_000 > 900_000 && site.closed.is_empty(), "after {said}");
    // It takes it in time.
    site.pass(1_900);
    relieve(&mut site, 2);
    assert_eq!(site.ids(2), (1..=said).collect::<Vec<_>>());
    site.pass(10_000);
    assert!(site.closed.is_empty());
    // It does not.
    congest(&mut site, 2);
    while site.rooms.congested.poll_timeout().is_none() {
        say(&mut site, 1, &content);
    }
    site.heard.clear();
    site.pass(1_949);
    assert!(site.closed.is_empty());
    site.pass(1);
    assert_eq!((site.types(3), &site.closed[..]), (vec!["leave".into()], &[(2, 1013)][..]));
    assert_eq!((site.rooms.stats().slow, site.rooms.stats().users), (1, 2));
}

#[test]
fn who_takes_nothing_and_is_told_little_is_left_alone() {
    let mut site = Site::of(2);
    congest(&mut site, 2);
    for _ in 0..100 {
        say(&mut site, 1, "a");
    }
    site.pass(3_600_000);
    assert!(site.closed.is_empty());
    relieve(&mut site, 2);
    assert_eq!(site.ids(2).len(), 100);
}

#[test]
fn what_is_no_message_counts_as_well() {
    let mut site = Site::new(Limits { max_outbox: 500, ..Limits::default() });
    site.enter(1);
    congest(&mut site, 1);
    for conn in 2..6 {
        site.enter(conn);
    }
    site.pass(2_000);
    assert_eq!(site.closed, [(1, 1013)]);
}
