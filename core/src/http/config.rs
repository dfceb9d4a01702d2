//! Limits and deadlines of a connection that speaks HTTP.

use core::time::Duration;

/// Deadlines of a connection that speaks HTTP, and how much may wait to be written.
///
/// ```
/// let config = wharf::http::Config::default();
/// assert_eq!(config.open_timeout.as_secs(), 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long a head may take: the first from the connection's begin, a later one from its first byte. Default
    /// 10 s.
    pub open_timeout: Duration,
    /// How long a connection may wait between the last byte of an answer and the first of the next head. Default 30 s.
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
