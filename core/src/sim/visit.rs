//! How a client comes.

use super::{Habit, Quiet, Script};
use crate::link::{Address, Config, OpenError, Refused};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// How a client comes to a [`World`](super::World), and what it does there.
///
/// ```
/// use std::time::Duration;
/// use wharf::sim::{Habit, Quiet, Visit};
///
/// let mut visit = Visit::by(Quiet);
/// visit.habit = Habit::Vanish;
/// visit.turns_bad = Duration::from_secs(5);
/// assert_eq!(visit.keep, 1 << 20);
/// ```
#[non_exhaustive]
pub struct Visit {
    /// What it speaks, and its limits. Default [`Config::client`].
    pub config: Arc<Config>,
    /// Where it comes from; by default each from a TCP address of its own.
    pub address: Option<Address>,
    /// How it behaves.
    pub habit: Habit,
    /// How long after it came that shows.
    pub turns_bad: Duration,
    /// How many bytes of the messages that come are kept for [`received`](super::World::received), each counted with 32
    /// more. Default 1 MiB; those behind are counted and not kept ([`Client::missed`](super::Client::missed)).
    pub keep: usize,
    /// What it does.
    pub script: Box<dyn Script>,
}

impl Visit {
    /// One that does what `script` says.
    #[must_use]
    pub fn by(script: impl Script) -> Self {
        Self {
            config: Arc::new(Config::client()),
            address: None,
            habit: Habit::Good,
            turns_bad: Duration::ZERO,
            keep: 1 << 20,
            script: Box::new(script),
        }
    }
}

impl Default for Visit {
    /// One that does nothing by itself.
    fn default() -> Self {
        Self::by(Quiet)
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("address", &self.address)
            .field("habit", &self.habit)
            .field("turns_bad", &self.turns_bad)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// Why a client could not come.
///
/// ```
/// use wharf::sim::{ConnectError, World};
///
/// assert!(matches!(World::new(1).connect("ws://nobody/"), Err(ConnectError::NoServer(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text names no target.
    #[error("{0:?} names no target")]
    Target(String),
    /// What can be told before a byte is exchanged.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No server listens there.
    #[error("no server listens at {0}")]
    NoServer(String),
    /// The server takes no connection now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The world has had [`World::MAX_CLIENTS`](super::World::MAX_CLIENTS).
    #[error("the world has had all its clients")]
    TooMany,
}
