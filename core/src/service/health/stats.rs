//! What a health checker counts.

/// Counters of a [`Health`](super::Health), since its begin, and what it holds now.
///
/// ```
/// let stats = wharf::service::health::HealthStats::default();
/// assert_eq!(stats.started, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct HealthStats {
    /// Checks begun.
    pub started: u64,
    /// Those that found their endpoint up.
    pub succeeded: u64,
    /// Those that found it down; `timed_out` are among them.
    pub failed: u64,
    /// Those that took too long.
    pub timed_out: u64,
    /// Those that came to nothing for a reason on this side, or whose endpoint was removed meanwhile.
    pub abandoned: u64,
    /// Those that had to wait for a place.
    pub delayed: u64,
    /// States that flipped, first results that were failures among them.
    pub flips: u64,
    /// Flips that nobody polled in time: 1,024 wait at most, then the oldest is dropped.
    pub flips_dropped: u64,
    /// Checks in flight now.
    pub running: usize,
    /// Endpoints now.
    pub endpoints: usize,
    /// Those of them that are healthy.
    pub healthy: usize,
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let expected = json!({
            "started": 0, "succeeded": 0, "failed": 0, "timedOut": 0, "abandoned": 0, "delayed": 0, "flips": 0,
            "flipsDropped": 0, "running": 0, "endpoints": 0, "healthy": 0,
        });
        assert_eq!(to_value(HealthStats::default()).unwrap(), expected);
    }
}
