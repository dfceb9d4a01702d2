//! Round trips and what they come to.

use hdrhistogram::Histogram;
use std::fmt;
use std::time::Duration;

/// How long round trips took, with three digits, up to a minute. Its size does not depend on their number.
#[derive(Clone, Debug)]
pub(crate) struct Trips {
    nanos: Histogram<u64>,
}

impl Default for Trips {
    fn default() -> Self {
        Self { nanos: Histogram::new_with_max(Self::LONGEST, 3).expect("the bounds are valid") }
    }
}

impl Trips {
    /// Longest round trip that is told from a longer one, in nanoseconds.
    const LONGEST: u64 = 60_000_000_000;

    /// `times` round trips took so long.
    #[inline]
    pub(crate) fn record(&mut self, trip: Duration, times: u64) {
        let nanos = u64::try_from(trip.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.saturating_record_n(nanos, times);
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.nanos.len()
    }

    /// What share `quantile` of them did not exceed, in microseconds.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        self.nanos.value_at_quantile(quantile) as f64 / 1e3
    }
}

/// The shortest, the mean, the 99th percentile and the longest, in milliseconds.
impl fmt::Display for Trips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |nanos: f64| nanos / 1e6;
        write!(
            f,
            "min {:.3} ms, avg {:.3} ms, p99 {:.3} ms, max {:.3} ms",
            millis(self.nanos.min() as f64),
            millis(self.nanos.mean()),
            millis(self.nanos.value_at_quantile(0.99) as f64),
            millis(self.nanos.max() as f64)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_summed_up() {
        let mut trips = Trips::default();
        trips.record(Duration::from_millis(1), 98);
        trips.record(Duration::from_millis(4), 2);
        assert_eq!(trips.count(), 100);
        let text = trips.to_string();
        assert!(
            text.starts_with("min 1.0") && text.contains("avg 1.06") && text.contains("p99 4.0"),
            "{text}"
        );
        trips.record(Duration::from_secs(3600), 1);
        assert!(trips.micros(1.0) >= 60e6 && trips.micros(0.5) < 1010.0);
    }
}
