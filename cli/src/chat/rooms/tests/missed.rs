//! What is told to users who come back: who is where, and what they have missed.

use super::resuming::{resume, say, site};
use super::*;

#[test]
fn without_the_database_whoever_comes_back_hears_the_rest_when_it_is_back() {
    let (mut site, token) = site();
    for _ in 0..3 {
        say(&mut site, 2, "general");
    }
    site.mood = Mood::Away;
    // The session waits to be stored, so nothing has to be looked up.
    site.say(1, json!({"type": "name", "name": "Grace"}));
    site.close(1);
    site.open(3, false);
    site.heard.clear();
    site.say(2, json!({"type": "message", "content": "a"}));
    resume(&mut site, 3, &token, 1);
    assert_eq!(site.heard[&3][0]["name"], "Grace");
    site.pass(15_000);
    site.heal();
    site.pass(5_000);
    assert_eq!(site.ids(3), [2, 3]);
}

#[test]
fn live_messages_wait_behind_what_was_missed() {
    let (mut site, token) = site();
    site.close(1);
    for _ in 0..70 {
        say(&mut site, 2, "general");
    }
    site.mood = Mood::Slow;
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    while site.asked.is_some() {
        if site.memory.entries().count() < 80 {
            site.say(2, json!({"type": "message", "content": "a"}));
            site.pass(50);
        }
        site.answer();
    }
    let last = site.memory.entries().count() as u64;
    assert_eq!(site.ids(3), (1..=last).collect::<Vec<_>>());
    say(&mut site, 2, "general");
    site.heal();
    assert_eq!(site.ids(3), [last + 1]);
}

/// Lists of great rooms are more than a connection has room for.
#[test]
fn lists_wait_for_each_other_to_be_taken() {
    let (mut site, token) = site();
    say(&mut site, 2, "general");
    site.close(1);
    site.open(3, false);
    site.heard.clear();
    let message = json!({"type": "resume", "token": token, "after": 0});
    site.rooms.handle_message(site.now, site.wall(), 3, &Message::text(message.to_string()));
    site.rooms.handle_congested(3);
    site.drain();
    assert_eq!((site.types(3), site.types(2)), (vec!["welcome".into()], vec!["join".into()]));
    // Who comes and goes meanwhile is on the list or not.
    site.enter(4);
    site.say(2, json!({"type": "name", "name": "Eve"}));
    site.say(4, json!({"type": "typing", "roomId": "general"}));
    site.close(4);
    assert!(site.heard(3).is_empty());
    for room in ["general", "x"] {
        site.rooms.handle_drained(site.now, site.wall(), 3);
        while let Some(Action::Send { conn: 3, text }) = site.rooms.poll_action() {
            site.heard.entry(3).or_default().push(serde_json::from_slice(&text).unwrap());
            site.rooms.handle_congested(3);
        }
        let heard = site.heard(3);
        assert_eq!((heard.len(), heard[0]["roomId"].as_str()), (1, Some(room)), "{heard:?}");
        let users = if room == "x" { json!(["Ada"]) } else { json!(["Eve", "Ada"]) };
        assert_eq!(heard[0]["users"], users);
        site.say(2, json!({"type": "name", "name": format!("Eve {room}")}));
        assert_eq!(site.types(3), ["name"]);
        site.say(2, json!({"type": "name", "name": "Eve"}));
        site.heard.clear();
    }
    site.rooms.handle_drained(site.now, site.wall(), 3);
    site.drain();
    assert_eq!(site.ids(3), [1]);
}

#[test]
fn who_leaves_a_room_before_its_list_is_not_told_it() {
    let (mut site, token) = site();
    site.close(1);
    site.open(3, false);
    site.heard.clear();
    let message = json!({"type": "resume", "token": token, "after": 0});
    site.rooms.handle_message(site.now, site.wall(), 3, &Message::text(message.to_string()));
    site.rooms.handle_congested(3);
    site.say(3, json!({"type": "leave", "roomId": "general"}));
    assert_eq!(
        (site.types(3), site.types(2)),
        (vec!["welcome".into(), "leave".into()], vec!["join".into(), "leave".into()])
    );
    site.say(3, json!({"type": "user_list", "roomId": "x"}));
    assert_eq!(site.types(3), ["user_list"]);
    site.rooms.handle_drained(site.now, site.wall(), 3);
    site.drain();
    assert!(site.heard(3).is_empty());
}

#[test]
fn who_joins_after_a_restart_is_told_the_history_behind_what_was_missed() {
    let (mut site, token) = site();
    site.close(1);
    site.say(2, json!({"type": "join", "roomId": "y"}));
    for _ in 0..100 {
        say(&mut site, 2, "general");
        say(&mut site, 2, "y");
    }
    site.restart();
    site.mood = Mood::Slow;
    site.open(3, false);
    resume(&mut site, 3, &token, 11);
    site.say(3, json!({"type": "join", "roomId": "y"}));
    site.heal();
    let heard = site.heard(3);
    let ids: Vec<u64> = heard.iter().flat_map(ids_of).collect();
    // What it has seen of all, then what the other room has.
    let missed: Vec<u64> = (6..=100).map(|n| 2 * n - 1).filter(|id| *id > 11).collect();
    assert_eq!(ids[..missed.len()], missed[..]);
    let types: Vec<_> = heard.iter().filter_map(|m| m["type"].as_str()).collect();
    assert_eq!(types.iter().filter(|kind| **kind == "history").count(), 1);
    assert_eq!((types.last(), ids.len()), (Some(&"history"), missed.len() + 50));
}

#[test]
fn what_was_missed_is_paged_by_what_the_client_takes() {
    let (mut site, token) = site();
    site.close(1);
    let content = "x".repeat(4_000);
    for _ in 0..100 {
        site.say(2, json!({"type": "message", "content": content}));
        site.pass(50);
    }
    site.open(3, false);
    site.heard.clear();
    site.mood = Mood::Slow;
    resume(&mut site, 3, &token, 0);
    site.heal();
    // It is told as much as it takes at once, and then no more.
    let mut site = Site { mood: Mood::Well, ..site };
    let all = site.ids(3);
    assert_eq!(all, (1..=100).collect::<Vec<_>>());
    site.close(3);
    site.open(4, false);
    site.heard.clear();
    site.rooms.handle_message(
        site.now,
        site.wall(),
        4,
        &Message::text(json!({"type": "resume", "token": token, "after": 0}).to_string()),
    );
    site.rooms.handle_congested(4);
    site.drain();
    assert!(site.ids(4).is_empty());
    // Two lists, and a part of the messages.
    for _ in 0..3 {
        site.rooms.handle_drained(site.now, site.wall(), 4);
        while let Some(action) = site.rooms.poll_action() {
            match action {
                Action::Send { conn: 4, text } => {
                    let heard = serde_json::from_slice(&text).unwrap();
                    site.heard.entry(4).or_default().push(heard);
                    site.rooms.handle_congested(4);
                }
                Action::Ask(ask) => {
                    let answer = site.memory.carry_out(&ask);
                    site.rooms.handle_answer(site.now, site.wall(), Ok(answer));
                }
                _ => {}
            }
        }
    }
    let some = site.ids(4);
    assert!(!some.is_empty() && some.len() < 25, "{some:?}");
    say(&mut site, 2, "general");
    assert!(site.ids(4).is_empty());
    site.rooms.handle_drained(site.now, site.wall(), 4);
    site.drain();
    assert_eq!(site.ids(4), (some.len() as u64 + 1..=101).collect::<Vec<_>>());
}

#[test]
fn a_duplicate_told_to_one_who_is_behind_skips_nothing() {
    let (mut site, token) = site();
    // More than is read before the duplicate is stored.
    for _ in 0..600 {
        say(&mut site, 2, "general");
    }
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    site.close(1);
    site.mood = Mood::Slow;
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    site.say(3, json!({"type": "message", "content": "a", "ref": "r"}));
    site.heal();
    assert_eq!(site.ids(3), (1..=601).collect::<Vec<_>>());
}
