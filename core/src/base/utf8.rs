//! UTF-8 that is checked as it comes and fails at the first bad byte (RFC 6455 section 8.1).

use alloc::string::String;

/// Text that is not UTF-8.
///
/// ```
/// use wharf::base::utf8::{NotUtf8, check};
///
/// assert_eq!(check(b"n\xc3\xa9"), Ok("né"));
/// // The same in Latin-1.
/// assert_eq!(check(b"n\xe9"), Err(NotUtf8));
/// assert_eq!(NotUtf8.to_string(), "text is not UTF-8");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text is not UTF-8")]
pub struct NotUtf8;

/// Checks a whole text, and lends it as one.
///
/// # Errors
/// [`NotUtf8`] if it is not.
#[inline]
pub fn check(bytes: &[u8]) -> Result<&str, NotUtf8> {
    #[cfg(feature = "simd")]
    return simdutf8::basic::from_utf8(bytes).map_err(|_| NotUtf8);
    #[cfg(not(feature = "simd"))]
    return core::str::from_utf8(bytes).map_err(|_| NotUtf8);
}

/// The state between two pieces of a text: the start of a character that a cut went through.
///
/// ```
/// use wharf::base::utf8::Carry;
///
/// let (mut carry, mut text) = (Carry::new(), String::new());
/// carry.push(&"né".as_bytes()[..2], Some(&mut text)).unwrap();
/// assert!(!carry.is_empty());
/// carry.push(&"é".as_bytes()[1..], Some(&mut text)).unwrap();
/// assert_eq!(text, "né");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    bytes: [u8; 3],
    len: u8,
}

impl Carry {
    /// Between characters.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; 3], len: 0 }
    }

    /// Whether the text so far ends with a whole character.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Checks the next piece, and appends what is whole to `text` if one is given.
    ///
    /// # Errors
    /// [`NotUtf8`] as soon as no continuation could make the text valid.
    pub fn push(&mut self, mut piece: &[u8], mut text: Option<&mut String>) -> Result<(), NotUtf8> {
        while self.len > 0 {
            let Some((&next, rest)) = piece.split_first() else { return Ok(()) };
            let mut character = [self.bytes[0], self.bytes[1], self.bytes[2], 0];
            let len = usize::from(self.len);
            character[len] = next;
            piece = rest;
            match core::str::from_utf8(&character[..=len]) {
                Ok(whole) => {
                    self.len = 0;
                    if let Some(text) = &mut text {
                        text.push_str(whole);
                    }
                }
                Err(e) if e.error_len().is_some() || len == 3 => return Err(NotUtf8),
                Err(_) => {
                    self.bytes[len] = next;
                    self.len += 1;
                }
            }
        }
        let (whole, cut) = split(piece)?;
        if let Some(text) = text {
            text.push_str(whole);
        }
        self.bytes[..cut.len()].copy_from_slice(cut);
        self.len = cut.len() as u8;
        Ok(())
    }
}

/// The part that ends with a whole character, and the start of a character behind it.
fn split(piece: &[u8]) -> Result<(&str, &[u8]), NotUtf8> {
    let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
    match core::str::from_utf8(cut) {
        Err(e) if e.error_len().is_some() => Err(NotUtf8),
        _ => Ok((check(whole)?, cut)),
    }
}

/// How long the start of a character is that `piece` ends with: from a byte that begins one of more bytes than are left.
fn cut_len(piece: &[u8]) -> usize {
    for (len, byte) in (1..=3).zip(piece.iter().rev()) {
        let cut = match byte {
            0x80..=0xbf => continue,
            0xf0.. => true,
            0xe0.. => len < 3,
            0xc0.. => len < 2,
            _ => false,
        };
        return if cut { len } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(pieces: &[&[u8]]) -> Result<(String, bool), NotUtf8> {
        let (mut carry, mut text) = (Carry::new(), String::new());
        for piece in pieces {
            carry.push(piece, Some(&mut text))?;
        }
        Ok((text, carry.is_empty()))
    }

    #[test]
    fn any_two_cuts_of_valid_text() {
        let text = "κό🦀\u{10ffff}a\u{d7ff}\u{e000}é\0";
        let bytes = text.as_bytes();
        for a in 0..=bytes.len() {
            for b in a..=bytes.len() {
                let got = in_pieces(&[&bytes[..a], &bytes[a..b], &bytes[b..]]);
                assert_eq!(got, Ok((text.into(), true)), "cuts {a} {b}");
            }
        }
    }

    #[test]
    fn fails_at_the_first_bad_byte() {
        let bad: [&[u8]; 8] =
            [b"\x80", b"\xc0", b"\xe0\x9f", b"\xed\xa0", b"\xf0\x80", b"\xf4\x90", b"\xf5", b"\xe2\x82\x28"];
        for bytes in bad {
            let (last, before) = bytes.split_last().unwrap();
            let mut carry = Carry::new();
            assert_eq!(carry.push(before, None), Ok(()), "{bytes:x?} could still become valid");
            assert_eq!(carry.push(&[*last], None), Err(NotUtf8), "{bytes:x?}");
            assert_eq!(Carry::new().push(bytes, None), Err(NotUtf8), "{bytes:x?}");
        }
    }

    #[test]
    fn cut_characters_are_told() {
        assert_eq!(in_pieces(&[b"ab\xf0\x9f\x92"]), Ok(("ab".into(), false)));
    }
}
