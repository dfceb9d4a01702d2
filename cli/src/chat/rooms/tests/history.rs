//! What joiners are told of what was said before.

use super::*;

fn say(site: &mut Site, conn: u32, room: &str) {
    site.say(conn, json!({"type": "message", "roomId": room, "content": "a"}));
    site.pass(50);
}

#[test]
fn a_joiner_is_told_the_last_fifty_oldest_first_after_the_list() {
    let mut site = Site::of(1);
    for _ in 0..60 {
        say(&mut site, 1, "general");
    }
    site.enter(2);
    let heard = site.heard(2);
    let types: Vec<_> = heard.iter().map(|m| m["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["welcome", "join", "user_list", "history"]);
    assert_eq!(ids_of(&heard[3]), (11..=60).collect::<Vec<_>>());
    assert_eq!((&heard[3]["more"], &heard[3]["roomId"]), (&json!(true), &json!("general")));
    assert_eq!(heard[3]["messages"][0], site.heard(1)[10]);
}

#[test]
fn what_is_said_while_a_history_is_read_waits_for_it() {
    let mut site = Site::of(1);
    say(&mut site, 1, "general");
    site.enter(2);
    site.heard.clear();
    site.mood = Mood::Slow;
    site.say(2, json!({"type": "join", "roomId": "x"}));
    assert_eq!(site.types(2), ["join", "user_list"]);
    // Said in the other room, where the joiner is as well: it waits too, or ids would not be in order.
    site.say(1, json!({"type": "message", "content": "a"}));
    site.say(2, json!({"type": "message", "roomId": "x", "content": "a"}));
    site.heal();
    let heard = site.heard(2);
    let told: Vec<_> = heard.iter().map(|m| (m["type"].as_str().unwrap(), ids_of(m))).collect();
    assert_eq!(told, [("history", vec![]), ("message", vec![2]), ("message", vec![3])]);
    assert_eq!(site.ids(1), [2]);
}

#[test]
fn whoever_joins_and_speaks_at_once_hears_itself_behind_the_history() {
    let mut site = Site::of(1);
    say(&mut site, 1, "general");
    site.mood = Mood::Slow;
    site.open(2, false);
    site.say(2, json!({"type": "join"}));
    site.say(2, json!({"type": "message", "content": "hello"}));
    site.heal();
    let heard = site.heard(2);
    let told: Vec<_> = heard.iter().map(|m| (m["type"].as_str().unwrap(), ids_of(m))).collect();
    assert_eq!(
        told,
        [
            ("welcome", vec![]),
            ("join", vec![]),
            ("user_list", vec![]),
            ("history", vec![1]),
            ("message", vec![2])
        ]
    );
}

#[test]
fn the_first_message_of_all_is_no_history_of_who_said_it() {
    let mut site = Site::new(Limits::default());
    site.open(1, true);
    site.say(1, json!({"type": "message", "content": "hello"}));
    let heard = site.heard(1);
    assert_eq!((ids_of(&heard[3]), ids_of(&heard[4])), (vec![], vec![1]));
}

#[test]
fn after_a_restart_all_that_is_there_is_history() {
    let mut site = Site::of(1);
    for _ in 0..3 {
        say(&mut site, 1, "general");
    }
    site.restart();
    site.mood = Mood::Slow;
    site.open(1, true);
    site.say(1, json!({"type": "message", "content": "hello"}));
    site.heal();
    let heard = site.heard(1);
    assert_eq!((ids_of(&heard[3]), ids_of(&heard[4])), (vec![1, 2, 3], vec![4]));
}

#[test]
fn without_the_database_a_joiner_waits_ten_seconds_for_the_history_and_is_told() {
    let mut site = Site::of(1);
    site.mood = Mood::Away;
    site.open(2, false);
    site.say(2, json!({"type": "join"}));
    assert_eq!(site.types(2), ["welcome", "join", "user_list"]);
    for _ in 0..99 {
        site.pass(100);
        assert!(site.heard(2).is_empty());
    }
    site.pass(100);
    assert_eq!(site.code(2), "unavailable");
    site.heal();
    site.say(1, json!({"type": "message", "content": "a"}));
    assert_eq!(site.ids(2), [1]);
}

#[test]
fn whoever_leaves_before_the_history_comes_is_not_told_it() {
    let mut site = Site::of(1);
    say(&mut site, 1, "general");
    site.mood = Mood::Slow;
    site.open(2, false);
    site.say(2, json!({"type": "join"}));
    site.say(2, json!({"type": "leave", "roomId": "general"}));
    site.heal();
    assert_eq!(site.types(2), ["welcome", "join", "user_list", "leave"]);
    site.say(2, json!({"type": "join"}));
    assert_eq!(site.types(2), ["join", "user_list", "history"]);
    say(&mut site, 1, "general");
    assert_eq!(site.ids(2), [2]);
}

#[test]
fn histories_of_several_rooms_come_in_the_order_of_joining() {
    let mut site = Site::of(1);
    say(&mut site, 1, "general");
    site.mood = Mood::Slow;
    site.open(2, false);
    for room in ["a", "general", "b"] {
        site.say(2, json!({"type": "join", "roomId": room}));
        site.say(1, json!({"type": "message", "content": "x"}));
    }
    site.heal();
    let heard = site.heard(2);
    let told = heard.iter().filter(|m| m["type"] == "history" || m["type"] == "message");
    let told: Vec<_> = told.map(|m| (m["roomId"].as_str().unwrap(), ids_of(m))).collect();
    let all: Vec<u64> = told.iter().flat_map(|(_, ids)| ids.clone()).collect();
    assert_eq!(all, [1, 2, 3, 4], "{told:?}");
    let histories: Vec<_> =
        heard.iter().filter(|m| m["type"] == "history").map(|m| m["roomId"].clone()).collect();
    assert_eq!(histories, ["a", "general", "b"]);
}
