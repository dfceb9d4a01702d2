//! From and to the types of the `http` crate (feature `http`).

use super::{HeadError, Headers, Request, Response, Version};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

impl From<&Headers> for HeaderMap {
    fn from(headers: &Headers) -> Self {
        let mut map = Self::with_capacity(headers.len());
        for (name, value) in headers.iter() {
            // What passed our checks is valid there too: tokens, and values without control characters.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
                map.append(name, value);
            }
        }
        map
    }
}

impl<B> TryFrom<&::http::Request<B>> for Request {
    type Error = HeadError;

    /// The head of `request`, written out ([`encode_head`]) and parsed, so that it passes the same checks as one off the
    /// wire.
    fn try_from(request: &::http::Request<B>) -> Result<Self, HeadError> {
        Self::parse(&encode_head(request)?)
    }
}

/// The head of `request` as it stands on the wire, for a machine that reads bytes. A request without `Host` whose
/// target is a whole URI gets one from that.
///
/// ```
/// let request = http::Request::get("http://a.b/x").body(()).unwrap();
/// assert_eq!(wharf::http::encode_head(&request).unwrap(), b"GET http://a.b/x HTTP/1.1\r\nHost: a.b\r\n\r\n");
/// ```
///
/// # Errors
/// [`HeadError::Version`] if it is neither HTTP/1.0 nor HTTP/1.1.
pub fn encode_head<B>(request: &::http::Request<B>) -> Result<Vec<u8>, HeadError> {
    let version = match request.version() {
        ::http::Version::HTTP_10 => "HTTP/1.0",
        ::http::Version::HTTP_11 => "HTTP/1.1",
        _ => return Err(HeadError::Version),
    };
    let mut head = alloc::format!("{} {} {version}\r\n", request.method(), request.uri()).into_bytes();
    let mut field = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    if let Some(authority) = request.uri().authority()
        && !request.headers().contains_key(::http::header::HOST)
    {
        field("Host", authority.as_str().as_bytes());
    }
    for (name, value) in request.headers() {
        field(name.as_str(), value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

impl TryFrom<&Request> for ::http::Request<()> {
    type Error = ::http::Error;

    fn try_from(request: &Request) -> Result<Self, ::http::Error> {
        let version = match request.version() {
            Version::Http10 => ::http::Version::HTTP_10,
            Version::Http11 => ::http::Version::HTTP_11,
        };
        let mut converted =
            Self::builder().method(request.method()).uri(request.target()).version(version).body(())?;
        *converted.headers_mut() = request.headers().into();
        Ok(converted)
    }
}

impl<B: Into<Bytes>> From<::http::Response<B>> for Response {
    /// As by [`Response::new`] and [`Response::with`]: what the responder writes itself is left out, and so is a value
    /// that is not UTF-8.
    fn from(response: ::http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let mut converted = Self::new(parts.status.as_u16());
        for (name, value) in &parts.headers {
            if let Ok(value) = core::str::from_utf8(value.as_bytes()) {
                converted = converted.with(String::from(name.as_str()), String::from(value));
            }
        }
        converted.body(body)
    }
}

impl TryFrom<Response> for ::http::Response<Bytes> {
    type Error = ::http::Error;

    /// One that [closes](Response::closes) says so by its field `Connection`.
    fn try_from(response: Response) -> Result<Self, ::http::Error> {
        let mut builder = ::http::Response::builder().status(response.status());
        for (name, value) in response.fields() {
            builder = builder.header(name, value);
        }
        if response.closes() {
            builder = builder.header("connection", "close");
        }
        builder.body(response.content().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_both_ways() {
        let theirs = ::http::Request::get("http://a.b:81/x?y").header("A", "1").header("a", "2");
        let ours = Request::try_from(&theirs.body(()).unwrap()).unwrap();
        assert_eq!((ours.target(), ours.headers().get("host")), ("/x?y", Some("a.b:81")));
        assert_eq!(ours.headers().all("A").collect::<Vec<_>>(), ["1", "2"]);
        let back = ::http::Request::try_from(&ours).unwrap();
        assert_eq!((back.uri().path(), back.headers().get_all("a").iter().count()), ("/x", 2));
        let user_info = ::http::Request::get("http://u:p@a.b/").body(()).unwrap();
        assert_eq!(Request::try_from(&user_info), Err(HeadError::Host));
    }

    #[test]
    fn responses_both_ways() {
        let theirs = ::http::Response::builder().status(404).header("Content-Length", "9").header("x", "y");
        let ours = Response::from(theirs.body("no").unwrap());
        assert_eq!((ours.status(), &ours.content()[..]), (404, &b"no"[..]));
        assert_eq!(ours.fields().collect::<Vec<_>>(), [("x", "y")]);
        let back = ::http::Response::try_from(ours).unwrap();
        assert_eq!((back.status().as_u16(), &back.headers()["x"]), (404, &HeaderValue::from_static("y")));
        assert!(back.headers().get("connection").is_none());
        let closing = ::http::Response::try_from(Response::plain(400).closing()).unwrap();
        assert_eq!(closing.headers()["connection"], "close");
    }
}
