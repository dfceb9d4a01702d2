//! Why there is no socket.

use crate::ConnectError;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::pool::{CheckoutError, Refusal};
use wharf::service::schedule::Retryable;

/// Why a pool lends no socket.
///
/// ```
/// use wharf_async::PoolError;
///
/// assert!(PoolError::TimedOut(None).is_retryable() && !PoolError::Drained.is_retryable());
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// None came free in time. Where none can be opened, the last error is told.
    #[error("no connection came free in time{}", told(.0.as_deref()))]
    TimedOut(#[source] Option<Arc<ConnectError>>),
    /// None can be opened, and the pool has given up until the next one asks.
    #[error("no connection can be opened{}", told(.0.as_deref()))]
    Failed(#[source] Option<Arc<ConnectError>>),
    /// Too many wait already.
    #[error("more than {limit} wait for a connection")]
    TooMany {
        /// [`PoolConfig::max_waiters`](wharf::service::pool::PoolConfig::max_waiters).
        limit: usize,
    },
    /// The pool is drained, or the runtime that it ran on is gone.
    #[error("the pool is drained")]
    Drained,
}

fn told(last: Option<&ConnectError>) -> String {
    last.map(|error| format!(": {error}")).unwrap_or_default()
}

impl PoolError {
    pub(super) fn of(why: Refusal, last: Option<Arc<ConnectError>>) -> Self {
        match why {
            Refusal::TimedOut => Self::TimedOut(last),
            Refusal::Failed => Self::Failed(last),
            _ => Self::Drained,
        }
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::TooMany { .. } => true,
            Self::Failed(last) => last.as_ref().is_none_or(|error| error.is_retryable()),
            Self::Drained => false,
        }
    }
}

impl Retryable for PoolError {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }

    fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Failed(last) | Self::TimedOut(last) => last.as_ref()?.retry_after(wall),
            _ => None,
        }
    }
}

impl From<CheckoutError> for PoolError {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::TooMany { limit } => Self::TooMany { limit },
            _ => Self::Drained,
        }
    }
}
