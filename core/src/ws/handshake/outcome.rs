//! What comes of a client's opening handshake.

use super::agreed::Agreed;
use super::request::RequestError;
use crate::base::{End, Wall};
use crate::http::{HeadError, Headers};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A handshake that succeeded. What came behind the answer stays in the input, for the connection.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Input, Instant};
/// use wharf::ws::handshake::{Client, ClientRequest};
///
/// // A constant key, whose answer is in RFC 6455 section 1.3.
/// let request = ClientRequest::new("ws://a/").unwrap().header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").unwrap();
/// let (now, request) = (Instant::ORIGIN, request.subprotocol("chat").unwrap());
/// let mut client = Client::new(now, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(10));
/// client.output(now).drain_into(&mut Vec::new());
/// let mut bytes = *b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x81\x04ahoy";
/// let mut input = Input::new(&mut bytes);
/// let opened = client.receive(now, &mut input).unwrap().unwrap();
/// assert_eq!((opened.subprotocol, input.as_slice()), (Some("chat".into()), &b"\x81\x04ahoy"[..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The subprotocol that the server chose, if it chose one.
    pub subprotocol: Option<String>,
    /// The extensions that it accepted.
    pub agreed: Agreed,
    /// The fields of its answer.
    pub headers: Headers,
}

/// An answer other than 101, in [`HandshakeError::Refused`]: what it said.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Input, Instant};
/// use wharf::ws::handshake::{Client, ClientRequest, HandshakeError};
///
/// let (now, request) = (Instant::ORIGIN, ClientRequest::new("ws://a/").unwrap());
/// let mut client = Client::new(now, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(10));
/// let mut bytes = *b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater";
/// let outcome = client.receive(now, &mut Input::new(&mut bytes));
/// let Some(Err(HandshakeError::Refused(refused))) = outcome else { panic!("{outcome:?}") };
/// assert_eq!((refused.status, refused.headers.get("retry-after")), (503, Some("7")));
/// assert_eq!((&refused.body[..], refused.body_is_whole), (&b"later"[..], true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedBy {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Headers,
    /// The first bytes of the body, at most 4 KiB.
    pub body: Vec<u8>,
    /// Whether `body` is all of it.
    pub body_is_whole: bool,
}

/// Why an opening handshake failed. [`is_retryable`](Self::is_retryable) tells whether another try may help.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Input, Instant};
/// use wharf::ws::handshake::{Client, ClientRequest, HandshakeError};
///
/// let (now, request) = (Instant::ORIGIN, ClientRequest::new("ws://a:443/").unwrap());
/// let mut client = Client::new(now, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(10));
/// let mut bytes = *b"\x15\x03\x01\0\x02\x02\x46";
/// let error = client.receive(now, &mut Input::new(&mut bytes)).unwrap().unwrap_err();
/// assert_eq!((&error, error.is_retryable()), (&HandshakeError::Tls, false));
/// assert_eq!(error.to_string(), "the answer is an alert of TLS; the port wants wss");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A field that is made afresh for each attempt cannot be set. The fault is the local program's, and nothing was sent.
    #[error("the request cannot be made: {0}")]
    Request(RequestError),
    /// The server answered with another status. Whether to retry depends on it.
    #[error("the server answered with status {}", .0.status)]
    Refused(Box<RefusedBy>),
    /// The answer is not HTTP/1.1. Not worth a retry.
    #[error("the answer is not HTTP/1.1: {0}")]
    NotHttp(HeadError),
    /// The answer is an alert of TLS (RFC 8446 section 6): the port wants TLS. Connect by `wss`.
    #[error("the answer is an alert of TLS; the port wants wss")]
    Tls,
    /// The answer lacks what makes it an upgrade (section 4.1, 2 to 4). Not worth a retry.
    #[error("the answer's {0} is missing or wrong")]
    Wrong(&'static str),
    /// The server chose a subprotocol that was not offered (6).
    #[error("the server chose a subprotocol that was not offered: {0:?}")]
    Subprotocol(String),
    /// The server chose an extension that was not offered, or not like this (5).
    #[error("the server chose an extension that was not offered, or not like this: {0:?}")]
    Extension(String),
    /// No answer in time. Worth a retry.
    #[error("the opening handshake timed out")]
    TimedOut,
    /// The server answered before the request was written, or with more interim answers (1xx) than make sense.
    #[error("the server answered out of turn")]
    OutOfTurn,
    /// The transport ended before the answer. Worth a retry.
    #[error("the transport ended during the opening handshake: {0}")]
    Ended(End),
    /// The local program gave up.
    #[error("given up by the local program")]
    Aborted,
}

impl HandshakeError {
    /// Whether another try may succeed with nothing changed: no answer came, or one that says so (408, 429, 5xx).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut | Self::Ended(_) => true,
            Self::Refused(refused) => matches!(refused.status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// How long the server asks to wait before another try, where one may succeed ([`Headers::retry_after`]). `wall` is the
    /// time at which its answer came.
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Refused(refused) if self.is_retryable() => refused.headers.retry_after(wall),
            _ => None,
        }
    }
}
