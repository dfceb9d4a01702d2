//! JSON in messages: of any serde type, on any transport that has messages. Feature `json`.
//!
//! Over TCP a JSON text is a line ([`Lines`](super::Lines)), as none that is written here holds a line end; over a
//! WebSocket it is a text message. A message that is no JSON, or of another shape, is a value to be looked at, and ends the
//! connection only where [`OnInvalid`] says so.

use crate::base::{CloseCode, Kind, Message};
use alloc::format;
use alloc::string::String;
use core::marker::PhantomData;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Messages of one type in JSON, and what to do about others.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wharf::base::{CloseCode, Message};
/// use wharf::framed::json::{Json, OnInvalid};
///
/// #[derive(Debug, PartialEq, Deserialize, Serialize)]
/// #[serde(tag = "type", rename_all = "camelCase")]
/// enum Frame {
///     Join { room: String },
///     Leave,
/// }
///
/// let frames = Json::<Frame>::new(OnInvalid::Close(CloseCode::UNSUPPORTED_DATA));
/// let message = Message::text(r#"{"type":"join","room":"general"}"#);
/// let join = Frame::Join { room: "general".into() };
/// assert_eq!(frames.decode(&message).unwrap(), join);
/// assert_eq!(frames.encode(&join).unwrap(), message);
///
/// let error = frames.decode(&Message::text(r#"{"type":"sing"}"#)).unwrap_err();
/// assert_eq!(error.reason(), "JSON of another shape at line 1 column 14");
/// assert_eq!(frames.close_code(), Some(CloseCode::UNSUPPORTED_DATA));
/// ```
#[derive(Debug)]
pub struct Json<T> {
    on_invalid: OnInvalid,
    of: PhantomData<fn(T) -> T>,
}

/// What to do about a message that is no JSON of the type.
///
/// ```
/// use wharf::framed::json::{Json, OnInvalid};
///
/// assert_eq!(OnInvalid::default(), OnInvalid::Report);
/// assert_eq!(Json::<u32>::new(OnInvalid::Report).close_code(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnInvalid {
    /// The error is a value like any other, and the connection goes on.
    #[default]
    Report,
    /// The connection is to be closed with this code, and [`JsonError::reason`] as the reason.
    Close(CloseCode),
}

/// A message that is no JSON of the type, or a value that has no JSON.
///
/// What it displays may quote the message; [`reason`](Self::reason) does not.
///
/// ```
/// use wharf::base::Message;
/// use wharf::framed::json::{JsonError, decode};
///
/// let error = decode::<u8>(&Message::text("1 x")).unwrap_err();
/// assert!(matches!(error, JsonError::Syntax(_)));
/// assert_eq!(error.reason(), "not JSON at line 1 column 3");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The payload is not JSON, or not all of it is there.
    #[error("not JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// The payload is JSON of another shape.
    #[error("JSON of another shape: {0}")]
    Shape(#[source] serde_json::Error),
    /// The value has no JSON, such as a map whose keys are no strings.
    #[error("it has no JSON: {0}")]
    Unwritable(#[source] serde_json::Error),
}

impl JsonError {
    /// What is wrong and where, in words of ours alone and short enough for the reason of a close.
    #[must_use]
    pub fn reason(&self) -> String {
        let (what, at) = match self {
            Self::Syntax(e) => ("not JSON", e),
            Self::Shape(e) => ("JSON of another shape", e),
            Self::Unwritable(_) => return "it has no JSON".into(),
        };
        format!("{what} at line {} column {}", at.line(), at.column())
    }
}

impl<T> Json<T> {
    /// Messages of the type, with a policy about others.
    #[must_use]
    pub const fn new(on_invalid: OnInvalid) -> Self {
        Self { on_invalid, of: PhantomData }
    }

    /// The code to close with after an error; `None` where the connection goes on.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self.on_invalid {
            OnInvalid::Report => None,
            OnInvalid::Close(code) => Some(code),
        }
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// As [`decode`].
    ///
    /// # Errors
    /// [`JsonError`]; whether the connection goes on is told by [`close_code`](Self::close_code).
    pub fn decode(&self, message: &Message<'_>) -> Result<T, JsonError> {
        decode(message)
    }
}

impl<T: Serialize> Json<T> {
    /// As [`encode`].
    ///
    /// # Errors
    /// [`JsonError::Unwritable`].
    pub fn encode(&self, value: &T) -> Result<Message<'static>, JsonError> {
        encode(value)
    }
}

/// The value in a message of any kind, whose payload is one JSON text. It may borrow from the message. Values may be nested
/// 128 deep.
///
/// # Errors
/// [`JsonError::Syntax`] or [`JsonError::Shape`]; neither says that the connection is over.
///
/// ```
/// use wharf::base::Message;
/// use wharf::framed::json;
///
/// let message = Message::text(r#"["a","b"]"#);
/// let borrowed: Vec<&str> = json::decode(&message).unwrap();
/// assert_eq!(borrowed, ["a", "b"]);
/// ```
pub fn decode<'m, T: Deserialize<'m>>(message: &'m Message<'_>) -> Result<T, JsonError> {
    let decoded = match message.as_text() {
        Some(text) => serde_json::from_str(text),
        None => serde_json::from_slice(message.payload()),
    };
    decoded.map_err(|e| if e.is_data() { JsonError::Shape(e) } else { JsonError::Syntax(e) })
}

/// A text message with `value` in JSON, on one line.
///
/// # Errors
/// [`JsonError::Unwritable`] for a value that has no JSON.
///
/// ```
/// use wharf::base::Message;
/// use wharf::framed::json;
///
/// assert_eq!(json::encode(&["a\nb"]).unwrap(), Message::text(r#"["a\nb"]"#));
/// ```
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Message<'static>, JsonError> {
    serde_json::to_string(value).map(Message::from).map_err(JsonError::Unwritable)
}

/// As [`encode`], in a message of any kind: text over a WebSocket and in lines, a type's frames where frames are typed.
///
/// # Errors
/// [`JsonError::Unwritable`] for a value that has no JSON.
///
/// ```
/// use wharf::base::{Kind, Message};
/// use wharf::framed::{Typed, json};
///
/// let frame = json::encode_as(Kind::Typed(Typed::DATA), &[1, 2]).unwrap();
/// assert_eq!(frame, Message::typed(Typed::DATA, &b"[1,2]"[..]));
/// ```
pub fn encode_as<T: Serialize + ?Sized>(kind: Kind, value: &T) -> Result<Message<'static>, JsonError> {
    let message = encode(value)?;
    Ok(match kind {
        Kind::Text => message,
        Kind::Binary => Message::binary(message.into_vec()),
        Kind::Typed(tag) => Message::typed(tag, message.into_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Engine, Event, Input, Instant};
    use crate::framed::{Config, Connection, Lines};
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        user_id: u32,
        content: String,
    }

    #[test]
    fn one_bad_message_is_a_value_and_the_next_one_is_read() {
        let now = Instant::ORIGIN;
        let json = Json::<Note>::new(OnInvalid::Report);
        let note = Note { user_id: 7, content: "né\n".into() };
        let mut sender = Connection::new(now, Lines::new(), &Config::default().into());
        sender.send(now, Message::text("{broken")).unwrap();
        sender.send(now, Message::text(r#"{"user_id":"seven","content":""}"#)).unwrap();
        sender.send(now, json.encode(&note).unwrap()).unwrap();
        let mut bytes = Vec::new();
        sender.output(now).drain_into(&mut bytes);

        let mut receiver = Connection::new(now, Lines::new(), &Config::default().into());
        let mut heard = Vec::new();
        // Each byte by itself: a character that is split over two reads is one all the same.
        for byte in &mut bytes {
            let mut input = Input::new(core::slice::from_mut(byte));
            while let Some(event) = receiver.receive(now, &mut input) {
                let Event::Message(message) = event else { panic!("{event:?}") };
                heard.push(json.decode(&message));
            }
        }
        let [Err(JsonError::Syntax(_)), Err(JsonError::Shape(_)), Ok(last)] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(*last, note);
        assert!(receiver.is_open());
    }

    #[test]
    fn any_kind_of_message_carries_it() {
        for message in [Message::text("[1,2]"), b"[1,2]"[..].into(), Message::typed(2, &b" [1, 2]\r\n"[..])] {
            assert_eq!(decode::<[u8; 2]>(&message).unwrap(), [1, 2]);
        }
        assert!(matches!(decode::<String>(&b"\"\xff\""[..].into()), Err(JsonError::Syntax(_))));
        for bad in ["", "[1,2", "[1,2] 3", "nul"] {
            assert!(matches!(decode::<Vec<u8>>(&bad.into()), Err(JsonError::Syntax(_))), "{bad:?}");
        }
        let deep = "[".repeat(200_000);
        assert!(matches!(decode::<serde_json::Value>(&Message::text(deep)), Err(JsonError::Syntax(_))));
    }

    #[test]
    fn a_reason_fits_into_a_close_and_quotes_nothing() {
        let long = format!("\"{}\"", "x".repeat(10_000));
        let error = decode::<bool>(&Message::text(long)).unwrap_err();
        assert!(error.reason().len() <= 123 && !error.reason().contains('x'));
        let unwritable = encode(&BTreeMap::from([([1_u8], 1)])).unwrap_err();
        assert_eq!(unwritable.reason(), "it has no JSON");
    }
}
