//! Version 1: a line of text.

use super::{Next, ProxyHeader, ProxyHeaderError, may_begin};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const PREFIX: &[u8] = b"PROXY ";
/// The longest line that there is, its end included.
const MOST: usize = 107;

pub(super) fn next(held: &[u8]) -> Next {
    if !may_begin(held, PREFIX) {
        return Next::Done(Err(ProxyHeaderError::Missing));
    }
    match held {
        [line @ .., b'\r', b'\n'] => Next::Done(parse(line)),
        [.., b'\n'] => Next::Done(Err(ProxyHeaderError::Malformed("end of line"))),
        _ if held.len() >= MOST => Next::Done(Err(ProxyHeaderError::TooLong)),
        _ if held.len() < PREFIX.len() => Next::Take(PREFIX.len() - held.len()),
        _ => Next::Line(MOST - held.len()),
    }
}

fn parse(line: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let wrong = ProxyHeaderError::Malformed;
    let rest = line.strip_prefix(PREFIX).ok_or(ProxyHeaderError::Missing)?;
    // Whatever follows is to be ignored.
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        return Ok(ProxyHeader::Unknown);
    }
    let text = core::str::from_utf8(rest).map_err(|_| wrong("characters"))?;
    let mut words = text.split(' ');
    let address: fn(&str) -> Option<IpAddr> = match words.next() {
        Some("TCP4") => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Some("TCP6") => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return Err(wrong("protocol")),
    };
    let mut next_address = || words.next().and_then(address).ok_or(wrong("address"));
    let (source, destination) = (next_address()?, next_address()?);
    let mut next_port = || words.next().and_then(port).ok_or(wrong("port"));
    let (source, destination) =
        (SocketAddr::new(source, next_port()?), SocketAddr::new(destination, next_port()?));
    match words.next() {
        None => Ok(ProxyHeader::Proxied { source, destination }),
        Some(_) => Err(wrong("number of words")),
    }
}

/// A number without sign or leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_canonical)
}
