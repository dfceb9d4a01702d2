//! What a proxy in front of a server says before all else: for whom it connects (HAProxy's PROXY protocol, versions 1 and 2).

mod v1;
mod v2;

use crate::base::{End, Input};
use alloc::vec::Vec;
use core::net::SocketAddr;

/// For whom a proxy made the connection.
///
/// ```
/// use wharf::base::Input;
/// use wharf::proxy::{HeaderReader, ProxyHeader};
///
/// let mut bytes = *b"PROXY TCP4 192.0.2.1 192.0.2.2 51000 443\r\nGET / HTTP/1.1\r\n";
/// let mut input = Input::new(&mut bytes);
/// let header = HeaderReader::default().receive(&mut input).unwrap().unwrap();
/// assert_eq!(header.source().unwrap().to_string(), "192.0.2.1:51000");
/// assert!(input.as_slice().starts_with(b"GET "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// For itself: to see whether the server lives.
    Local,
    /// For somebody whom it does not name, or not by an address of TCP.
    Unknown,
    /// For somebody else.
    Proxied {
        /// Who connected to it.
        source: SocketAddr,
        /// Where to.
        destination: SocketAddr,
    },
}

impl ProxyHeader {
    /// Who connected to the proxy, if it says.
    #[must_use]
    pub fn source(&self) -> Option<SocketAddr> {
        match self {
            Self::Proxied { source, .. } => Some(*source),
            Self::Local | Self::Unknown => None,
        }
    }
}

/// Why what came first is no PROXY header. Nothing on the connection can be believed then, so it is to be ended.
///
/// ```
/// use wharf::base::Input;
/// use wharf::proxy::{HeaderReader, ProxyHeaderError};
///
/// let mut bytes = *b"GET / HTTP/1.1\r\n";
/// let outcome = HeaderReader::default().receive(&mut Input::new(&mut bytes));
/// assert_eq!(outcome, Some(Err(ProxyHeaderError::Missing)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// What came first is something else.
    #[error("there is none")]
    Missing,
    /// It begins like one; what of it is wrong.
    #[error("wrong {0}")]
    Malformed(&'static str),
    /// It is longer than 107 bytes in version 1, or 4 KiB in version 2.
    #[error("it is too long")]
    TooLong,
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// The transport ended inside of it.
    #[error("the transport ended inside of it: {0}")]
    Ended(End),
}

/// Reads one PROXY header off the front of a connection, of either version. Both sides must have agreed that there is one:
/// whoever guesses lets everybody name any address.
///
/// It takes nothing that stands behind the header, and holds at most 4 KiB. What it has no use for, such as the additional
/// values (TLV) of version 2, is passed over.
///
/// ```
/// use wharf::base::Input;
/// use wharf::proxy::HeaderReader;
///
/// let mut reader = HeaderReader::default();
/// // As the reads happen to cut it.
/// assert_eq!(reader.receive(&mut Input::new(&mut b"PROXY TCP4 192.0.2.1 1".clone())), None);
/// let mut bytes = *b"92.0.2.2 51000 443\r\nGET / HTTP/1.1\r\n";
/// let mut input = Input::new(&mut bytes);
/// let header = reader.receive(&mut input).unwrap().unwrap();
/// assert_eq!(header.source().unwrap().port(), 51000);
/// assert!(input.as_slice().starts_with(b"GET "));
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderReader {
    held: Vec<u8>,
}

/// What is to be done next.
enum Next {
    /// So many bytes are needed.
    Take(usize),
    /// The rest of the line is needed, but not more bytes than these.
    Line(usize),
    Done(Result<ProxyHeader, ProxyHeaderError>),
}

impl HeaderReader {
    /// Takes from `input`; the outcome comes once.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Option<Result<ProxyHeader, ProxyHeaderError>> {
        loop {
            let n = match self.next() {
                Next::Done(outcome) => return Some(outcome),
                _ if input.is_empty() => return None,
                Next::Take(n) => n,
                Next::Line(most) => {
                    memchr::memchr(b'\n', input.as_slice()).map_or(most, |at| (at + 1).min(most))
                }
            };
            self.held.extend_from_slice(input.take(n));
        }
    }

    /// Whether nothing of a header has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn next(&self) -> Next {
        match self.held.first() {
            None => Next::Take(1),
            Some(first) if *first == v1::PREFIX[0] => v1::next(&self.held),
            Some(first) if *first == v2::SIGNATURE[0] => v2::next(&self.held),
            Some(_) => Next::Done(Err(ProxyHeaderError::Missing)),
        }
    }
}

/// Whether the bytes that there are yet are those of `beginning`, as far as that goes.
fn may_begin(held: &[u8], beginning: &[u8]) -> bool {
    let n = held.len().min(beginning.len());
    held[..n] == beginning[..n]
}

#[cfg(test)]
mod tests;
