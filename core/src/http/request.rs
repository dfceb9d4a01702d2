//! A request's head.

use super::Authority;
use super::head::{self, HeadError, MAX_FIELDS};
use super::headers::{Headers, Span, is_one_of};
use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// The version of HTTP that a peer speaks.
///
/// ```
/// use wharf::http::{Request, Version};
///
/// let request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// assert_eq!((request.version(), request.keeps_alive()), (Version::Http10, false));
/// let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
/// assert_eq!((request.version(), request.keeps_alive()), (Version::Http11, true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: `Host` may be missing, and the connection closes after the answer.
    Http10,
    /// HTTP/1.1: there is a `Host`, and the connection stays unless a side says otherwise.
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
        head::check_whole(bytes)?;
        Self::from_head(bytes.to_vec())
    }

    /// The request whose whole head is `bytes`, as [`HeadBuffer`](super::HeadBuffer) gave it.
    pub(super) fn from_head(bytes: Vec<u8>) -> Result<Self, HeadError> {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(&bytes, &mut fields).map_err(head::error)? {
            httparse::Status::Complete(n) if n == bytes.len() => {}
            _ => return Err(HeadError::Malformed),
        }
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(HeadError::Malformed);
        };
        check_target(method, target)?;
        let (method, target) = (Span::of(method.as_bytes(), &bytes), Span::of(target.as_bytes(), &bytes));
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let fields = head::fields(&bytes, parsed.headers);
        let request = Self { method, target, version, headers: head::headers(bytes, fields) };
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
        match self.split_absolute() {
            Some((_, "")) => "/",
            Some((_, rest)) => rest,
            None => self.text(self.target),
        }
    }

    /// The host, with its port if there is one, that the request is for: of an absolute target, which goes before the
    /// `Host` field (RFC 9112 section 3.2.2), else of that field. `None` only in HTTP/1.0.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.split_absolute().map(|(host, _)| host).or_else(|| self.headers.get("host"))
    }

    /// The target up to the query.
    #[must_use]
    pub fn path(&self) -> &str {
        match self.target().split('?').next().unwrap_or_default() {
            "" => "/",
            path => path,
        }
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

    /// Whether the connection stays for another request (RFC 9112 section 9.3). An HTTP/1.0 client gets one answer a
    /// connection: it takes the end of the stream for the end of the answer.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.version == Version::Http11 && !self.headers.list_has("connection", "close")
    }

    /// Authority and rest of an absolute target.
    fn split_absolute(&self) -> Option<(&str, &str)> {
        if self.target.get(&self.headers.bytes).first() == Some(&b'/') {
            return None;
        }
        let (_, rest) = self.text(self.target).split_once("://")?;
        Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
    }

    fn text(&self, span: Span) -> &str {
        core::str::from_utf8(span.get(&self.headers.bytes)).unwrap_or_default()
    }

    /// Whatever two readers could read differently is refused, the method last: a body that nobody reads would be
    /// taken for the next request.
    fn check(&self) -> Result<(), HeadError> {
        let hosts = self.headers.count("host");
        let named = hosts == 1 || (hosts == 0 && self.version == Version::Http10);
        let valid = |host: Option<&str>| host.is_some_and(|host| Authority::parse(host).is_some());
        // The host of an absolute target stands in for the field, so it must be as good.
        let absolute = self.split_absolute().map(|(host, _)| host);
        if !named
            || (hosts == 1 && !valid(self.headers.get("host")))
            || (absolute.is_some() && !valid(absolute))
        {
            return Err(HeadError::Host);
        }
        let length = self.headers.content_length()?;
        let is_get = matches!(self.method(), "GET" | "HEAD");
        if self.headers.count("transfer-encoding") > 0 {
            let chunked = self
                .headers
                .only("transfer-encoding")
                .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
            let clear = chunked && length.is_none() && self.version == Version::Http11 && !is_get;
            return Err(if clear { HeadError::Body } else { HeadError::AmbiguousLength });
        }
        match length.unwrap_or(0) {
            0 if is_get => Ok(()),
            _ if is_get => Err(HeadError::AmbiguousLength),
            0..=MAX_BODY => Err(HeadError::Method),
            _ => Err(HeadError::Body),
        }
    }
}

/// A longer body is what is wrong with a request, before its method.
const MAX_BODY: u64 = 64 * 1024;

/// The four forms of RFC 9112 section 3.2: a path, a whole URI of a scheme that is spoken here, `*`, host and port.
fn check_target(method: &str, target: &str) -> Result<(), HeadError> {
    let form = target.starts_with('/')
        || match (method, target.split_once("://")) {
            ("CONNECT", _) | ("OPTIONS", None) => true,
            (_, Some((scheme, rest))) => {
                is_one_of(scheme, &["http", "https", "ws", "wss"])
                    && !rest.is_empty()
                    && !rest.starts_with(['/', '?'])
            }
            (_, None) => false,
        };
    let characters = target.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if form && characters { Ok(()) } else { Err(HeadError::Target) }
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
            ("POST / HTTP/1.1|Host: a|Content-Length: 5", HeadError::Method),
            ("POST / HTTP/1.1|Host: a|Content-Length: 65537", HeadError::Body),
            ("POST / HTTP/1.1|Host: a", HeadError::Method),
            ("GET / HTTP/1.1|Host: a|Host: a", HeadError::Host),
            ("GET / HTTP/1.1", HeadError::Host),
            ("GET / HTTP/1.1|Host: a b", HeadError::Host),
            ("GET / HTTP/1.1|Host: u@a", HeadError::Host),
            ("GET / HTTP/1.1|Host: a, b", HeadError::Host),
            ("GET / HTTP/1.1|Host: \u{e9}", HeadError::Host),
            ("GET http://u@a/ HTTP/1.1|Host: a", HeadError::Host),
            ("GET a HTTP/1.1|Host: a", HeadError::Target),
            ("GET * HTTP/1.1|Host: a", HeadError::Target),
            ("GET http:///x HTTP/1.1|Host: a", HeadError::Target),
            ("GET ftp://a/x HTTP/1.1|Host: a", HeadError::Target),
            ("GET /#x HTTP/1.1|Host: a", HeadError::Target),
            ("GET /\u{e9} HTTP/1.1|Host: a", HeadError::Target),
            ("GET / HTTP/1.0|Host: a|Host: a", HeadError::Host),
            ("GET / HTTP/1.1|Host: a|Content-Length: 0|Content-Length: 0", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Content-Length: 0, 0", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Content-Length:", HeadError::AmbiguousLength),
            ("GET / HTTP/1.1|Host: a|Content-Length: 99999999999999999999", HeadError::AmbiguousLength),
            ("POST / HTTP/1.1|Host: a|Transfer-Encoding: gzip", HeadError::AmbiguousLength),
            ("POST / HTTP/1.0|Host: a|Transfer-Encoding: chunked", HeadError::AmbiguousLength),
            ("POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked", HeadError::Body),
            ("PRI * HTTP/2.0", HeadError::Version),
            ("GET  / HTTP/1.1|Host: a", HeadError::Malformed),
            ("GET / HTTP/1.1|: a", HeadError::Malformed),
            ("GET / HTTP/1.1|Host", HeadError::Malformed),
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
        assert_eq!(absolute.host(), Some("b:1"));
        assert_eq!(parse("GET http://b HTTP/1.1|Host: a").unwrap().target(), "/");
        let query = parse("GET http://b?q HTTP/1.1|Host: a").unwrap();
        assert_eq!((query.path(), query.query()), ("/", Some("q")));
        assert_eq!(parse("GET /a://b HTTP/1.1|Host: [::1]:80").unwrap().host(), Some("[::1]:80"));
        assert_eq!(parse("||GET / HTTP/1.0").unwrap().host(), None);
    }

    #[test]
    fn keep_alive() {
        assert!(parse("GET / HTTP/1.1|Host: a").unwrap().keeps_alive());
        assert!(!parse("GET / HTTP/1.1|Host: a|Connection: x, Close").unwrap().keeps_alive());
        assert!(!parse("GET / HTTP/1.0").unwrap().keeps_alive());
        assert!(!parse("GET / HTTP/1.0|Connection: keep-alive").unwrap().keeps_alive());
    }
}
