//! A request's head.

use super::head::{self, HeadError, MAX_FIELDS};
use super::headers::{Headers, Span};

/// The version of HTTP that a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: no `Host`, closes after the answer.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request's head, checked: what it says is unambiguous, and no body follows it.
///
/// ```
/// use wharf::http::Request;
///
/// let request = Request::parse(b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
/// assert_eq!((request.method(), request.path(), request.query()), ("GET", "/a", Some("b=c")));
/// assert!(Request::parse(b"GET / HTTP/1.1\r\n\r\n").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    method: Span,
    target: Span,
    version: Version,
    headers: Headers,
}

impl Request {
    /// Parses a whole head, its empty line included.
    ///
    /// # Errors
    /// A [`HeadError`] that says what a server should answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        head::check_lines(bytes)?;
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(bytes).map_err(head::error)? {
            httparse::Status::Complete(n) if n == bytes.len() => {}
            _ => return Err(HeadError::Malformed),
        }
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(HeadError::Malformed);
        };
        let request = Self {
            method: Span::of(method.as_bytes(), bytes),
            target: Span::of(target.as_bytes(), bytes),
            version: if minor == 0 { Version::Http10 } else { Version::Http11 },
            headers: head::headers(bytes, parsed.headers),
        };
        request.check()?;
        Ok(request)
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(self.method)
    }

    /// The target without scheme and authority: an absolute form is cut down (RFC 9112 section 3.2.2).
    #[must_use]
    pub fn target(&self) -> &str {
        let target = self.text(self.target);
        let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
            return target;
        };
        rest.find(['/', '?']).map_or("/", |at| &rest[at..])
    }

    /// The target up to the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The query, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
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

    /// Whether it asks to become a WebSocket: `Upgrade` names it.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.headers.list_has("upgrade", "websocket")
    }

    /// Whether the connection stays for another request (RFC 9112 section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        match self.version {
            Version::Http10 => self.headers.list_has("connection", "keep-alive"),
            Version::Http11 => !self.headers.list_has("connection", "close"),
        }
    }

    fn text(&self, span: Span) -> &str {
        core::str::from_utf8(span.get(&self.headers.bytes)).unwrap_or_default()
    }

    /// Whatever two readers could read differently is refused, the method last: a body that nobody reads would be
    /// taken for the next request.
    fn check(&self) -> Result<(), HeadError> {
        let hosts = self.headers.count("host");
        if hosts > 1 || (hosts == 0 && self.version == Version::Http11) {
            return Err(HeadError::Host);
        }
        let is_get = matches!(self.method(), "GET" | "HEAD");
        let lengths = self.headers.count("content-length");
        if self.headers.count("transfer-encoding") > 0 {
            return Err(if is_get || lengths > 0 { HeadError::AmbiguousLength } else { HeadError::Body });
        }
        match (lengths, self.headers.get("content-length")) {
            (0, _) => {}
            (1, Some(length)) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
                if length.bytes().any(|b| b != b'0') {
                    return Err(if is_get { HeadError::AmbiguousLength } else { HeadError::Body });
                }
            }
            _ => return Err(HeadError::AmbiguousLength),
        }
        if is_get { Ok(()) } else { Err(HeadError::Method) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn parse(lines: &str) -> Result<Request, HeadError> {
        Request::parse(format!("{}\r\n\r\n", lines.replace('|', "\r\n")).as_bytes())
    }

    #[test]
    fn what_smells_of_smuggling_is_refused() {
        for (lines, error) in [
            ("GET / HTTP/1.1|Host: a|Content-Length: 1|Content-Length: 1", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Content-Length: 5", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Content-Length: +0", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Transfer-Encoding: chunked", HeadError::AmbiguousLength),
            ("POST / HTTP/1.1|Host: a|Transfer-Encoding: x|Content-Length: 0", HeadError::AmbiguousLength),
            ("POST / HTTP/1.1|Host: a|Content-Length: 5", HeadError::Body),
            ("POST / HTTP/1.1|Host: a", HeadError::Method),
            ("GET / HTTP/1.1|Host: a|Host: a", HeadError::Host),
            ("GET / HTTP/1.1", HeadError::Host),
            ("GET / HTTP/2.0|Host: a", HeadError::Version),
            ("GET / HTTP/1.1|Host: a\n", HeadError::Malformed),
            ("GET / HTTP/1.1|Host: a\0", HeadError::Malformed),
            ("GET / HTTP/1.1|Host : a", HeadError::Malformed),
            ("GET / HTTP/1.1|Host: a| folded", HeadError::Malformed),
            ("GET /\r HTTP/1.1|Host: a", HeadError::Malformed),
            ("", HeadError::Malformed),
        ] {
            assert_eq!(parse(lines), Err(error), "{lines:?}");
        }
    }

    #[test]
    fn what_is_harmless_is_taken() {
        assert!(parse("GET / HTTP/1.0").is_ok());
        assert!(parse("HEAD / HTTP/1.1|Host: a|Content-Length: 0").is_ok());
        let absolute = parse("GET http://b:1/x?y HTTP/1.1|Host: a").unwrap();
        assert_eq!((absolute.path(), absolute.query()), ("/x", Some("y")));
        assert_eq!(parse("GET http://b HTTP/1.1|Host: a").unwrap().target(), "/");
    }

    #[test]
    fn keep_alive() {
        assert!(parse("GET / HTTP/1.1|Host: a").unwrap().keeps_alive());
        assert!(!parse("GET / HTTP/1.1|Host: a|Connection: x, Close").unwrap().keeps_alive());
        assert!(!parse("GET / HTTP/1.0").unwrap().keeps_alive());
        assert!(parse("GET / HTTP/1.0|Connection: keep-alive").unwrap().keeps_alive());
    }
}
