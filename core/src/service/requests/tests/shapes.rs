//! Messages of every shape: what is no request or reply is never taken for one.

use super::super::{
    Answers, AnswersConfig, Asked, Received, ReplyError, RequestId, Requests, RequestsConfig,
};
use super::{at, text};
use crate::base::{Kind, Message};
use alloc::format;

/// What is neither, whatever it looks like.
const NEITHER: [&str; 19] = [
    "",
    "{",
    "null",
    "7",
    "\"id\"",
    "[]",
    "{}",
    // Fields in their order, and no names.
    r#"[1, {"a": 1}]"#,
    r#"[1, null, null, true]"#,
    r#"{"data": 1}"#,
    r#"{"id": null, "data": 1}"#,
    r#"{"id": -1, "data": 1}"#,
    r#"{"id": 1.5, "data": 1}"#,
    r#"{"id": true, "data": 1}"#,
    r#"{"id": {"a": 1}, "data": 1}"#,
    r#"{"id": 1, "id": 2, "data": 1}"#,
    r#"{"id": 1, "data": 1} {"id": 2, "data": 1}"#,
    r#"{"id": 1, "data": nul}"#,
    r#"{"id": 18446744073709551616, "data": 1}"#,
];

#[test]
fn nothing_is_cast_without_validating() {
    let mut requests = Requests::new(RequestsConfig::default());
    let mut answers = Answers::<()>::new(AnswersConfig::default());
    requests.call(at(0), "ahoy", None).unwrap();
    for (count, json) in (1..).zip(NEITHER) {
        assert_eq!(requests.receive(&text(json)), Received::NotOurs, "{json}");
        assert_eq!(answers.receive(at(0), (), &text(json)), Asked::NotOurs, "{json}");
        assert_eq!((requests.stats().not_ours, answers.stats().not_ours), (count, count));
    }
    let utf8 = Message::binary(&b"{\"id\":1,\"data\":\"\xff\"}"[..]);
    assert_eq!(answers.receive(at(0), (), &utf8), Asked::NotOurs);
    for json in [r#"{"id": 0, "data": 1}"#, r#"{"id": 2, "data": 1}"#, r#"{"id": "1", "data": 1}"#] {
        assert_eq!(requests.receive(&text(json)), Received::NotOurs, "no such call: {json}");
    }
    assert_eq!((requests.in_flight(), answers.in_flight()), (1, 0));
    let wrong = text(r#"{"id": 1, "data": [1]}"#);
    let Received::Reply { outcome: Ok(data), .. } = requests.receive(&wrong) else { panic!("a reply") };
    assert!(data.decode::<bool>().is_err());
}

#[test]
fn a_reply_with_neither_data_nor_error_does_not_let_its_call_wait() {
    for rest in
        ["", r#","error":null"#, r#","error":"no""#, r#","error":["a","b"]"#, r#","error":{"message":""}"#]
    {
        let mut requests = Requests::new(RequestsConfig::default());
        let (id, _) = requests.call(at(0), "ahoy", None).unwrap();
        let reply = Message::text(format!(r#"{{"id":1{rest}}}"#));
        let malformed = Received::Reply { id, outcome: Err(ReplyError::Malformed) };
        assert_eq!(requests.receive(&reply), malformed, "{rest}");
        assert_eq!((requests.in_flight(), requests.stats().malformed), (0, 1));
    }
}

#[test]
fn null_is_data() {
    let mut requests = Requests::new(RequestsConfig::default());
    requests.call(at(0), &(), None).unwrap();
    let reply = text(r#"{"data": null, "error": null, "more": {"id": 7}, "id": 1}"#);
    let Received::Reply { outcome: Ok(data), .. } = requests.receive(&reply) else { panic!("an answer") };
    assert_eq!(data.decode::<Option<u8>>().unwrap(), None);
}

#[test]
fn only_messages_of_the_kind_are_replies() {
    let config = RequestsConfig { kind: Kind::Typed(2), ..RequestsConfig::default() };
    let mut requests = Requests::new(config);
    let (_, message) = requests.call(at(0), &7, None).unwrap();
    let json = br#"{"id":1,"data":7}"#;
    assert_eq!(message, Message::typed(2, &json[..]));
    assert_eq!(requests.receive(&Message::typed(3, &json[..])), Received::NotOurs);
    assert!(matches!(requests.receive(&Message::typed(2, &json[..])), Received::Reply { .. }));
}

#[test]
fn ids_are_numbers_and_short_texts() {
    let mut answers = Answers::<()>::new(AnswersConfig { max_id_len: 4, ..AnswersConfig::default() });
    let mut ask = |id: &str| {
        let message = Message::text(format!(r#"{{"id":{id},"data":[]}}"#));
        match answers.receive(at(0), (), &message) {
            Asked::Request { ticket, id, .. } => Some((id, answers.answer(ticket, &Ok(1)).unwrap())),
            _ => None,
        }
    };
    let (id, reply) = ask(r#""\u00e9\"a""#).unwrap();
    assert_eq!(
        (id, reply),
        (RequestId::Text("\u{e9}\"a".into()), text("{\"id\":\"\u{e9}\\\"a\",\"data\":1}"))
    );
    let (id, reply) = ask("18446744073709551615").unwrap();
    assert_eq!((id, reply), (RequestId::Number(u64::MAX), text(r#"{"id":18446744073709551615,"data":1}"#)));
    assert_eq!(ask(r#""12345""#), None);
}
