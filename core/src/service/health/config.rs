//! What a health checker is told once.

use crate::base::nonzero;
use core::time::Duration;

/// When endpoints are checked, and what their results amount to.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::health::Config;
///
/// let mut config = Config::default();
/// assert_eq!((config.interval, config.rise, config.fall), (Duration::from_secs(30), 2, 3));
/// config.fast_interval = Some(Duration::from_secs(2));
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// From one check of an endpoint to the next, where the endpoint has no interval of its own. Default 30 s.
    pub interval: Duration,
    /// How long a check may take, all of it, where the endpoint has no timeout of its own. Default 5 s.
    pub timeout: Duration,
    /// Successes in a row by which an endpoint that is down is up again. Default 2.
    pub rise: u32,
    /// Failures in a row by which an endpoint that is up is down. Default 3.
    pub fall: u32,
    /// From one check to the next while results contradict the state; never longer than the interval. Default `None`: a fifth
    /// of the interval, at least 1 s.
    pub fast_interval: Option<Duration>,
    /// Most checks at once; those that are due wait for a place, the longest due first. Default 64.
    pub max_checks: usize,
    /// Most endpoints; more are refused. Default 10,000.
    pub max_endpoints: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            rise: 2,
            fall: 3,
            fast_interval: None,
            max_checks: 64,
            max_endpoints: 10_000,
        }
    }
}

/// A configuration by which nothing would be checked, or no result would count. A machine takes the nearest that makes sense.
///
/// ```
/// use wharf::service::health::{Config, ConfigError};
///
/// let mut config = Config::default();
/// config.fall = 0;
/// let error = config.check().unwrap_err();
/// assert_eq!((error, &*error.to_string()), (ConfigError::Zero("fall"), "fall is zero"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A time or a number of zero.
    #[error("{0} is zero")]
    Zero(&'static str),
}

/// The longest time that counts: 136 years, two of which can still be named.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);
/// The shortest one: no check can be due twice at the same moment.
const SHORTEST: Duration = Duration::from_nanos(1);

impl Config {
    /// Whether the parts make sense. The machine works with any configuration, taking the nearest that does.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        nonzero(&[
            ("interval", self.interval.is_zero()),
            ("timeout", self.timeout.is_zero()),
            ("rise", self.rise == 0),
            ("fall", self.fall == 0),
            ("fast_interval", self.fast_interval.is_some_and(|fast| fast.is_zero())),
            ("max_checks", self.max_checks == 0),
            ("max_endpoints", self.max_endpoints == 0),
        ])
        .map_err(ConfigError::Zero)
    }

    /// The nearest time that can be counted with.
    pub(super) fn sane(time: Duration) -> Duration {
        time.clamp(SHORTEST, LONGEST)
    }

    /// From one check to the next in transition, for an endpoint with this interval.
    pub(super) fn fast(&self, interval: Duration) -> Duration {
        let fast = self.fast_interval.unwrap_or_else(|| (interval / 5).max(Duration::from_secs(1)));
        Self::sane(fast).min(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_agree_and_zeroes_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        let zero = Config { fall: 0, ..Config::default() };
        assert_eq!(zero.check(), Err(ConfigError::Zero("fall")));
        let zero = Config { fast_interval: Some(Duration::ZERO), ..Config::default() };
        assert_eq!(zero.check(), Err(ConfigError::Zero("fast_interval")));
    }

    #[test]
    fn the_fast_interval_is_a_fifth_at_least_a_second_and_never_longer_than_the_interval() {
        let fast = |interval: f64, set: Option<f64>| {
            let fast_interval = set.map(Duration::from_secs_f64);
            let config = Config { fast_interval, ..Config::default() };
            config.fast(Duration::from_secs_f64(interval)).as_secs_f64()
        };
        assert_eq!((fast(30.0, None), fast(4.0, None), fast(0.5, None)), (6.0, 1.0, 0.5));
        assert_eq!((fast(30.0, Some(0.5)), fast(30.0, Some(60.0))), (0.5, 30.0));
    }
}
