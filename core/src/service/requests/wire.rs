//! The messages: `{id, data}`, `{id, error: {code, message}}` and `{id, cancel: true}`.

use crate::base::{Kind, Message};
use crate::framed::json::{self, JsonError};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// What a peer calls its request: a number, or a text. It means something only to the peer, who gets it back with the answer.
///
/// ```
/// use wharf::service::requests::RequestId;
///
/// assert_eq!(RequestId::Number(7).to_string(), "7");
/// assert_eq!(RequestId::Text("a-7".into()).to_string(), "a-7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum RequestId {
    /// A whole number that is not negative.
    Number(u64),
    /// A text.
    Text(Box<str>),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl Visitor<'_> for Id {
            type Value = RequestId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text")
            }

            fn visit_u64<E>(self, number: u64) -> Result<RequestId, E> {
                Ok(RequestId::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<RequestId, E> {
                Ok(RequestId::Text(text.into()))
            }
        }

        deserializer.deserialize_any(Id)
    }
}

/// The data of a request or of an answer: one JSON value, checked to be JSON and not yet to be of a type.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::requests::{Answers, Asked};
///
/// let mut answers = Answers::<()>::new(Default::default());
/// let message = Message::text(r#"{"id": 1, "data": [1, 2]}"#);
/// let Asked::Request { data, .. } = answers.receive(Default::default(), (), &message) else { panic!() };
/// assert_eq!(data.as_json(), "[1, 2]");
/// assert_eq!(data.decode::<[u8; 2]>().unwrap(), [1, 2]);
/// assert!(data.decode::<String>().is_err());
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Data<'m>(Cow<'m, RawValue>);

impl Data<'_> {
    /// The JSON of a value.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`] if it has none.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let json = serde_json::value::to_raw_value(value).map_err(JsonError::Unwritable)?;
        Ok(Self(Cow::Owned(json)))
    }

    /// The JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The value.
    ///
    /// # Errors
    /// [`JsonError::Shape`] if it is of another type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        json::decode(&Message::text(self.as_json()))
    }

    /// The same, owned: a copy if it was lent by its message.
    #[must_use]
    pub fn into_owned(self) -> Data<'static> {
        Data(Cow::Owned(self.0.into_owned()))
    }
}

/// The same JSON, byte for byte.
impl PartialEq for Data<'_> {
    fn eq(&self, other: &Data<'_>) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Data<'_> {}

/// An answer that is an error.
///
/// ```
/// use wharf::base::{Kind, Message};
/// use wharf::service::requests::{ErrorReply, RequestId};
///
/// let error = ErrorReply::new("not_found", "no user 7");
/// assert_eq!(error.to_string(), "not_found: no user 7");
/// let text = r#"{"id":1,"error":{"code":"not_found","message":"no user 7"}}"#;
/// assert_eq!(error.encode(Kind::Text, Some(&RequestId::Number(1))), Message::text(text));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ErrorReply {
    /// What it is, for programs.
    pub code: String,
    /// What it is, for people.
    #[serde(default)]
    pub message: String,
}

impl ErrorReply {
    /// The code of a request beyond the limit of those in flight. It may be asked again once others are answered.
    pub const TOO_MANY: &'static str = "too_many";
    /// The code of a request whose id is that of one in flight.
    pub const DUPLICATE_ID: &'static str = "duplicate_id";
    /// The code for what is no request, or one whose data is of another shape.
    pub const INVALID: &'static str = "invalid";
    /// The code of a request whose answer took too long.
    pub const TIMED_OUT: &'static str = "timed_out";
    /// The code of a request that met with a failure of whoever answers.
    pub const INTERNAL: &'static str = "internal";

    /// An error.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// Its message: the answer to the request `id`, or to what has none and is no request.
    #[must_use]
    pub fn encode(&self, kind: Kind, id: Option<&RequestId>) -> Message<'static> {
        encode(kind, &Fault { id, error: self })
    }
}

/// A message that may be one of ours: an object with an id.
pub(super) struct Incoming<'m> {
    pub(super) id: RequestId,
    pub(super) data: Option<Data<'m>>,
    /// The inner one: an error that is none of ours.
    pub(super) error: Option<Result<ErrorReply, ()>>,
    pub(super) is_cancel: bool,
}

impl<'m> Incoming<'m> {
    pub(super) fn decode(message: &'m Message<'_>) -> Option<Self> {
        if !is_object(message.payload()) {
            return None;
        }
        let fields: Fields<'m> = json::decode(message).ok()?;
        Some(Self {
            id: fields.id?,
            data: fields.data.map(|data| Data(Cow::Borrowed(data))),
            error: fields.error.map(|error| {
                let json = error.get();
                let decoded = if is_object(json.as_bytes()) { serde_json::from_str(json).ok() } else { None };
                decoded.ok_or(())
            }),
            is_cancel: fields.cancel == Some(true),
        })
    }
}

/// An array would be taken for the fields in their order.
fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

#[derive(Deserialize)]
struct Fields<'m> {
    id: Option<RequestId>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'m RawValue>,
    #[serde(borrow)]
    error: Option<&'m RawValue>,
    cancel: Option<bool>,
}

/// A field that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
pub(super) struct Request<'a, T: ?Sized> {
    pub(super) id: u64,
    pub(super) data: &'a T,
}

#[derive(Serialize)]
pub(super) struct Cancel {
    id: u64,
    cancel: bool,
}

#[derive(Serialize)]
pub(super) struct Answer<'a, T: ?Sized> {
    pub(super) id: &'a RequestId,
    pub(super) data: &'a T,
}

#[derive(Serialize)]
struct Fault<'a> {
    id: Option<&'a RequestId>,
    error: &'a ErrorReply,
}

/// The message that gives a call up.
pub(super) fn cancel(kind: Kind, id: u64) -> Message<'static> {
    encode(kind, &Cancel { id, cancel: true })
}

/// Numbers and texts have JSON.
fn encode<T: Serialize>(kind: Kind, value: &T) -> Message<'static> {
    json::encode_as(kind, value).unwrap_or_else(|_| Message::text("null"))
}
