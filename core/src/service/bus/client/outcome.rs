//! What becomes of a message that is sent.

use crate::base::SendError;
use crate::service::bus::{Envelope, Reason};
use alloc::boxed::Box;

/// What became of a message, told once; it is true whatever happens to connections.
///
/// ```
/// use wharf::service::bus::client::Outcome;
///
/// assert!(Outcome::Accepted.is_accepted());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The bus has it on disk, and delivers it until it is acknowledged or a dead letter.
    Accepted,
    /// It is not accepted. Here it is back; to send it again, under its id ([`Outgoing::again`](super::Outgoing::again)), is safe
    /// in any case.
    Undelivered {
        /// The message.
        message: Box<Envelope>,
        /// Why.
        why: Undelivered,
        /// Whether the bus may have accepted it all the same: it was sent, and no answer came, or its store failed over it.
        may_be_accepted: bool,
    },
}

impl Outcome {
    /// Whether the bus has it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }
}

/// Why a message was given up.
///
/// ```
/// use wharf::service::bus::{Reason, client::Undelivered};
///
/// let rejected = Undelivered::Rejected { reason: Reason::To, detail: None };
/// assert_eq!(rejected.to_string(), "rejected: to");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undelivered {
    /// The bus refused it, for good or as often as [`BusClientConfig::retry`](super::BusClientConfig::retry) says
    /// ([`is_temporary`]).
    #[error("rejected: {reason}")]
    Rejected {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        detail: Option<Box<str>>,
    },
    /// Its deadline has passed. The last reason for which it was tried again, if there was one.
    #[error("not accepted by its deadline")]
    Expired(Option<Reason>),
    /// It made place for a newer one, or found none itself ([`WhenFull`](crate::service::client::WhenFull)).
    #[error("the outbox was full")]
    Full,
    /// No connection to the bus can carry it.
    #[error("{0}")]
    Unfit(SendError),
    /// Its program took it back ([`BusClient::cancel`](super::BusClient::cancel)).
    #[error("it was taken back")]
    Cancelled,
    /// The client was stopped before the bus had answered.
    #[error("the client was stopped")]
    Stopped,
}

/// Whether a bus that rejects a message for this reason may take the same later: `full`, `closing` and `store` pass, when
/// receivers have caught up or the bus was restarted. All others are about the message or its sender, and final.
///
/// ```
/// use wharf::service::bus::{Reason, client::is_temporary};
///
/// assert!(is_temporary(Reason::Full));
/// assert!(!is_temporary(Reason::Invalid));
/// ```
#[must_use]
pub const fn is_temporary(reason: Reason) -> bool {
    matches!(reason, Reason::Full | Reason::Closing | Reason::Store)
}
