//! Masking (RFC 6455 section 5.3): an XOR with four bytes, the same both ways.

/// Masks or unmasks `bytes` in place. `phase` is how many bytes of the frame's payload came before them.
///
/// ```
/// use wharf::ws::wire::mask;
///
/// let mut bytes = *b"ahoy there";
/// mask::apply(&mut bytes[..3], [1, 2, 3, 4], 0);
/// mask::apply(&mut bytes[3..], [1, 2, 3, 4], 3);
/// mask::apply(&mut bytes, [1, 2, 3, 4], 0);
/// assert_eq!(&bytes, b"ahoy there");
/// ```
#[inline]
pub fn apply(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    let key = u32::from_ne_bytes(key);
    let key = rotated(key, phase);
    let wide = u64::from(key) << 32 | u64::from(key);
    // A plain loop over eight bytes is what the compiler turns into vector instructions.
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// The key as it applies `phase` bytes into the payload.
fn rotated(key: u32, phase: usize) -> u32 {
    let bits = (phase as u32 & 3) * 8;
    if cfg!(target_endian = "little") { key.rotate_right(bits) } else { key.rotate_left(bits) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn same_as_byte_by_byte_at_any_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..67).collect();
        let want: Vec<u8> = plain.iter().enumerate().map(|(i, b)| b ^ key[i % 4]).collect();
        for cut in 0..=plain.len() {
            let mut got = plain.clone();
            apply(&mut got[..cut], key, 0);
            apply(&mut got[cut..], key, cut);
            assert_eq!(got, want, "cut at {cut}");
        }
    }
}
