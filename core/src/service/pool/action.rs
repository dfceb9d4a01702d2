//! What a pool asks for, and what it refuses.

use super::{SlotId, Ticket};

/// What is to be done for a pool.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::{Action, Pool};
///
/// let mut pool = Pool::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// assert!(matches!(pool.poll_action(), Some(Action::Open { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection: [`Pool::opened`](super::Pool::opened) or [`Pool::failed`](super::Pool::failed) tells what came of it. Until then a
    /// [`Close`](Self::Close) of the same slot gives it up.
    Open {
        /// What it is called from here on.
        slot: SlotId,
    },
    /// See whether a connection may be lent to the next one: it is open, nothing is left to be read, nothing is half sent. It is asked
    /// when one comes back and before one that was idle is lent; [`Pool::checked`](super::Pool::checked) answers.
    Check {
        /// Which.
        slot: SlotId,
    },
    /// A connection is lent to one who waited. From now on it is theirs alone, until [`Pool::give_back`](super::Pool::give_back).
    Serve {
        /// Who waited.
        ticket: Ticket,
        /// What they have.
        slot: SlotId,
    },
    /// One who waited gets none.
    Refuse {
        /// Who waited.
        ticket: Ticket,
        /// Why.
        why: Refusal,
    },
    /// Close a connection, or give up opening it; [`Pool::closed`](super::Pool::closed) tells that it is gone. Until then it counts.
    Close {
        /// Which.
        slot: SlotId,
    },
}

/// Why one who waited gets no connection.
///
/// ```
/// use wharf::service::pool::Refusal;
///
/// assert_eq!(Refusal::TimedOut.to_string(), "no connection came free in time");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub enum Refusal {
    /// None came free before the deadline; retry later, or with a larger pool.
    #[error("no connection came free in time")]
    TimedOut,
    /// None can be opened: the error said so, or the schedule is over. Whoever asks again has it tried again.
    #[error("no connection can be opened")]
    Failed,
    /// The pool is drained; do not retry.
    #[error("the pool is drained")]
    Drained,
}

/// Why nobody is let wait for a connection.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::{CheckoutError, Pool};
///
/// let mut pool = Pool::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// pool.drain(Instant::ORIGIN);
/// assert_eq!(pool.checkout(Instant::ORIGIN), Err(CheckoutError::Drained));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// Too many wait already; retry later.
    #[error("more than {limit} wait for a connection")]
    TooMany {
        /// [`PoolConfig::max_waiters`](super::PoolConfig::max_waiters).
        limit: usize,
    },
    /// The pool is drained; do not retry.
    #[error("the pool is drained")]
    Drained,
}
