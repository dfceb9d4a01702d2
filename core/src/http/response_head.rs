//! The head of an answer, as a client reads it.

use super::head::{self, HeadError, MAX_FIELDS};
use super::headers::Headers;
use super::request::Version;
use alloc::vec::Vec;

/// The head of an answer, as a client reads it.
///
/// ```
/// use wharf::http::ResponseHead;
///
/// let head = ResponseHead::parse(b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n").unwrap();
/// assert_eq!((head.status(), head.headers().get("server")), (404, Some("x")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    status: u16,
    version: Version,
    headers: Headers,
}

impl ResponseHead {
    /// Parses a whole head, its empty line included.
    ///
    /// # Errors
    /// A [`HeadError`] if it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        head::check_whole(bytes)?;
        Self::from_head(bytes.to_vec())
    }

    /// The answer whose whole head is `bytes`, as [`HeadBuffer`](super::HeadBuffer) gave it.
    pub(crate) fn from_head(bytes: Vec<u8>) -> Result<Self, HeadError> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(&bytes).map_err(head::error)? {
            httparse::Status::Complete(n) if n == bytes.len() => {}
            _ => return Err(HeadError::Malformed),
        }
        let (Some(status @ 100..), Some(minor)) = (parsed.code, parsed.version) else {
            return Err(HeadError::Malformed);
        };
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let fields = head::fields(&bytes, parsed.headers);
        Ok(Self { status, version, headers: head::headers(bytes, fields) })
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_valid() {
        let head = ResponseHead::parse(b"HTTP/1.1 101 OK then\r\nX-Empty:\r\na:\tb  \r\n\r\n").unwrap();
        assert_eq!((head.status(), head.version()), (101, Version::Http11));
        assert_eq!((head.headers().get("x-empty"), head.headers().get("A")), (Some(""), Some("b")));
        assert_eq!(ResponseHead::parse(b"HTTP/1.0 200\r\n\r\n").unwrap().version(), Version::Http10);
    }

    #[test]
    fn malformed() {
        for (head, error) in [
            (&b"garbage\r\n\r\n"[..], HeadError::Version),
            (b"HTTP/1.1 20 OK\r\n\r\n", HeadError::Malformed),
            (b"HTTP/1.1 099 x\r\n\r\n", HeadError::Malformed),
            (b"HTTP/1.1 200 x\r\n\r\nbehind", HeadError::Malformed),
            (b"HTTP/1.1 200 x\r\na: b\r\n c\r\n\r\n", HeadError::Malformed),
            (b"HTTP/1.1 200 x\r\na: b\n\r\n", HeadError::Malformed),
            (b"HTTP/2.0 200 x\r\n\r\n", HeadError::Version),
        ] {
            assert_eq!(ResponseHead::parse(head), Err(error), "{}", head.escape_ascii());
        }
    }
}
