//! What services say to the bus.

use super::fields::{Fields, text};
use super::{Envelope, Reason, Refusal, write};
use crate::service::bus::Name;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// A frame from a service to the bus. Fields that are not of its type are ignored; a key that occurs twice is not.
///
/// ```
/// use wharf::service::bus::{Name, ToBus};
///
/// let frame = r#"{"type":"ack","messageId":"m-1"}"#;
/// let ack = ToBus::Ack { message_id: Name::new("m-1")?, from: None };
/// assert_eq!(ToBus::decode(frame)?, ack);
/// assert_eq!(ack.encode(), frame);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToBus<'m> {
    /// The connection is this service's from now on.
    Register {
        /// The service.
        service_id: Name,
        /// What shows that it may be.
        token: Option<Cow<'m, str>>,
    },
    /// A message for another service, or the same.
    Message(Envelope),
    /// A message has been dealt with.
    Ack {
        /// Which.
        message_id: Name,
        /// Whose, where several senders have one of that id.
        from: Option<Name>,
    },
    /// A message cannot be dealt with now.
    Nack {
        /// Which.
        message_id: Name,
        /// Whose, where several senders have one of that id.
        from: Option<Name>,
        /// Why.
        reason: Cow<'m, str>,
    },
    /// A sign of life.
    Heartbeat,
}

impl<'m> ToBus<'m> {
    /// Reads a frame.
    ///
    /// # Errors
    /// A [`Refusal`], which has the answer.
    pub fn decode(frame: &'m str) -> Result<Self, Refusal> {
        let invalid = |detail: &'static str| Refusal::new(Reason::Invalid, detail);
        let fields: Fields<'m> =
            serde_json::from_str(frame).map_err(|e| Refusal::new(Reason::Invalid, format!("{e}")))?;
        let name = |key, bad| match fields.find(key) {
            None => Ok(None),
            Some(value) => {
                let text = text(value).ok_or_else(|| invalid(bad))?;
                Name::new(&text).map(Some).map_err(|_| Refusal::new(Reason::Id, bad))
            }
        };
        let message_id =
            || name("messageId", "messageId is no id")?.ok_or_else(|| invalid("messageId is missing"));
        let from = || name("from", "from is no id");
        match fields.text("type").as_deref() {
            Some("register") => {
                let service_id = name("serviceId", "serviceId is no id")?;
                let service_id = service_id.ok_or_else(|| invalid("serviceId is missing"))?;
                let token = fields
                    .find("token")
                    .map(|token| text(token).ok_or_else(|| invalid("token is no string")));
                Ok(Self::Register { service_id, token: token.transpose()? })
            }
            Some("message") => {
                let message = fields.find("message").ok_or_else(|| invalid("message is missing"))?;
                Envelope::decode(message.get()).map(Self::Message)
            }
            Some("ack") => Ok(Self::Ack { message_id: message_id()?, from: from()? }),
            Some("nack") => {
                let reason = fields.text("reason").ok_or_else(|| invalid("reason is no string"))?;
                Ok(Self::Nack { message_id: message_id()?, from: from()?, reason })
            }
            Some("heartbeat") => Ok(Self::Heartbeat),
            Some(_) => Err(invalid("unknown type")),
            None => Err(invalid("type is no string")),
        }
    }

    /// The frame as JSON text, on one line.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Register { service_id, token } => {
                let token = token.as_deref().map(|token| ("token", token));
                write::object("register", [Some(("serviceId", service_id.as_str())), token])
            }
            Self::Message(envelope) => submission(envelope.body()),
            Self::Ack { message_id, from } => {
                let from = from.as_deref().map(|from| ("from", from));
                write::object("ack", [Some(("messageId", message_id.as_str())), from])
            }
            Self::Nack { message_id, from, reason } => {
                let from = from.as_deref().map(|from| ("from", from));
                write::object(
                    "nack",
                    [Some(("messageId", message_id.as_str())), from, Some(("reason", reason))],
                )
            }
            Self::Heartbeat => write::object("heartbeat", [None]),
        }
    }
}

/// The frame that hands a message in.
pub(in crate::service::bus) fn submission(body: &str) -> String {
    let mut out = String::with_capacity(submission_len(body));
    out.push_str(write::MESSAGE);
    out.push_str(body);
    out.push('}');
    out
}

/// Its length in bytes.
pub(in crate::service::bus) fn submission_len(body: &str) -> usize {
    write::MESSAGE.len() + body.len() + 1
}
