//! Masking (RFC 6455 section 5.3): an XOR with four bytes, the same both ways.

use alloc::vec::Vec;
#[cfg(feature = "simd")]
use fearless_simd::{Level, dispatch};

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
    let wide = widened(key, phase);
    #[cfg(feature = "simd")]
    if bytes.len() >= WORTH_ASKING {
        return apply_by_best(bytes, wide);
    }
    apply_words(bytes, wide);
}

/// From so many bytes on it pays to ask the processor what it can.
#[cfg(feature = "simd")]
const WORTH_ASKING: usize = 512;

/// From so many on, two passes of wide words that begin with lines of the cache are faster than one by blocks.
#[cfg(feature = "simd")]
const MANY: usize = 4096;

/// Wide words that lie across two lines of the cache cost twice, so those before the first line go by themselves.
#[cfg(feature = "simd")]
fn apply_by_best(bytes: &mut [u8], wide: u64) {
    let (head, lines) = bytes.split_at_mut(before_line(bytes));
    apply_words(head, wide);
    let wide = widened_by(wide, head.len());
    dispatch!(Level::new(), _ => apply_words(lines, wide));
}

#[cfg(feature = "simd")]
fn copy_by_best(to: &mut [u8], from: &[u8], wide: u64) {
    let at = before_line(to).min(from.len());
    let ((to_head, to), (head, from)) = (to.split_at_mut(at), from.split_at(at));
    copy_words(to_head, head, wide);
    let wide = widened_by(wide, at);
    dispatch!(Level::new(), _ => copy_words(to, from, wide));
}

/// How much lies before the first whole line of the cache, where so many lines follow that it matters.
#[cfg(feature = "simd")]
fn before_line(bytes: &[u8]) -> usize {
    if bytes.len() < MANY { 0 } else { bytes.as_ptr().align_offset(64).min(bytes.len()) }
}

/// The key, twice, as it applies `n` bytes further on.
#[cfg(feature = "simd")]
fn widened_by(wide: u64, n: usize) -> u64 {
    let bits = (n as u32 & 3) * 8;
    if cfg!(target_endian = "little") { wide.rotate_right(bits) } else { wide.rotate_left(bits) }
}

/// A plain loop over eight bytes is what the compiler turns into vector instructions, of whatever kind is at hand where it
/// is inlined.
#[inline(always)]
fn apply_words(bytes: &mut [u8], wide: u64) {
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

#[inline(always)]
fn copy_words(to: &mut [u8], from: &[u8], wide: u64) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<8>(), from.as_chunks::<8>());
    for (to, from) in to.iter_mut().zip(from) {
        *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
    }
    for ((to, from), key) in to_rest.iter_mut().zip(from_rest).zip(wide.to_ne_bytes()) {
        *to = from ^ key;
    }
}

/// Copies `from` to `to`, which is as long, and masks or unmasks on the way.
pub(in crate::ws) fn copy(to: &mut [u8], from: &[u8], key: [u8; 4], phase: usize) {
    let wide = widened(key, phase);
    #[cfg(feature = "simd")]
    if from.len() >= WORTH_ASKING {
        return copy_by_best(to, from, wide);
    }
    copy_words(to, from, wide);
}

/// Appends a masked copy of `bytes` to `out`, in one pass over them.
#[inline(never)]
pub(in crate::ws) fn append(out: &mut Vec<u8>, bytes: &[u8], key: [u8; 4]) {
    let wide = widened(key, 0);
    #[cfg(feature = "simd")]
    if bytes.len() >= WORTH_ASKING {
        return append_by_best(out, bytes, wide);
    }
    append_words(out, bytes, wide);
}

#[cfg(feature = "simd")]
fn append_by_best(out: &mut Vec<u8>, bytes: &[u8], wide: u64) {
    if bytes.len() >= MANY {
        let from = out.len();
        out.extend_from_slice(bytes);
        return apply_by_best(&mut out[from..], wide);
    }
    out.reserve(bytes.len());
    dispatch!(Level::new(), _ => append_words(out, bytes, wide));
}

#[inline(always)]
fn append_words(out: &mut Vec<u8>, bytes: &[u8], wide: u64) {
    // Block by block from registers: room made by zeroes for one wide loop would be written twice.
    let (blocks, rest) = bytes.as_chunks::<128>();
    for block in blocks {
        out.extend_from_slice(&masked(*block, wide));
    }
    let (pieces, mut rest) = rest.as_chunks::<16>();
    for piece in pieces {
        out.extend_from_slice(&masked(*piece, wide));
    }
    if let Some((word, tail)) = rest.split_first_chunk::<8>() {
        out.extend_from_slice(&masked(*word, wide));
        rest = tail;
    }
    if !rest.is_empty() {
        out.extend(rest.iter().zip(wide.to_ne_bytes()).map(|(byte, key)| byte ^ key));
    }
}

#[inline(always)]
fn masked<const N: usize>(mut block: [u8; N], wide: u64) -> [u8; N] {
    for word in block.as_chunks_mut::<8>().0 {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    block
}

/// The key as it applies `phase` bytes into the payload, twice.
#[inline]
fn widened(key: [u8; 4], phase: usize) -> u64 {
    let (key, bits) = (u32::from_ne_bytes(key), (phase as u32 & 3) * 8);
    let key = if cfg!(target_endian = "little") { key.rotate_right(bits) } else { key.rotate_left(bits) };
    u64::from(key) << 32 | u64::from(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_as_byte_by_byte_at_any_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..=255).cycle().take(4800).collect();
        let want: Vec<u8> = plain.iter().enumerate().map(|(i, b)| b ^ key[i % 4]).collect();
        for cut in (0..600).chain(3900..=plain.len()) {
            let mut got = plain.clone();
            apply(&mut got[..cut], key, 0);
            apply(&mut got[cut..], key, cut);
            assert_eq!(got, want, "cut at {cut}");
            copy(&mut got[..cut], &plain[..cut], key, 0);
            copy(&mut got[cut..], &plain[cut..], key, cut);
            assert_eq!(got, want, "cut at {cut}");
            let mut appended = Vec::from(b"before");
            append(&mut appended, &plain[..cut], key);
            assert_eq!((&appended[..6], &appended[6..]), (&b"before"[..], &want[..cut]));
        }
    }
}
