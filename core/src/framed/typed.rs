//! Typed frames: `[length: u32 BE][type: u8][payload: length - 1]`.

use super::{Codec, Header};
use crate::base::{Kind, SendError, Violation};
use alloc::vec::Vec;

/// Frames of `[length: u32, big-endian][type: u8][payload: length - 1 bytes]`. Each is a message of
/// [`Kind::Typed`] under its type, whatever that is.
///
/// The length counts the type byte, so a length of zero is [`Violation::LengthZero`]. Types belong to the application:
/// [`PING`](Self::PING) and [`DATA`](Self::DATA) are delivered like any other, and answered by nobody unless
/// [`Keepalive::Frames`](super::Keepalive::Frames) says so.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::framed::{Config, Connection, Typed};
///
/// let mut connection = Connection::new(Instant::ORIGIN, Typed, &Config::default().into());
/// connection.send(Instant::ORIGIN, Message::typed(Typed::DATA, &b"ahoy"[..])).unwrap();
/// let mut written = Vec::new();
/// connection.output(Instant::ORIGIN).drain_into(&mut written);
/// assert_eq!(written, b"\0\0\0\x05\x02ahoy");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typed;

impl Typed {
    /// The type of a ping, by convention.
    pub const PING: u8 = 1;
    /// The type of data, by convention.
    pub const DATA: u8 = 2;
}

impl Codec for Typed {
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        let &[a, b, c, d, ref rest @ ..] = bytes else { return Ok(Header::More(4)) };
        let Some(len) = u32::from_be_bytes([a, b, c, d]).checked_sub(1) else {
            return Err(Violation::LengthZero);
        };
        let Some(tag) = rest.first() else { return Ok(Header::More(5)) };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Ok(Header::Payload { kind: Kind::Typed(*tag), skip: 5, len, trailer: 0 })
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Typed(_))
    }

    fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let Kind::Typed(tag) = kind else { return Err(SendError::UnsupportedKind(kind)) };
        let length = u32::try_from(payload.len()).ok().and_then(|len| len.checked_add(1));
        let length = length.ok_or(SendError::TooBig { limit: u32::MAX as usize - 1 })?;
        out.extend_from_slice(&length.to_be_bytes());
        out.push(tag);
        Ok(())
    }
}
