//! What a refused connection is told.

use crate::http::Response;
use alloc::string::ToString;
use core::time::Duration;

/// An attempt that was not admitted.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::limiter::{Refusal, Why};
///
/// let refusal = Refusal { why: Why::Blocked, retry_after: Some(Duration::from_millis(1500)) };
/// let answer = refusal.response();
/// assert_eq!(answer.status(), 429);
/// assert!(answer.fields().any(|field| field == ("Retry-After", "2")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// How long until another attempt makes sense; `None` if none ever does.
    pub retry_after: Option<Duration>,
}

/// Why an attempt was not admitted.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::service::limiter::{Config, Limiter, Why};
///
/// let mut config = Config::default();
/// config.deny.push("192.0.2.0/24".parse().unwrap());
/// let refusal = Limiter::new(config).admit(Instant::ORIGIN, "192.0.2.7".parse().unwrap()).unwrap_err();
/// assert_eq!((refusal.why, refusal.retry_after), (Why::Denied, None));
/// assert_eq!(refusal.why.to_string(), "the address is denied");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It was the one too many within the window, and started the block, if there are blocks. So it is told once for each of
    /// them.
    #[error("too many connections from this address")]
    Rate,
    /// The address is blocked.
    #[error("the address is blocked")]
    Blocked,
    /// The address is on the list of those that are never admitted.
    #[error("the address is denied")]
    Denied,
    /// The address is unknown and there is no place to count it ([`Full::Refuse`](super::Full::Refuse)).
    #[error("too many addresses")]
    Full,
}

impl Refusal {
    /// The answer to a request: 429 with `Retry-After` in whole seconds (RFC 6585 section 4), or 403 where waiting does not
    /// help. The connection is closed behind it.
    #[must_use]
    pub fn response(&self) -> Response {
        match self.retry_after {
            Some(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Response::plain(429).with("Retry-After", seconds.max(1).to_string()).closing()
            }
            None => Response::plain(403).closing(),
        }
    }
}
