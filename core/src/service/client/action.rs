//! What a client wants done, and what it tells.

use super::{Failure, Fate, Stopped};
use crate::base::{Kind, Message};
use bytes::Bytes;
use core::fmt;

/// The name of an attempt to connect, and of the connection that comes of it. They count up.
///
/// ```
/// use wharf::service::client::{Action, Client};
///
/// let mut client = Client::new(Default::default(), Default::default(), wharf::base::Entropy::from_seed([7; 32]));
/// let Some(Action::Dial(attempt)) = client.poll_action() else { panic!() };
/// assert_eq!(attempt.to_string(), "1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub(super) u64);

impl Attempt {
    /// Its number, from 1 on: what its request is [numbered](crate::link::Target::numbered) by.
    #[must_use]
    pub fn number(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a message that a client took; none is given twice by the same client. A later message has a greater one.
///
/// ```
/// use wharf::service::client::Client;
///
/// let mut client = Client::new(Default::default(), Default::default(), wharf::base::Entropy::from_seed([7; 32]));
/// let first = client.send(Default::default(), "ahoy").unwrap();
/// assert!(first < client.send(Default::default(), "ahoy").unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client wants done ([`Client::poll_action`](super::Client::poll_action)).
///
/// ```
/// use wharf::service::client::{Action, Attempt};
///
/// /// Whether it is about the connection that a driver has.
/// fn is_for(action: &Action, mine: Attempt) -> bool {
///     matches!(action, Action::Ping(attempt) | Action::Close(attempt) | Action::Abort(attempt) if *attempt == mine)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Connect. Its outcome is told by [`handle_opened`](super::Client::handle_opened) or
    /// [`handle_dial_failed`](super::Client::handle_dial_failed). There is no other dial and no other connection.
    Dial(Attempt),
    /// Send this message, which is part of what is done on connect ([`Client::greet`](super::Client::greet)). If it cannot be
    /// sent, give the connection up by [`reconnect`](super::Client::reconnect).
    Greet(Attempt, Message<'static>),
    /// Send this message, and tell what came of it by [`handle_sent`](super::Client::handle_sent) or
    /// [`handle_not_sent`](super::Client::handle_not_sent).
    Send {
        /// The connection.
        attempt: Attempt,
        /// The message's name.
        ticket: Ticket,
        /// What the message is.
        kind: Kind,
        /// Its payload; of a text it is UTF-8.
        payload: Bytes,
    },
    /// Send a ping of the protocol. If it cannot be sent, tell it by
    /// [`handle_heartbeat_failed`](super::Client::handle_heartbeat_failed).
    Ping(Attempt),
    /// Send this message as a sign of life; nobody waits for its fate. Failures as with a ping.
    Heartbeat(Attempt, Message<'static>),
    /// Close the connection in order, with 1000.
    Close(Attempt),
    /// Give the dial or the connection up at once. Of a dial nothing may come from here on, and nothing is told of it; the end
    /// of a connection is told by [`handle_gone`](super::Client::handle_gone).
    Abort(Attempt),
}

/// What a client tells its program ([`Client::poll_event`](super::Client::poll_event)).
///
/// ```
/// use wharf::service::client::ClientEvent;
///
/// fn line(event: &ClientEvent) -> Option<String> {
///     match event {
///         ClientEvent::Connected { again, .. } => Some(format!("connected{}", if *again { " again" } else { "" })),
///         ClientEvent::Disconnected { failure, .. } => Some(failure.to_string()),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// It is connected. Now is the time to log in, to subscribe again and to resume; then call
    /// [`ready`](super::Client::ready), before which nothing of the outbox is sent.
    Connected {
        /// The connection.
        attempt: Attempt,
        /// Whether there was one before.
        again: bool,
    },
    /// An attempt to connect failed, or the connection was lost.
    Disconnected {
        /// The connection, or the attempt.
        attempt: Attempt,
        /// Why.
        failure: Failure,
        /// Whether it was connected.
        was_connected: bool,
    },
    /// What became of a message, exactly once for each that was taken.
    Fate {
        /// The message.
        ticket: Ticket,
        /// What became of it.
        fate: Fate,
    },
    /// It has stopped for good: the last event.
    Stopped(Stopped),
}
