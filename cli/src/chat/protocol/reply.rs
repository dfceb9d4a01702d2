//! What the server says.

use bytes::Bytes;
use serde::Serialize;

/// What is wrong with a message, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Not JSON.
    BadJson,
    /// No object, a field missing, of the wrong kind or out of range, or a binary message.
    BadMessage,
    /// A `type` that is not known.
    UnknownType,
    /// What cannot name a room.
    BadRoom,
    /// `content` is over its limit.
    TooLarge,
    /// Too much in too short a time.
    RateLimited,
    /// One room more than a user may be in.
    TooManyRooms,
    /// The user is not in that room.
    NotInRoom,
}

/// Why a message was refused. Nothing came of it, and the connection stays.
///
/// ```
/// use wharf_cli::chat::protocol::{Code, Refusal};
///
/// let refusal = Refusal::new(Code::BadJson, "the message is not JSON");
/// assert_eq!(
///     refusal.reply(Some("7")).to_bytes(),
///     r#"{"type":"error","code":"bad_json","message":"the message is not JSON","ref":"7"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people.
    pub message: &'static str,
    /// When to try again, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// The limit that was exceeded.
    pub limit: Option<usize>,
}

impl Refusal {
    /// A refusal with neither a time nor a limit.
    #[must_use]
    pub const fn new(code: Code, message: &'static str) -> Self {
        Self { code, message, retry_after_ms: None, limit: None }
    }

    /// The answer that tells it.
    #[must_use]
    pub fn reply<'a>(&self, reference: Option<&'a str>) -> Reply<'a> {
        Reply::Error {
            code: self.code,
            message: self.message,
            reference,
            retry_after_ms: self.retry_after_ms,
            limit: self.limit,
        }
    }
}

/// One of the people in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member<'a> {
    /// A UUID.
    pub user_id: &'a str,
    /// What people call it.
    pub name: &'a str,
}

/// A message from the server.
///
/// ```
/// use wharf_cli::chat::protocol::Reply;
///
/// let welcome = Reply::Welcome { user_id: "6f1c…", name: "User_6f1c0a2b" };
/// assert_eq!(welcome.to_bytes(), r#"{"type":"welcome","userId":"6f1c…","name":"User_6f1c0a2b"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the protocol's own; the module and the variants say what they mean"
)]
pub enum Reply<'a> {
    /// First on each connection: who you are.
    Welcome { user_id: &'a str, name: &'a str },
    /// To all in a room, the joiner included: somebody came in.
    Join { room_id: &'a str, user_id: &'a str, name: &'a str, content: String },
    /// To all in a room, once: somebody left it.
    Leave { room_id: &'a str, user_id: &'a str, name: &'a str, content: String },
    /// Who is in a room: to the joiner, and to who asks.
    UserList { room_id: &'a str, users: Vec<&'a str>, members: Vec<Member<'a>> },
    /// To all in a room, the sender included, for whom it is the acknowledgement. `timestamp` is in milliseconds
    /// since 1970 UTC, `ref` as the sender gave it.
    Message {
        room_id: &'a str,
        user_id: &'a str,
        name: &'a str,
        content: &'a str,
        timestamp: u64,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
    /// A refusal.
    Error {
        code: Code,
        message: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
}

impl Reply<'_> {
    /// The text of the message.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("strings and numbers always have a JSON text").into()
    }
}
