//! What the client tells.

use super::Outcome;
use crate::service::bus::{DeadReason, Name, Reason};
use crate::service::client::{Failure, Stopped};
use alloc::boxed::Box;

/// What a client of the bus tells its program ([`Machine::poll_event`](crate::service::client::Machine::poll_event)).
///
/// ```
/// use wharf::service::bus::client::BusClientEvent;
///
/// fn line(event: &BusClientEvent) -> Option<String> {
///     match event {
///         BusClientEvent::Registered { pending } => Some(format!("registered, {pending} wait")),
///         BusClientEvent::Dead { id, reason } => Some(format!("{id} is dead: {reason}")),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusClientEvent {
    /// It is connected, and asks to be registered.
    Connected {
        /// Whether there was a connection before.
        again: bool,
    },
    /// The bus knows it: messages flow both ways.
    Registered {
        /// Messages that wait for it, those included that it has had and not acknowledged.
        pending: u64,
    },
    /// An attempt to connect failed, or the connection was lost. The next one comes in its time.
    Disconnected {
        /// Why.
        failure: Failure,
        /// Whether it was connected.
        was_connected: bool,
    },
    /// What became of a message, exactly once for each that was taken.
    Sent {
        /// The message.
        id: Name,
        /// What became of it.
        outcome: Outcome,
    },
    /// The bus did not take a message, and it is tried again later.
    Deferred {
        /// The message.
        id: Name,
        /// Why.
        reason: Reason,
    },
    /// A message that this service sent has become a dead letter. Told once, if it is registered at that moment.
    Dead {
        /// The message.
        id: Name,
        /// Of what.
        reason: DeadReason,
    },
    /// The bus refused something else. Those that end the connection or the client are followed by what says so.
    Refused {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        detail: Option<Box<str>>,
    },
    /// It has stopped for good: the last event.
    Stopped(BusStopped),
}

/// Why a client of the bus stopped.
///
/// ```
/// use wharf::service::bus::{Reason, client::BusStopped};
///
/// assert_eq!(BusStopped::Refused(Reason::Replaced).to_string(), "the bus refuses it: replaced");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BusStopped {
    /// The bus will not have it ([`is_fatal`]).
    #[error("the bus refuses it: {0}")]
    Refused(Reason),
    /// It was asked to, or no connection can be had.
    #[error(transparent)]
    Client(#[from] Stopped),
}

/// Whether an `error` of the bus is the end of the client: `replaced`, since two of one id would replace each other for ever; `token`,
/// since the next connection would have the same; `id`, since no connection can register such a one. After all others the client
/// stays, or connects again.
///
/// ```
/// use wharf::service::bus::{Reason, client::is_fatal};
///
/// assert!(is_fatal(Reason::Replaced));
/// assert!(!is_fatal(Reason::Gone));
/// ```
#[must_use]
pub const fn is_fatal(reason: Reason) -> bool {
    matches!(reason, Reason::Replaced | Reason::Token | Reason::Id)
}
