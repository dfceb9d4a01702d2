//! Version 2: a binary block.

use super::{Next, ProxyHeader, ProxyHeaderError, may_begin};
use core::net::{IpAddr, SocketAddr};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and protocol, length of the rest.
const FIXED: usize = 16;
/// The longest that is taken: those with the certificate of a client in them have some 2 KiB.
const MOST: usize = 4096;

pub(super) fn next(held: &[u8]) -> Next {
    if !may_begin(held, SIGNATURE) {
        return Next::Done(Err(ProxyHeaderError::Missing));
    }
    let Some((fixed, rest)) = held.split_first_chunk::<FIXED>() else {
        return Next::Take(FIXED - held.len());
    };
    let [.., kind, family, high, low] = *fixed;
    let len = usize::from(u16::from_be_bytes([high, low]));
    if kind >> 4 != 2 {
        return Next::Done(Err(ProxyHeaderError::Malformed("version")));
    }
    if len > MOST - FIXED {
        return Next::Done(Err(ProxyHeaderError::TooLong));
    }
    if rest.len() < len { Next::Take(len - rest.len()) } else { Next::Done(parse(kind & 15, family, rest)) }
}

fn parse(command: u8, family: u8, rest: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let is_local = match command {
        0 => true,
        1 => false,
        _ => return Err(ProxyHeaderError::Malformed("command")),
    };
    if family >> 4 > 3 {
        return Err(ProxyHeaderError::Malformed("family"));
    }
    if family & 15 > 2 {
        return Err(ProxyHeaderError::Malformed("protocol"));
    }
    if is_local {
        // Whatever it holds is to be ignored.
        return Ok(ProxyHeader::Local);
    }
    let ends = match family {
        0x11 => ends::<4>(rest),
        0x21 => ends::<16>(rest),
        // Unix sockets, datagrams, and what is left open: valid, and no address of a TCP connection.
        _ => return Ok(ProxyHeader::Unknown),
    };
    let (source, destination) = ends.ok_or(ProxyHeaderError::Malformed("length"))?;
    Ok(ProxyHeader::Proxied { source, destination })
}

/// Both addresses, of `N` bytes each, and both ports; what follows are additional values.
fn ends<const N: usize>(block: &[u8]) -> Option<(SocketAddr, SocketAddr)>
where
    IpAddr: From<[u8; N]>,
{
    let (source, block) = block.split_first_chunk::<N>()?;
    let (destination, block) = block.split_first_chunk::<N>()?;
    let (from, block) = block.split_first_chunk()?;
    let to = block.first_chunk()?;
    let end = |address: &[u8; N], port: &[u8; 2]| {
        SocketAddr::new(IpAddr::from(*address), u16::from_be_bytes(*port))
    };
    Some((end(source, from), end(destination, to)))
}
