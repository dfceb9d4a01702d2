//! Frames as a peer puts them on the wire, written apart from any library that is measured.

/// A whole frame with its first byte and payload, masked if there is a key.
///
/// ```
/// use wharf_benches::frames::{TEXT, frame};
///
/// assert_eq!(frame(TEXT, b"ahoy", None), b"\x81\x04ahoy");
/// assert_eq!(frame(TEXT, b"a", Some([1, 2, 3, 4])), [0x81, 0x81, 1, 2, 3, 4, b'a' ^ 1]);
/// ```
#[must_use]
pub fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    out.push(first);
    let masked = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ ..126 => out.push(masked | len as u8),
        len @ ..0x1_0000 => {
            out.push(masked | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(masked | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    let Some(key) = key else {
        out.extend(payload);
        return out;
    };
    out.extend(key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// The first byte of a whole text.
pub const TEXT: u8 = 0x81;
/// The first byte of a whole binary message.
pub const BINARY: u8 = 0x82;
