//! The clocks of the operating system, for machines that have none.

use std::time::{Duration, SystemTime};
use wharf::base::{Instant, Wall};

/// Tells a loop's machines the time: monotonic since the clock was made, and the calendar's.
///
/// ```
/// let clock = wharf_mio::Clock::new();
/// let before = clock.now();
/// assert!(clock.now() >= before && clock.wall().as_secs() > 1_700_000_000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// The time since the origin.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    /// The calendar time; one before 1970 counts as 1970.
    #[must_use]
    pub fn wall(&self) -> Wall {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Wall::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long a poll may sleep until `at`: rounded up to the millisecond that a poll counts in, lest it wakes
    /// just before and spins.
    #[must_use]
    pub fn until(&self, at: Instant) -> Duration {
        let left = at - self.now();
        Duration::from_millis(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
