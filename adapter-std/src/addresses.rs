//! Addresses, as the operating system tells them.

use std::net::SocketAddr;
use std::os::unix;
use wharf::link::Address;

/// IPv6 and IPv4 in turn, beginning with the family that the resolver put first (RFC 8305 section 4).
///
/// ```
/// let parse = |all: [&str; 3]| all.map(|a| a.parse().unwrap()).to_vec();
/// let found = parse(["[::1]:80", "[::2]:80", "192.0.2.1:80"]);
/// assert_eq!(wharf_std::interleaved(found), parse(["[::1]:80", "192.0.2.1:80", "[::2]:80"]));
/// ```
#[must_use]
pub fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut out = Vec::new();
    loop {
        let pair = [same.next(), other.next()];
        if pair == [None, None] {
            return out;
        }
        out.extend(pair.into_iter().flatten());
    }
}

/// Where the peer of a Unix socket is: the path that it is bound to, empty for the usual client, which is bound to
/// none. What is not UTF-8 in a path is replaced.
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// let (here, _there) = UnixStream::pair()?;
/// assert_eq!(wharf_std::address_of_unix(&here.peer_addr()?).to_string(), "unix:");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn address_of_unix(address: &unix::net::SocketAddr) -> Address {
    let path = address.as_pathname().map(|path| path.to_string_lossy().into_owned());
    Address::Unix(path.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(interleaved(given), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        let given = parse(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"]);
        assert_eq!(interleaved(given), parse(&["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"]));
        assert!(interleaved(Vec::new()).is_empty());
    }
}
