//! Who enters `general` by itself, and when.

use super::*;

#[test]
fn a_silent_connection_joins_by_itself() {
    let mut site = Site::new(Limits::default());
    site.open(1, true);
    site.pass(249);
    assert_eq!(site.types(1), ["welcome"]);
    assert_eq!(site.rooms.poll_timeout(), Some(Instant::ORIGIN + Duration::from_millis(250)));
    site.pass(1);
    assert_eq!(site.types(1), ["join", "user_list", "history"]);
    site.open(2, false);
    site.pass(1000);
    assert_eq!(site.types(2), ["welcome"]);
}

#[test]
fn the_first_frame_joins_at_once_and_is_handled_after() {
    for (text, types) in [
        (r#"{"type":"message","content":"a"}"#, &["welcome", "join", "user_list", "history", "message"][..]),
        (
            r#"{"type":"user_list","roomId":"general"}"#,
            &["welcome", "join", "user_list", "user_list", "history"],
        ),
        (r#"{"type":"leave","roomId":"general"}"#, &["welcome", "join", "user_list", "leave"]),
        ("{", &["welcome", "join", "user_list", "error", "history"]),
        (r#"{"type":"join","roomId":"x"}"#, &["welcome", "join", "user_list", "history"]),
        (r#"{"type":"join","roomId":""}"#, &["welcome", "error"]),
    ] {
        let mut site = Site::new(Limits::default());
        site.open(1, true);
        site.say_text(1, text);
        assert_eq!(site.types(1), types, "{text}");
        site.pass(1000);
        assert!(site.heard(1).is_empty(), "{text}");
    }
}

#[test]
fn a_name_or_resume_first_leaves_it_open() {
    for (first, answer) in [
        (json!({"type": "name", "name": "Ada"}), "name"),
        (json!({"type": "name", "name": ""}), "error"),
        (json!({"type": "resume", "token": "x", "after": 0}), "error"),
        (json!({"type": "resume"}), "error"),
    ] {
        let mut site = Site::new(Limits::default());
        site.open(1, true);
        site.pass(200);
        site.say(1, first);
        assert_eq!(site.types(1), ["welcome", answer]);
        site.pass(249);
        assert!(site.heard(1).is_empty());
        site.pass(1);
        assert_eq!(site.types(1), ["join", "user_list", "history"]);
        site.say(1, json!({"type": "message", "content": "a"}));
        assert_eq!(site.types(1), ["message"]);
    }
}

#[test]
fn a_connection_that_ends_before_it_joins_is_forgotten() {
    let mut site = Site::new(Limits::default());
    site.open(1, true);
    site.close(1);
    site.pass(1000);
    assert_eq!((site.types(1), site.rooms.stats().users), (vec!["welcome".into()], 0));
}
