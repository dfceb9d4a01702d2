//! What goes wrong between a program and the operating system, and when.

use std::io::{self, ErrorKind};
use wharf::base::End;
use wharf::link::DialError;
use wharf::ws::handshake::{HandshakeError, RequestError};

/// Why a connection could not be made. [`when`](Self::when) says how far it came, [`is_retryable`](Self::is_retryable)
/// whether another try may succeed.
///
/// ```
/// use wharf_std::{ConnectError, Stage};
///
/// let refused = ConnectError::Connect(std::io::ErrorKind::ConnectionRefused.into());
/// assert_eq!((refused.when(), refused.is_retryable()), (Stage::Connect, true));
/// assert!(!ConnectError::NoTls.is_retryable());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The request cannot be made; do not retry.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The name has no address; retry later.
    #[error("lookup: {0}")]
    Lookup(#[source] io::Error),
    /// No address could be connected to; retry later. The error is that of the last one.
    #[error("connect: {0}")]
    Connect(#[source] io::Error),
    /// Lookup and connect took longer than they may; retry later.
    #[error("connect: timed out")]
    TimedOut,
    /// The URL is `wss` and no TLS is built in. It never falls back to plain text.
    #[error("wss needs TLS, which is not built in")]
    NoTls,
    /// The opening handshake failed; whether to retry depends on how.
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    /// The operating system gave no randomness, no poll or no thread to begin with.
    #[error("system: {0}")]
    System(#[source] io::Error),
}

/// How far connecting came, in the order of its stages.
///
/// ```
/// use wharf_std::Stage;
///
/// assert!(Stage::Lookup < Stage::Handshake);
/// assert_eq!(Stage::Connect.to_string(), "connect");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before anything was asked of anybody.
    Request,
    /// The name was looked up.
    Lookup,
    /// The addresses were tried.
    Connect,
    /// A proxy was asked for a tunnel.
    Proxy,
    /// TLS was agreed on.
    Tls,
    /// The WebSocket was asked for.
    Handshake,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Lookup => "lookup",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
        })
    }
}

impl ConnectError {
    /// When it failed.
    #[must_use]
    pub fn when(&self) -> Stage {
        match self {
            Self::Request(_) | Self::System(_) => Stage::Request,
            Self::Lookup(_) => Stage::Lookup,
            Self::Connect(_) | Self::TimedOut => Stage::Connect,
            Self::NoTls => Stage::Tls,
            Self::Handshake(_) => Stage::Handshake,
        }
    }

    /// Whether another try may succeed with nothing changed here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Request(_) | Self::NoTls => false,
            Self::Lookup(_) | Self::TimedOut | Self::System(_) => true,
            // A path that is no address, or one that may not be used, stays so.
            Self::Connect(e) => !matches!(
                e.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ),
            Self::Handshake(e) => e.may_retry(),
        }
    }
}

impl From<ConnectError> for DialError {
    /// As a service is told of it, which has no word for the operating system's errors.
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Lookup(_) => Self::Lookup,
            ConnectError::TimedOut => Self::TimedOut,
            ConnectError::NoTls => Self::NoTls,
            ConnectError::Handshake(e) => Self::Handshake(e),
            ConnectError::Request(_) | ConnectError::Connect(_) | ConnectError::System(_) => Self::Connect,
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
    use wharf::ws::handshake::ClientRequest;

    fn io(kind: ErrorKind) -> io::Error {
        kind.into()
    }

    #[test]
    fn each_says_when_and_whether_to_retry() {
        let no_url = ClientRequest::new("http://a").unwrap_err();
        for (error, when, retry) in [
            (ConnectError::from(no_url), Stage::Request, false),
            (ConnectError::System(io(ErrorKind::OutOfMemory)), Stage::Request, true),
            (ConnectError::Lookup(io(ErrorKind::NotFound)), Stage::Lookup, true),
            (ConnectError::Connect(io(ErrorKind::ConnectionRefused)), Stage::Connect, true),
            (ConnectError::Connect(io(ErrorKind::NotFound)), Stage::Connect, true),
            (ConnectError::Connect(io(ErrorKind::PermissionDenied)), Stage::Connect, false),
            (ConnectError::Connect(io(ErrorKind::InvalidInput)), Stage::Connect, false),
            (ConnectError::TimedOut, Stage::Connect, true),
            (ConnectError::NoTls, Stage::Tls, false),
            (HandshakeError::TimedOut.into(), Stage::Handshake, true),
            (HandshakeError::Wrong("upgrade").into(), Stage::Handshake, false),
        ] {
            assert_eq!((error.when(), error.is_retryable()), (when, retry), "{error}");
        }
    }

    #[test]
    fn ends_of_reading() {
        for (kind, end) in [
            (ErrorKind::BrokenPipe, End::Reset),
            (ErrorKind::ConnectionAborted, End::Reset),
            (ErrorKind::TimedOut, End::TimedOut),
            (ErrorKind::Other, End::ReadFailed),
        ] {
            assert_eq!(end_of(&io(kind)), end);
        }
    }
}
