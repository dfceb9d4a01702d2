//! What goes wrong between a program and the operating system, and when.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::time::Duration;
use wharf::base::{End, Wall, When};
use wharf::link::{DialError, OpenError, TargetError};
use wharf::proxy::ProxiesError;
use wharf::service::schedule::Retryable;
use wharf::ws::handshake::{HandshakeError, RequestError};

/// Why a connection could not be made. [`when`](Self::when) says how far it came, [`is_retryable`](Self::is_retryable)
/// whether another try may succeed.
///
/// ```
/// use wharf::base::When;
/// use wharf::link::OpenError;
/// use wharf_std::ConnectError;
///
/// let refused = ConnectError::Connect(std::io::ErrorKind::ConnectionRefused.into());
/// assert_eq!((refused.when(), refused.is_retryable()), (When::Connect, true));
/// assert!(!ConnectError::from(OpenError::NoTls).is_retryable());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no such target; do not retry.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A variable of the environment names no proxy; correct it, or set the configuration's own.
    #[error("proxy: {0}")]
    Proxies(#[from] ProxiesError),
    /// The name has no address, or none was told in time (`TimedOut`); retry later.
    #[error("lookup: {0}")]
    Lookup(#[source] io::Error),
    /// No address could be connected to; retry later. The error is of the most telling kind among them, and its text names the
    /// first four with their errors.
    #[error("connect: {0}")]
    Connect(#[source] io::Error),
    /// No address answered in the time that lookup and connect may take; retry later.
    #[error("connect: timed out")]
    TimedOut,
    /// The transport was there, and the connection did not open: proxy, TLS, handshake. Whether to retry depends on how.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The operating system gave no randomness, no poll, no thread or no root certificates to begin with.
    #[error("system: {0}")]
    System(#[source] io::Error),
}

impl ConnectError {
    /// When it failed.
    #[must_use]
    pub fn when(&self) -> When {
        match self {
            Self::Target(_) | Self::System(_) => When::Request,
            Self::Proxies(_) => When::Proxy,
            Self::Lookup(_) => When::Lookup,
            Self::Connect(_) | Self::TimedOut => When::Connect,
            Self::Open(error) => error.when(),
        }
    }

    /// Whether another try may succeed with nothing changed here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Target(_) | Self::Proxies(_) => false,
            Self::Lookup(_) | Self::TimedOut | Self::System(_) => true,
            // A path that is no address, or one that may not be used, stays so.
            Self::Connect(e) => !matches!(
                e.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ),
            Self::Open(error) => error.is_retryable(),
        }
    }

    /// How long the server asks to wait before another try ([`OpenError::retry_after`]). `wall` is the time at which it failed.
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Open(error) => error.retry_after(wall),
            _ => None,
        }
    }

    /// How the opening handshake failed, if that is what did.
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeError> {
        match self {
            Self::Open(OpenError::Handshake(error)) => Some(error),
            _ => None,
        }
    }
}

/// What a lookup fails with that took too long.
///
/// ```
/// use wharf::base::When;
///
/// let error = wharf_std::lookup_timed_out();
/// assert_eq!((error.when(), error.is_retryable()), (When::Lookup, true));
/// ```
#[must_use]
pub fn lookup_timed_out() -> ConnectError {
    ConnectError::Lookup(io::Error::new(ErrorKind::TimedOut, "no answer in time"))
}

impl Retryable for ConnectError {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }

    fn retry_after(&self, wall: Wall) -> Option<Duration> {
        Self::retry_after(self, wall)
    }
}

impl From<RequestError> for ConnectError {
    fn from(error: RequestError) -> Self {
        Self::Target(error.into())
    }
}

impl From<Infallible> for ConnectError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<ConnectError> for DialError {
    /// As a service is told of it, which has no word for the operating system's errors.
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Lookup(e) if e.kind() == ErrorKind::TimedOut => Self::TimedOut,
            ConnectError::Lookup(_) => Self::Lookup,
            ConnectError::TimedOut => Self::TimedOut,
            ConnectError::Open(e) => Self::Open(e),
            error if !error.is_retryable() => Self::Unusable,
            _ => Self::Connect,
        }
    }
}

/// What an error of reading means to a machine.
///
/// ```
/// use wharf::base::End;
///
/// assert_eq!(wharf_std::end_of(&std::io::ErrorKind::ConnectionReset.into()), End::Reset);
/// ```
#[must_use]
pub fn end_of(error: &io::Error) -> End {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => End::Reset,
        ErrorKind::TimedOut => End::TimedOut,
        _ => End::ReadFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::link::Target;

    fn io(kind: ErrorKind) -> io::Error {
        kind.into()
    }

    #[test]
    fn each_says_when_and_whether_to_retry() {
        let no_target = "http://a".parse::<Target>().unwrap_err();
        for (error, when, retry) in [
            (ConnectError::from(no_target), When::Request, false),
            (ConnectError::System(io(ErrorKind::OutOfMemory)), When::Request, true),
            (ConnectError::Lookup(io(ErrorKind::NotFound)), When::Lookup, true),
            (lookup_timed_out(), When::Lookup, true),
            (ConnectError::Connect(io(ErrorKind::ConnectionRefused)), When::Connect, true),
            (ConnectError::Connect(io(ErrorKind::NotFound)), When::Connect, true),
            (ConnectError::Connect(io(ErrorKind::PermissionDenied)), When::Connect, false),
            (ConnectError::Connect(io(ErrorKind::InvalidInput)), When::Connect, false),
            (ConnectError::TimedOut, When::Connect, true),
            (OpenError::NoTls.into(), When::Tls, false),
            (OpenError::TlsTimedOut.into(), When::Tls, true),
            (OpenError::from(HandshakeError::TimedOut).into(), When::Handshake, true),
            (OpenError::from(HandshakeError::Wrong("upgrade")).into(), When::Handshake, false),
        ] {
            assert_eq!((error.when(), error.is_retryable()), (when, retry), "{error}");
            // A service is told the same of it.
            let text = error.to_string();
            assert_eq!(DialError::from(error).is_retryable(), retry, "{text}");
        }
    }
}
