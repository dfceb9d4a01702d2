//! The message loop: messages of one type each way, `{"type": …, "payload": …}` or any other that serde knows. Feature `json`.

use crate::base::{CloseCode, Kind, Message};
use crate::framed::json::{self, JsonError, OnInvalid};
use alloc::string::String;
use core::marker::PhantomData;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How the messages of a connection are read and written.
///
/// ```
/// use wharf::base::{CloseCode, Kind};
/// use wharf::framed::{Typed, json::OnInvalid};
/// use wharf::service::messages::MessagesConfig;
///
/// let mut config = MessagesConfig::default();
/// assert_eq!((config.on_invalid, config.max_invalid), (OnInvalid::Report, 100));
/// // Over typed frames, and with no patience.
/// config.kind = Kind::Typed(Typed::DATA);
/// config.on_invalid = OnInvalid::Close(CloseCode::INVALID_PAYLOAD);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessagesConfig {
    /// What becomes of the connection after a message that cannot be read. Default [`OnInvalid::Report`]: it
    /// goes on.
    pub on_invalid: OnInvalid,
    /// Messages of a connection that may be such where it goes on. Default 100; with one more it is to be closed with
    /// [`POLICY_VIOLATION`](CloseCode::POLICY_VIOLATION).
    pub max_invalid: u32,
    /// The kind of the messages that are sent; those that come may be of any. Default [`Kind::Text`].
    pub kind: Kind,
}

impl Default for MessagesConfig {
    fn default() -> Self {
        Self { on_invalid: OnInvalid::Report, max_invalid: 100, kind: Kind::Text }
    }
}

/// A message that could not be read: a value like any other.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::messages::Messages;
///
/// let mut messages = Messages::<u8, u8>::new(Default::default());
/// let bad = messages.decode(&Message::text("ahoy")).unwrap_err();
/// assert_eq!(bad.error.reason(), "not JSON at line 1 column 1");
/// assert_eq!(bad.close, None);
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct BadMessage {
    /// What is wrong with it. What that displays may quote the message; its `reason` does not.
    #[source]
    pub error: JsonError,
    /// The code that the connection is to be closed with, if it is.
    pub close: Option<CloseCode>,
}

impl BadMessage {
    /// The reason to close with.
    #[must_use]
    pub fn reason(&self) -> String {
        self.error.reason()
    }
}

/// The messages of one connection: `In` comes, `Out` goes.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wharf::base::Message;
/// use wharf::service::messages::Messages;
///
/// #[derive(Debug, PartialEq, Deserialize)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum Heard {
///     Join { room: String },
/// }
/// #[derive(Serialize)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum Said {
///     Welcome(u32),
/// }
///
/// let mut messages = Messages::<Heard, Said>::new(Default::default());
/// let join = Message::text(r#"{"type": "join", "payload": {"room": "general"}}"#);
/// assert_eq!(messages.decode(&join).unwrap(), Heard::Join { room: "general".into() });
/// let welcome = Message::text(r#"{"type":"welcome","payload":7}"#);
/// assert_eq!(messages.encode(&Said::Welcome(7)).unwrap(), welcome);
/// assert!(messages.decode(&welcome).is_err());
/// assert_eq!(messages.invalid(), 1);
/// ```
#[derive(Debug)]
pub struct Messages<In, Out> {
    config: MessagesConfig,
    invalid: u32,
    of: PhantomData<fn(Out) -> In>,
}

impl<In, Out> Messages<In, Out> {
    /// None yet.
    #[must_use]
    pub fn new(config: MessagesConfig) -> Self {
        Self { config, invalid: 0, of: PhantomData }
    }

    /// How many could not be read.
    #[must_use]
    pub fn invalid(&self) -> u32 {
        self.invalid
    }
}

impl<In: DeserializeOwned, Out> Messages<In, Out> {
    /// Reads a message of any kind.
    ///
    /// # Errors
    /// [`BadMessage`], which says whether the connection goes on.
    pub fn decode(&mut self, message: &Message<'_>) -> Result<In, BadMessage> {
        json::decode(message).map_err(|error| {
            self.invalid = self.invalid.saturating_add(1);
            let close = match self.config.on_invalid {
                OnInvalid::Close(code) => Some(code),
                OnInvalid::Report => {
                    (self.invalid > self.config.max_invalid).then_some(CloseCode::POLICY_VIOLATION)
                }
            };
            BadMessage { error, close }
        })
    }
}

impl<In, Out: Serialize> Messages<In, Out> {
    /// Writes a message.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`] for a value that has no JSON.
    pub fn encode(&self, value: &Out) -> Result<Message<'static>, JsonError> {
        json::encode_as(self.config.kind, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_message_is_a_value_and_too_many_end_it() {
        let config = MessagesConfig { max_invalid: 2, ..MessagesConfig::default() };
        let mut messages = Messages::<[u8; 2], ()>::new(config);
        for (json, close) in [("[1,2", None), ("{}", None), ("[1,2,3]", Some(CloseCode::POLICY_VIOLATION))] {
            assert_eq!(messages.decode(&json.into()).unwrap_err().close, close, "{json}");
            // One that can be read is not counted, and read whatever came before.
            assert_eq!(messages.decode(&Message::typed(9, &b"[1, 2]"[..])).unwrap(), [1, 2]);
        }
        assert_eq!(messages.invalid(), 3);
    }

    #[test]
    fn the_policy_names_the_code() {
        for code in [CloseCode::INVALID_PAYLOAD, CloseCode::POLICY_VIOLATION] {
            let config = MessagesConfig { on_invalid: OnInvalid::Close(code), ..MessagesConfig::default() };
            let bad = Messages::<bool, ()>::new(config).decode(&"7".into()).unwrap_err();
            assert_eq!(bad.close, Some(code));
            assert!(code.can_close_with(&bad.reason()));
        }
    }
}
