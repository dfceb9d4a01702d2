//! What has been measured.

use crate::latency::Trips;
use std::time::Duration;

/// Messages and their round trips, while something is measured.
#[derive(Debug)]
pub(crate) struct Tally {
    trips: Trips,
    measures: bool,
    /// All that came back, whether it is measured or not.
    answered: u64,
}

impl Tally {
    /// Nothing, and nothing is counted yet.
    pub(crate) fn new() -> Self {
        Self { trips: Trips::default(), measures: false, answered: 0 }
    }

    /// Measures from here on.
    pub(crate) fn measure(&mut self) {
        self.measures = true;
    }

    /// `messages` came back after `trip`.
    #[inline]
    pub(crate) fn record(&mut self, trip: Duration, messages: usize) {
        self.answered += messages as u64;
        if self.measures {
            self.trips.record(trip, messages as u64);
        }
    }

    /// How many came back in all.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// How many of them were measured.
    pub(crate) fn messages(&self) -> u64 {
        self.trips.count()
    }

    /// What share `quantile` of the round trips did not exceed, in microseconds.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        self.trips.micros(quantile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_measured_counts() {
        let mut tally = Tally::new();
        tally.record(Duration::from_micros(1), 5);
        tally.measure();
        tally.record(Duration::from_micros(10), 99);
        tally.record(Duration::from_secs(3600), 1);
        assert_eq!((tally.messages(), tally.answered()), (100, 105));
        assert!((tally.micros(0.99) - 10.0).abs() < 0.1);
        assert!(tally.micros(1.0) >= 60e6);
    }
}
