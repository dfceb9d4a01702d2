//! Real time, told to machines as a number since an origin of our own.

use std::time::{Duration, Instant, SystemTime};

/// Maps the operating system's clocks to the core's.
///
/// ```
/// use wharf_async::Clock;
///
/// let clock = Clock::new();
/// let now = clock.now();
/// assert!(clock.std(now) <= std::time::Instant::now());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }

    /// Lets time pass at once.
    #[cfg(test)]
    pub(crate) fn skip(&mut self, by: Duration) {
        self.origin -= by;
    }

    /// The time since the origin.
    #[must_use]
    pub fn now(&self) -> wharf::base::Instant {
        wharf::base::Instant::ORIGIN + self.origin.elapsed()
    }

    /// The calendar time.
    #[must_use]
    pub fn wall(&self) -> wharf::base::Wall {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        wharf::base::Wall::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// When `at` is by the operating system's clock; what is further off than it can name counts as a year.
    #[must_use]
    pub fn std(&self, at: wharf::base::Instant) -> Instant {
        let year = Duration::from_secs(365 * 24 * 3600);
        self.origin.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or_else(|| Instant::now() + year)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
