//! What the bus says to services.

use super::fields::Fields;
use super::{DeadReason, Envelope, Reason, Refusal, write};
use crate::service::bus::Name;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

/// A frame from the bus to a service. Fields that are not of its type are ignored.
///
/// ```
/// use wharf::service::bus::{FromBus, Name};
///
/// let frame = r#"{"type":"registered","serviceId":"mail","pending":3}"#;
/// let registered = FromBus::Registered { service_id: Name::new("mail")?, pending: 3 };
/// assert_eq!(FromBus::decode(frame)?, registered);
/// assert_eq!(registered.encode(), frame);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromBus<'m> {
    /// The connection is that of the service.
    Registered {
        /// The service.
        service_id: Name,
        /// Messages that wait for it, those included that it has had and not acknowledged.
        pending: u64,
    },
    /// A message is on disk.
    Accepted {
        /// Which.
        message_id: Name,
    },
    /// A message was not taken, and its id is not used up.
    Rejected {
        /// Which, by whatever it called itself.
        message_id: Cow<'m, str>,
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        detail: Option<Cow<'m, str>>,
    },
    /// A message for this service, to be acknowledged.
    Message(Envelope),
    /// A sign of life.
    Heartbeat,
    /// A message that this service sent has become a dead letter.
    Dead {
        /// Which.
        message_id: Name,
        /// Of what.
        reason: DeadReason,
    },
    /// A frame of this connection, or the connection itself, is refused.
    Error {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        detail: Option<Cow<'m, str>>,
    },
}

impl<'m> FromBus<'m> {
    /// Reads a frame.
    ///
    /// # Errors
    /// It is none; the bus is not what it says it is.
    pub fn decode(frame: &'m str) -> Result<Self, Refusal> {
        let invalid = |detail: &'static str| Refusal::new(Reason::Invalid, detail);
        let fields: Fields<'m> =
            serde_json::from_str(frame).map_err(|e| Refusal::new(Reason::Invalid, format!("{e}")))?;
        let name = |key| {
            fields.text(key).and_then(|text| Name::new(&text).ok()).ok_or_else(|| invalid("an id is missing"))
        };
        let reason = || {
            let word = fields.text("reason").ok_or_else(|| invalid("reason is missing"))?;
            word.parse::<Reason>().map_err(|_| invalid("unknown reason"))
        };
        match fields.text("type").as_deref() {
            Some("registered") => {
                let pending = fields.find("pending").and_then(|n| n.get().parse().ok());
                let pending = pending.ok_or_else(|| invalid("pending is no whole number"))?;
                Ok(Self::Registered { service_id: name("serviceId")?, pending })
            }
            Some("accepted") => Ok(Self::Accepted { message_id: name("messageId")? }),
            Some("rejected") => {
                let message_id = fields.text("messageId").ok_or_else(|| invalid("messageId is missing"))?;
                Ok(Self::Rejected { message_id, reason: reason()?, detail: fields.text("detail") })
            }
            Some("message") => {
                let message = fields.find("message").ok_or_else(|| invalid("message is missing"))?;
                Envelope::decode(message.get()).map(Self::Message)
            }
            Some("heartbeat") => Ok(Self::Heartbeat),
            Some("dead") => {
                let word = fields.text("reason").ok_or_else(|| invalid("reason is missing"))?;
                let reason = word.parse().map_err(|_| invalid("unknown reason"))?;
                Ok(Self::Dead { message_id: name("messageId")?, reason })
            }
            Some("error") => Ok(Self::Error { reason: reason()?, detail: fields.text("detail") }),
            Some(_) => Err(invalid("unknown type")),
            None => Err(invalid("type is no string")),
        }
    }

    /// The frame as JSON text, on one line.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Registered { service_id, pending } => {
                format!(r#"{{"type":"registered","serviceId":"{service_id}","pending":{pending}}}"#)
            }
            Self::Accepted { message_id } => {
                write::object("accepted", [Some(("messageId", message_id.as_str()))])
            }
            Self::Rejected { message_id, reason, detail } => {
                let detail = detail.as_deref().map(|detail| ("detail", detail));
                write::object(
                    "rejected",
                    [Some(("messageId", message_id)), Some(("reason", reason.as_str())), detail],
                )
            }
            Self::Message(envelope) => delivery(envelope.body(), envelope.retry_count),
            Self::Heartbeat => write::object("heartbeat", [None]),
            Self::Dead { message_id, reason } => {
                let reason = format!("{reason}");
                write::object("dead", [Some(("messageId", message_id.as_str())), Some(("reason", &reason))])
            }
            Self::Error { reason, detail } => {
                let detail = detail.as_deref().map(|detail| ("detail", detail));
                write::object("error", [Some(("reason", reason.as_str())), detail])
            }
        }
    }
}

/// What a delivery adds to the body of its message, in bytes, at most.
pub(in crate::service::bus) const DELIVERY_OVERHEAD: usize = 56;

/// The frame that hands a message over.
pub(in crate::service::bus) fn delivery(body: &str, retry_count: u32) -> String {
    let mut out = String::with_capacity(body.len() + DELIVERY_OVERHEAD);
    out.push_str(write::MESSAGE);
    out.push_str(body.strip_suffix('}').unwrap_or(body));
    // Writing into a String does not fail.
    let _ = write!(out, r#","retryCount":{retry_count}}}}}"#);
    out
}
