//! Users who come back.

use super::*;
use wharf::service::history::TokenHash;

fn resume(site: &mut Site, conn: u32, token: &str, after: u64) {
    site.say(conn, json!({"type": "resume", "token": token, "after": after}));
}

/// User 1 in `general` and `x`, called Ada, beside user 2; and the token.
fn site() -> (Site, String) {
    let mut site = Site::new(Limits::default());
    site.enter(1);
    let token = site.token(1);
    site.say(1, json!({"type": "join", "roomId": "x"}));
    site.say(1, json!({"type": "name", "name": "Ada"}));
    site.enter(2);
    site.heard.clear();
    (site, token)
}

fn say(site: &mut Site, conn: u32, room: &str) {
    site.say(conn, json!({"type": "message", "roomId": room, "content": "a"}));
    site.pass(50);
}

#[test]
fn a_token_brings_back_the_user_the_rooms_and_exactly_what_was_missed() {
    let (mut site, token) = site();
    say(&mut site, 1, "general");
    say(&mut site, 2, "general");
    site.close(1);
    for _ in 0..120 {
        say(&mut site, 2, "general");
    }
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 1);
    let heard = site.heard(3);
    let id = &heard[0]["userId"];
    assert_eq!(
        heard[0],
        json!({"type": "welcome", "userId": id, "name": "Ada", "token": token, "rooms": ["general", "x"],
            "resumed": true})
    );
    let types: Vec<_> = heard[1..3].iter().map(|m| (m["type"].as_str(), m["roomId"].as_str())).collect();
    assert_eq!(types, [(Some("user_list"), Some("general")), (Some("user_list"), Some("x"))]);
    assert_eq!(heard.iter().flat_map(ids_of).collect::<Vec<_>>(), (2..=122).collect::<Vec<_>>());
    let two = site.heard(2);
    assert_eq!((two.len(), &two[0]["type"], &two[0]["userId"]), (1, &json!("join"), id));
    say(&mut site, 3, "x");
    assert_eq!(site.ids(3), [123]);
}

#[test]
fn a_token_outlasts_a_restart() {
    let (mut site, token) = site();
    say(&mut site, 1, "x");
    site.restart();
    site.open(1, true);
    resume(&mut site, 1, &token, 0);
    let heard = site.heard(1);
    assert_eq!((&heard[1]["name"], &heard[1]["resumed"]), (&json!("Ada"), &json!(true)));
    assert_eq!(heard.iter().flat_map(ids_of).collect::<Vec<_>>(), [1]);
    site.pass(1_000);
    assert!(site.heard(1).is_empty(), "it joined by itself");
}

#[test]
fn an_unknown_token_is_told_and_the_connection_goes_on_as_the_fresh_user() {
    let (mut site, _) = site();
    site.open(3, false);
    let id = site.heard(3)[0]["userId"].clone();
    resume(&mut site, 3, "guess", 0);
    assert_eq!(site.code(3), "bad_token");
    site.say(3, json!({"type": "join"}));
    assert_eq!(site.heard(3)[0]["userId"], id);
    resume(&mut site, 3, "guess", 0);
    assert_eq!(site.code(3), "bad_message");
}

#[test]
fn a_token_is_good_for_seven_days_from_its_last_use() {
    let day = 24 * 3600 * 1000;
    let (mut site, token) = site();
    site.close(1);
    site.pass(7 * day - 1);
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    assert_eq!(site.heard(3)[0]["resumed"], true);
    site.close(3);
    site.pass(6 * day);
    site.open(4, false);
    site.heard.clear();
    resume(&mut site, 4, &token, 0);
    assert_eq!(site.heard(4)[0]["resumed"], true);
    // Being there is use.
    for _ in 0..10 * 24 {
        site.pass(day / 24);
    }
    site.restart();
    site.open(5, false);
    site.heard.clear();
    resume(&mut site, 5, &token, 0);
    assert_eq!(site.heard(5)[0]["resumed"], true);
    site.close(5);
    site.pass(7 * day);
    site.open(6, false);
    site.heard.clear();
    resume(&mut site, 6, &token, 0);
    assert_eq!(site.code(6), "bad_token");
}

#[test]
fn a_token_whose_connection_is_open_takes_it_over() {
    let (mut site, token) = site();
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    assert_eq!(site.closed, [(1, 4001)]);
    assert_eq!(site.types(2), ["leave", "join"]);
    assert!(site.heard(1).is_empty());
    assert_eq!(site.heard(3)[0]["name"], "Ada");
    site.close(1);
    site.say(1, json!({"type": "message", "content": "a"}));
    assert!(site.heard.is_empty());
    say(&mut site, 3, "general");
    assert_eq!((site.ids(2), site.ids(3)), (vec![1], vec![1]));
    assert_eq!(site.rooms.stats().users, 2);
}

#[test]
fn a_token_is_secret_and_kept_hashed() {
    let (mut site, token) = site();
    say(&mut site, 1, "general");
    assert!(!site.heard(2).iter().any(|m| m.to_string().contains(&token)));
    let plain = format!("{:?}", site.memory);
    assert!(!plain.contains(&token));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&token.as_bytes()[..32]);
    let answer = site.memory.carry_out(&StoreAsk::Session(TokenHash(bytes), Wall::default()));
    assert_eq!(answer, Answer::Session(None));
}

#[test]
fn what_is_said_behind_a_resume_is_said_by_who_came_back() {
    let (mut site, token) = site();
    site.restart();
    site.mood = Mood::Slow;
    site.open(1, false);
    resume(&mut site, 1, &token, 0);
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    assert_eq!(site.types(1), ["welcome"]);
    site.heal();
    let heard = site.heard(1);
    assert_eq!((&heard[0]["resumed"], &heard[3]["name"]), (&json!(true), &json!("Ada")));
}

#[test]
fn too_much_behind_a_resume_is_refused() {
    let (mut site, token) = site();
    site.restart();
    site.mood = Mood::Slow;
    site.open(1, false);
    resume(&mut site, 1, &token, 0);
    site.heard.clear();
    for _ in 0..65 {
        site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    }
    assert_eq!(site.heard[&1][0]["retryAfterMs"], 1000);
    assert_eq!(site.code(1), "rate_limited");
}

#[test]
fn without_the_database_a_token_cannot_be_looked_up_and_may_be_shown_again() {
    let (mut site, token) = site();
    site.restart();
    site.mood = Mood::Away;
    site.open(1, true);
    site.heard.clear();
    resume(&mut site, 1, &token, 0);
    for _ in 0..99 {
        site.pass(100);
        assert!(site.heard.is_empty());
    }
    site.pass(100);
    assert_eq!(site.code(1), "unavailable");
    site.heal();
    site.pass(1_000);
    assert!(site.heard(1).is_empty(), "it joined as somebody else");
    resume(&mut site, 1, &token, 0);
    assert_eq!(site.heard(1)[0]["resumed"], true);
}

#[test]
fn what_is_said_behind_a_token_that_cannot_be_looked_up_is_said_by_nobody() {
    let (mut site, token) = site();
    site.restart();
    site.mood = Mood::Away;
    site.enter(2);
    site.open(1, true);
    site.heard.clear();
    resume(&mut site, 1, &token, 0);
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    site.say(1, json!({"type": "join", "roomId": "x"}));
    site.pass(10_000);
    let heard = site.heard(1);
    let told: Vec<_> = heard.iter().map(|m| (m["code"].as_str(), m["ref"].as_str())).collect();
    let unavailable = Some("unavailable");
    assert_eq!(told, [(unavailable, None), (unavailable, Some("r")), (unavailable, None)]);
    site.heal();
    site.pass(1_000);
    assert!(site.heard(1).is_empty() && site.memory.entries().count() == 0);
    assert_eq!(site.rooms.list().collect::<Vec<_>>(), [("general", 1)]);
    // The token is still to be shown.
    resume(&mut site, 1, &token, 0);
    assert_eq!(site.heard(1)[0]["resumed"], true);
}

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
    assert_eq!((site.types(3), site.types(2)), (vec!["welcome".into(), "leave".into()], vec!["join".into(), "leave".into()]));
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
    let some = site.ids(4);
    assert!(!some.is_empty() && some.len() < 25, "{some:?}");
    say(&mut site, 2, "general");
    assert!(site.ids(4).is_empty());
    site.rooms.handle_drained(site.now, site.wall(), 4);
    site.drain();
    assert_eq!(site.ids(4), (some.len() as u64 + 1..=101).collect::<Vec<_>>());
}

#[test]
fn a_name_that_is_taken_meanwhile_is_not_given_twice() {
    let (mut site, token) = site();
    site.close(1);
    site.say(2, json!({"type": "name", "name": "ADA"}));
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    let heard = site.heard(3);
    let name = heard[0]["name"].as_str().unwrap();
    assert_eq!(name, format!("User_{}", &heard[0]["userId"].as_str().unwrap()[..8]));
}

#[test]
fn a_duplicate_told_to_one_who_is_behind_skips_nothing() {
    let (mut site, token) = site();
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    site.close(1);
    for _ in 0..70 {
        say(&mut site, 2, "general");
    }
    site.mood = Mood::Slow;
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    site.say(3, json!({"type": "message", "content": "a", "ref": "r"}));
    site.heal();
    assert_eq!(site.ids(3), (1..=71).collect::<Vec<_>>());
}

#[test]
fn resume_is_the_first_message_or_none() {
    let (mut site, token) = site();
    resume(&mut site, 2, &token, 0);
    assert_eq!(site.code(2), "bad_message");
    for bad in [
        json!({"type": "resume", "token": token}),
        json!({"type": "resume", "token": 7, "after": 0}),
        json!({"type": "resume", "token": token, "after": -1}),
        json!({"type": "resume", "token": token, "after": 1u64 << 53}),
    ] {
        site.open(9, false);
        site.heard.clear();
        site.say(9, bad);
        assert_eq!(site.code(9), "bad_message");
        site.close(9);
    }
}
