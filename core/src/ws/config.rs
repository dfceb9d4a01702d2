//! What a connection is told once: role, limits, marks and deadlines.

use super::send::PONG_RESERVE;
use super::wire::header;
use crate::base::{Classifier, Patience, nonzero};
use core::time::Duration;

/// Which side of the connection this is.
///
/// ```
/// use wharf::base::{Engine, Entropy, Instant, Message};
/// use wharf::ws::{Config, Connection, Role};
///
/// let (now, config) = (Instant::ORIGIN, Config::default().into());
/// let [client, server] = [Role::Client, Role::Server].map(|role| {
///     let mut connection = Connection::new(now, role, &config, Entropy::from_seed([7; 32]), b"");
///     connection.send(now, Message::text("ahoy")).unwrap();
///     let mut written = Vec::new();
///     connection.output(now).drain_into(&mut written);
///     written
/// });
/// assert_eq!(server, b"\x81\x04ahoy");
/// // The mask's four bytes, and the payload under it.
/// assert!(client.starts_with(b"\x81\x84") && client.len() == 2 + 4 + 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Connects and masks its frames.
    Client,
    /// Accepts, and demands masks (RFC 6455 section 5.1).
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How messages are handed up.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant};
/// use wharf::ws::{Config, Connection, Delivery};
///
/// let (now, mut config) = (Instant::ORIGIN, Config::default());
/// config.delivery = Delivery::Streaming;
/// let mut connection = Connection::server(now, &config.into());
/// // The begin of a message of five bytes.
/// let mut bytes = *b"\x82\x85\0\0\0\0he";
/// let Some(Event::Chunk(chunk)) = connection.receive(now, &mut Input::new(&mut bytes)) else { panic!() };
/// assert_eq!((&*chunk.bytes, chunk.first, chunk.last), (&b"he"[..], true, false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Whole.
    #[default]
    Messages,
    /// In the pieces that they come in ([`Event::Chunk`](crate::base::Event::Chunk)): nothing is gathered.
    Streaming,
}

/// Limits, marks and deadlines of a connection. Many connections share one.
///
/// The marks count bytes of output that the transport has not taken: above `high_mark` a send says
/// [`Congested`](crate::base::Accepted::Congested), at or below `low_mark` one
/// [`Drained`](crate::base::Event::Drained) follows, over `queue_limit` a send is refused. Pongs and the Close frame
/// have 4 KiB beside it.
///
/// ```
/// use wharf::ws::Config;
///
/// let mut config = Config::default();
/// config.max_message = 64 * 1024;
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Largest payload of one frame taken, in bytes. Default 16 MiB.
    pub max_frame: usize,
    /// Largest message taken, over all its fragments, in bytes. Default 16 MiB.
    pub max_message: usize,
    /// Most fragments of one message. Default 131,072.
    pub max_fragments: u32,
    /// Output above this is congested, in bytes. Default 64 KiB.
    pub high_mark: usize,
    /// Output at or below this has drained, in bytes. Default 16 KiB.
    pub low_mark: usize,
    /// No send may raise the output above this, in bytes. Counts as at least `high_mark`, 4 KiB of pongs and one
    /// message of `max_message` with its headers, so that one answer a message always fits. Default 17 MiB.
    pub queue_limit: usize,
    /// Reads nothing while congested, so that a peer that does not read cannot fill memory. Servers want it;
    /// a client that stops reading because it cannot write may deadlock with a server that does the same.
    /// Default `true`, and `false` for [`client`](Self::client).
    pub pause_reading_when_congested: bool,
    /// A larger message goes out in fragments of this many bytes, which bounds how long a pong waits. Default
    /// 1 MiB.
    pub fragment_size: usize,
    /// Without a byte for this long, a ping goes out. Default 30 s; `None` never.
    pub idle_timeout: Option<Duration>,
    /// Without a byte for this long after the ping, the connection is ended. Default `None`: as long as
    /// `idle_timeout`.
    pub pong_timeout: Option<Duration>,
    /// When the transport takes nothing for this long, the connection is ended. Default 30 s; `None` never.
    pub write_timeout: Option<Duration>,
    /// How long a close may take, from its begin to the peer's end of stream. Default 5 s.
    pub close_timeout: Duration,
    /// Whole messages, or pieces. Default [`Delivery::Messages`].
    pub delivery: Delivery,
    /// How messages are compressed, where the peer agrees (RFC 7692). Default `None`: they are not.
    #[cfg(feature = "deflate")]
    pub deflate: Option<super::deflate::Config>,
    /// What counts as a clean end. Default [`Classifier::OnlyNormal`].
    pub classifier: Classifier,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_frame: 16 << 20,
            max_message: 16 << 20,
            max_fragments: 1 << 17,
            high_mark: 64 << 10,
            low_mark: 16 << 10,
            queue_limit: 17 << 20,
            pause_reading_when_congested: true,
            fragment_size: 1 << 20,
            idle_timeout: Some(Duration::from_secs(30)),
            pong_timeout: None,
            write_timeout: Some(Duration::from_secs(30)),
            close_timeout: Duration::from_secs(5),
            delivery: Delivery::Messages,
            #[cfg(feature = "deflate")]
            deflate: None,
            classifier: Classifier::OnlyNormal,
        }
    }
}

/// A configuration that contradicts itself.
///
/// ```
/// use wharf::ws::{Config, ConfigError};
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
    #[error("queue_limit is below {least}: high_mark and one message with its headers")]
    QueueLimit {
        /// The least limit, in bytes.
        least: usize,
    },
    /// A size or time of zero that must not be zero.
    #[error("{0} is zero")]
    Zero(&'static str),
    /// The part for compression.
    #[cfg(feature = "deflate")]
    #[error("deflate: {0}")]
    Deflate(#[from] super::deflate::ConfigError),
}

impl Config {
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
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            deflate.check()?;
        }
        nonzero(&[
            ("max_message", self.max_message == 0),
            ("max_frame", self.max_frame == 0),
            ("fragment_size", self.fragment_size == 0),
            ("max_fragments", self.max_fragments == 0),
            ("idle_timeout", self.idle_timeout.is_some_and(|t| t.is_zero())),
            ("pong_timeout", self.pong_timeout.is_some_and(|t| t.is_zero())),
            ("write_timeout", self.write_timeout.is_some_and(|t| t.is_zero())),
            ("close_timeout", self.close_timeout.is_zero()),
        ])
        .map_err(ConfigError::Zero)
    }

    /// The limit that holds.
    pub(super) fn queue_limit(&self) -> usize {
        self.queue_limit.max(self.least_queue_limit())
    }

    /// The fragment size that holds.
    pub(super) fn fragment_size(&self) -> usize {
        self.fragment_size.max(125)
    }

    /// Bytes that `len` bytes of payload take at most on the wire.
    pub(super) fn framed_len(&self, len: usize) -> usize {
        let fragments = len.div_ceil(self.fragment_size()).max(1);
        len.saturating_add(fragments.saturating_mul(header::MAX_LEN))
    }

    /// Most bytes that a compressed frame or message may have where it may have `limit` bytes inflated: what cannot be
    /// compressed becomes longer, with a small window by a seventh.
    pub(super) fn compressed_len(limit: usize) -> u64 {
        let limit = limit as u64;
        limit.saturating_add(limit / 4).saturating_add(64)
    }

    /// How a connection compresses whose handshake agreed on it.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(super) fn deflate_or_default(&self) -> super::deflate::Config {
        self.deflate.unwrap_or_default()
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
        let reserve = usize::from(PONG_RESERVE);
        self.high_mark.saturating_add(reserve).saturating_add(self.framed_len(self.max_message))
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
    fn defaults_are_what_their_pages_say() {
        let config = Config::default();
        assert_eq!((config.max_frame, config.max_message), (16 * 1024 * 1024, 16 * 1024 * 1024));
        assert_eq!((config.max_fragments, config.fragment_size), (131_072, 1024 * 1024));
        assert_eq!((config.high_mark, config.low_mark), (65_536, 16_384));
        assert_eq!(config.queue_limit, 17 * 1024 * 1024);
    }

    #[test]
    fn what_just_agrees_is_taken() {
        let equal = Config { low_mark: 50, high_mark: 50, ..Config::default() };
        assert_eq!(equal.check(), Ok(()));
        let least = 50 + 4096 + 100 + 14;
        let tight = Config { max_message: 100, queue_limit: least, ..equal };
        assert_eq!(tight.check(), Ok(()));
        let tighter = Config { queue_limit: least - 1, ..tight };
        assert_eq!(tighter.check(), Err(ConfigError::QueueLimit { least }));
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn the_part_for_compression_is_checked() {
        let deflate = crate::ws::deflate::Config { level: 10, ..Default::default() };
        let config = Config { deflate: Some(deflate), ..Config::default() };
        assert!(matches!(config.check(), Err(ConfigError::Deflate(_))));
        assert_eq!(Config { deflate: Some(Default::default()), ..config }.check(), Ok(()));
    }

    #[test]
    fn contradictions_are_named() {
        let crossed = Config { low_mark: 2, high_mark: 1, ..Config::default() };
        assert_eq!(crossed.check(), Err(ConfigError::MarksCrossed));
        let tight = Config { queue_limit: 100, ..Config::default() };
        assert_eq!(tight.check(), Err(ConfigError::QueueLimit { least: tight.least_queue_limit() }));
        let zeroes: [(_, fn(&mut Config)); 8] = [
            ("max_message", |config| config.max_message = 0),
            ("max_frame", |config| config.max_frame = 0),
            ("fragment_size", |config| config.fragment_size = 0),
            ("max_fragments", |config| config.max_fragments = 0),
            ("idle_timeout", |config| config.idle_timeout = Some(Duration::ZERO)),
            ("pong_timeout", |config| config.pong_timeout = Some(Duration::ZERO)),
            ("write_timeout", |config| config.write_timeout = Some(Duration::ZERO)),
            ("close_timeout", |config| config.close_timeout = Duration::ZERO),
        ];
        for (name, zero) in zeroes {
            let mut config = Config { queue_limit: usize::MAX, ..Config::default() };
            zero(&mut config);
            assert_eq!(config.check(), Err(ConfigError::Zero(name)));
        }
    }
}
