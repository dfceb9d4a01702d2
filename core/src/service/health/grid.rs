//! The moments at which something is due.

use crate::base::{Instant, least};
use core::time::Duration;

/// A moment, and all that are a multiple of `interval` behind it. Nothing that happens moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    origin: Instant,
    interval: Duration,
}

impl Grid {
    /// An interval of zero counts as one nanosecond.
    pub(super) fn new(origin: Instant, interval: Duration) -> Self {
        Self { origin, interval: least(interval) }
    }

    /// The first moment of the grid that is not before `at`.
    pub(super) fn at_or_after(self, at: Instant) -> Instant {
        let since = (at - self.origin).as_nanos();
        let steps = since.div_ceil(self.interval.as_nanos());
        let nanos = u64::try_from(steps.saturating_mul(self.interval.as_nanos())).unwrap_or(u64::MAX);
        self.origin + Duration::from_nanos(nanos)
    }
}

/// Part `index` of `time` cut into `count` equal ones, as its distance from the begin.
pub(super) fn share(time: Duration, index: usize, count: usize) -> Duration {
    let nanos = time.as_nanos().saturating_mul(index as u128) / (count.max(1) as u128);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let grid = Grid::new(Instant::from_nanos(5), Duration::from_nanos(10));
        let at = |nanos| grid.at_or_after(Instant::from_nanos(nanos)).as_nanos();
        assert_eq!((at(0), at(5), at(6), at(15), at(16)), (5, 5, 15, 15, 25));
        assert_eq!(at(u64::MAX), u64::MAX);
        assert_eq!(
            Grid::new(Instant::ORIGIN, Duration::ZERO).at_or_after(Instant::from_nanos(7)).as_nanos(),
            7
        );
    }

    #[test]
    fn shares() {
        let second = Duration::from_secs(1);
        assert_eq!((share(second, 0, 4), share(second, 3, 4)), (Duration::ZERO, Duration::from_millis(750)));
        assert_eq!(share(second, 5, 0), Duration::from_secs(5));
    }
}
