//! Time as an argument: nothing in this crate reads a clock.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A moment on a monotonic clock, in nanoseconds since an origin that the caller chose.
///
/// Unlike `std::time::Instant` it can be built from a number, so tests, fuzzers, replays and targets without a
/// clock make their own. All arithmetic saturates: 2^64 ns are 584 years.
///
/// ```
/// use core::time::Duration;
/// use wharf::base::Instant;
///
/// let start = Instant::ORIGIN;
/// let later = start + Duration::from_millis(5);
/// assert_eq!(later - start, Duration::from_millis(5));
/// assert_eq!(start - later, Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The origin of the clock.
    pub const ORIGIN: Self = Self(0);

    /// The last moment that can be named. The deadline table uses it for "not armed".
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, zero if `earlier` is the later one.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` later, or the last one that can be named.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        let nanos = duration.as_nanos();
        if nanos > u64::MAX as u128 { Self::NEVER } else { Self(self.0.saturating_add(nanos as u64)) }
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// Calendar time: milliseconds since 1970-01-01 UTC. For what is stored or shown (a `Date` header, a timestamp);
/// deadlines use [`Instant`] alone, so a stepped wall clock moves none of them.
///
/// ```
/// use wharf::base::Wall;
///
/// assert_eq!(Wall::from_millis(784_111_777_000).as_secs(), 784_111_777);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(u64);

impl Wall {
    /// The moment `millis` milliseconds after 1970-01-01 UTC.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// Holds time to its one promise: it never runs backwards. A smaller `now` counts as the last one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    last: Instant,
    /// How often a caller handed in a time before the last one.
    pub(crate) clamped: u32,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Self { last: now, clamped: 0 }
    }

    #[inline]
    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        if now < self.last {
            self.clamped = self.clamped.saturating_add(1);
        } else {
            self.last = now;
        }
        self.last
    }

    pub(crate) fn last(&self) -> Instant {
        self.last
    }
}

/// Calendar time by the monotonic clock, from the last time that both were told together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    at: Instant,
    wall: Wall,
}

impl WallClock {
    pub(crate) fn new(at: Instant, wall: Wall) -> Self {
        Self { at, wall }
    }

    pub(crate) fn at(&self, now: Instant) -> Wall {
        let since = (now - self.at).as_millis();
        Wall(self.wall.0.saturating_add(u64::try_from(since).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Instant::NEVER + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::ORIGIN + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::ORIGIN - Instant::NEVER, Duration::ZERO);
        let mut moment = Instant::from_nanos(7);
        moment += Duration::from_nanos(5);
        assert_eq!((moment.as_nanos(), format!("{moment:?}")), (12, "12ns".into()));
    }

    #[test]
    fn clock_never_runs_backwards() {
        let mut clock = Clock::new(Instant::from_nanos(10));
        assert_eq!(clock.advance(Instant::from_nanos(5)), Instant::from_nanos(10));
        assert_eq!(clock.clamped, 1);
        assert_eq!(clock.advance(Instant::from_nanos(11)), Instant::from_nanos(11));
        // The same time again is no step back.
        assert_eq!(clock.advance(Instant::from_nanos(11)), Instant::from_nanos(11));
        clock.advance(Instant::from_nanos(9));
        assert_eq!((clock.clamped, clock.last()), (2, Instant::from_nanos(11)));
    }

    #[test]
    fn calendar_time_goes_with_the_monotonic_clock() {
        let clock = WallClock::new(Instant::from_nanos(5_000_000), Wall::from_millis(1_000));
        assert_eq!(clock.at(Instant::from_nanos(12_999_999)), Wall::from_millis(1_007));
        assert_eq!(clock.at(Instant::ORIGIN), Wall::from_millis(1_000));
        assert_eq!((Wall::from_millis(2_999).as_secs(), Wall::from_millis(2_999).as_millis()), (2, 2_999));
    }
}
