//! Limits and deadlines of a connection that speaks HTTP.

use crate::base::nonzero;
use core::time::Duration;

/// Deadlines of a connection that speaks HTTP, and how much may wait to be written.
///
/// ```
/// let config = wharf::http::Config::default();
/// assert_eq!((config.open_timeout.as_secs(), config.check()), (10, Ok(())));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long a head may take: the first from the connection's begin, a later one from its first byte. Default
    /// 10 s.
    pub open_timeout: Duration,
    /// How long a connection may wait between the last byte of an answer and the first of the next head. Default 30 s; zero: it
    /// ends with its answer.
    pub keep_alive_timeout: Duration,
    /// How long the program may take for an answer; past it the answer is a 500. Default 30 s.
    pub answer_timeout: Duration,
    /// When the transport takes nothing for this long, the connection is ended. Default 30 s.
    pub write_timeout: Duration,
    /// How long the peer may take to end its side once all is written. Default 5 s.
    pub close_timeout: Duration,
    /// While more bytes than this wait to be written, no further request is read. Default 64 KiB.
    pub high_mark: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            high_mark: 64 * 1024,
        }
    }
}

/// A configuration by which no request is ever answered.
///
/// ```
/// use std::time::Duration;
/// use wharf::http::{Config, ConfigError};
///
/// let mut config = Config::default();
/// config.answer_timeout = Duration::ZERO;
/// assert_eq!(config.check(), Err(ConfigError::Zero("answer_timeout")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A time of zero that must not be zero.
    #[error("{0} is zero")]
    Zero(&'static str),
}

impl Config {
    /// Whether requests can be answered. A connection works with any configuration, taking the nearest that makes sense.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        nonzero(&[
            ("open_timeout", self.open_timeout.is_zero()),
            ("answer_timeout", self.answer_timeout.is_zero()),
            ("write_timeout", self.write_timeout.is_zero()),
            ("close_timeout", self.close_timeout.is_zero()),
        ])
        .map_err(ConfigError::Zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_by_which_nothing_is_answered_are_named() {
        let zeroes: [(_, fn(&mut Config)); 4] = [
            ("open_timeout", |config| config.open_timeout = Duration::ZERO),
            ("answer_timeout", |config| config.answer_timeout = Duration::ZERO),
            ("write_timeout", |config| config.write_timeout = Duration::ZERO),
            ("close_timeout", |config| config.close_timeout = Duration::ZERO),
        ];
        for (name, zero) in zeroes {
            let mut config = Config::default();
            zero(&mut config);
            assert_eq!(config.check(), Err(ConfigError::Zero(name)));
        }
        let brief = Config { keep_alive_timeout: Duration::ZERO, high_mark: 0, ..Config::default() };
        assert_eq!(brief.check(), Ok(()));
    }
}
