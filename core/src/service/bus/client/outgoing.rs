//! Messages on their way to the bus, before they have an id.

use crate::base::{Instant, Wall};
use crate::framed::json::JsonError;
use crate::service::bus::{Envelope, Name};
use alloc::boxed::Box;
use core::fmt;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A message for another service, or the same.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::bus::{Name, client::Outgoing};
///
/// let sold = Outgoing::new(Name::new("mail")?, "sold", &("a ship", 7), Wall::from_millis(1_700_000_000_000))?;
/// assert_eq!(sold.payload(), r#"["a ship",7]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// Who is to have it.
    pub to: Name,
    /// Its `type`.
    pub kind: Box<str>,
    /// Its `timestamp`.
    pub timestamp: Wall,
    /// Its id. Default `None`: the client's prefix and its next number. For a message that is to be sent once although this process
    /// may end before the bus has accepted it, an id of its own that lasts: stored with the decision to send it, and sent under it
    /// until it is accepted, in this life of the process or another.
    pub id: Option<Name>,
    /// When to give it up. Default `None`: never.
    pub deadline: Option<Instant>,
    payload: Box<RawValue>,
}

impl Outgoing {
    /// One of any payload that has JSON.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`] for a payload that has none.
    pub fn new<T: Serialize + ?Sized>(
        to: Name,
        kind: &str,
        payload: &T,
        timestamp: Wall,
    ) -> Result<Self, JsonError> {
        let payload = to_raw_value(payload).map_err(JsonError::Unwritable)?;
        Ok(Self { to, kind: kind.into(), timestamp, id: None, deadline: None, payload })
    }

    /// One that was given back, to be sent again under its id.
    ///
    /// # Errors
    /// [`JsonError::Syntax`] if its payload is no JSON, which cannot be.
    pub fn again(envelope: &Envelope) -> Result<Self, JsonError> {
        let payload = RawValue::from_string(envelope.payload().into()).map_err(JsonError::Syntax)?;
        let timestamp = Wall::from_millis(envelope.timestamp().parse().unwrap_or(0));
        let (to, kind, id) = (envelope.to.clone(), envelope.kind.clone(), Some(envelope.id.clone()));
        Ok(Self { to, kind, timestamp, id, deadline: None, payload })
    }

    /// The payload as JSON text.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.payload.get()
    }

    pub(super) fn envelope(&self, id: Name, from: Name) -> Result<Envelope, JsonError> {
        Envelope::new(id, from, self.to.clone(), &self.kind, &*self.payload, self.timestamp.as_millis())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a message says is nobody's business in a log.
        f.debug_struct("Outgoing").field("to", &self.to).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A message that was not taken, given back. There is no outcome to come.
///
/// ```
/// use wharf::service::bus::Name;
/// use wharf::service::bus::client::{BusClient, BusClientConfig, Outgoing, WhyRefused};
///
/// let mut config = BusClientConfig::new(Name::new("shop")?);
/// config.max_messages = 0;
/// let mut client = BusClient::new(Default::default(), config, wharf::base::Entropy::from_seed([7; 32]));
/// let sold = Outgoing::new(Name::new("mail")?, "sold", &7, Default::default())?;
/// let refused = client.send(Default::default(), sold).unwrap_err();
/// assert_eq!((refused.why, refused.message.payload()), (WhyRefused::Full, "7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{why}")]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub why: WhyRefused,
    /// The message.
    pub message: Box<Outgoing>,
}

/// Why a message was not taken.
///
/// ```
/// assert!(wharf::service::bus::client::WhyRefused::Full.is_retryable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WhyRefused {
    /// As many messages, or bytes, as may be wait for the bus, or for their outcome to be looked at.
    #[error("the outbox is full")]
    Full,
    /// Its frame is longer than the bus takes ([`BusClientConfig::max_frame`](super::BusClientConfig::max_frame)), or than the outbox.
    #[error("the message is too big")]
    TooBig,
    /// A message of the same id is on its way, or the id is one that the client would give itself.
    #[error("the id is in use")]
    Id,
    /// The client was stopped, or is about to stop.
    #[error("the client was stopped")]
    Stopped,
}

impl WhyRefused {
    /// Whether the same may be taken later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Full | Self::Id)
    }
}
