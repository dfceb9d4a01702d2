//! Answers that send a client elsewhere (RFC 9110 section 15.4).

use super::{ClientRequest, HandshakeError};
use crate::ws::{Url, UrlError};

/// Why a redirect is not followed.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Input, Instant};
/// use wharf::ws::handshake::{Client, ClientRequest, RedirectError, Redirects};
///
/// let (now, request) = (Instant::ORIGIN, ClientRequest::new("wss://a.example/").unwrap());
/// let mut client = Client::new(now, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(10));
/// let mut bytes = *b"HTTP/1.1 302 Found\r\nLocation: ws://a.example/\r\nContent-Length: 0\r\n\r\n";
/// let refused = client.receive(now, &mut Input::new(&mut bytes)).unwrap().unwrap_err();
/// let error = Redirects::limited(3).follow(&request, &refused).unwrap_err();
/// assert_eq!((error, &*error.to_string()), (RedirectError::Downgrade, "a redirect from wss to ws"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// One more than the limit. What goes in a circle ends here, too.
    #[error("more than {limit} redirects")]
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// From `wss` to `ws`. The answer was protected, what it asks for would not be.
    #[error("a redirect from wss to ws")]
    Downgrade,
    /// Not exactly one `Location`, or one that is no text.
    #[error("a redirect without one Location")]
    NoLocation,
    /// A `Location` that cannot be connected to.
    #[error("the redirect's Location: {0}")]
    BadLocation(UrlError),
}

/// How many redirects are followed, and how many have been: one for each connection that a program asks for. By default
/// none are, and the answer is the [`HandshakeError::Refused`] that it is.
///
/// ```
/// use wharf::ws::handshake::{ClientRequest, HandshakeError, Redirects};
///
/// let mut redirects = Redirects::limited(3);
/// let request = ClientRequest::new("ws://a.example/").unwrap();
/// // Not an answer that redirects: the error stands.
/// assert_eq!(redirects.follow(&request, &HandshakeError::TimedOut), Ok(None));
/// assert_eq!(redirects.followed(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Redirects {
    limit: u32,
    followed: u32,
}

/// What belongs to one target and one attempt.
const OF_TARGET: &[&str] = &["host", "sec-websocket-key"];
/// What does not leave the target that it was meant for, either.
const OF_ORIGIN: &[&str] = &["host", "sec-websocket-key", "authorization", "cookie", "proxy-authorization"];

impl Redirects {
    /// Follows none.
    #[must_use]
    pub const fn none() -> Self {
        Self::limited(0)
    }

    /// Follows at most `limit`, one after the other.
    #[must_use]
    pub const fn limited(limit: u32) -> Self {
        Self { limit, followed: 0 }
    }

    /// How many have been followed.
    #[must_use]
    pub fn followed(&self) -> u32 {
        self.followed
    }

    /// What to ask for next, after `request` was answered with `error`. `None`: this is no redirect (301, 302, 303, 307
    /// or 308), or none are followed, and the error stands.
    ///
    /// The next request has the same subprotocols and fields. A `Host` and a `Sec-WebSocket-Key` that were given are left
    /// out. So are `Authorization`, `Cookie` and `Proxy-Authorization`, and user name and password with them, once
    /// scheme, host or port change; only from `ws` on port 80 to `wss` on port 443 of the same host do they go along, for
    /// that host has seen them already. Secrets in other fields are not known as such.
    ///
    /// # Errors
    /// [`RedirectError`]: a redirect that must not or cannot be followed.
    pub fn follow(
        &mut self,
        request: &ClientRequest,
        error: &HandshakeError,
    ) -> Result<Option<ClientRequest>, RedirectError> {
        let HandshakeError::Refused(refused) = error else { return Ok(None) };
        if self.limit == 0 || !matches!(refused.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        if self.followed == self.limit {
            return Err(RedirectError::TooMany { limit: self.limit });
        }
        let location = refused.headers.only("location").ok_or(RedirectError::NoLocation)?;
        let url = request.url().resolve(location).map_err(RedirectError::BadLocation)?;
        if request.url().is_secure() && !url.is_secure() {
            return Err(RedirectError::Downgrade);
        }
        self.followed += 1;
        let withheld = if is_same_origin(request.url(), &url) { OF_TARGET } else { OF_ORIGIN };
        Ok(Some(request.redirected(url, withheld)))
    }
}

/// Whether what is meant for `from` may be told to `to`.
fn is_same_origin(from: &Url, to: &Url) -> bool {
    let is_upgrade = (from.port(), to.port()) == (80, 443) && !from.is_secure() && to.is_secure();
    let is_same = from.is_secure() == to.is_secure() && from.port() == to.port();
    from.host() == to.host() && (is_same || is_upgrade)
}

#[cfg(test)]
mod tests;
