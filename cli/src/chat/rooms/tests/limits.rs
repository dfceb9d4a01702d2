//! What users are held to.

use super::*;

#[test]
fn twenty_rooms_and_no_more() {
    let mut site = Site::of(1);
    for i in 1..20 {
        site.say(1, json!({"type": "join", "roomId": format!("r{i}")}));
    }
    site.heard.clear();
    site.say(1, json!({"type": "join", "roomId": "one more"}));
    assert_eq!(site.heard[&1][0]["limit"], 20);
    assert_eq!(site.code(1), "too_many_rooms");
    assert_eq!(site.rooms.list().count(), 20);
    site.say(1, json!({"type": "join", "roomId": "r1"}));
    assert_eq!(site.types(1), ["user_list"]);
    site.say(1, json!({"type": "leave", "roomId": "r1"}));
    site.say(1, json!({"type": "join", "roomId": "one more"}));
    assert_eq!(site.types(1), ["leave", "join", "user_list", "history"]);
}

#[test]
fn there_is_an_end_of_rooms() {
    let mut site = Site::new(Limits { max_rooms: 3, ..Limits::default() });
    site.enter(1);
    let token = site.token(1);
    for room in ["a", "b"] {
        site.say(1, json!({"type": "join", "roomId": room}));
    }
    site.enter(2);
    site.heard.clear();
    site.say(2, json!({"type": "join", "roomId": "c"}));
    assert_eq!(site.heard[&2][0]["limit"], 3);
    assert_eq!(site.code(2), "too_many_rooms");
    site.say(2, json!({"type": "join", "roomId": "a"}));
    assert_eq!(site.types(2), ["join", "user_list", "history"]);
    // Whose room is gone comes back to the others.
    site.close(1);
    site.say(2, json!({"type": "join", "roomId": "c"}));
    site.open(3, false);
    site.heard.clear();
    site.say(3, json!({"type": "resume", "token": token, "after": 0}));
    assert_eq!(site.heard(3)[0]["rooms"], json!(["general", "a"]));
    assert_eq!(site.rooms.list().count(), 3);
}

#[test]
fn too_many_messages_are_refused_with_a_time() {
    let mut site = Site::of(2);
    for i in 0..41 {
        site.say(1, json!({"type": "message", "content": "a", "ref": i.to_string()}));
    }
    let heard = site.heard(1);
    let error = &heard[40];
    assert_eq!((&error["code"], &error["ref"]), (&json!("rate_limited"), &json!("40")));
    assert_eq!(error["retryAfterMs"], 50);
    assert_eq!(site.heard(2).len(), 40);
    site.say(1, json!({"type": "user_list", "roomId": "general"}));
    site.say(2, json!({"type": "message", "content": "mine"}));
    assert_eq!(site.types(1), ["user_list", "message"]);
    site.pass(50);
    site.say(1, json!({"type": "message", "content": "a"}));
    assert_eq!(site.types(2), ["message", "message"]);
}

#[test]
fn coming_back_is_no_way_to_say_more() {
    let mut site = Site::new(Limits::default());
    site.enter(1);
    let token = site.token(1);
    let say = |site: &mut Site, conn| site.say(conn, json!({"type": "message", "content": "a"}));
    (0..40).for_each(|_| say(&mut site, 1));
    // Whether the old connection is still there or not.
    for conn in 2..6 {
        if conn % 2 == 0 {
            site.close(conn - 1);
        }
        site.open(conn, false);
        site.say(conn, json!({"type": "resume", "token": token, "after": 40}));
        site.heard.clear();
        say(&mut site, conn);
        assert_eq!(site.code(conn), "rate_limited");
    }
    site.close(5);
    site.pass(10_000);
    site.open(6, false);
    site.say(6, json!({"type": "resume", "token": token, "after": 40}));
    site.heard.clear();
    (0..40).for_each(|_| say(&mut site, 6));
    assert_eq!(site.ids(6).len(), 40);
}

#[test]
fn who_has_gone_is_forgotten() {
    let limits = Limits { max_users: 3, ..Limits::default() };
    let (mut site, text) = (Site::new(limits), format!("{:?}", Spent::default()));
    for conn in 0..20 {
        site.enter(conn);
        site.close(conn);
        assert!(format!("{:?}", site.rooms.spent).matches("full_at").count() <= 3 * 2);
    }
    site.pass(10_000);
    site.open(20, false);
    site.close(20);
    assert_eq!(format!("{:?}", site.rooms.spent), text);
}

#[test]
fn too_many_lists_are_refused() {
    let mut site = Site::of(1);
    for _ in 0..199 {
        site.say(1, json!({"type": "user_list", "roomId": "general"}));
    }
    site.heard.clear();
    site.say(1, json!({"type": "join"}));
    assert_eq!(site.code(1), "rate_limited");
}

#[test]
fn one_user_too_many_is_closed() {
    let mut site = Site::new(Limits { max_users: 1, ..Limits::default() });
    site.open(1, true);
    site.open(2, true);
    assert_eq!(site.closed, [(2, 1013)]);
    site.say(2, json!({"type": "message", "content": "a"}));
    site.close(2);
    assert!(site.heard(2).is_empty());
    site.close(1);
    site.open(3, true);
    assert_eq!(site.types(3), ["welcome"]);
}

#[test]
fn whoever_does_not_poll_loses_actions_and_sees_how_many() {
    let limits = Limits { max_actions: 2, ..Limits::default() };
    let mut rooms = Rooms::new(Instant::ORIGIN, limits, Entropy::from_seed([7; 32]));
    for conn in 0..5 {
        rooms.handle_opened(Instant::ORIGIN, Wall::default(), conn, false);
    }
    assert_eq!((rooms.stats().dropped, rooms.stats().users), (3, 5));
}
