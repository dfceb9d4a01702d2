//! The clocks of the operating system, for machines that have none.

use std::time::{Duration, Instant, SystemTime};
use wharf::base::Wall;

/// Tells machines the time: monotonic since an origin, and the calendar's.
///
/// ```
/// let clock = wharf_std::Clock::new();
/// let now = clock.now();
/// assert!(clock.std(now) <= std::time::Instant::now());
/// assert!(clock.now() >= now && clock.wall().as_secs() > 1_700_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The operating system's, from this origin on.
    System(Instant),
    /// None: it stands still.
    Still(wharf::base::Instant),
}

/// Each connection has one.
const _: () = assert!(size_of::<Clock>() == size_of::<Instant>());

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self::since(Instant::now())
    }

    /// A clock with an origin of your choice, for one that others share; where it lies in the future it stands still
    /// until then.
    #[must_use]
    pub fn since(origin: Instant) -> Self {
        Self(Source::System(origin))
    }

    /// A clock that stands still at `now`, for tests: whoever holds it lets time pass by another one. Its calendar begins with
    /// 1970.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Instant;
    ///
    /// let now = Instant::ORIGIN + Duration::from_secs(7);
    /// let clock = wharf_std::Clock::still(now);
    /// assert_eq!((clock.now(), clock.wall().as_secs()), (now, 7));
    /// ```
    #[must_use]
    pub fn still(now: wharf::base::Instant) -> Self {
        Self(Source::Still(now))
    }

    /// The time since the origin.
    #[must_use]
    pub fn now(&self) -> wharf::base::Instant {
        match self.0 {
            Source::System(origin) => wharf::base::Instant::ORIGIN + origin.elapsed(),
            Source::Still(now) => now,
        }
    }

    /// The calendar time; one before 1970 counts as 1970.
    #[must_use]
    pub fn wall(&self) -> Wall {
        let since = match self.0 {
            Source::System(_) => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            Source::Still(now) => Duration::from_nanos(now.as_nanos()),
        };
        Wall::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// When `at` is by the operating system's clock, by one that stands still as if it went on from now; what is further off
    /// than can be named counts as a year.
    #[must_use]
    pub fn std(&self, at: wharf::base::Instant) -> Instant {
        let year = Duration::from_secs(365 * 24 * 3600);
        let named = match self.0 {
            Source::System(origin) => origin.checked_add(Duration::from_nanos(at.as_nanos())),
            Source::Still(now) => Instant::now().checked_add(at - now),
        };
        named.unwrap_or_else(|| Instant::now() + year)
    }

    /// How long a poll may sleep until `at`: rounded up to the millisecond that a poll counts in, lest it wakes
    /// just before and spins.
    #[must_use]
    pub fn until(&self, at: wharf::base::Instant) -> Duration {
        let left = at - self.now();
        Duration::from_millis(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_rounded_up_and_the_far_future_can_be_named() {
        let clock = Clock::since(Instant::now() - Duration::from_secs(5));
        let now = clock.now();
        assert!(now >= wharf::base::Instant::ORIGIN + Duration::from_secs(5));
        assert_eq!(clock.until(now), Duration::ZERO);
        let soon = clock.until(now + Duration::from_secs(60));
        assert!(soon.subsec_nanos().is_multiple_of(1_000_000) && soon <= Duration::from_secs(60), "{soon:?}");
        assert!(!clock.until(clock.now() + Duration::from_secs(1)).is_zero());
        assert!(clock.std(wharf::base::Instant::from_nanos(u64::MAX)) > Instant::now());
    }
}
