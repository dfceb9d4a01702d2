//! Limits and deadlines of either side.

use crate::base::Kind;
use core::time::Duration;

/// How one side of a connection asks.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::Kind;
/// use wharf::framed::Typed;
/// use wharf::service::requests::RequestsConfig;
///
/// let mut config = RequestsConfig::default();
/// assert_eq!(config.timeout, Duration::from_secs(30));
/// // Over typed frames.
/// config.kind = Kind::Typed(Typed::DATA);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestsConfig {
    /// How long a call waits for its answer, unless it is given a time of its own. Default 30 s.
    pub timeout: Duration,
    /// Calls in flight at most; one more is refused and counted. Default 1,024.
    pub max_in_flight: usize,
    /// The kind of the messages that are sent, and of those that are replies. Default [`Kind::Text`].
    pub kind: Kind,
}

impl Default for RequestsConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), max_in_flight: 1024, kind: Kind::Text }
    }
}

/// How requests are answered.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::requests::AnswersConfig;
///
/// let mut config = AnswersConfig::default();
/// assert_eq!((config.max_in_flight, config.timeout), (256, None));
/// config.timeout = Some(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswersConfig {
    /// Requests of a connection in flight at most; one more is answered by the error
    /// [`TOO_MANY`](super::ErrorReply::TOO_MANY) and counted. Default 256.
    pub max_in_flight: usize,
    /// Requests in flight at most of all connections together that one [`Answers`](super::Answers) serves; one more is
    /// answered the same way, and counted by itself. Default 65,536.
    pub max_in_flight_of_all: usize,
    /// How long an answer may take before the request is answered by the error
    /// [`TIMED_OUT`](super::ErrorReply::TIMED_OUT). Default `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// The longest id that is a text, in bytes; a message with a longer one is no request. Default 128.
    pub max_id_len: usize,
}

impl Default for AnswersConfig {
    fn default() -> Self {
        Self { max_in_flight: 256, max_in_flight_of_all: 65_536, timeout: None, max_id_len: 128 }
    }
}
