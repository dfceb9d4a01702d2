//! A host with an optional port (RFC 3986 section 3.2).

use alloc::borrow::Cow;
use alloc::format;
use core::net::Ipv6Addr;

/// A host as it stands in a URL and before a port: an IPv6 address in brackets.
pub(crate) fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// The two parts of `host:port`; the brackets of an IPv6 address stay with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `text`. No user info; an empty host is for the caller to judge; an empty port is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let end = match text.strip_prefix('[') {
            Some(rest) => {
                let end = rest.find(']')?;
                rest[..end].parse::<Ipv6Addr>().ok()?;
                end + 2
            }
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(end);
        if !host.starts_with('[') && !host.bytes().all(is_reg_name) {
            return None;
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both name the same host and port, where `default` is the port of one that names none.
    pub(crate) fn is_same(&self, other: &Authority<'_>, default: Option<u16>) -> bool {
        self.host.eq_ignore_ascii_case(other.host) && self.port.or(default) == other.port.or(default)
    }
}

/// `unreserved / pct-encoded / sub-delims`.
fn is_reg_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        for (text, host, port) in [
            ("a.b", "a.b", None),
            ("a:80", "a", Some(80)),
            ("a:", "a", None),
            ("[::1]:9", "[::1]", Some(9)),
            ("[::1]", "[::1]", None),
            ("", "", None),
            (":1", "", Some(1)),
        ] {
            assert_eq!(Authority::parse(text), Some(Authority { host, port }), "{text}");
        }
        for text in ["a b", "a@b", "a/b", "[::1", "[x]", "[::1]x", "a:b", "a:1:2", "a:65536", "a:+1", "::1"] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
    }
}
