//! What a connection is told once: limits, marks and deadlines.

use super::MAX_HEADER;
use crate::base::{Classifier, Patience, nonzero};
use bytes::Bytes;
use core::time::Duration;

/// Limits, marks and deadlines of a connection. Many connections share one.
///
/// The marks count bytes of output that the transport has not taken: above `high_mark` a send says
/// [`Congested`](crate::base::Accepted::Congested), at or below `low_mark` one
/// [`Drained`](crate::base::Event::Drained) follows, over `queue_limit` a send is refused.
///
/// ```
/// use wharf::framed::Config;
///
/// let mut config = Config::default();
/// config.max_message = 64 * 1024;
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Largest payload taken, in bytes. Default 16 MiB.
    pub max_message: usize,
    /// Output above this is congested, in bytes. Default 64 KiB.
    pub high_mark: usize,
    /// Output at or below this has drained, in bytes. Default 16 KiB.
    pub low_mark: usize,
    /// No send may raise the output above this, in bytes. Counts as at least `high_mark`, 4 KiB of pongs and one
    /// message of `max_message` with its framing, so that one answer a message always fits. Default 17 MiB.
    pub queue_limit: usize,
    /// Reads nothing while congested, so that a peer that does not read cannot fill memory. Servers want it;
    /// a client that stops reading because it cannot write may deadlock with a server that does the same. Default `true`, and `false` for
    /// [`client`](Self::client).
    pub pause_reading_when_congested: bool,
    /// Without a byte for this long the connection is ended, or a ping goes out, as `keepalive` says. Default 5 minutes;
    /// `None` never.
    pub idle_timeout: Option<Duration>,
    /// Without a byte for this long after a ping, the connection is ended. Default `None`: as long as `idle_timeout`.
    pub pong_timeout: Option<Duration>,
    /// When the transport takes nothing for this long, the connection is ended. Default 30 s; `None` never.
    pub write_timeout: Option<Duration>,
    /// How long a close may take, from its begin to the peer's end of stream. Default 5 s.
    pub close_timeout: Duration,
    /// What happens to a silent peer. Default [`Keepalive::Off`]: it is ended at `idle_timeout`.
    pub keepalive: Keepalive,
    /// What counts as a clean end. Default [`Classifier::OnlyNormal`].
    pub classifier: Classifier,
}

/// What happens to a peer from whom no byte came for `idle_timeout`.
///
/// ```
/// use wharf::framed::{Config, Keepalive, Typed};
///
/// let mut config = Config::default();
/// config.keepalive = Keepalive::Frames { ping: Typed::PING, payload: b"?"[..].into(), pong: 3 };
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keepalive {
    /// It is ended: there is no ping that every framing has.
    #[default]
    Off,
    /// A ping is sent, and any byte within `pong_timeout` keeps the connection. Messages of the type `ping` are answered
    /// with the same payload under the type `pong`, and neither is handed up as a message; the answer to a ping of ours
    /// is told by [`Event::Pong`](crate::base::Event::Pong). With a codec that cannot write these types it is as `Off`.
    Frames {
        /// The type of a ping.
        ping: u8,
        /// The payload of our pings, up to 2 KiB.
        payload: Bytes,
        /// The type of a pong, another one.
        pong: u8,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message: 16 << 20,
            high_mark: 64 << 10,
            low_mark: 16 << 10,
            queue_limit: 17 << 20,
            pause_reading_when_congested: true,
            idle_timeout: Some(Duration::from_secs(300)),
            pong_timeout: None,
            write_timeout: Some(Duration::from_secs(30)),
            close_timeout: Duration::from_secs(5),
            keepalive: Keepalive::Off,
            classifier: Classifier::OnlyNormal,
        }
    }
}

/// A configuration that contradicts itself.
///
/// ```
/// use wharf::framed::{Config, ConfigError};
///
/// let mut config = Config::default();
/// config.low_mark = config.high_mark + 1;
/// assert_eq!(config.check(), Err(ConfigError::MarksCrossed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// `low_mark` is above `high_mark`.
    #[error("low_mark is above high_mark")]
    MarksCrossed,
    /// `queue_limit` leaves no room for one message above `high_mark`.
    #[error("queue_limit is below {least}: high_mark and one message with its framing")]
    QueueLimit {
        /// The least limit, in bytes.
        least: usize,
    },
    /// A size or time of zero that must not be zero.
    #[error("{0} is zero")]
    Zero(&'static str),
    /// Pings and pongs of the same type would answer each other for ever, or a ping is over 2 KiB.
    #[error("the frames of keepalive are of one type, or over 2 KiB")]
    Keepalive,
}

impl Config {
    /// Room beside the marks for pongs and pings.
    const RESERVE: usize = 4096;
    /// Largest payload of a ping of ours.
    const PING: usize = 2048;

    /// The defaults for a client: as [`Config::default`], but it goes on reading while congested.
    #[must_use]
    pub fn client() -> Self {
        Self { pause_reading_when_congested: false, ..Self::default() }
    }

    /// Whether the parts agree. A connection works with any configuration, taking the nearest that makes sense.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.low_mark > self.high_mark {
            return Err(ConfigError::MarksCrossed);
        }
        if self.queue_limit < self.least_queue_limit() {
            return Err(ConfigError::QueueLimit { least: self.least_queue_limit() });
        }
        if self.keepalive != Keepalive::Off && self.keepalive_types().is_none() {
            return Err(ConfigError::Keepalive);
        }
        nonzero(&[
            ("max_message", self.max_message == 0),
            ("idle_timeout", self.idle_timeout.is_some_and(|t| t.is_zero())),
            ("pong_timeout", self.pong_timeout.is_some_and(|t| t.is_zero())),
            ("write_timeout", self.write_timeout.is_some_and(|t| t.is_zero())),
            ("close_timeout", self.close_timeout.is_zero()),
        ])
        .map_err(ConfigError::Zero)
    }

    /// The types of ping and pong, where there are some that make sense.
    pub(super) fn keepalive_types(&self) -> Option<(u8, u8)> {
        match &self.keepalive {
            Keepalive::Frames { ping, payload, pong } if ping != pong && payload.len() <= Self::PING => {
                Some((*ping, *pong))
            }
            _ => None,
        }
    }

    /// The limit that holds.
    pub(super) fn queue_limit(&self) -> usize {
        self.queue_limit.max(self.least_queue_limit())
    }

    /// The output up to which pings and pongs are queued.
    pub(super) fn control_limit(&self) -> usize {
        self.high_mark.saturating_add(Self::RESERVE)
    }

    /// Bytes that `len` bytes of payload take at most on the wire.
    pub(super) fn framed_len(len: usize) -> usize {
        len.saturating_add(2 * MAX_HEADER)
    }

    /// How long the peer may be silent.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.idle_timeout, self.pong_timeout)
    }

    /// The low mark that holds.
    pub(super) fn low_mark(&self) -> usize {
        self.low_mark.min(self.high_mark)
    }

    /// Up to the high mark the peer's messages are read; pongs may have come behind; then one answer has to fit.
    fn least_queue_limit(&self) -> usize {
        self.control_limit().saturating_add(Self::framed_len(self.max_message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_agree() {
        assert_eq!(Config::default().check(), Ok(()));
        assert_eq!(Config::client().check(), Ok(()));
    }

    #[test]
    fn contradictions_are_named() {
        let crossed = Config { low_mark: 2, high_mark: 1, ..Config::default() };
        assert_eq!(crossed.check(), Err(ConfigError::MarksCrossed));
        let tight = Config { queue_limit: 100, ..Config::default() };
        assert_eq!(tight.check(), Err(ConfigError::QueueLimit { least: tight.least_queue_limit() }));
        let zeroes: [(_, fn(&mut Config)); 5] = [
            ("max_message", |config| config.max_message = 0),
            ("idle_timeout", |config| config.idle_timeout = Some(Duration::ZERO)),
            ("pong_timeout", |config| config.pong_timeout = Some(Duration::ZERO)),
            ("write_timeout", |config| config.write_timeout = Some(Duration::ZERO)),
            ("close_timeout", |config| config.close_timeout = Duration::ZERO),
        ];
        for (name, zero) in zeroes {
            let mut config = Config::default();
            zero(&mut config);
            assert_eq!(config.check(), Err(ConfigError::Zero(name)));
        }
        let keepalive = Keepalive::Frames { ping: 1, payload: Bytes::new(), pong: 1 };
        assert_eq!(Config { keepalive, ..Config::default() }.check(), Err(ConfigError::Keepalive));
    }
}
