//! Targets that are reached without a proxy: the list in `no_proxy`.

use super::host::Host;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

/// The list, an entry for each member of the variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// Any, if there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    /// This name and all below it.
    Domain(String),
    /// The addresses whose first `bits` are those of `address`; IPv4 is mapped into IPv6 (RFC 4291 section 2.5.5.2).
    Block {
        address: u128,
        bits: u32,
    },
}

impl Exceptions {
    /// Parses a list by commas or white space; the entry that cannot be understood is given back.
    pub(super) fn parse(list: &str) -> Result<Self, &str> {
        let members = list.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|m| !m.is_empty());
        let entries = members.map(|member| entry(member).ok_or(member));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Whether a target is on the list. A host that is none is on no list but `*`.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = Host::parse(host);
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|only| only == port)
                && match (&entry.hosts, &host) {
                    (Hosts::Any, _) => true,
                    (Hosts::Domain(domain), Some(Host::Name(name))) => is_within(name, domain),
                    (Hosts::Block { address, bits }, Some(Host::Address(other))) => {
                        let differing = address ^ mapped(*other);
                        differing.checked_shr(128 - bits).unwrap_or(0) == 0
                    }
                    _ => false,
                }
        })
    }
}

fn entry(text: &str) -> Option<Entry> {
    if text == "*" {
        return Some(Entry { hosts: Hosts::Any, port: None });
    }
    if let Some((address, bits)) = text.split_once('/') {
        return Some(Entry { hosts: block(address, bits)?, port: None });
    }
    // What follows the last colon is a port, unless that is inside of an IPv6 address.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) if !host.contains(':') || host.ends_with(']') => {
            let valid = digits.bytes().all(|b| b.is_ascii_digit());
            (host, Some(digits.parse().ok().filter(|port| valid && *port != 0)?))
        }
        _ => (text, None),
    };
    let domain = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let hosts = match Host::parse(domain.strip_prefix('.').unwrap_or(domain))? {
        Host::Address(address) => Hosts::Block { address: mapped(address), bits: 128 },
        Host::Name(name) => Hosts::Domain(without_root(&name).into()),
    };
    Some(Entry { hosts, port })
}

/// A block of addresses (RFC 4632 section 3.1).
fn block(address: &str, bits: &str) -> Option<Hosts> {
    let Host::Address(address) = Host::parse(address)? else { return None };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let valid = matches!(bits.len(), 1..=3) && bits.bytes().all(|b| b.is_ascii_digit());
    let bits: u32 = bits.parse().ok().filter(|bits| valid && *bits <= most)?;
    Some(Hosts::Block { address: mapped(address), bits: bits + 128 - most })
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whether `name` is `domain` or below it: labels match as a whole.
fn is_within(name: &str, domain: &str) -> bool {
    match without_root(name).strip_suffix(domain) {
        Some(front) => front.is_empty() || front.ends_with('.'),
        None => false,
    }
}

/// A name without the dot that stands for the root.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_excepted(list: &str, host: &str, port: u16) -> bool {
        Exceptions::parse(list).unwrap_or_else(|entry| panic!("{entry}")).contains(host, port)
    }

    #[test]
    fn what_is_on_the_list() {
        for (list, host, port) in [
            ("*", "a", 1),
            ("x, *", "10.0.0.1", 1),
            ("example.com", "example.com", 1),
            ("example.com", "WWW.Example.COM.", 1),
            (".example.com", "example.com", 1),
            (".example.com", "a.b.example.com", 1),
            ("*.example.com", "a.example.com", 1),
            ("example.com.", "a.example.com", 1),
            ("a b\tc", "c", 1),
            ("a:8080", "a", 8080),
            ("localhost", "localhost", 80),
            ("10.0.0.1", "10.0.0.1", 1),
            ("10.0.0.1:80", "10.0.0.1", 80),
            ("10.0.0.1", "::ffff:10.0.0.1", 1),
            ("10.1.0.0/16", "10.1.255.255", 1),
            ("10.1.2.3/16", "10.1.0.0", 1),
            ("0.0.0.0/0", "1.2.3.4", 1),
            ("::1", "::1", 1),
            ("[::1]", "[::1]", 1),
            ("[::1]:80", "::1", 80),
            ("fe80::/10", "febf::1", 1),
            ("[fd00::]/8", "fd12::1", 1),
            ("::/0", "2001:db8::1", 1),
        ] {
            assert!(is_excepted(list, host, port), "{list}: {host}:{port}");
        }
    }

    #[test]
    fn what_is_not() {
        for (list, host, port) in [
            ("", "a", 1),
            (" , ,", "a", 1),
            ("example.com", "notexample.com", 1),
            ("example.com", "com", 1),
            ("example.com", "example.com.evil", 1),
            ("a:8080", "a", 80),
            ("10.0.0.1:80", "10.0.0.1", 81),
            ("[::1]:80", "::1", 81),
            ("10.1.0.0/16", "10.2.0.0", 1),
            ("10.0.0.0/31", "10.0.0.2", 1),
            ("0.0.0.0/0", "2001:db8::1", 1),
            ("fe80::/10", "fec0::", 1),
            ("localhost", "127.0.0.1", 80),
            ("0.0.1", "10.0.0.1", 1),
            ("1", "10.0.0.1", 1),
            ("a", "a b", 1),
        ] {
            assert!(!is_excepted(list, host, port), "{list}: {host}:{port}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for entry in [
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "a/8",
            "10.*",
            "http://a",
            "a:0",
            "a:x",
            "a:",
            "[::1",
            ".",
            "<local>",
        ] {
            let list = alloc::format!("a, {entry}, b");
            assert_eq!(Exceptions::parse(&list), Err(entry), "{entry}");
        }
    }
}
