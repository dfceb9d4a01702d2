//! Names of connections and of those who wait for one.

use core::fmt;
use slotmap::{DefaultKey, Key};

/// A connection of a pool, from the moment it is to be opened: place and generation, so no two ever have the same.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::{Action, Pool};
///
/// let mut pool = Pool::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// let Some(Action::Open { slot }) = pool.poll_action() else { panic!() };
/// assert_eq!((slot.to_string().as_str(), slot.index()), ("1.0", 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub(super) DefaultKey);

impl SlotId {
    /// The place alone: small and dense, an index for tables. Another connection has it once this one is gone.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.data().as_ffi() as u32 as usize
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index(), self.0.data().as_ffi() >> 33)
    }
}

impl fmt::Debug for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One who waits for a connection. They count up, in the order in which they came.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::Pool;
///
/// let now = Instant::ORIGIN;
/// let mut pool = Pool::new(now, Default::default(), Entropy::from_seed([7; 32]));
/// assert!(pool.checkout(now).unwrap() < pool.checkout(now).unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);
