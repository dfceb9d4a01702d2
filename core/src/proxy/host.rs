//! A host as proxies are told of it.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// A host: an address, or a name in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// Parses a host; the brackets of an IPv6 address may be left out. `None`: characters that no host has, or more than
    /// 253 of them, and that is also what keeps line ends out of a request.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            return inner.parse::<Ipv6Addr>().ok().map(|address| Self::Address(address.into()));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let valid = matches!(text.len(), 1..=253)
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        valid.then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    /// As in front of a port: an IPv6 address has its brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn forms() {
        for (text, shown) in [
            ("A.Example", "a.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "[::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("10.0.0.256", "10.0.0.256"),
        ] {
            assert_eq!(Host::parse(text).map(|host| host.to_string()).as_deref(), Some(shown), "{text}");
        }
        let long = "a".repeat(254);
        for text in ["", "a b", "a\r\nb", "[a]", "[10.0.0.1]", "a:1", "é", "[::1", "a/b", "a@b", &long] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
