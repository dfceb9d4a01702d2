//! Errors that tell whether to try again.

use crate::base::Closed;
use crate::link::{DialError, OpenError};
use crate::proxy::ProxyError;
use crate::ws::handshake::HandshakeError;
use core::fmt::Display;

/// An error that tells whether the same may succeed later, and is told while it is tried again.
///
/// ```
/// use wharf::service::schedule::Retryable;
///
/// #[derive(Debug, thiserror::Error)]
/// enum LoginError {
///     #[error("busy")]
///     Busy,
///     #[error("wrong password")]
///     Refused,
/// }
///
/// impl Retryable for LoginError {
///     fn is_retryable(&self) -> bool {
///         matches!(self, Self::Busy)
///     }
/// }
/// assert!(LoginError::Busy.is_retryable() && !LoginError::Refused.is_retryable());
/// ```
pub trait Retryable: Display {
    /// Whether another try may succeed with nothing changed here.
    fn is_retryable(&self) -> bool;
}

macro_rules! retryable {
    ($($(#[$attribute:meta])* $error:ty),* $(,)?) => {
        $($(#[$attribute])* impl Retryable for $error {
            fn is_retryable(&self) -> bool {
                Self::is_retryable(self)
            }
        })*
    };
}

retryable!(
    Closed,
    DialError,
    HandshakeError,
    OpenError,
    ProxyError,
    #[cfg(feature = "tls")]
    crate::tls::TlsError
);
