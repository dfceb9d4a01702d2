//! Where a request came from before the proxies that handed it on: `X-Forwarded-For` and `Forwarded` (RFC 7239).

use super::Headers;
use super::headers::is_token_byte;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::from_utf8;

/// Whom the request came from, as far as is known: each hop wrote down, at the right end, whom it had the request from. So the
/// walk begins at the right with `peer`, which is trusted, and goes on for as long as `is_trusted`; the first one that
/// is not was seen by a trusted hop, and what stands left of it is hearsay.
///
/// What names no address (`unknown`, a hidden name, damage) ends it as well: nobody further left is believed.
pub(crate) fn forwarded_from(
    headers: &Headers,
    field: ForwardedField,
    peer: Option<IpAddr>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let mut last = peer;
    let values: Vec<&[u8]> = headers.values(field.name()).collect();
    for value in values.into_iter().rev() {
        let Some(nodes) = field.nodes(value) else { return last };
        for node in nodes.into_iter().rev() {
            let Some(address) = node else { return last };
            last = Some(address.to_canonical());
            if !is_trusted(address) {
                return last;
            }
        }
    }
    last
}

/// A field in which hops write down whom they had a request from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardedField {
    XForwardedFor,
    Forwarded,
}

impl ForwardedField {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The nodes of a value from left to right; those that are no address are `None`. `None` if the value cannot be taken
    /// apart, since then a hop's own word cannot be told from what was handed to it.
    fn nodes(self, value: &[u8]) -> Option<Vec<Option<IpAddr>>> {
        match self {
            Self::XForwardedFor => {
                let members = value.split(|b| *b == b',').map(<[u8]>::trim_ascii);
                Some(members.map(|member| from_utf8(member).ok().and_then(plain_node)).collect())
            }
            Self::Forwarded => elements(value),
        }
    }
}

/// An address with or without a port; IPv6 without brackets too, as most write it.
fn plain_node(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| node(text))
}

/// A node of RFC 7239 section 6 that is an address: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:_port`.
fn node(text: &str) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (text[..end].parse::<Ipv4Addr>().ok()?.into(), &text[end..])
        }
    };
    (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(address)
}

fn is_port(text: &str) -> bool {
    let is_hidden = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let is_number = matches!(text.len(), 1..=5) && text.bytes().all(|b| b.is_ascii_digit());
    is_number || text.strip_prefix('_').is_some_and(is_hidden)
}

/// The elements of a `Forwarded` (RFC 7239 section 4), each with the address of its `for`, if it has one.
fn elements(value: &[u8]) -> Option<Vec<Option<IpAddr>>> {
    let (mut nodes, mut rest) = (Vec::new(), value);
    loop {
        let (mut address, mut known) = (None, false);
        loop {
            rest = rest.trim_ascii_start();
            let name;
            (name, rest) = split(rest, |b| !is_token_byte(*b));
            if !name.is_empty() {
                let pair;
                (pair, rest) = pair_value(rest.strip_prefix(b"=")?)?;
                if name.eq_ignore_ascii_case(b"for") {
                    // Said twice, nobody knows which counts.
                    if core::mem::replace(&mut known, true) {
                        return None;
                    }
                    address = from_utf8(pair).ok().and_then(node);
                }
            }
            rest = rest.trim_ascii_start();
            match rest.split_first() {
                Some((b';', more)) => rest = more,
                Some((b',', _)) | None => break,
                Some(_) => return None,
            }
        }
        nodes.push(address);
        match rest.split_first() {
            Some((_, more)) => rest = more,
            None => return Some(nodes),
        }
    }
}

/// A token, or what is between quotes with its escapes left in, which no address has; and what is behind.
fn pair_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        let (token, rest) = split(bytes, |b| !is_token_byte(*b));
        return (!token.is_empty()).then_some((token, rest));
    };
    let mut escaped = false;
    let end = quoted.iter().position(|b| {
        let ends = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        ends
    })?;
    Some((&quoted[..end], &quoted[end + 1..]))
}

fn split(bytes: &[u8], is_end: impl FnMut(&u8) -> bool) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(is_end).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;
    use alloc::string::String;
    use proptest::prelude::*;

    /// What `lines` amount to behind 10.0.0.1, where all of 10.0.0.0/8 and fd00::/8 is trusted.
    fn led(field: ForwardedField, lines: &[&[u8]]) -> String {
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        for line in lines {
            head.extend_from_slice(field.name().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let request = Request::parse(&head).unwrap();
        let is_trusted = |ip: IpAddr| match ip.to_canonical() {
            IpAddr::V4(ip) => ip.octets()[0] == 10,
            IpAddr::V6(ip) => ip.octets()[0] == 0xfd,
        };
        let peer = Some([10, 0, 0, 1].into());
        std::format!("{}", forwarded_from(request.headers(), field, peer, is_trusted).unwrap())
    }

    #[test]
    fn x_forwarded_for() {
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9,192.0.2.1 , 10.0.0.2"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1", "10.0.0.2,fd00::1"], "192.0.2.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["203.0.113.9, unknown"], "10.0.0.1"),
            (&["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["203.0.113.9, , 10.0.0.2"], "10.0.0.2"),
            (&["203.0.113.9", ""], "10.0.0.1"),
            (&["203.0.113.9, 192.0.2.1:x"], "10.0.0.1"),
            (&["203.0.113.9, 192.0.2.01"], "10.0.0.1"),
            (&["\"203.0.113.9, 192.0.2.1\""], "10.0.0.1"),
        ] {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(led(ForwardedField::XForwardedFor, &lines), expected, "{lines:?}");
        }
        let damaged: [&[u8]; 2] = [b"203.0.113.9", b"\xff, 192.0.2.1"];
        assert_eq!(led(ForwardedField::XForwardedFor, &damaged), "192.0.2.1", "no field is passed over");
        let damaged: [&[u8]; 2] = [b"203.0.113.9", b"\xff"];
        assert_eq!(led(ForwardedField::XForwardedFor, &damaged), "10.0.0.1");
    }

    #[test]
    fn forwarded() {
        for (lines, expected) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["For=\"192.0.2.1:4711\""], "192.0.2.1"),
            (&["for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=\"[2001:db8::1]:_hidden\";proto=https"], "2001:db8::1"),
            (&["proto=http; by=203.0.113.43;for=192.0.2.1"], "192.0.2.1"),
            (&["for=203.0.113.9, for=192.0.2.1;by=10.0.0.1 , for=10.0.0.2"], "192.0.2.1"),
            (&["for=203.0.113.9", "for=192.0.2.1"], "192.0.2.1"),
            (&["for=\"a, b\";x=y, for=192.0.2.1"], "192.0.2.1"),
            (&["for=\"a\\\", for=203.0.113.9\", for=192.0.2.1"], "192.0.2.1"),
            (&["for=203.0.113.9, for=unknown"], "10.0.0.1"),
            (&["for=203.0.113.9, for=_gazonk, for=10.0.0.2"], "10.0.0.2"),
            (&["for=203.0.113.9, proto=http"], "10.0.0.1"),
            (&["for=203.0.113.9,"], "10.0.0.1"),
            (&["for=2001:db8::1"], "10.0.0.1"),
            (&["for=192.0.2.1;for=203.0.113.9"], "10.0.0.1"),
            (&["for=203.0.113.9;x=\", for=192.0.2.1"], "10.0.0.1"),
            (&["for=\"203.0.113.9, for=\"192.0.2.1\""], "10.0.0.1"),
            (&["for=203.0.113.9;x=\", for=10.0.0.2", "for=10.0.0.3"], "10.0.0.3"),
            (&["for"], "10.0.0.1"),
            (&["for="], "10.0.0.1"),
            (&["=192.0.2.1"], "10.0.0.1"),
        ] {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(led(ForwardedField::Forwarded, &lines), expected, "{lines:?}");
        }
    }

    proptest! {
        /// Whatever a client says itself stands left of what the first trusted hop appends.
        #[test]
        fn nothing_that_a_client_says_names_another(said in prop::collection::vec("[ -~]{0,40}", 0..3), fresh: bool) {
            for (field, own) in
                [(ForwardedField::XForwardedFor, "192.0.2.1"), (ForwardedField::Forwarded, "for=192.0.2.1")]
            {
                let mut lines = said.clone();
                match lines.last_mut() {
                    Some(last) if !fresh => *last = std::format!("{last}, {own}"),
                    _ => lines.push(own.into()),
                }
                let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
                let found = led(field, &lines);
                prop_assert!(found == "192.0.2.1" || (found == "10.0.0.1" && !fresh), "{} {:?}", found, lines);
            }
        }
    }
}
