//! What the server says.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use wharf::service::history::Entry;

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
    /// Somebody else who is connected is called so.
    NameTaken,
    /// What nobody can be called.
    BadName,
    /// A token that is not known, or not any more.
    BadToken,
    /// The database is away, or too much waits for it.
    Unavailable,
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
/// let name = Reply::Name { user_id: "6f1c…", name: "Ada" };
/// assert_eq!(name.to_bytes(), r#"{"type":"name","userId":"6f1c…","name":"Ada"}"#);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the protocol's own; the module and the variants say what they mean"
)]
pub enum Reply<'a> {
    /// First on each connection, and the answer to `resume`: who you are, and by what you may be so again.
    Welcome {
        user_id: &'a str,
        name: &'a str,
        token: &'a str,
        rooms: Vec<&'a str>,
        resumed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        settled: Option<u64>,
    },
    /// To all in a room, the joiner included: somebody came in.
    Join { room_id: &'a str, user_id: &'a str, name: &'a str, content: String },
    /// To all in a room, once: somebody left it.
    Leave { room_id: &'a str, user_id: &'a str, name: &'a str, content: String },
    /// Who is in a room: to the joiner, and to who asks. Over several nodes also to all in it, when people are found at another node who
    /// were there before.
    UserList { room_id: &'a str, users: Vec<&'a str>, members: Vec<Member<'a>> },
    /// What was said in a room before, oldest first: to the joiner, after the list. With `more` there is older still.
    History {
        room_id: &'a str,
        messages: Vec<Box<RawValue>>,
        more: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        settled: Option<u64>,
    },
    /// To all in a room, the sender included, for whom it is the acknowledgement. `id` grows. `timestamp` is in milliseconds
    /// since 1970 UTC, `ref` as the sender gave it.
    Message {
        id: u64,
        room_id: &'a str,
        user_id: &'a str,
        name: &'a str,
        content: &'a str,
        timestamp: u64,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        settled: Option<u64>,
    },
    /// To each who shares a room, once, and to the user: what somebody is called from now on.
    Name { user_id: &'a str, name: &'a str },
    /// To the others in a room: somebody is writing something.
    Typing { room_id: &'a str, user_id: &'a str, name: &'a str },
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

impl<'a> Reply<'a> {
    /// What a stored message is told by.
    #[must_use]
    pub fn message(entry: &'a Entry) -> Self {
        Self::Message {
            id: entry.id,
            room_id: &entry.room,
            user_id: &entry.user,
            name: &entry.name,
            content: &entry.content,
            timestamp: entry.at.as_millis(),
            reference: entry.reference.as_deref(),
            settled: None,
        }
    }

    /// Says in it that all messages up to that id were told to whom it goes.
    pub const fn settle(&mut self, id: Option<u64>) {
        if let Self::Welcome { settled, .. } | Self::History { settled, .. } | Self::Message { settled, .. } =
            self
        {
            *settled = id;
        }
    }

    /// The text of the message.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("strings and numbers always have a JSON text").into()
    }
}
