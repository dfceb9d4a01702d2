//! What applications exchange: text, binary, or frames tagged with a type byte.

use super::Piece;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// What a message is, without its payload.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant, Kind, SendError};
/// use wharf::{framed, ws};
///
/// let now = Instant::ORIGIN;
/// let mut frames = framed::Connection::new(now, framed::Typed, &framed::Config::default().into());
/// let mut bytes = *b"\0\0\0\x05\x07ahoy";
/// let Some(Event::Message(message)) = frames.receive(now, &mut Input::new(&mut bytes)) else { panic!() };
/// assert_eq!(message.kind(), Kind::Typed(7));
/// // A WebSocket has no place for a type byte.
/// let mut socket = ws::Connection::server(now, &ws::Config::default().into());
/// assert_eq!(socket.send(now, message), Err(SendError::UnsupportedKind(Kind::Typed(7))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// UTF-8 text (RFC 6455 section 5.6).
    Text,
    /// Bytes.
    Binary,
    /// Bytes under an application's type byte, on framed transports that carry one ([`Typed`](crate::framed::Typed)); others refuse
    /// it with [`SendError::UnsupportedKind`](super::SendError::UnsupportedKind).
    Typed(u8),
}

/// One message. Its payload is lent when it lay whole in the input, else owned, as in [`Cow`].
///
/// ```
/// use wharf::base::{Kind, Message};
///
/// let message = Message::text("ahoy");
/// assert_eq!(message.kind(), Kind::Text);
/// assert_eq!(message.payload(), b"ahoy");
/// assert_eq!(message.as_text(), Some("ahoy"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message<'b> {
    /// Text; valid UTF-8 by its type.
    Text(Cow<'b, str>),
    /// Bytes.
    Binary(Cow<'b, [u8]>),
    /// Bytes under a type byte.
    Typed(u8, Cow<'b, [u8]>),
}

impl<'b> Message<'b> {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<Cow<'b, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(payload: impl Into<Cow<'b, [u8]>>) -> Self {
        Self::Binary(payload.into())
    }

    /// A message under a type byte.
    #[must_use]
    pub fn typed(tag: u8, payload: impl Into<Cow<'b, [u8]>>) -> Self {
        Self::Typed(tag, payload.into())
    }

    /// What the message is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
            Self::Typed(tag, _) => Kind::Typed(*tag),
        }
    }

    /// The payload's bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(payload) | Self::Typed(_, payload) => payload,
        }
    }

    /// The text, if it is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the payload is borrowed from the input.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        match self {
            Self::Text(text) => matches!(text, Cow::Borrowed(_)),
            Self::Binary(payload) | Self::Typed(_, payload) => matches!(payload, Cow::Borrowed(_)),
        }
    }

    /// The same message, lent: sends what the caller wants to keep.
    #[must_use]
    pub fn as_lent(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(Cow::Borrowed(text)),
            Self::Binary(payload) => Message::Binary(Cow::Borrowed(payload)),
            Self::Typed(tag, payload) => Message::Typed(*tag, Cow::Borrowed(payload)),
        }
    }

    /// The same message, owned: a copy if it was lent.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        match self {
            Self::Text(text) => Message::Text(Cow::Owned(text.into_owned())),
            Self::Binary(payload) => Message::Binary(Cow::Owned(payload.into_owned())),
            Self::Typed(tag, payload) => Message::Typed(tag, Cow::Owned(payload.into_owned())),
        }
    }

    /// The payload as owned bytes: a copy if it was lent.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_owned().into_bytes(),
            Self::Binary(payload) | Self::Typed(_, payload) => payload.into_owned(),
        }
    }

    /// The payload as shared bytes: a copy if it was lent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.into_vec())
    }
}

impl<'b> From<&'b str> for Message<'b> {
    fn from(text: &'b str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Message<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'b> From<&'b [u8]> for Message<'b> {
    fn from(payload: &'b [u8]) -> Self {
        Self::Binary(Cow::Borrowed(payload))
    }
}

impl From<Vec<u8>> for Message<'_> {
    fn from(payload: Vec<u8>) -> Self {
        Self::Binary(Cow::Owned(payload))
    }
}

/// A piece of a message in streaming mode, in order; only the last piece of a message may be empty.
///
/// ```
/// use wharf::base::{Chunk, Kind};
///
/// let chunk = Chunk { kind: Kind::Binary, first: true, last: false, bytes: b"begin"[..].into() };
/// assert_eq!(chunk.bytes.len(), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'b> {
    /// What the message is.
    pub kind: Kind,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
    /// The bytes: lent, or owned where the message was compressed. Those of a text are checked up to here; a character
    /// may be cut by the end of the piece.
    pub bytes: Piece<'b>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_lent_and_owned_is_the_same_message() {
        for (lent, kind, text) in [
            (Message::text("ahoy"), Kind::Text, Some("ahoy")),
            (Message::binary(&b"ahoy"[..]), Kind::Binary, None),
            (Message::typed(7, &b"ahoy"[..]), Kind::Typed(7), None),
        ] {
            let owned = lent.clone().into_owned();
            assert_eq!((lent.is_lent(), owned.is_lent(), owned.as_lent().is_lent()), (true, false, true));
            assert_eq!((&lent, &lent), (&owned, &owned.as_lent()));
            assert_eq!((owned.kind(), owned.payload(), owned.as_text()), (kind, &b"ahoy"[..], text));
            assert_eq!(
                (lent.into_vec(), owned.into_bytes()),
                (b"ahoy".to_vec(), Bytes::from_static(b"ahoy"))
            );
        }
    }

    #[test]
    fn what_text_and_bytes_become() {
        assert_eq!(
            (Message::from("ahoy"), Message::from(String::from("ahoy"))),
            (Message::text("ahoy"), Message::text("ahoy"))
        );
        let binary = Message::binary(&b"ahoy"[..]);
        assert_eq!((Message::from(&b"ahoy"[..]), Message::from(b"ahoy".to_vec())), (binary.clone(), binary));
    }
}
