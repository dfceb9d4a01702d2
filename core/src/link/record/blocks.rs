//! A recording as bytes: magic, version, blocks with their checksums.

use super::ReplayError;
use crate::base::Checksum;
use alloc::vec::Vec;

const MAGIC: &[u8; 8] = b"WHARFREC";
/// Of the format, the calls in it, and what they mean.
const VERSION: u16 = 1;
/// Length and checksum.
const HEAD: usize = 8;

/// The begin of every recording.
pub(super) fn begin() -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&VERSION.to_le_bytes());
    file
}

/// Appends a block; an empty one is the end.
pub(super) fn push(file: &mut Vec<u8>, content: &[u8]) {
    file.extend_from_slice(&(content.len() as u32).to_le_bytes());
    file.extend_from_slice(&sum(content).to_le_bytes());
    file.extend_from_slice(content);
}

/// The checksum of bytes.
pub(super) fn sum(bytes: &[u8]) -> u32 {
    Checksum::of(bytes)
}

/// The content of all blocks, of which the first is the head.
pub(super) fn read(file: &[u8]) -> Result<Vec<&[u8]>, ReplayError> {
    let Some((magic, rest)) = file.split_first_chunk::<8>() else { return Err(ReplayError::Foreign) };
    if magic != MAGIC {
        return Err(ReplayError::Foreign);
    }
    let Some((version, mut rest)) = rest.split_first_chunk::<2>() else { return Err(ReplayError::Truncated) };
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(ReplayError::Version { found: version, known: VERSION });
    }
    let mut blocks = Vec::new();
    loop {
        let at = file.len() - rest.len();
        let (Some(length), Some(told), true) = (number(rest, 0), number(rest, 4), rest.len() >= HEAD) else {
            return Err(ReplayError::Truncated);
        };
        let Some(content) = rest[HEAD..].get(..length as usize) else { return Err(ReplayError::Truncated) };
        if sum(content) != told {
            return Err(ReplayError::Damaged { at });
        }
        rest = &rest[HEAD + content.len()..];
        if content.is_empty() {
            break;
        }
        blocks.push(content);
    }
    if !rest.is_empty() {
        return Err(ReplayError::Damaged { at: file.len() - rest.len() });
    }
    Ok(blocks)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A number in as few bytes as it needs, seven bits in each.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes behind their number.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes a number.
pub(super) fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes bytes.
pub(super) fn take_bytes<'f>(from: &mut &'f [u8]) -> Option<&'f [u8]> {
    let n = usize::try_from(take(from)?).ok()?;
    let (bytes, rest) = from.split_at_checked(n)?;
    *from = rest;
    Some(bytes)
}
