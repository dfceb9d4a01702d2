//! How much a connection, a user or anything else may do: token buckets.

use crate::base::Instant;
use core::time::Duration;

/// So many a second in the long run, and so many at once: messages, bytes, or whatever is counted.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::service::limiter::{Bucket, Rate};
///
/// let rate = Rate { per_second: 20, burst: 2 };
/// let mut bucket = Bucket::new(Instant::ORIGIN);
/// assert!(bucket.take(Instant::ORIGIN, rate).is_ok());
/// assert!(bucket.take(Instant::ORIGIN, rate).is_ok());
/// assert_eq!(bucket.take(Instant::ORIGIN, rate).unwrap_err().as_millis(), 50);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many a second; 0 counts as 1.
    pub per_second: u32,
    /// How many at once after a rest; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    /// How long it takes until there are `n` again, in nanoseconds, rounded up.
    fn nanos(self, n: u64) -> u64 {
        let nanos = (u128::from(n) * 1_000_000_000).div_ceil(u128::from(self.per_second.max(1)));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// What has been used up of a [`Rate`]: a token bucket in 8 bytes, kept as the moment at which it is full again.
///
/// The rate is an argument and may differ from call to call. Two ways of taking fit two ways of dealing with who takes too
/// much: [`take`](Self::take) and [`take_many`](Self::take_many) refuse, [`charge`](Self::charge) says how long to wait
/// after what has happened already.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::Instant;
/// use wharf::service::limiter::{Bucket, Rate};
///
/// let (now, bytes) = (Instant::ORIGIN, Rate { per_second: 1000, burst: 4000 });
/// let mut bucket = Bucket::new(now);
/// assert_eq!(bucket.charge(now, bytes, 4000), Duration::ZERO);
/// assert_eq!(bucket.charge(now, bytes, 500), Duration::from_millis(500));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait until there is one again, if there is none. Nothing was taken then.
    #[inline]
    pub fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        self.take_many(now, rate, 1)
    }

    /// Takes `n` at once, all or none. More than the burst are never there at once: they are never taken.
    ///
    /// # Errors
    /// How long to wait until there are as many, [`Duration::MAX`] if that is never. Nothing was taken then.
    pub fn take_many(&mut self, now: Instant, rate: Rate, n: usize) -> Result<(), Duration> {
        let (n, burst) = (n as u64, u64::from(rate.burst.max(1)));
        if n > burst {
            return Err(Duration::MAX);
        }
        let missing = self.full_at - now;
        let most = Duration::from_nanos(rate.nanos(burst) - rate.nanos(n));
        if missing > most {
            return Err(missing - most);
        }
        self.full_at = now + missing + Duration::from_nanos(rate.nanos(n));
        Ok(())
    }

    /// Takes `n`, whether there are as many or not, and says how long nothing is to be taken now: until what was taken too
    /// much has come in again.
    pub fn charge(&mut self, now: Instant, rate: Rate, n: usize) -> Duration {
        let missing = (self.full_at - now).saturating_add(Duration::from_nanos(rate.nanos(n as u64)));
        self.full_at = now + missing;
        missing.saturating_sub(Duration::from_nanos(rate.nanos(u64::from(rate.burst.max(1)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { per_second: 20, burst: 40 };

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_then_a_steady_rate() {
        let mut bucket = Bucket::new(at(0));
        assert_eq!((0..100).filter(|_| bucket.take(at(0), RATE).is_ok()).count(), 40);
        let taken = (0..10_000).filter(|ms| bucket.take(at(*ms), RATE).is_ok()).count();
        assert!((199..=200).contains(&taken), "{taken}");
    }

    #[test]
    fn who_waits_as_told_is_served() {
        let mut bucket = Bucket::new(at(0));
        let mut now = at(0);
        for _ in 0..100 {
            if let Err(wait) = bucket.take(now, RATE) {
                now += wait;
                assert!(bucket.take(now, RATE).is_ok());
            }
        }
        assert_eq!(now, at(60 * 50));
    }

    #[test]
    fn nothing_is_a_division_by_zero() {
        let rate = Rate { per_second: 0, burst: 0 };
        let mut bucket = Bucket::new(at(0));
        assert!(bucket.take(at(0), rate).is_ok());
        assert_eq!(bucket.take(at(0), rate), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take_many(at(9), rate, 2), Err(Duration::MAX), "never");
        assert_eq!(bucket.charge(at(1000), rate, usize::MAX), Duration::from_nanos(u64::MAX - 1_000_000_000));
    }

    #[test]
    fn what_was_taken_too_much_is_waited_for() {
        let mut bucket = Bucket::new(at(0));
        assert_eq!(bucket.charge(at(0), RATE, 39), Duration::ZERO);
        assert_eq!(bucket.charge(at(0), RATE, 1), Duration::ZERO);
        assert_eq!(bucket.charge(at(0), RATE, 20), Duration::from_secs(1));
        assert_eq!(bucket.charge(at(1000), RATE, 0), Duration::ZERO);
        assert_eq!(bucket.take(at(1000), RATE), Err(Duration::from_millis(50)));
    }

    proptest! {
        /// Within any span there is a burst, and what came in meanwhile; no rounding gives more.
        #[test]
        fn no_more_is_taken_than_the_rate(
            per_second in 1..5000u32, burst in 1..500u32, takes in prop::collection::vec((0..3_000_000u64, 1..20usize), 1..200),
        ) {
            let rate = Rate { per_second, burst };
            let mut bucket = Bucket::new(Instant::ORIGIN);
            let (mut now, mut taken) = (Instant::ORIGIN, alloc::vec::Vec::new());
            for (nanos, n) in takes {
                now += Duration::from_nanos(nanos);
                if bucket.take_many(now, rate, n).is_ok() {
                    taken.push((now, n as u128));
                }
            }
            for (i, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0;
                for (to, n) in &taken[i..] {
                    sum += n;
                    let came_in = (*to - *from).as_nanos() * u128::from(per_second) / 1_000_000_000;
                    prop_assert!(sum <= u128::from(burst) + came_in + 1, "{sum}");
                }
            }
        }
    }
}
