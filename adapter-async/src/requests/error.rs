//! Why a request came to nothing.

use std::sync::Arc;
use wharf::base::{Closed, SendError};
use wharf::framed::json::JsonError;
use wharf::service::requests::{CallError, ErrorReply, Failure, ReplyError};
use wharf::service::schedule::Retryable;

/// Why a request has no answer (feature `json`).
///
/// ```
/// use wharf::service::requests::ErrorReply;
/// use wharf_async::RequestError;
///
/// let busy = RequestError::Refused(ErrorReply::new(ErrorReply::TOO_MANY, "later"));
/// assert!(busy.is_retryable());
/// assert_eq!(busy.to_string(), "too_many: later");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// As many as may be are in flight; it was not sent.
    #[error("{limit} requests are in flight")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// No reply came in time. The peer was told that it is given up.
    #[error("no reply in time")]
    TimedOut,
    /// The connection ended before the reply came, or before it was asked.
    #[error("{0}")]
    Closed(Arc<Closed>),
    /// The peer answered with an error.
    #[error(transparent)]
    Refused(ErrorReply),
    /// The peer answered with neither data nor an error.
    #[error("a reply with neither data nor error")]
    Malformed,
    /// The peer answered with data of another type.
    #[error("the answer: {0}")]
    Shape(#[source] JsonError),
    /// The socket did not take it.
    #[error("{0}")]
    Send(#[source] SendError),
    /// The data has no JSON; it was not sent.
    #[error("the request: {0}")]
    Unwritable(#[source] JsonError),
}

impl RequestError {
    /// Whether the same may succeed later: on a new connection where this one ended ([`Closed::is_retryable`]). The peer may
    /// have carried out one that timed out, or whose connection ended.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TooMany { .. } | Self::TimedOut => true,
            Self::Closed(closed) => closed.is_retryable(),
            Self::Refused(error) => error.code == ErrorReply::TOO_MANY,
            Self::Malformed | Self::Shape(_) | Self::Send(_) | Self::Unwritable(_) => false,
        }
    }
}

impl Retryable for RequestError {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }
}

impl From<CallError> for RequestError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TooMany { limit } => Self::TooMany { limit },
            CallError::Closed(closed) => Self::Closed(closed),
            CallError::Json(error) => Self::Unwritable(error),
            // Whatever else may keep it from being sent.
            _ => Self::Send(SendError::NotOpen),
        }
    }
}

impl From<ReplyError> for RequestError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Refused(error) => Self::Refused(error),
            _ => Self::Malformed,
        }
    }
}

impl From<Failure> for RequestError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Closed(closed) => Self::Closed(closed),
            _ => Self::TimedOut,
        }
    }
}
