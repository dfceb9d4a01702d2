//! Why a proxy gave no way out.

use crate::base::{End, Wall};
use crate::http::{HeadError, Headers};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// What an HTTP proxy said instead of opening the tunnel ([`ProxyError::Refused`]).
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Input, Instant};
/// use wharf::proxy::{Proxy, ProxyError, Tunnel};
///
/// let (now, proxy) = (Instant::ORIGIN, Proxy::parse("http://proxy:3128").unwrap());
/// let mut tunnel = Tunnel::new(now, &proxy, "a.example", 443, Duration::from_secs(10));
/// tunnel.output(now).drain_into(&mut Vec::new());
/// let mut bytes = *b"HTTP/1.1 403 Forbidden\r\nVia: 1.1 proxy\r\nContent-Length: 7\r\n\r\nnot you";
/// let answer = tunnel.receive(now, &mut Input::new(&mut bytes));
/// let Some(Err(ProxyError::Refused(refusal))) = answer else { panic!("{answer:?}") };
/// assert_eq!((refusal.status, refusal.headers.get("via")), (403, Some("1.1 proxy")));
/// assert_eq!((&refusal.body[..], refusal.body_is_whole), (&b"not you"[..], true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyRefusal {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Headers,
    /// The first bytes of the body, at most 4 KiB.
    pub body: Vec<u8>,
    /// Whether `body` is all of it.
    pub body_is_whole: bool,
}

/// Why a proxy gave no way out.
///
/// ```
/// use wharf::proxy::{ProxyError, SocksReply};
///
/// let error = ProxyError::Socks(SocksReply::HostUnreachable);
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "the proxy failed: the host is unreachable");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The target's host or port cannot be asked for. The fault is the local program's, and nothing was sent.
    #[error("the target's host or port cannot be asked for")]
    Target,
    /// The proxy answered with a status other than 2xx, 401 and 407. Whether to retry depends on it.
    #[error("the proxy answered with status {}", .0.status)]
    Refused(Box<ProxyRefusal>),
    /// The proxy wants a user name (407, from some 401), and its URL has none.
    #[error("the proxy wants a user name and password")]
    AuthRequired(Box<ProxyRefusal>),
    /// The proxy did not take the user name and password; its answer, if it is an HTTP proxy (407 or 401).
    #[error("the proxy did not take the user name and password")]
    AuthFailed(Option<Box<ProxyRefusal>>),
    /// The SOCKS proxy takes none of the ways to log in that were offered: none at all and, if the URL has them, user name
    /// and password.
    #[error("the proxy takes none of the ways to log in that were offered")]
    NoAcceptableMethod,
    /// The SOCKS proxy could not or would not reach the target.
    #[error("the proxy failed: {0}")]
    Socks(SocksReply),
    /// The answer is not HTTP/1. Not worth a retry.
    #[error("the proxy's answer is not HTTP/1: {0}")]
    NotHttp(HeadError),
    /// The answer is not SOCKS 5; what of it is wrong. Not worth a retry.
    #[error("the proxy's answer is not SOCKS 5: wrong {0}")]
    NotSocks(&'static str),
    /// The proxy answered before it was asked, or with more interim answers (1xx) than make sense.
    #[error("the proxy answered out of turn")]
    OutOfTurn,
    /// No answer in time. Worth a retry.
    #[error("the proxy did not answer in time")]
    TimedOut,
    /// The transport ended before the tunnel was open. Worth a retry.
    #[error("the transport ended before the tunnel was open: {0}")]
    Ended(End),
    /// The local program gave up.
    #[error("given up by the local program")]
    Aborted,
}

impl ProxyError {
    /// Whether another try may succeed with nothing changed: no answer came, or one that says so (HTTP's 408, 429 and
    /// 5xx, and what SOCKS says of the network and the target).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut | Self::Ended(_) => true,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 500..=599),
            Self::Socks(reply) => matches!(
                reply,
                SocksReply::GeneralFailure
                    | SocksReply::NetworkUnreachable
                    | SocksReply::HostUnreachable
                    | SocksReply::ConnectionRefused
                    | SocksReply::TtlExpired
            ),
            _ => false,
        }
    }

    /// How long an HTTP proxy asks to wait before another try, where one may succeed ([`Headers::retry_after`]). `wall` is
    /// the time at which its answer came.
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Refused(refusal) if self.is_retryable() => refusal.headers.retry_after(wall),
            _ => None,
        }
    }
}

/// Why a SOCKS proxy did not connect to the target (RFC 1928 section 6).
///
/// ```
/// use wharf::proxy::SocksReply;
///
/// assert_eq!(SocksReply::from(5), SocksReply::ConnectionRefused);
/// assert_eq!(SocksReply::from(9), SocksReply::Unassigned(9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SocksReply {
    /// 1.
    #[error("general failure")]
    GeneralFailure,
    /// 2: the proxy's rules forbid it.
    #[error("its rules do not allow the connection")]
    NotAllowed,
    /// 3.
    #[error("the network is unreachable")]
    NetworkUnreachable,
    /// 4, which is also what most say of a name that does not resolve.
    #[error("the host is unreachable")]
    HostUnreachable,
    /// 5: by the target.
    #[error("the target refused the connection")]
    ConnectionRefused,
    /// 6.
    #[error("the time to live expired")]
    TtlExpired,
    /// 7.
    #[error("it does not connect for others")]
    CommandNotSupported,
    /// 8.
    #[error("it does not know addresses of this type")]
    AddressTypeNotSupported,
    /// Any other.
    #[error("reply {0}, which means nothing")]
    Unassigned(u8),
}

impl From<u8> for SocksReply {
    fn from(code: u8) -> Self {
        match code {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressTypeNotSupported,
            code => Self::Unassigned(code),
        }
    }
}
