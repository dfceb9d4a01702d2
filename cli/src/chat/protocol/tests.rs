use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

fn parse(text: &str) -> Frame {
    Frame::parse(&Message::text(text))
}

fn code(text: &str) -> Code {
    parse(text).ask.expect_err(text).code
}

#[test]
fn what_is_asked_for() {
    let room = || "general".to_string();
    for (text, ask) in [
        (r#"{"type":"join"}"#, Ask::Join { room: room() }),
        (r#"{"type":"join","roomId":"général 2","other":[{}]}"#, Ask::Join { room: "général 2".into() }),
        (r#" {"roomId":"general","type":"leave"} "#, Ask::Leave { room: room() }),
        (r#"{"type":"user_list","roomId":"general"}"#, Ask::UserList { room: room() }),
        (r#"{"type":"message","content":" a\nb "}"#, Ask::Message { room: room(), content: " a\nb ".into() }),
        (
            r#"{"type":"message","content":"\ud83d\ude00"}"#,
            Ask::Message { room: room(), content: "😀".into() },
        ),
    ] {
        assert_eq!(parse(text).ask, Ok(ask), "{text}");
    }
}

#[test]
fn what_is_no_json_and_what_is_no_message() {
    for text in
        ["", "{", "{'type':'join'}", "{\"type\":\"join\"} x", "join", "{\"type\":\"join\",}", "\u{feff}{}"]
    {
        assert_eq!(code(text), Code::BadJson, "{text}");
    }
    for text in [
        "[]",
        r#"["join"]"#,
        "null",
        "7",
        "\"join\"",
        "{}",
        r#"{"type":null}"#,
        r#"{"type":7}"#,
        r#"{"Type":"join"}"#,
        r#"{"type":"join","type":"join"}"#,
        r#"{"type":"join","roomId":"\ud800"}"#,
        r#"{"type":"join","ref":7}"#,
        r#"{"type":"join","ref":null}"#,
    ] {
        assert_eq!(code(text), Code::BadMessage, "{text}");
    }
    let binary = Frame::parse(&Message::Binary(Cow::Borrowed(br#"{"type":"join"}"#)));
    assert_eq!((binary.kind, binary.ask.unwrap_err().code), (FrameType::Unknown, Code::BadMessage));
}

#[test]
fn types_that_are_not_known() {
    for text in [r#"{"type":"dance"}"#, r#"{"type":"JOIN"}"#, r#"{"type":""}"#, r#"{"type":"welcome"}"#] {
        let frame = parse(text);
        assert_eq!(
            (frame.kind, frame.ask.unwrap_err().code),
            (FrameType::Unknown, Code::UnknownType),
            "{text}"
        );
    }
}

/// What is held while a token is looked up is to be small.
#[test]
fn a_token_that_was_never_given_is_not_kept() {
    let resume = |token: &str| parse(&format!(r#"{{"type":"resume","token":"{token}","after":0}}"#)).ask;
    let kept = |token: &str| Ok(Ask::Resume { token: token.into(), after: 0 });
    let token = "0123456789abcdef".repeat(4);
    assert_eq!(resume(&token), kept(&token));
    for bad in ["t", &"a".repeat(60_000), &token[1..], &token.replace('f', "g")] {
        assert_eq!(resume(bad), kept(""));
    }
}

#[test]
fn names_and_tokens() {
    for (text, ask) in [
        (r#"{"type":"name","name":" Ada "}"#, Ask::Name { name: "Ada".into() }),
        (r#"{"type":"typing","roomId":"x"}"#, Ask::Typing { room: "x".into() }),
        (
            r#"{"type":"resume","token":"","after":9007199254740991}"#,
            Ask::Resume { token: String::new(), after: MAX_ID },
        ),
    ] {
        assert_eq!(parse(text).ask, Ok(ask), "{text}");
    }
    for (text, bad) in [
        (r#"{"type":"name"}"#, Code::BadName),
        (r#"{"type":"name","name":"\u202ex"}"#, Code::BadName),
        (r#"{"type":"typing"}"#, Code::BadRoom),
        (r#"{"type":"resume"}"#, Code::BadMessage),
        (r#"{"type":"resume","token":"t"}"#, Code::BadMessage),
        (r#"{"type":"resume","token":"t","after":"0"}"#, Code::BadMessage),
        (r#"{"type":"resume","token":"t","after":1.5}"#, Code::BadMessage),
        (r#"{"type":"resume","token":"t","after":9007199254740992}"#, Code::BadMessage),
    ] {
        assert_eq!(code(text), bad, "{text}");
    }
}

#[test]
fn room_ids() {
    let long = "é".repeat(64);
    assert!(parse(&format!(r#"{{"type":"join","roomId":"{long}"}}"#)).ask.is_ok());
    for room in [
        format!("\"{long}x\""),
        "\"\"".into(),
        r#""a\nb""#.into(),
        r#""\u0085""#.into(),
        "5".into(),
        "null".into(),
    ] {
        let frame = parse(&format!(r#"{{"type":"join","roomId":{room}}}"#));
        assert_eq!((frame.kind, frame.ask.unwrap_err().code), (FrameType::Join, Code::BadRoom), "{room}");
    }
    assert_eq!(code(r#"{"type":"leave"}"#), Code::BadRoom);
    assert_eq!(code(r#"{"type":"user_list"}"#), Code::BadRoom);
}

#[test]
fn contents() {
    let message = |content: &str| format!(r#"{{"type":"message","content":{content},"ref":"r"}}"#);
    let most = "é".repeat(MAX_CONTENT / 2);
    assert!(parse(&message(&format!("\"{most}\""))).ask.is_ok());
    let over = parse(&message(&format!("\"{most}x\"")));
    assert_eq!(over.reference.as_deref(), Some("r"));
    let over = over.ask.unwrap_err();
    assert_eq!((over.code, over.limit), (Code::TooLarge, Some(4096)));
    for content in ["\"\"", r#"" \n\u00a0""#, r#""a\u0000""#, "7", "null", "[]", r#""\ud83d""#, r#""\ude00""#]
    {
        assert_eq!(code(&message(content)), Code::BadMessage, "{content}");
    }
    assert_eq!(code(r#"{"type":"message"}"#), Code::BadMessage);
}

#[test]
fn references() {
    let join = |reference: &str| parse(&format!(r#"{{"type":"join","ref":"{reference}"}}"#));
    for good in [String::new(), "é".repeat(64)] {
        assert_eq!(join(&good).reference, Some(good));
    }
    let bad = join(&"x".repeat(65));
    assert_eq!((bad.reference, bad.ask.unwrap_err().code), (None, Code::BadMessage));
}

#[test]
fn what_the_server_says() {
    let list =
        Reply::UserList { room_id: "r", users: vec!["A"], members: vec![Member { user_id: "u", name: "A" }] };
    assert_eq!(
        list.to_bytes(),
        r#"{"type":"user_list","roomId":"r","users":["A"],"members":[{"userId":"u","name":"A"}]}"#
    );
    let message = Reply::Message {
        id: 7,
        room_id: "r",
        user_id: "u",
        name: "A",
        content: "<b>\"\n",
        timestamp: 5,
        reference: None,
        settled: None,
    };
    assert_eq!(
        message.to_bytes(),
        r#"{"type":"message","id":7,"roomId":"r","userId":"u","name":"A","content":"<b>\"\n","timestamp":5}"#
    );
    let refusal =
        Refusal { retry_after_ms: Some(50), limit: Some(3), ..Refusal::new(Code::RateLimited, "slow") };
    assert_eq!(
        refusal.reply(None).to_bytes(),
        r#"{"type":"error","code":"rate_limited","message":"slow","retryAfterMs":50,"limit":3}"#
    );
}

proptest! {
    #[test]
    fn any_text_is_judged(text in ".*") {
        let _ = parse(&text);
    }

    #[test]
    fn any_content_comes_through_or_is_refused(content in ".*", reference in ".{0,70}") {
        let text = serde_json::json!({"type": "message", "content": content, "ref": reference}).to_string();
        let frame = parse(&text);
        match frame.ask {
            Ok(Ask::Message { content: got, .. }) => {
                prop_assert_eq!(got, content);
                prop_assert_eq!(frame.reference, Some(reference));
            }
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(_) => prop_assert!(content.trim().is_empty() || content.contains('\0') || reference.chars().count() > 64),
        }
    }
}
