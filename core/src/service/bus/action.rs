//! What a broker wants done, and what it tells.

use super::{Batch, DeadReason, Name, NodeAsk, Reason};
use crate::base::CloseCode;
use alloc::string::String;

/// What is to be done, for connections that are called `C`.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::bus::{Action, Broker, BusConfig};
///
/// let mut broker = Broker::new(BusConfig::default());
/// broker.opened(Instant::ORIGIN, 'a');
/// broker.receive(Instant::ORIGIN, Wall::default(), 'a', r#"{"type":"sing"}"#);
/// let mut frames = Vec::new();
/// while let Some(action) = broker.poll_action() {
///     match action {
///         Action::Send { conn: 'a', frame } => frames.push(frame),
///         Action::Event(_) => {}
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!(frames[0], r#"{"type":"error","reason":"invalid","detail":"unknown type"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<C> {
    /// Store this, and tell the outcome by [`stored`](super::Broker::stored) or [`store_failed`](super::Broker::store_failed).
    /// There is one at a time.
    Store(Batch),
    /// Have the store that the nodes share carry this out, and tell the outcome by [`answered`](super::Broker::answered), or
    /// by [`store_failed`](super::Broker::store_failed) what no node can do anything about. There is one at a time, and only of a
    /// [node](super::Broker::node), which has no other.
    Ask(NodeAsk),
    /// Read nothing more of a connection, or do again: its service's claim is waited for. What comes all the same is kept, within
    /// bounds.
    Hold {
        /// Which.
        conn: C,
        /// Whether it is held.
        holds: bool,
    },
    /// Send this. Tell [`congested`](super::Broker::congested) if the output is above its high mark from then on; a connection
    /// that cannot take it is to be given up.
    Send {
        /// To whom.
        conn: C,
        /// A JSON text on one line.
        frame: String,
    },
    /// Close this, behind what was sent. It is [`closed`](super::Broker::closed) all the same when its end is told.
    Close {
        /// Which.
        conn: C,
        /// With this code, where there are codes.
        code: CloseCode,
        /// Why.
        reason: Reason,
    },
    /// The connection is owed answers from now on, or is not: one whose peer has ended its stream is to be kept for them
    /// ([`Context::owe`](crate::link::Context::owe)).
    Owe {
        /// Which.
        conn: C,
        /// Whether it is.
        owes: bool,
    },
    /// What became of a [`requeue`](super::Broker::requeue) or [`purge`](super::Broker::purge).
    Told {
        /// Which.
        ticket: u64,
        /// What became of it.
        outcome: Result<Changed, CommandError>,
    },
    /// Something happened that a log may tell. Nothing has to be done.
    Event(BusEvent<C>),
}

/// How many dead letters a command changed. It is on disk.
///
/// ```
/// assert_eq!(wharf::service::bus::Changed::default().letters, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Those that were requeued or purged.
    pub letters: u64,
    /// Those that stay dead, since their service has as many messages as it may have.
    pub full: u64,
}

/// Why a command changed nothing, or may not have.
///
/// ```
/// assert_eq!(wharf::service::bus::CommandError::Unknown.to_string(), "no such dead letter");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such dead letter.
    #[error("no such dead letter")]
    Unknown,
    /// The bus is shutting down.
    #[error("the bus is shutting down")]
    Closing,
    /// The store has failed.
    #[error("the store has failed")]
    Store,
}

/// Something that a log may tell.
///
/// ```
/// use wharf::service::bus::{BusEvent, Name};
///
/// let event = BusEvent::Registered { conn: 1, service: Name::new("mail").unwrap() };
/// # let _ = event;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusEvent<C> {
    /// A connection is a service's.
    Registered {
        /// The connection.
        conn: C,
        /// The service.
        service: Name,
    },
    /// It is no more: its end was told, or it was closed for this reason.
    Unregistered {
        /// The connection.
        conn: C,
        /// The service.
        service: Name,
        /// Why it was closed.
        reason: Option<Reason>,
    },
    /// A message was rejected, or a frame answered by an error.
    Refused {
        /// Whose.
        conn: C,
        /// Why.
        reason: Reason,
    },
    /// A delivery ended without an acknowledgement, and the message is delivered again.
    Retried {
        /// Who sent it.
        from: Name,
        /// Its id.
        id: Name,
        /// Who is to have it.
        to: Name,
        /// Attempts that it has had.
        attempts: u32,
    },
    /// A dead letter is on disk.
    Died {
        /// Who sent it.
        from: Name,
        /// Its id.
        id: Name,
        /// Who was to have it.
        to: Name,
        /// Of what.
        reason: DeadReason,
    },
    /// The store failed: nothing is accepted any more.
    StoreFailed,
    /// It is a node of a shared store, in this slot.
    Joined {
        /// Which.
        slot: u16,
    },
    /// It is no node any more: another one took its place when nothing was heard of it. It joins again, and all connections are closed.
    Fenced,
    /// There are as many nodes as may be. It tries again.
    Crowded,
    /// What the shared store has of a service is damaged. It is not served, by any node, and told so when it registers.
    Damaged {
        /// Which.
        service: Name,
        /// Where, and what is wrong there.
        what: String,
    },
    /// The shared store is not to be reached; or it is again.
    Away {
        /// It is not.
        is_away: bool,
    },
}
