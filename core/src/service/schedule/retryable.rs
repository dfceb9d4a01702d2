//! Errors that tell whether to try again.

use super::Pace;
use crate::base::{Closed, Entropy, Instant, Wall};
use crate::link::{DialError, OpenError};
use crate::proxy::ProxyError;
use crate::ws::handshake::HandshakeError;
use core::fmt::Display;
use core::time::Duration;

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

    /// How long whoever refused asks to wait before another try, where it does (`Retry-After`). `wall` is the time at which it was
    /// refused.
    fn retry_after(&self, wall: Wall) -> Option<Duration> {
        let _ = wall;
        None
    }

    /// How long to wait at least before another try; `None` if that is no use.
    fn try_again_after(&self, wall: Wall) -> Option<Duration> {
        self.is_retryable().then(|| self.retry_after(wall).unwrap_or_default())
    }
}

/// Whoever asks to be left alone for longer is asked again all the same.
pub(crate) const MOST_ASKED: Duration = Duration::from_secs(3600);

impl Pace {
    /// As [`next`](Self::next), and no earlier than `asked` from now ([`Retryable::retry_after`]), of which no more than an hour counts:
    /// else a server could end its clients. What [`Schedule::up_to`](super::Schedule::up_to) ends is over where that is too late for it.
    pub fn next_asked(&mut self, now: Instant, asked: Duration, entropy: &mut Entropy) -> Option<Instant> {
        self.next_behind(now, asked.min(MOST_ASKED), entropy)
    }

    /// When to try again after `error`: as [`next_asked`](Self::next_asked) has it, and never where the error says that it is no use.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::{Entropy, Instant, Wall};
    /// use wharf::link::DialError;
    /// use wharf::service::schedule::Schedule;
    ///
    /// let (now, wall, mut entropy) = (Instant::ORIGIN, Wall::default(), Entropy::from_seed([7; 32]));
    /// let second = Duration::from_secs(1);
    /// let mut pace = Schedule::spaced(second).begin(now);
    /// assert_eq!(pace.next_after(now, wall, &DialError::Connect, &mut entropy), Some(now + second));
    /// assert_eq!(pace.next_after(now, wall, &DialError::Draining, &mut entropy), None);
    /// ```
    pub fn next_after(
        &mut self,
        now: Instant,
        wall: Wall,
        error: &impl Retryable,
        entropy: &mut Entropy,
    ) -> Option<Instant> {
        self.next_asked(now, error.try_again_after(wall)?, entropy)
    }
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
    #[cfg(feature = "tls")]
    crate::tls::TlsError
);

macro_rules! told_when {
    ($($error:ty),*) => {
        $(impl Retryable for $error {
            fn is_retryable(&self) -> bool {
                Self::is_retryable(self)
            }

            fn retry_after(&self, wall: Wall) -> Option<Duration> {
                Self::retry_after(self, wall)
            }
        })*
    };
}

told_when!(DialError, HandshakeError, OpenError, ProxyError);
