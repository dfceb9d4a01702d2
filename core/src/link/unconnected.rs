//! Why no address of a host could be connected to.

use super::Address;
use alloc::vec::Vec;

/// What was wrong with one address, the most telling first: a host that says no says more than a network that has no way there.
///
/// ```
/// use wharf::link::Fault;
///
/// assert!(Fault::Refused < Fault::Unreachable);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The host is there, and nobody listens.
    Refused,
    /// Anything that has no name here.
    Other,
    /// The operating system waited long enough.
    TimedOut,
    /// There is no way there, as to IPv6 from a network without it.
    Unreachable,
}

/// Why no address of a host could be connected to.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::link::{Eyeballs, Fault};
/// use std::time::Duration;
///
/// let (now, delay) = (Instant::ORIGIN, Duration::from_millis(250));
/// let addresses = ["[::1]:1", "127.0.0.1:1"].map(|a| a.parse().unwrap()).to_vec();
/// let mut eyeballs = Eyeballs::new(now, addresses, now + delay * 40, delay);
/// for (attempt, fault) in [Fault::Refused, Fault::Unreachable].into_iter().enumerate() {
///     eyeballs.poll_action();
///     eyeballs.handle_failed(now, attempt, fault, "as the system says");
/// }
/// let unconnected = eyeballs.poll_outcome().unwrap().unwrap_err();
/// assert_eq!(unconnected.most_telling().unwrap().0.to_string(), "[::1]:1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconnected<E> {
    timed_out: bool,
    failures: Vec<(Address, Fault, E)>,
}

impl<E> Unconnected<E> {
    pub(super) fn new(timed_out: bool, failures: Vec<(Address, Fault, E)>) -> Self {
        Self { timed_out, failures }
    }

    /// The time was over, while an address had not answered: until its deadline, or as the operating system says.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        self.timed_out || self.most_telling().is_some_and(|(_, fault, _)| *fault == Fault::TimedOut)
    }

    /// The addresses that failed before that, in this order, each with what was wrong.
    #[must_use]
    pub fn failures(&self) -> &[(Address, Fault, E)] {
        &self.failures
    }

    /// The failure that says the most, the first among equals. `None` if there was none: no address at all, unless
    /// [`is_timed_out`](Self::is_timed_out) says that none had failed by then.
    #[must_use]
    pub fn most_telling(&self) -> Option<&(Address, Fault, E)> {
        self.failures.iter().min_by_key(|(_, fault, _)| *fault)
    }
}
