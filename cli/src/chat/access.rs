//! Who may talk to the server: the page's origin, and the host that a browser believes to be at.

use wharf::http::Request;
use wharf::ws::handshake::OriginPolicy;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose pages may open a WebSocket.
    pub origins: OriginPolicy,
    /// The server listens on a loopback address. A name of somebody else's that was made to lead there (DNS rebinding)
    /// would make a foreign page one of the server's own, so `Host` must be a name of the loopback.
    pub loopback: bool,
}

impl Default for Access {
    /// The server's own pages, wherever it listens.
    fn default() -> Self {
        Self { origins: OriginPolicy::SameHost, loopback: false }
    }
}

impl Access {
    /// Whether a request for a WebSocket is to be answered, as far as its `Host` and `Origin` say.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        self.allows_host(request) && self.allows_origin(request)
    }

    /// Whether the `Host` of a request is one that the server answers to, and the host of an absolute target too.
    #[must_use]
    pub fn allows_host(&self, request: &Request) -> bool {
        let hosts = [request.headers().get("host"), request.host()];
        !self.loopback || hosts.into_iter().all(|host| host.is_some_and(is_loopback))
    }

    /// Whether a request for a WebSocket may come from where it does. One without `Origin` comes from no browser.
    #[must_use]
    pub fn allows_origin(&self, request: &Request) -> bool {
        // No page can have its browser name two hosts: which of them it is from would be a guess.
        let is_one_host = request.host() == request.headers().get("host");
        (is_one_host || request.headers().count("origin") == 0) && self.origins.allows(request)
    }
}

/// What is no origin: it must be `scheme://host` or `scheme://host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port")]
pub struct OriginError;

/// An origin as a flag names it.
pub(crate) fn origin(text: &str) -> Result<String, OriginError> {
    if OriginPolicy::is_origin(text) { Ok(text.to_owned()) } else { Err(OriginError) }
}

fn is_loopback(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| match host.split_at_checked(name.len()) {
        Some((start, port)) if start.eq_ignore_ascii_case(name) => {
            port.is_empty() || port.strip_prefix(':').is_some_and(is_port)
        }
        _ => false,
    })
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
            origins: OriginPolicy::SameHostOr(vec!["https://friend.example".into(), "app://wharf".into()]),
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
            ("a", "http://a:", false),
            ("a:", "http://a", false),
            ("a!b", "http://a!b", false),
            ("a:8080", "app://wharf:0", false),
        ] {
            let request = request(&format!("Host: {host}|Origin: {origin}"));
            assert_eq!(access.allows_origin(&request), allowed, "{host} {origin}");
        }
        assert!(access.allows_origin(&request("Host: a")));
        assert!(!access.allows_origin(&request("Host: a|Origin: http://a|Origin: http://a")));
    }
    #[test]
    fn two_hosts_in_one_request() {
        let asked = |target: &str, host: &str, origin: &str| {
            let text = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\r\n");
            Request::parse(text.as_bytes()).expect(target)
        };
        let access = Access { loopback: true, ..Access::default() };
        assert!(access.allows(&asked("http://localhost/ws", "localhost", "http://localhost")));
        for (target, host) in
            [("http://localhost/ws", "evil.example"), ("http://evil.example/ws", "localhost")]
        {
            for origin in ["http://localhost", "http://evil.example"] {
                let request = asked(target, host, origin);
                assert!(!access.allows_host(&request), "{target} {host}");
                assert!(!access.allows_origin(&request), "{target} {host} {origin}");
            }
        }
    }

    #[test]
    fn what_a_flag_may_name() {
        for text in ["https://example.org", "http://a:1", "app://wharf", "http://[::1]:80"] {
            assert_eq!(origin(text), Ok(text.to_owned()));
        }
        for text in
            ["", "null", "a", "a:80", "http://", "http://a/", "http://a:", "http://u@a", "no origin", "://a"]
        {
            assert_eq!(origin(text), Err(OriginError), "{text}");
        }
    }
}
