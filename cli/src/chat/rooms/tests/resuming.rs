//! Users who come back.

use super::*;
use wharf::service::history::TokenHash;

pub(super) fn resume(site: &mut Site, conn: u32, token: &str, after: u64) {
    site.say(conn, json!({"type": "resume", "token": token, "after": after}));
}

/// User 1 in `general` and `x`, called Ada, beside user 2; and the token.
pub(super) fn site() -> (Site, String) {
    let mut site = Site::new(Limits::default());
    site.enter(1);
    let token = site.token(1);
    site.say(1, json!({"type": "join", "roomId": "x"}));
    site.say(1, json!({"type": "name", "name": "Ada"}));
    site.enter(2);
    site.heard.clear();
    (site, token)
}

pub(super) fn say(site: &mut Site, conn: u32, room: &str) {
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
fn a_token_is_good_for_seven_days_from_the_end_of_its_connection() {
    let hour = 3600 * 1000;
    let (mut site, token) = site();
    (0..23).for_each(|_| site.pass(hour));
    site.close(1);
    site.pass(7 * 24 * hour - 1);
    site.restart();
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, &token, 0);
    assert_eq!(site.heard(3)[0]["resumed"], true);
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

#[test]
fn a_token_that_was_never_given_is_refused_without_the_database() {
    let (mut site, _) = site();
    site.mood = Mood::Away;
    site.open(3, false);
    site.heard.clear();
    resume(&mut site, 3, "guess", 0);
    assert_eq!(site.code(3), "bad_token");
}
