//! Frames by hand: right ones, and any wrong one.

/// First bytes of whole frames and of fragments.
pub mod first {
    /// A whole text.
    pub const TEXT: u8 = 0x81;
    /// Whole bytes.
    pub const BINARY: u8 = 0x82;
    /// The begin of a text.
    pub const TEXT_BEGIN: u8 = 0x01;
    /// The begin of bytes.
    pub const BINARY_BEGIN: u8 = 0x02;
    /// A fragment in the middle.
    pub const MIDDLE: u8 = 0x00;
    /// The last fragment.
    pub const END: u8 = 0x80;
    /// A close.
    pub const CLOSE: u8 = 0x88;
    /// A ping.
    pub const PING: u8 = 0x89;
    /// A pong.
    pub const PONG: u8 = 0x8a;
}

/// How to write a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// In its shortest form.
    Shortest,
    /// In 16 bits, which wraps what does not fit.
    Bits16,
    /// In 64 bits.
    Bits64,
}

/// A frame with the length that its payload has, masked if a key is given.
#[must_use]
pub fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = header(first, payload.len() as u64, key, Length::Shortest);
    let key = key.unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// A header that claims `len` bytes.
#[must_use]
pub fn header(first: u8, len: u64, key: Option<[u8; 4]>, length: Length) -> Vec<u8> {
    let masked = if key.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match (length, len) {
        (Length::Shortest, 0..126) => out.push(masked | len as u8),
        (Length::Shortest, 126..0x1_0000) | (Length::Bits16, _) => {
            out.push(masked | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend(len.to_be_bytes());
        }
    }
    out.extend(key.into_iter().flatten());
    out
}

/// The body of a close.
#[must_use]
pub fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A frame that was sent, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its first byte.
    pub first: u8,
    /// What it was masked with.
    pub key: Option<[u8; 4]>,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// The whole frames at the front of `bytes`, taken to be valid.
#[must_use]
pub fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let masked = second & 0x80 != 0;
        let wide = [0, 2, 8][usize::from((second & 0x7f).saturating_sub(125))];
        let head = wide + if masked { 4 } else { 0 };
        let Some(header) = rest.get(..head) else { break };
        let long = header[..wide].iter().fold(0, |total, byte| total << 8 | usize::from(*byte));
        let len = if wide == 0 { usize::from(second & 0x7f) } else { long };
        let Some(payload) = rest.get(head..head + len) else { break };
        let key = header[wide..].first_chunk().copied();
        let mask = key.unwrap_or_default();
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        frames.push(Frame { first: *first, key, payload });
        bytes = &rest[head + len..];
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_standard() {
        // RFC 6455 section 5.7.
        assert_eq!(frame(first::TEXT, b"Hello", None), b"\x81\x05Hello");
        let masked = frame(first::TEXT, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(masked, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        let read =
            Frame { first: first::TEXT, key: Some([0x37, 0xfa, 0x21, 0x3d]), payload: b"Hello".into() };
        assert_eq!(frames(&[&masked[..], &masked[..7]].concat()), [read]);
        assert_eq!(frame(first::BINARY, &[0; 256], None)[..4], *b"\x82\x7e\x01\x00");
        assert_eq!(frame(first::BINARY, &[0; 65536], None)[..10], *b"\x82\x7f\0\0\0\0\0\x01\0\0");
    }
}
