//! Who may talk to the server: the page's origin, and the host that a browser believes to be at.

use std::str::FromStr;
use wharf::http::Request;

/// Whom the server answers.
///
/// ```
/// use wharf::http::Request;
/// use wharf_cli::chat::access::Access;
///
/// let access = Access { loopback: true, ..Access::default() };
/// let request = |host| Request::parse(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
/// assert!(access.allows_host(&request("localhost:8080")));
/// assert!(!access.allows_host(&request("rebound.example:8080")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Origins whose pages may open a WebSocket, beside the server's own.
    pub origins: Vec<Origin>,
    /// The server listens on a loopback address. A name of somebody else's that was made to lead there (DNS rebinding)
    /// would make a foreign page one of the server's own, so `Host` must be a name of the loopback.
    pub loopback: bool,
}

impl Access {
    /// Whether a request for a WebSocket is to be answered, as far as its `Host` and `Origin` say.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        self.allows_host(request) && self.allows_origin(request)
    }

    /// Whether the `Host` of a request is one that the server answers to.
    #[must_use]
    pub fn allows_host(&self, request: &Request) -> bool {
        !self.loopback || request.headers().get("host").is_some_and(is_loopback)
    }

    /// Whether a request for a WebSocket may come from where it does. One without `Origin` comes from no browser.
    #[must_use]
    pub fn allows_origin(&self, request: &Request) -> bool {
        match (request.headers().count("origin"), request.headers().get("origin")) {
            (0, _) => true,
            (1, Some(origin)) => {
                let host = request.headers().get("host").unwrap_or_default();
                origin
                    .parse()
                    .is_ok_and(|origin: Origin| origin.is_of(host) || self.origins.contains(&origin))
            }
            _ => false,
        }
    }
}

/// Scheme, host and port of a page (RFC 6454), compared without case and with the ports of `http` and `https` filled in.
///
/// ```
/// use wharf_cli::chat::access::Origin;
///
/// let origin: Origin = "https://Example.org".parse().unwrap();
/// assert_eq!(Ok(origin), "https://example.org:443".parse());
/// assert!("example.org".parse::<Origin>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// What is no origin: it must be `scheme://host` or `scheme://host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port")]
pub struct OriginError;

impl Origin {
    /// Whether it is a page of this `Host`, by `http` or `https`.
    fn is_of(&self, host: &str) -> bool {
        let Some(default) = default_port(&self.scheme) else { return false };
        split(host).is_some_and(|(name, port)| {
            name.eq_ignore_ascii_case(&self.host) && port.or(Some(default)) == self.port
        })
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let is_scheme = !scheme.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let (host, port) = split(rest).filter(|_| is_scheme).ok_or(OriginError)?;
        let scheme = scheme.to_ascii_lowercase();
        let port = port.or(default_port(&scheme));
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn is_loopback(host: &str) -> bool {
    split(host).is_some_and(|(name, _)| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|loopback| name.eq_ignore_ascii_case(loopback))
    })
}

/// A host, with the brackets of an IPv6 address, and a port; `None` for anything else.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let end = match text.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(end);
    let inside = host.trim_start_matches('[').trim_end_matches(']');
    let colons = host.starts_with('[');
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b) || (colons && b == b':');
    if inside.is_empty() || !inside.bytes().all(is_host) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some((host, Some(digits.parse().ok()?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Request {
        let version = if fields.contains("Host") { "1.1" } else { "1.0" };
        let text = format!("GET /ws HTTP/{version}|{fields}||").replace("||", "|\r\n").replace('|', "\r\n");
        Request::parse(text.as_bytes()).expect(fields)
    }

    #[test]
    fn hosts_on_the_loopback() {
        let access = Access { loopback: true, ..Access::default() };
        for (host, allowed) in [
            ("localhost", true),
            ("LocalHost:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]", true),
            ("[::1]:1", true),
            ("127.0.0.2", false),
            ("0.0.0.0", false),
            ("localhost.", false),
            ("localhost.example", false),
            ("example.org:8080", false),
            ("localhost:", false),
            ("", false),
        ] {
            assert_eq!(access.allows_host(&request(&format!("Host: {host}"))), allowed, "{host}");
            assert!(Access::default().allows_host(&request(&format!("Host: {host}"))));
        }
        assert!(!access.allows_host(&request("Accept: x")));
        for host in ["localhost:80x", "localhost:99999", "user@localhost", "::1"] {
            let head = format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(Request::parse(head.as_bytes()), Err(wharf::http::HeadError::Host), "{host}");
        }
    }

    #[test]
    fn origins() {
        let access = Access {
            origins: vec!["https://friend.example".parse().unwrap(), "app://wharf".parse().unwrap()],
            ..Access::default()
        };
        for (host, origin, allowed) in [
            ("a:8080", "http://a:8080", true),
            ("A:8080", "HTTP://a:8080", true),
            ("a:8080", "https://a:8080", true),
            ("a", "http://a", true),
            ("a", "https://a", true),
            ("a:80", "http://a", true),
            ("a:443", "https://a", true),
            ("a", "https://a:443", true),
            ("[::1]:80", "http://[::1]", true),
            ("a:8080", "https://friend.example", true),
            ("a:8080", "https://FRIEND.example:443", true),
            ("a:8080", "app://wharf", true),
            ("a:80", "https://a", false),
            ("a:8080", "http://a", false),
            ("a:8080", "http://a:8081", false),
            ("a:8080", "http://b:8080", false),
            ("a:8080", "ftp://a:8080", false),
            ("a:8080", "http://friend.example", false),
            ("a:8080", "https://friend.example.evil", false),
            ("a:8080", "http://a:8080/", false),
            ("a:8080", "http://x@a:8080", false),
            ("a:8080", "null", false),
            ("a:8080", "", false),
            ("", "http://", false),
        ] {
            let request = request(&format!("Host: {host}|Origin: {origin}"));
            assert_eq!(access.allows_origin(&request), allowed, "{host} {origin}");
        }
        assert!(access.allows_origin(&request("Host: a")));
        assert!(!access.allows_origin(&request("Host: a|Origin: http://a|Origin: http://a")));
    }
}
