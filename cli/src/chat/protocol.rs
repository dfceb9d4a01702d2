//! The messages: text, one JSON object each, with a string `type`; keys are camelCase. Fields that are not known are
//! ignored. A user is named by `userId`, a room by `roomId`.
//!
//! | a client says | meaning |
//! |---|---|
//! | `{type: "join", roomId?}` | enter a room, `general` if none is named |
//! | `{type: "leave", roomId}` | leave it |
//! | `{type: "message", roomId?, content, ref?}` | say something there; `ref` comes back with it |
//! | `{type: "user_list", roomId}` | who is in it? |
//! | `{type: "name", name}` | be called so |
//! | `{type: "typing", roomId}` | something is being written there |
//! | `{type: "resume", token, after}` | first of all: be who had that token, and hear all with a greater id than `after` |
//!
//! What the server says is [`Reply`].
//!
//! A chat of several nodes says `settled` in a `welcome`, a `history` and most messages: whoever has heard it has heard all messages of its
//! rooms up to that id, and says it as `after`. There a message may come behind one with a greater id, so the greatest id
//! says less. A chat of one node never says it: the greatest id says it all.

mod reply;

pub use reply::{Code, Member, Refusal, Reply};

use super::names;
use super::token::is_token;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use wharf::base::Message;

/// The room that is always there.
pub const GENERAL: &str = "general";
/// The longest content, in bytes of UTF-8.
pub const MAX_CONTENT: usize = 4096;
/// The longest room id, in characters.
pub const MAX_ROOM_ID: usize = 64;
/// The longest `ref`, in characters.
pub const MAX_REF: usize = 64;
/// The longest id of a user, in bytes.
pub const MAX_USER: usize = 64;
/// The greatest id of a message: what JavaScript can count to.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// To enter a room.
    Join {
        /// Which one.
        room: String,
    },
    /// To leave a room.
    Leave {
        /// Which one.
        room: String,
    },
    /// To tell a room something.
    Message {
        /// Which one.
        room: String,
        /// What, as the sender wrote it.
        content: String,
    },
    /// Who is in a room.
    UserList {
        /// Which one.
        room: String,
    },
    /// To be called otherwise.
    Name {
        /// How: trimmed, and good for a name.
        name: String,
    },
    /// To tell a room that something is being written.
    Typing {
        /// Which one.
        room: String,
    },
    /// To be somebody again.
    Resume {
        /// What only that one knows. Empty if it is nothing that anybody was given.
        token: String,
        /// What came after this id was missed: the largest `settled` that was heard, or, of a server that says none, the largest id
        /// of a message; 0 for none.
        after: u64,
    },
}

/// The type of a message from a client, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameType {
    /// `join`.
    Join,
    /// `leave`.
    Leave,
    /// `message`.
    Message,
    /// `user_list`.
    UserList,
    /// `name`.
    Name,
    /// `typing`.
    Typing,
    /// `resume`.
    Resume,
    /// Any other, or none.
    Unknown,
}

/// One message from a client, judged.
///
/// ```
/// use wharf::base::Message;
/// use wharf_cli::chat::protocol::{Ask, Code, Frame};
///
/// let frame = Frame::parse(&Message::text(r#"{"type": "join"}"#));
/// assert_eq!(frame.ask, Ok(Ask::Join { room: "general".into() }));
/// let frame = Frame::parse(&Message::text(r#"{"type": "dance", "ref": "7"}"#));
/// assert_eq!(frame.ask.unwrap_err().code, Code::UnknownType);
/// assert_eq!(frame.reference.as_deref(), Some("7"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Its type, also where the rest is bad.
    pub kind: FrameType,
    /// Its `ref`, if that is a good one.
    pub reference: Option<String>,
    /// What it asks for, or why it is refused.
    pub ask: Result<Ask, Refusal>,
}

impl Frame {
    /// Judges a message.
    #[must_use]
    pub fn parse(message: &Message<'_>) -> Self {
        let refused =
            |code, why| Self { kind: FrameType::Unknown, reference: None, ask: Err(Refusal::new(code, why)) };
        let Some(text) = message.as_text() else {
            return refused(Code::BadMessage, "only text messages are understood");
        };
        match serde_json::from_str::<Fields>(text) {
            // An array of values would do for the derived struct, too.
            Ok(_) if !text.trim_start().starts_with('{') => refused(Code::BadMessage, NO_OBJECT),
            Ok(fields) => Self::judge(fields),
            Err(error) if error.is_data() => refused(Code::BadMessage, NO_OBJECT),
            // Well-formed, but with what a string or number here cannot hold, such as a lone surrogate.
            Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                refused(Code::BadMessage, "a value is out of range")
            }
            Err(_) => refused(Code::BadJson, "the message is not JSON"),
        }
    }

    fn judge(mut fields: Fields) -> Self {
        let reference = match fields.reference.take() {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= MAX_REF => Ok(Some(text)),
            Some(_) => Err(Refusal::new(Code::BadMessage, "ref must be a string of at most 64 characters")),
        };
        let kind = match &fields.kind {
            Some(Value::String(text)) => FrameType::named(text),
            _ => FrameType::Unknown,
        };
        let ask = match (&reference, &fields.kind) {
            (_, Some(Value::String(_))) => ask(kind, fields),
            _ => Err(Refusal::new(Code::BadMessage, "type must be a string")),
        };
        match reference {
            Ok(reference) => Self { kind, reference, ask },
            Err(refusal) => Self { kind, reference: None, ask: ask.and(Err(refusal)) },
        }
    }
}

const NO_OBJECT: &str = "a message must be one JSON object, each field in it once";

impl FrameType {
    fn named(text: &str) -> Self {
        match text {
            "join" => Self::Join,
            "leave" => Self::Leave,
            "message" => Self::Message,
            "user_list" => Self::UserList,
            "name" => Self::Name,
            "typing" => Self::Typing,
            "resume" => Self::Resume,
            _ => Self::Unknown,
        }
    }
}

/// The fields that mean something here, before they are judged. `null` is a value, and nowhere a good one.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type", default, deserialize_with = "present")]
    kind: Option<Value>,
    #[serde(rename = "roomId", default, deserialize_with = "present")]
    room_id: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    content: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    name: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    token: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    after: Option<Value>,
    #[serde(rename = "ref", default, deserialize_with = "present")]
    reference: Option<Value>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn ask(kind: FrameType, fields: Fields) -> Result<Ask, Refusal> {
    let Fields { room_id, content, name, token, after, .. } = fields;
    match kind {
        FrameType::Join => Ok(Ask::Join { room: good_room(room_id.or_else(general))? }),
        FrameType::Leave => Ok(Ask::Leave { room: good_room(room_id)? }),
        FrameType::UserList => Ok(Ask::UserList { room: good_room(room_id)? }),
        FrameType::Typing => Ok(Ask::Typing { room: good_room(room_id)? }),
        FrameType::Message => {
            let room = good_room(room_id.or_else(general))?;
            Ok(Ask::Message { room, content: good_content(content)? })
        }
        FrameType::Name => match name {
            Some(Value::String(name)) => Ok(Ask::Name { name: names::good_name(&name)?.into() }),
            _ => Err(Refusal::new(Code::BadName, names::BAD_NAME)),
        },
        FrameType::Resume => match (token, after.as_ref().and_then(Value::as_u64)) {
            (Some(Value::String(mut token)), Some(after)) if after <= MAX_ID => {
                // One that was never given may be long, and would be held while it is looked up.
                if !is_token(&token) {
                    token = String::new();
                }
                Ok(Ask::Resume { token, after })
            }
            _ => Err(Refusal::new(Code::BadMessage, "token must be a string, after a number below 2^53")),
        },
        FrameType::Unknown => Err(Refusal::new(Code::UnknownType, "this type of message is not known")),
    }
}

/// What stands in for a field that may be missing.
fn general() -> Option<Value> {
    Some(GENERAL.into())
}

fn good_room(room: Option<Value>) -> Result<String, Refusal> {
    match room {
        Some(Value::String(room)) if is_room_id(&room) => Ok(room),
        _ => Err(Refusal::new(
            Code::BadRoom,
            "roomId must be 1 to 64 characters, none of them a control character",
        )),
    }
}

/// Whether `text` can name a room.
#[must_use]
pub fn is_room_id(text: &str) -> bool {
    (1..=MAX_ROOM_ID).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn good_content(content: Option<Value>) -> Result<String, Refusal> {
    let Some(Value::String(content)) = content else {
        return Err(Refusal::new(Code::BadMessage, "content must be a string"));
    };
    if content.len() > MAX_CONTENT {
        return Err(Refusal {
            limit: Some(MAX_CONTENT),
            ..Refusal::new(Code::TooLarge, "content is over 4,096 bytes")
        });
    }
    if content.trim().is_empty() {
        return Err(Refusal::new(Code::BadMessage, "content is empty"));
    }
    if content.contains('\0') {
        return Err(Refusal::new(Code::BadMessage, "content has a U+0000"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests;
