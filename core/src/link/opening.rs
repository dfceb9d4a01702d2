//! Why a client's connection did not open, and when.

use crate::base::{End, Wall, When};
use crate::proxy::{ProxyError, ProxyHeaderError};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use crate::ws::handshake::{HandshakeError, RedirectError, RequestError};
use core::time::Duration;

/// Why a client's connection did not open, once the transport was there. The text begins with the step that failed.
///
/// ```
/// use wharf::link::OpenError;
/// use wharf::ws::handshake::HandshakeError;
///
/// let error = OpenError::from(HandshakeError::TimedOut);
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "handshake: the opening handshake timed out");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The target is over TLS and there is none: it never falls back to plain text. Build with the feature `tls` and set
    /// [`Config::client_tls`](super::Config), or connect to a target without TLS.
    #[error(
        "TLS: the target asks for it and none is configured; build with the feature `tls` and set client_tls"
    )]
    NoTls,
    /// What a WebSocket would ask for cannot be asked for.
    #[error("request: {0}")]
    Request(#[from] RequestError),
    /// The proxy gave no way out.
    #[error("proxy: {0}")]
    Proxy(#[from] ProxyError),
    /// At a server: a trusted hop did not begin with a PROXY header ([`Forwarding`](super::Forwarding)).
    #[error("PROXY header: {0}")]
    ProxyHeader(#[from] ProxyHeaderError),
    /// The TLS session failed.
    #[cfg(feature = "tls")]
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The TLS handshake took too long.
    #[error("TLS: the handshake timed out")]
    TlsTimedOut,
    /// The transport ended inside the TLS handshake.
    #[error("TLS: the transport ended during the handshake: {0}")]
    TlsEnded(End),
    /// The opening handshake of the WebSocket failed.
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    /// The server sent the client where it must not or cannot go.
    #[error("redirect: {0}")]
    Redirect(#[from] RedirectError),
    /// The local program gave up.
    #[error("given up by the local program")]
    Aborted,
}

impl OpenError {
    /// When it failed.
    #[must_use]
    pub fn when(&self) -> When {
        match self {
            Self::Request(_) | Self::Aborted => When::Request,
            Self::Proxy(_) | Self::ProxyHeader(_) => When::Proxy,
            Self::NoTls | Self::TlsTimedOut | Self::TlsEnded(_) => When::Tls,
            #[cfg(feature = "tls")]
            Self::Tls(_) => When::Tls,
            Self::Handshake(_) | Self::Redirect(_) => When::Handshake,
        }
    }

    /// Whether another try may succeed with nothing changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TlsTimedOut | Self::TlsEnded(_) => true,
            Self::Proxy(error) => error.is_retryable(),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.is_retryable(),
            Self::Handshake(error) => error.is_retryable(),
            Self::NoTls | Self::Request(_) | Self::ProxyHeader(_) | Self::Redirect(_) | Self::Aborted => {
                false
            }
        }
    }
    /// How long the server, or its proxy, asks to wait before another try (`Retry-After` of a 429 or 503), as a duration from
    /// `wall` on, the time at which its answer came. `None` where it does not say, and where another try is no use.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Wall;
    /// use wharf::link::OpenError;
    /// use wharf::ws::handshake::HandshakeError;
    ///
    /// assert_eq!(OpenError::from(HandshakeError::TimedOut).retry_after(Wall::default()), None);
    /// ```
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Handshake(error) => error.retry_after(wall),
            Self::Proxy(error) => error.retry_after(wall),
            _ => None,
        }
    }
}
