//! Frame headers (RFC 6455 section 5.2): 2 to 14 bytes.

use crate::base::{Kind, Violation};
use crate::ws::Role;
use alloc::vec::Vec;

/// The longest header: two bytes, a 64-bit length, a mask.
pub const MAX_LEN: usize = 14;

/// The reserved bit by which an extension says that a message is compressed (RFC 7692 section 6).
pub(in crate::ws) const RSV1: u8 = 0x40;

/// What a frame is; any other value is [`Violation::ReservedOpcode`].
///
/// ```
/// use wharf::ws::{Role, wire::header::{Decoded, Opcode, decode}};
///
/// // A ping, which may stand between the fragments of a message.
/// let Ok(Decoded::Header(header, _)) = decode(b"\x89\0", Role::Server) else { panic!() };
/// assert_eq!(header.opcode, Opcode::Ping);
/// assert!(header.opcode.is_control() && header.opcode.kind().is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation = 0,
    /// A text message, or its first fragment.
    Text = 1,
    /// A binary message, or its first fragment.
    Binary = 2,
    /// Begins or answers the closing handshake.
    Close = 8,
    /// Asks for a pong.
    Ping = 9,
    /// Answers a ping.
    Pong = 10,
}

impl Opcode {
    /// Whether it is a control frame, which may stand between the fragments of a message (section 5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }

    /// What message it begins.
    #[must_use]
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Text => Some(Kind::Text),
            Self::Binary => Some(Kind::Binary),
            _ => None,
        }
    }

    pub(in crate::ws) const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }
}

/// A frame's header.
///
/// ```
/// use wharf::ws::{Role, wire::header::{Decoded, Header, Opcode, decode}};
///
/// // The first fragment of a client's text.
/// let Ok(Decoded::Header(header, 6)) = decode(b"\x01\x82\x09\x08\x07\x06ah", Role::Client) else { panic!() };
/// let Header { fin, opcode, mask, len, .. } = header;
/// assert_eq!((fin, opcode, mask, len), (false, Opcode::Text, Some([9, 8, 7, 6]), 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it is the last fragment of its message.
    pub fin: bool,
    /// Whether it begins a compressed message (RSV1, RFC 7692 section 6).
    pub compressed: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The mask, which each frame of a client has.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload, at most 2^63 - 1.
    pub len: u64,
}

/// What the front of a byte stream holds, as [`decode`] finds it.
///
/// ```
/// use wharf::ws::{Role, wire::header::{Decoded, decode}};
///
/// // 300 bytes of binary: the length takes two bytes more.
/// let bytes = [0x82, 126, 1, 44];
/// assert_eq!(decode(&bytes[..1], Role::Server), Ok(Decoded::Partial(2, None)));
/// assert_eq!(decode(&bytes[..3], Role::Server), Ok(Decoded::Partial(4, None)));
/// let Ok(Decoded::Header(header, 4)) = decode(&bytes, Role::Server) else { panic!() };
/// assert_eq!(header.len, 300);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole header, and how many bytes it took.
    Header(Header, usize),
    /// The start of a header of so many bytes, as far as can be told from what is there; with the payload's length
    /// once that has come.
    Partial(usize, Option<u64>),
}

/// Decodes the header at the front of `bytes`, sent by a peer in the role `from`.
///
/// ```
/// use wharf::ws::{Role, wire::header::{Decoded, decode}};
///
/// let Decoded::Header(header, 2) = decode(b"\x81\x05hello", Role::Server).unwrap() else { unreachable!() };
/// assert_eq!((header.fin, header.len), (true, 5));
/// assert_eq!(decode(b"\x81", Role::Server), Ok(Decoded::Partial(2, None)));
/// ```
///
/// # Errors
/// The [`Violation`] as soon as the bytes that are there prove it.
pub fn decode(bytes: &[u8], from: Role) -> Result<Decoded, Violation> {
    decode_with(bytes, from, false)
}

/// As [`decode`], where messages may be `compressible`: only then RSV1 may be set, on the first frame of a data message
/// (RFC 7692 section 6.1).
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], from: Role, compressible: bool) -> Result<Decoded, Violation> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(Decoded::Partial(2, None)) };
    let defined = if compressible { RSV1 } else { 0 };
    // RFC 6455 5.2: "If a nonzero value is received and none of the negotiated extensions defines"
    // RFC 7692 6.1: "An endpoint receiving such a frame MUST _Fail the WebSocket Connection_"
    if first & 0x70 & !defined != 0 {
        return Err(Violation::ReservedBits);
    }
    // RFC 6455 5.2: "If an unknown opcode is received, the receiving endpoint MUST"
    // RFC 6455 10.7: "Incoming data MUST always be validated by both clients and servers"
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::ReservedOpcode(first & 0x0f))?;
    let compressed = first & RSV1 != 0;
    if compressed && opcode.kind().is_none() {
        return Err(Violation::ReservedBits);
    }
    let (fin, masked, short) = (first & 0x80 != 0, second & 0x80 != 0, second & 0x7f);
    match (masked, from) {
        // RFC 6455 5.1: "The server MUST close the connection upon receiving a frame that is not masked"
        (false, Role::Client) => return Err(Violation::NotMasked),
        // RFC 6455 5.1: "A client MUST close a connection if it detects a masked frame"
        (true, Role::Server) => return Err(Violation::Masked),
        _ => {}
    }
    if opcode.is_control() {
        if !fin {
            return Err(Violation::ControlFragmented);
        }
        // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less"
        if short > 125 {
            return Err(Violation::ControlTooLong);
        }
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let size = 2 + extended + if masked { 4 } else { 0 };
    let Some(len) = length(short, rest)? else { return Ok(Decoded::Partial(size, None)) };
    if bytes.len() < size {
        return Ok(Decoded::Partial(size, Some(len)));
    }
    let mask = masked.then(|| [bytes[size - 4], bytes[size - 3], bytes[size - 2], bytes[size - 1]]);
    Ok(Decoded::Header(Header { fin, compressed, opcode, mask, len }, size))
}

/// The payload's length, if all of it has come. "The minimal number of bytes MUST be used" (section 5.2).
fn length(short: u8, rest: &[u8]) -> Result<Option<u64>, Violation> {
    let (len, least) = match short {
        126 => {
            let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*bytes)), 126)
        }
        127 => {
            // RFC 6455 5.2: "the most significant bit MUST be 0"
            if rest.first().is_some_and(|b| b & 0x80 != 0) {
                return Err(Violation::LengthTooLarge);
            }
            let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(*bytes), 65536)
        }
        short => (u64::from(short), 0),
    };
    // RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length"
    if len < least { Err(Violation::LengthNotMinimal) } else { Ok(Some(len)) }
}

/// Appends a header in its shortest form.
#[inline]
pub fn encode(out: &mut Vec<u8>, fin: bool, opcode: Opcode, mask: Option<[u8; 4]>, len: usize) {
    // RFC 6455 5.2: "[RSV1, RSV2, RSV3] MUST be 0 unless an extension is negotiated"
    // RFC 6455 5.2: "1 bit in length, MUST be 0 unless negotiated otherwise"
    let first = opcode as u8 | if fin { 0x80 } else { 0 };
    // RFC 6455 5.3: "A masked frame MUST have the field frame-masked set to 1"
    let masked = if mask.is_some() { 0x80 } else { 0 };
    if len < 126 {
        out.extend_from_slice(&[first, masked | len as u8]);
    } else if let Ok(len) = u16::try_from(len) {
        let [a, b] = len.to_be_bytes();
        out.extend_from_slice(&[first, masked | 126, a, b]);
    } else {
        out.extend_from_slice(&[first, masked | 127]);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
    if let Some(mask) = mask {
        out.extend_from_slice(&mask);
    }
}

/// Bytes that [`encode`] takes.
#[must_use]
pub const fn encoded_len(masked: bool, len: usize) -> usize {
    let lengths = match len {
        0..=125 => 2,
        126..=65535 => 4,
        _ => 10,
    };
    if masked { lengths + 4 } else { lengths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_at_any_cut() {
        // RFC 6455 5.2: "[RSV1, RSV2, RSV3] MUST be 0 unless an extension is negotiated"
        // RFC 6455 5.2: "1 bit in length, MUST be 0 unless negotiated otherwise"
        // RFC 6455 5.3: "A masked frame MUST have the field frame-masked set to 1"
        // RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length"
        for len in [0, 1, 125, 126, 127, 65535, 65536, 1 << 40] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let from = if mask.is_some() { Role::Client } else { Role::Server };
                let mut bytes = Vec::new();
                encode(&mut bytes, true, Opcode::Binary, mask, len);
                assert_eq!(bytes.len(), encoded_len(mask.is_some(), len));
                let want =
                    Header { fin: true, compressed: false, opcode: Opcode::Binary, mask, len: len as u64 };
                assert_eq!(decode(&bytes, from), Ok(Decoded::Header(want, bytes.len())));
                for cut in 0..bytes.len() {
                    let Ok(Decoded::Partial(size, _)) = decode(&bytes[..cut], from) else { panic!("{cut}") };
                    assert!(size > cut && size <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn violations_are_told_at_the_earliest_byte() {
        // RFC 6455 5.2: "If a nonzero value is received and none of the negotiated extensions defines"
        // RFC 6455 5.2: "If an unknown opcode is received, the receiving endpoint MUST"
        // RFC 6455 5.1: "The server MUST close the connection upon receiving a frame that is not masked"
        // RFC 6455 5.1: "A client MUST close a connection if it detects a masked frame"
        // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less"
        // RFC 6455 5.2: "the most significant bit MUST be 0"
        // RFC 6455 10.7: "Incoming data MUST always be validated by both clients and servers"
        let cases: [(&[u8], Violation); 9] = [
            (b"\xc1\x80", Violation::ReservedBits),
            (b"\x83\x80", Violation::ReservedOpcode(3)),
            (b"\x8f\x80", Violation::ReservedOpcode(15)),
            (b"\x81\x05", Violation::NotMasked),
            (b"\x09\x80", Violation::ControlFragmented),
            (b"\x89\xfe", Violation::ControlTooLong),
            (b"\x82\xfe\x00\x7d", Violation::LengthNotMinimal),
            (b"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", Violation::LengthNotMinimal),
            (b"\x82\xff\x80", Violation::LengthTooLarge),
        ];
        for (bytes, violation) in cases {
            assert_eq!(decode(bytes, Role::Client), Err(violation));
            assert!(decode(&bytes[..bytes.len() - 1], Role::Client).is_ok(), "{bytes:x?} too early");
        }
        assert_eq!(decode(b"\x81\x80", Role::Server), Err(Violation::Masked));
    }
    #[test]
    fn a_compressed_message_is_told_by_its_first_frame() {
        for (first, ok) in
            [(0xc1, true), (0x42, true), (0xc0, false), (0x40, false), (0xc9, false), (0xc8, false)]
        {
            let bytes = [first, 0x80, 0, 0, 0, 0];
            match decode_with(&bytes, Role::Client, true) {
                Ok(Decoded::Header(header, 6)) => assert!(ok && header.compressed),
                other => assert!(!ok && other == Err(Violation::ReservedBits), "{first:x}: {other:?}"),
            }
            assert_eq!(decode(&bytes, Role::Client), Err(Violation::ReservedBits));
        }
        assert_eq!(decode_with(b"\xe1\x80", Role::Client, true), Err(Violation::ReservedBits), "RSV2");
    }
}
