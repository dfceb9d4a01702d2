//! How often a user may do something.

use std::time::Duration;
use wharf::base::Instant;

/// So many a second in the long run, and so many at once.
///
/// ```
/// use wharf::base::Instant;
/// use wharf_cli::chat::rate::{Bucket, Rate};
///
/// let rate = Rate { per_second: 20, burst: 2 };
/// let mut bucket = Bucket::new(Instant::ORIGIN);
/// assert!(bucket.take(Instant::ORIGIN, rate).is_ok());
/// assert!(bucket.take(Instant::ORIGIN, rate).is_ok());
/// assert_eq!(bucket.take(Instant::ORIGIN, rate).unwrap_err().as_millis(), 50);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many a second; 0 counts as 1.
    pub per_second: u32,
    /// How many at once after a rest; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }
}

/// What one user has used up of a [`Rate`]: a token bucket in 8 bytes, kept as the moment at which it is full again.
#[derive(Clone, Copy, Debug)]
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
    pub fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        let interval = rate.interval();
        let missing = self.full_at - now;
        let most = interval * (rate.burst.max(1) - 1);
        if missing > most {
            return Err(missing - most);
        }
        self.full_at = now + missing + interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
