//! Why a check failed.

use crate::link::DialError;

/// Why a check failed.
///
/// ```
/// use wharf::service::health::Failure;
///
/// assert_eq!(Failure::Status(500).to_string(), "status 500");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The host has no address.
    #[error("the name has no address")]
    Lookup,
    /// No address of it could be connected to.
    #[error("it cannot be connected to")]
    Connect,
    /// It was not over in time.
    #[error("timed out")]
    TimedOut,
    /// The connection ended, or was reset, before the answer was whole.
    #[error("the connection ended before the answer did")]
    Ended,
    /// What came is no answer of HTTP/1.
    #[error("no HTTP answer")]
    NotHttp,
    /// An answer with a status that does not count as up.
    #[error("status {0}")]
    Status(u16),
    /// An answer without the text that it should have.
    #[error("the expected text is not in the answer")]
    Body,
}

impl Failure {
    /// What a dial that failed says of the endpoint; `None` where the reason is on this side, and nothing is known.
    #[must_use]
    pub fn of_dial(error: &DialError) -> Option<Self> {
        match error {
            DialError::Lookup => Some(Self::Lookup),
            DialError::TimedOut => Some(Self::TimedOut),
            DialError::TooMany | DialError::Draining => None,
            _ => Some(Self::Connect),
        }
    }
}
