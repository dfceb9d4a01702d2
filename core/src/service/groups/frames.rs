//! What clients of a [`GroupServer`](super::GroupServer) say and hear, in JSON.

use super::SubscribeError;
use crate::base::Message;
use crate::framed::json::{self, JsonError};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// What a client asks for, of which group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'m> {
    pub(super) ask: Ask,
    pub(super) group: Cow<'m, str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Subscribe,
    Unsubscribe,
    /// `data` is one JSON text on one line.
    Broadcast {
        data: String,
    },
}

/// Why a message is refused. Nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
}

/// The fields of all that clients say. Others are nobody's business.
#[derive(Deserialize)]
struct Fields<'m> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'m, str>,
    #[serde(rename = "groupId", borrow, default)]
    group: Option<Cow<'m, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'m RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
}

impl<'m> Frame<'m> {
    pub(super) fn parse(message: &'m Message<'_>) -> Result<Self, Refusal> {
        let Fields { kind, group, data } = json::decode(message).map_err(|e| {
            let code = if matches!(e, JsonError::Syntax(_)) { "bad_json" } else { "bad_message" };
            Refusal { code, message: e.reason() }
        })?;
        if !matches!(&*kind, "subscribe" | "unsubscribe" | "broadcast") {
            let message = "the type is none of subscribe, unsubscribe and broadcast".into();
            return Err(Refusal { code: "unknown_type", message });
        }
        let missing =
            |field: &str| Refusal { code: "bad_message", message: field.to_string() + " is missing" };
        let group = group.ok_or_else(|| missing("groupId"))?;
        let ask = match &*kind {
            "subscribe" => Ask::Subscribe,
            "unsubscribe" => Ask::Unsubscribe,
            _ => Ask::Broadcast { data: on_one_line(data.ok_or_else(|| missing("data"))?.get()) },
        };
        Ok(Self { ask, group })
    }
}

impl Refusal {
    /// The message that tells it.
    pub(super) fn to_json(&self) -> String {
        let answer = Answer { kind: "error", code: self.code, message: &self.message };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        let code = match error {
            SubscribeError::BadName { .. } => "bad_group",
            SubscribeError::TooManyOfMember { .. } => "too_many_groups",
            SubscribeError::GroupFull { .. } => "group_full",
            SubscribeError::TooManyGroups { .. } => "no_more_groups",
            SubscribeError::NotOpen => "closing",
        };
        Self { code, message: error.to_string() }
    }
}

/// A field that is there, if only as `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The same JSON without the white space between its tokens, for transports where a line end is the end of a message.
/// Numbers, keys and their order stay as they were written.
fn on_one_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for c in json.chars() {
        if in_string || !matches!(c, ' ' | '\t' | '\r' | '\n') {
            out.push(c);
        }
        if c == '"' && !is_escaped {
            in_string = !in_string;
        }
        is_escaped = in_string && c == '\\' && !is_escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        match Frame::parse(&Message::text(text)) {
            Ok(Frame { ask, group }) => Ok(alloc::format!("{ask:?} of {group:?}")),
            Err(refusal) => Err(refusal.code),
        }
    }

    #[test]
    fn what_is_said_is_understood_or_refused_by_name() {
        for (text, expected) in [
            (r#"{"type":"subscribe","groupId":"a"}"#, Ok(r#"Subscribe of "a""#)),
            (r#"{"groupId":"\u0061","x":[{}],"type":"unsubscribe"}"#, Ok(r#"Unsubscribe of "a""#)),
            (r#"{"type":"broadcast","groupId":"a","data":null}"#, Ok(r#"Broadcast { data: "null" } of "a""#)),
            (r#"{"type":"broadcast","groupId":"a"}"#, Err("bad_message")),
            (r#"{"type":"subscribe"}"#, Err("bad_message")),
            (r#"{"type":"subscribe","groupId":1}"#, Err("bad_message")),
            (r#"{"type":"subscribe","groupId":"a","groupId":"b"}"#, Err("bad_message")),
            (r#"{"type":"shout","groupId":"a"}"#, Err("unknown_type")),
            (r#"{"groupId":"a"}"#, Err("bad_message")),
            ("[]", Err("bad_message")),
            ("7", Err("bad_message")),
            ("", Err("bad_json")),
            (r#"{"type":"subscribe","groupId":"a""#, Err("bad_json")),
            (r#"{"type":"broadcast","groupId":"a","data":{1}}"#, Err("bad_json")),
        ] {
            assert_eq!(parse(text), expected.map(String::from), "{text}");
        }
        let bytes = br#"{"type":"broadcast","groupId":"a","data":[1]}"#;
        assert!(Frame::parse(&Message::binary(&bytes[..])).is_ok(), "any kind of message carries it");
        assert!(Frame::parse(&Message::typed(9, &bytes[..])).is_ok());
    }

    #[test]
    fn data_stays_as_it_was_written() {
        let data = "{ \"b\" : 1.50e+3,\r\n\t\"a\":\"x \\\" \\\\\", \"a\": 12345678901234567890123 }";
        let text = alloc::format!(r#"{{"type":"broadcast","groupId":"a","data":{data}}}"#);
        let message = Message::text(text);
        let Ok(Frame { ask: Ask::Broadcast { data }, .. }) = Frame::parse(&message) else {
            panic!("{message:?}")
        };
        assert_eq!(data, r#"{"b":1.50e+3,"a":"x \" \\","a":12345678901234567890123}"#);
    }

    #[test]
    fn a_refusal_is_json() {
        let refusal = Refusal::from(SubscribeError::GroupFull { limit: 3 });
        let expected =
            r#"{"type":"error","code":"group_full","message":"the group has 3 members and takes no more"}"#;
        assert_eq!(refusal.to_json(), expected);
    }

    proptest! {
        #[test]
        fn one_line_is_the_same_json(text in ".*", more in proptest::collection::vec("[ \t\r\na\"\\\\]*", 0..4)) {
            let value = serde_json::json!({"a": text, "b": [more, {"c": null}]});
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(on_one_line(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
