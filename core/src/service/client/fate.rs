//! What becomes of a message.

use crate::base::{Message, SendError};
use core::fmt;

/// What became of a message; it is true whatever happens to connections.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::client::{Fate, Unsent};
///
/// let fate = Fate::Unsent { message: Message::text("ahoy"), why: Unsent::Stopped };
/// assert!(!fate.may_have_arrived());
/// assert!(Fate::Unknown { message: Message::text("ahoy") }.may_have_arrived());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The transport took all of it. Whether the peer's program has seen it only the peer can tell.
    Written,
    /// The peer acknowledged it ([`Client::acknowledge`](super::Client::acknowledge)).
    Acknowledged,
    /// Not a byte of it was written: here it is back, and sending it again doubles nothing.
    Unsent {
        /// The message.
        message: Message<'static>,
        /// Why.
        why: Unsent,
    },
    /// Some of it or all may have been written, and the connection ended, or the acknowledgement did not come in time. To send it
    /// again may double it, which is for the program to decide.
    Unknown {
        /// The message.
        message: Message<'static>,
    },
}

impl Fate {
    /// Whether the peer may have it.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        !matches!(self, Self::Unsent { .. })
    }

    /// The message, if it is given back.
    #[must_use]
    pub fn into_message(self) -> Option<Message<'static>> {
        match self {
            Self::Unsent { message, .. } | Self::Unknown { message } => Some(message),
            Self::Written | Self::Acknowledged => None,
        }
    }
}

/// Why a message was not sent.
///
/// ```
/// assert_eq!(wharf::service::client::Unsent::Tries.to_string(), "each connection ended before a byte of it was written");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent {
    /// It was given to as many connections as [`ClientConfig::retries`](super::ClientConfig::retries) allows.
    #[error("each connection ended before a byte of it was written")]
    Tries,
    /// It made place for a newer one, or found none itself ([`WhenFull`](super::WhenFull)).
    #[error("the outbox was full")]
    Full,
    /// The connection ended, and nothing waits for the next one ([`ClientConfig::buffer`](super::ClientConfig::buffer)).
    #[error("the connection ended, and nothing waits for the next one")]
    Disconnected,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
    /// The connection cannot carry it. It will never fit.
    #[error("{0}")]
    Unfit(SendError),
}

/// A message that was not taken, given back. There is no fate to come.
///
/// ```
/// use wharf::service::client::{Client, ClientConfig, WhyRefused};
///
/// let mut config = ClientConfig::default();
/// config.max_messages = 0;
/// let mut client = Client::new(Default::default(), config, wharf::base::Entropy::from_seed([7; 32]));
/// let refused = client.send(Default::default(), "ahoy").unwrap_err();
/// assert_eq!((refused.why, refused.message.as_text()), (WhyRefused::Full, Some("ahoy")));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub why: WhyRefused,
    /// The message.
    pub message: Message<'static>,
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a message says is nobody's business in a log.
        f.debug_struct("Refused").field("why", &self.why).finish_non_exhaustive()
    }
}

/// Why a message was not taken.
///
/// ```
/// assert!(wharf::service::client::WhyRefused::Full.is_retryable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WhyRefused {
    /// As many messages, or bytes, as may be wait for their fate.
    #[error("the outbox is full")]
    Full,
    /// Larger than the outbox.
    #[error("the message is larger than the outbox")]
    TooBig,
    /// It is not connected, and nothing waits for the next connection.
    #[error("not connected")]
    NotConnected,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}

impl WhyRefused {
    /// Whether the same may be taken later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Full | Self::NotConnected)
    }
}
