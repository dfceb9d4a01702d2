//! What a client is told once.

use super::Failure;
use crate::base::Message;
use crate::service::schedule::Schedule;
use core::time::Duration;

/// Schedule, limits and deadlines of a client. How long an attempt may take is said where it is dialed
/// ([`link::Config::open_timeout`](crate::link::Config::open_timeout), 10 s).
///
/// ```
/// use std::time::Duration;
/// use wharf::service::client::{ClientConfig, WhenFull};
/// use wharf::service::schedule::Schedule;
///
/// let mut config = ClientConfig::default();
/// config.schedule = Schedule::backoff().up_to(Duration::from_secs(3600));
/// config.when_full = WhenFull::DropOldest;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// When it connects again. Default [`Schedule::reconnect`]: after 1 s, 2 s, 4 s, 8 s and 16 s, then every 30 s for ever,
    /// jittered.
    pub schedule: Schedule,
    /// A connection that was ready for so long starts the schedule afresh; one that was lost earlier goes on in it, so that a
    /// server that takes connections and ends them is not asked every second. Default 5 s.
    pub steady_after: Duration,
    /// The most that a refusing server's `Retry-After` is taken for; the delay is never below it, and spread above it. Default
    /// 5 min.
    pub max_retry_after: Duration,
    /// Which failures end it for good. Default [`Fatal::Default`].
    pub fatal: Fatal,
    /// How long what is done on connect may take, from the opening to [`ready`](super::Client::ready). Default 10 s.
    pub ready_timeout: Duration,
    /// How often a sign of life is sent. Default 30 s; `None` never.
    pub heartbeat: Option<Duration>,
    /// What it is. Default `None`: a ping over a WebSocket, elsewhere the text `PING`. Typed frames carry no text: name a message of
    /// some type there.
    pub heartbeat_message: Option<Message<'static>>,
    /// Without a byte from the peer for so long after a ping, the connection is given up. Default 10 s; `None` leaves it to the
    /// deadlines of the connection itself.
    pub pong_timeout: Option<Duration>,
    /// The same after a heartbeat that is a message. Default `None`: not everybody answers those.
    pub reply_timeout: Option<Duration>,
    /// Whether messages wait for a connection. Without, they are refused while there is none, and what a lost connection has not
    /// touched is given back. Default yes.
    pub buffer: bool,
    /// Most messages whose fate is open; as many fates may wait to be told, and then nothing is taken. Default 1,024.
    pub max_messages: usize,
    /// Most bytes of payload in them. Default 16 MiB.
    pub max_bytes: usize,
    /// What happens past either. Default [`WhenFull::Reject`].
    pub when_full: WhenFull,
    /// How often a message is given to another connection, if one ended before a byte of it was written. Default 3.
    pub retries: u32,
    /// Bytes that are with the connection and not written, past which the next message waits here, where a lost connection does
    /// not touch it. Default 64 KiB.
    pub window: usize,
    /// How long an acknowledgement may take that a message waits for, once it is written; then its fate is unknown. Default 30 s;
    /// `None` as long as the connection lasts.
    pub ack_timeout: Option<Duration>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            schedule: Schedule::reconnect(),
            steady_after: Duration::from_secs(5),
            max_retry_after: Duration::from_secs(300),
            fatal: Fatal::Default,
            ready_timeout: Duration::from_secs(10),
            heartbeat: Some(Duration::from_secs(30)),
            heartbeat_message: None,
            pong_timeout: Some(Duration::from_secs(10)),
            reply_timeout: None,
            buffer: true,
            max_messages: 1024,
            max_bytes: 16 << 20,
            when_full: WhenFull::Reject,
            retries: 3,
            window: 64 << 10,
            ack_timeout: Some(Duration::from_secs(30)),
        }
    }
}

/// Which failures end a client for good.
///
/// ```
/// use wharf::link::DialError;
/// use wharf::service::client::{Failure, Fatal};
///
/// /// Comes back unless the server says that it does not know us.
/// fn unknown_here(failure: &Failure) -> bool {
///     matches!(failure, Failure::Closed { closed, .. } if closed.code.as_u16() == 4001)
/// }
/// assert!(!Fatal::Function(unknown_here).ends(&DialError::Connect.into()));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum Fatal {
    /// Those that [`Failure::is_fatal`] names.
    #[default]
    Default,
    /// None: only [`stop`](super::Client::stop) and the end of the schedule end it.
    Never,
    /// The function says.
    Function(fn(&Failure) -> bool),
}

impl Fatal {
    /// Whether `failure` ends it.
    #[must_use]
    pub fn ends(&self, failure: &Failure) -> bool {
        match self {
            Self::Default => failure.is_fatal(),
            Self::Never => false,
            Self::Function(judge) => judge(failure),
        }
    }
}

/// What happens to a message for which there is no room. Whatever it is, it is counted, and the message is given back.
///
/// ```
/// use wharf::service::client::WhenFull;
///
/// assert_eq!(WhenFull::default(), WhenFull::Reject);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is refused.
    #[default]
    Reject,
    /// It is taken, and the oldest that waits here are given back by their fate. If none waits here, it is refused.
    DropOldest,
    /// It is given back by its own fate: for those who do not look at what a send says.
    DropNewest,
}
