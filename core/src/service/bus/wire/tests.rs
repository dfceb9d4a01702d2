//! What is understood, what is refused and how, and that nothing is changed on the way.

use super::{DeadReason, Envelope, FromBus, Reason, Refusal, ToBus, delivery};
use crate::service::bus::Name;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

const FIELDS: [(&str, &str); 6] = [
    ("id", r#""m""#),
    ("from", r#""a""#),
    ("to", r#""b""#),
    ("type", r#""t""#),
    ("payload", "null"),
    ("timestamp", "0"),
];

/// A frame whose message has another value for a field, or none.
fn with(key: &str, value: Option<&str>) -> String {
    let mut fields = vec![];
    for (other, usual) in FIELDS {
        match value {
            Some(value) if other == key => fields.push(format!(r#""{key}":{value}"#)),
            None if other == key => {}
            _ => fields.push(format!(r#""{other}":{usual}"#)),
        }
    }
    if let Some(value) = value.filter(|_| FIELDS.iter().all(|(other, _)| *other != key)) {
        fields.push(format!(r#""{key}":{value}"#));
    }
    format!(r#"{{"type":"message","message":{{{}}}}}"#, fields.join(","))
}

fn message(frame: &str) -> Envelope {
    match ToBus::decode(frame) {
        Ok(ToBus::Message(envelope)) => envelope,
        other => panic!("{other:?}"),
    }
}

fn refused(frame: &str) -> (Reason, Option<String>) {
    let Refusal { reason, message_id, .. } = ToBus::decode(frame).unwrap_err();
    (reason, message_id)
}

#[test]
fn frames_are_understood() {
    let (id, from) = (name("m"), name("a"));
    for (text, frame) in [
        (r#"{"type":"heartbeat","x":{"x":[1]}}"#, ToBus::Heartbeat),
        (
            r#"{"serviceId":"\u0061","type":"register"}"#,
            ToBus::Register { service_id: name("a"), token: None },
        ),
        (
            r#"{"type":"register","serviceId":"a","token":"\"é"}"#,
            ToBus::Register { service_id: name("a"), token: Some("\"é".into()) },
        ),
        (r#" {"type":"ack","messageId":"m"} "#, ToBus::Ack { message_id: id.clone(), from: None }),
        (
            r#"{"type":"nack","messageId":"m","from":"a","reason":"no"}"#,
            ToBus::Nack { message_id: id, from: Some(from), reason: "no".into() },
        ),
    ] {
        let decoded = ToBus::decode(text).unwrap();
        assert_eq!(decoded, frame);
        let encoded = decoded.encode();
        assert_eq!(ToBus::decode(&encoded).unwrap(), frame);
    }
}

#[test]
fn what_is_no_frame_is_refused_by_name() {
    for (text, reason) in [
        ("", Reason::Invalid),
        ("[]", Reason::Invalid),
        ("null", Reason::Invalid),
        ("{}", Reason::Invalid),
        (r#"{"type":7}"#, Reason::Invalid),
        (r#"{"type":"shout"}"#, Reason::Invalid),
        (r#"{"type":"heartbeat""#, Reason::Invalid),
        (r#"{"type":"heartbeat","type":"heartbeat"}"#, Reason::Invalid),
        (r#"{"type":"heartbeat","x":1,"\u0078":1}"#, Reason::Invalid),
        (r#"{"type":"register"}"#, Reason::Invalid),
        (r#"{"type":"register","serviceId":1}"#, Reason::Invalid),
        (r#"{"type":"register","serviceId":""}"#, Reason::Id),
        (r#"{"type":"register","serviceId":"a","token":1}"#, Reason::Invalid),
        (r#"{"type":"ack"}"#, Reason::Invalid),
        (r#"{"type":"ack","messageId":"a b"}"#, Reason::Id),
        (r#"{"type":"nack","messageId":"m"}"#, Reason::Invalid),
        (r#"{"type":"message"}"#, Reason::Invalid),
        (r#"{"type":"message","message":[]}"#, Reason::Invalid),
        (r#"{"type":"message","message":{}}"#, Reason::Invalid),
    ] {
        assert_eq!(refused(text), (reason, None), "{text}");
    }
}

#[test]
fn a_message_that_has_an_id_is_refused_by_it() {
    for (key, value, reason) in [
        ("from", None, Reason::Invalid),
        ("from", Some(r#""""#), Reason::From),
        ("to", None, Reason::Invalid),
        ("to", Some("1"), Reason::Invalid),
        ("to", Some(r#""b c""#), Reason::To),
        ("type", None, Reason::Invalid),
        ("type", Some("null"), Reason::Invalid),
        ("payload", None, Reason::Invalid),
        ("timestamp", None, Reason::Invalid),
        ("timestamp", Some("null"), Reason::Invalid),
        ("timestamp", Some("true"), Reason::Invalid),
        ("timestamp", Some("[0]"), Reason::Invalid),
        ("x", Some("0,\"x\":1"), Reason::Invalid),
    ] {
        let refusal = refused(&with(key, value));
        // Which of two ids is meant cannot be told, but there is one here.
        assert_eq!(refusal, (reason, Some("m".into())), "{key} {value:?}");
    }
    assert_eq!(refused(&with("id", Some(r#""a b""#))), (Reason::Id, Some("a b".into())));
    assert_eq!(refused(&with("id", Some("7"))), (Reason::Invalid, None));
    let long = format!("\"{}\"", "x".repeat(2000));
    assert_eq!(refused(&with("id", Some(&long))), (Reason::Id, None), "it is not sent back");
    let twice = with("id", Some(r#""m","id":"n""#));
    assert_eq!(refused(&twice), (Reason::Invalid, None));
}

#[test]
fn payloads_and_unknown_fields_are_nested_at_most_128_deep() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for key in ["payload", "unknown"] {
        message(&with(key, Some(&nested(128))));
        assert_eq!(refused(&with(key, Some(&nested(129)))), (Reason::Invalid, Some("m".into())));
        assert_eq!(refused(&with(key, Some(&nested(100_000)))).0, Reason::Invalid);
    }
}

#[test]
fn tokens_are_handed_on_byte_for_byte() {
    let frame = "{\"message\":{ \"x\" : [ 1 ],\"payload\":{\"b\": 123456789012345678901234567890.10e+2 , \"b\":\"\\u0061\\/\\ud800\"},\r\n\
                 \"retryCount\":9, \"timestamp\":\"\\u0030\", \"to\":\"b\",\"from\":\"a\",\"\\u0069d\":\"m\",\"type\":\"t\"},\"type\":\"message\"}";
    let envelope = message(frame);
    let body = "{\"x\":[1],\"payload\":{\"b\":123456789012345678901234567890.10e+2,\"b\":\"\\u0061\\/\\ud800\"},\
                \"timestamp\":\"\\u0030\",\"to\":\"b\",\"from\":\"a\",\"\\u0069d\":\"m\",\"type\":\"t\"}";
    assert_eq!(envelope.body(), body);
    assert_eq!(
        envelope.payload(),
        "{\"b\":123456789012345678901234567890.10e+2,\"b\":\"\\u0061\\/\\ud800\"}"
    );
    assert_eq!(envelope.timestamp(), "\"\\u0030\"");
    let delivered = delivery(body, 2);
    let FromBus::Message(received) = FromBus::decode(&delivered).unwrap() else { panic!("{delivered}") };
    assert_eq!((received.retry_count, received.body()), (2, envelope.body()));
    assert_eq!((received.payload(), received.timestamp()), (envelope.payload(), envelope.timestamp()));
    assert_eq!(FromBus::Message(received).encode(), delivered);
}

#[test]
fn a_timestamp_is_a_number_since_1970() {
    for timestamp in ["-5", "0", "1.5e3", r#""1969-12-31""#] {
        assert_eq!(message(&with("timestamp", Some(timestamp))).timestamp(), timestamp);
    }
}

#[test]
fn a_senders_retry_count_is_dropped_wherever_it_stands() {
    let plain = message(&with("x", Some("1")));
    for (before, after) in
        [("{\"id\"", "{\"retryCount\":{\"a\":[1,2]},\"id\""), (",\"to\"", ",\"retry\\u0043ount\":5,\"to\"")]
    {
        let frame = with("x", Some("1")).replacen(before, after, 1);
        let envelope = message(&frame);
        assert_eq!(envelope.body(), plain.body());
        assert_eq!((envelope.payload(), envelope.timestamp()), ("null", "0"));
    }
    let last = message(&with("retryCount", Some("7")));
    assert_eq!(last.body(), message(&with("", None)).body());
}

#[test]
fn what_the_bus_says_is_read_back() {
    for frame in [
        FromBus::Registered { service_id: name("a"), pending: u64::MAX },
        FromBus::Accepted { message_id: name("m") },
        FromBus::Rejected { message_id: "a\n\"b".into(), reason: Reason::Id, detail: None },
        FromBus::Rejected { message_id: "m".into(), reason: Reason::TooBig, detail: Some("é".into()) },
        FromBus::Heartbeat,
        FromBus::Dead { message_id: name("m"), reason: DeadReason::nack("a \"b\"") },
        FromBus::Error { reason: Reason::UnknownMessage, detail: Some("\u{1}".into()) },
    ] {
        let encoded = frame.encode();
        assert_eq!(FromBus::decode(&encoded).unwrap(), frame, "{encoded}");
        assert!(!encoded.contains('\n'));
    }
    for bad in [r#"{"type":"error","reason":"tired"}"#, r#"{"type":"registered","serviceId":"a"}"#, "7", "{}"]
    {
        FromBus::decode(bad).unwrap_err();
    }
}

proptest! {
    #[test]
    fn nothing_that_is_said_brings_it_down(text in r#"[\{\}\[\]":,a-c0-9\\ ]*|\{"type":"(message|ack|register)"[\{\}\[\]":,a-z\\ ]*\}"#) {
        let _ = ToBus::decode(&text);
        let _ = FromBus::decode(&text);
        let _ = Envelope::decode(&text);
    }

    #[test]
    fn an_envelope_comes_through(kind in ".*", payload in ".*", timestamp in any::<u64>()) {
        let envelope = Envelope::new(name("m"), name("a"), name("b"), &kind, &payload, timestamp).unwrap();
        let frame = ToBus::Message(envelope.clone()).encode();
        prop_assert_eq!(ToBus::decode(&frame).unwrap(), ToBus::Message(envelope.clone()));
        let token = ToBus::Register { service_id: name("a"), token: Some(Cow::Borrowed(&kind)) };
        let frame = token.encode();
        prop_assert_eq!(ToBus::decode(&frame).unwrap(), token);
    }
}
