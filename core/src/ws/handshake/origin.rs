//! Which pages may open a WebSocket here (RFC 6455 sections 4.2.1 and 10.2).

use crate::http::{Authority, Request};
use alloc::string::String;
use alloc::vec::Vec;

/// Which origins may connect. Browsers name the page's origin and send its cookies along, so a server that trusts
/// cookies must check. A request without `Origin` does not come from a page, and is allowed.
///
/// Listed origins are compared as `scheme://host:port` without regard to case, a missing port being that of the scheme;
/// `null` allows pages without an origin.
///
/// ```
/// use wharf::http::Request;
/// use wharf::ws::handshake::OriginPolicy;
///
/// let bytes = b"GET / HTTP/1.1\r\nHost: a.example\r\nOrigin: https://b.example\r\n\r\n";
/// let request = Request::parse(bytes).unwrap();
/// assert!(!OriginPolicy::SameHost.allows(&request));
/// assert!(OriginPolicy::List(vec!["https://b.example:443".into()]).allows(&request));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Pages of this host and port, by `http` or `https`.
    SameHost,
    /// Pages of the origins listed.
    List(Vec<String>),
    /// Pages of this host and port, and of the origins listed.
    SameHostOr(Vec<String>),
    /// All pages.
    #[default]
    Any,
}

impl OriginPolicy {
    /// Whether `text` is an origin as it can be listed: `scheme://host` or `scheme://host:port`, with nothing behind. Of one that is
    /// none no page can be; `null`, which stands for pages without an origin, is none either.
    ///
    /// ```
    /// use wharf::ws::handshake::OriginPolicy;
    ///
    /// assert!(OriginPolicy::is_origin("https://b.example"));
    /// assert!(!OriginPolicy::is_origin("b.example") && !OriginPolicy::is_origin("https://b.example/"));
    /// ```
    #[must_use]
    pub fn is_origin(text: &str) -> bool {
        split(text).is_some()
    }

    /// Whether `request` may connect. One with several `Origin` headers may not, unless all may.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        let mut origins = request.headers().values("origin");
        let origin = match (origins.next(), origins.next()) {
            _ if *self == Self::Any => return true,
            (None, _) => return true,
            (Some(_), Some(_)) => return false,
            (Some(origin), None) => origin,
        };
        let Ok(origin) = core::str::from_utf8(origin) else { return false };
        let listed = |list: &[String]| list.iter().any(|allowed| is_same_origin(allowed, origin));
        match self {
            Self::SameHost => is_same_host(origin, request),
            Self::List(list) => listed(list),
            Self::SameHostOr(list) => is_same_host(origin, request) || listed(list),
            Self::Any => true,
        }
    }
}

/// Whether the page comes from the host and port that the request went to. A `Host` without a port has that of the
/// page's scheme: a proxy may have ended TLS in front.
fn is_same_host(origin: &str, request: &Request) -> bool {
    let Some((scheme, origin)) = split(origin) else { return false };
    let default = default_port(scheme);
    let host = request.host().and_then(authority);
    default.is_some() && host.is_some_and(|host| origin.is_same(&host, default))
}

fn is_same_origin(allowed: &str, origin: &str) -> bool {
    match (split(allowed), split(origin)) {
        (Some((scheme, allowed)), Some((other, origin))) => {
            scheme.eq_ignore_ascii_case(other) && allowed.is_same(&origin, default_port(scheme))
        }
        (None, None) => allowed.eq_ignore_ascii_case(origin) && allowed.eq_ignore_ascii_case("null"),
        _ => false,
    }
}

/// The parts of `scheme://host:port`, with nothing behind.
fn split(origin: &str) -> Option<(&str, Authority<'_>)> {
    let (scheme, rest) = origin.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    Some((scheme, authority(rest).filter(|_| is_scheme)?))
}

/// What a page's host can be, which is less than what a URL may have: a name without sub-delims, and no colon without a port. An origin is
/// written by browsers, in one way each.
fn authority(text: &str) -> Option<Authority<'_>> {
    let authority = Authority::parse(text)?;
    let is_whole = authority.port.is_some() || authority.host.len() == text.len();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~%[:]".contains(&b);
    let is_host = !authority.host.is_empty() && authority.host.bytes().all(is_name);
    (is_whole && is_host).then_some(authority)
}

fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn allows(policy: &OriginPolicy, host: &str, origin: &str) -> bool {
        let head = alloc::format!("GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\r\n");
        policy.allows(&Request::parse(head.as_bytes()).unwrap())
    }

    #[test]
    fn same_host() {
        let same = |host, origin| allows(&OriginPolicy::SameHost, host, origin);
        assert!(same("a.b", "http://a.b") && same("a.b", "https://A.B") && same("a.b:80", "http://a.b"));
        assert!(same("a.b:8080", "http://a.b:8080") && same("[::1]:1", "http://[::1]:1"));
        for (host, origin) in [
            ("a.b:8080", "http://a.b"),
            ("a.b", "http://a.b:8080"),
            ("a.b:80", "https://a.b"),
            ("a.b", "http://x.a.b"),
            ("a.b", "http://a.b.evil"),
            ("a.b", "http://a.b/"),
            ("a.b", "http://u@a.b"),
            ("a.b", "null"),
            ("a.b", ""),
            ("a.b", "a.b"),
            ("a.b", "chrome-extension://a.b"),
            ("a.b", "http://a.b\r\nOrigin: http://a.b"),
            ("", "http://"),
            ("a.b", "http://a.b:"),
            ("a.b:", "http://a.b"),
            ("a!b", "http://a!b"),
            ("a.b", "://a.b"),
            ("a.b", "1http://a.b"),
        ] {
            assert!(!same(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn lists() {
        let list = vec!["https://x.y".into(), "null".into(), "chrome-extension://abc".into()];
        let (only, or) = (OriginPolicy::List(list.clone()), OriginPolicy::SameHostOr(list));
        for origin in ["https://X.Y:443", "null", "chrome-extension://abc"] {
            assert!(allows(&only, "a", origin) && allows(&or, "a", origin), "{origin}");
        }
        for origin in
            ["http://x.y", "https://x.y:444", "https://x.y.z", "https://x.y:", "chrome-extension://abc:0"]
        {
            assert!(!allows(&only, "a", origin) && !allows(&or, "a", origin), "{origin}");
        }
        assert!(!allows(&only, "a", "http://a") && allows(&or, "a", "http://a"));
        assert!(allows(&OriginPolicy::Any, "a", "whatever"));
        let odd = OriginPolicy::List(vec!["about:blank".into()]);
        assert!(!allows(&odd, "a", "about:blank"), "of what is no origin only null can be listed");
    }

    #[test]
    fn bytes_that_are_no_text_are_nobodys_origin() {
        let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\xff\r\n\r\n").unwrap();
        assert!(!OriginPolicy::SameHost.allows(&request) && OriginPolicy::Any.allows(&request));
    }

    #[test]
    fn no_origin_is_no_page() {
        let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(OriginPolicy::List(vec![]).allows(&request));
    }
}
