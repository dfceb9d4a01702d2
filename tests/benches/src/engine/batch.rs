//! What one read brings, or one write takes.

use crate::frames::{BINARY, TEXT, frame};
use bytes::Bytes;

/// The sizes of messages that are measured, in bytes.
pub const SIZES: [usize; 6] = [16, 125, 1024, 16 * 1024, 64 * 1024, 1024 * 1024];

/// Most frames of a batch.
const FRAMES: usize = 64;
/// Most bytes of payload of a batch, unless one frame has more.
const BYTES: usize = 64 * 1024;

/// What is in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Bytes of all values, in a binary message.
    Binary,
    /// A text of letters that take one byte.
    Ascii,
    /// A text of letters that take one to four.
    Mixed,
    /// A text that shrinks as what applications send does: records in JSON.
    Json,
}

/// Messages of one size, as many as come with one read.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What is in each.
    pub content: Content,
    /// A message.
    pub payload: Bytes,
    /// How many there are.
    pub frames: usize,
    /// All of them as a client sends them, each under a key of its own.
    pub masked: Bytes,
}

impl Batch {
    /// Messages of `size` bytes: 64 of them or as many as 64 KiB hold, but at least one.
    #[must_use]
    pub fn new(content: Content, size: usize) -> Self {
        let (payload, frames) = (payload(content, size), (BYTES / size.max(1)).clamp(1, FRAMES));
        let first = if content == Content::Binary { BINARY } else { TEXT };
        let masked = (0..frames).flat_map(|i| frame(first, &payload, Some(key(i)))).collect();
        Self { content, payload: payload.into(), frames, masked }
    }

    /// Bytes of payload of all messages.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payload.len() * self.frames
    }

    /// Bytes on the wire of all messages, sent by `masked` or not, as binary ones.
    #[must_use]
    pub fn wire_len(&self, masked: bool) -> usize {
        frame(BINARY, &self.payload, masked.then_some([0; 4])).len() * self.frames
    }
}

fn key(i: usize) -> [u8; 4] {
    (0x9e37_79b9_u32.wrapping_mul(i as u32 + 1)).to_be_bytes()
}

fn payload(content: Content, size: usize) -> Vec<u8> {
    match content {
        Content::Binary => (0..size).map(|i| (i * 31 + (i >> 8)) as u8).collect(),
        Content::Ascii => {
            "The quick brown fox jumps over the lazy dog. ".bytes().cycle().take(size).collect()
        }
        Content::Mixed => {
            let mut text = String::with_capacity(size);
            for letter in
                "Schöne Grüße, Ελληνικά, 日本語の文章, русский 🜁🜂 and plain letters. ".chars().cycle()
            {
                if text.len() + letter.len_utf8() > size {
                    break;
                }
                text.push(letter);
            }
            text.extend(std::iter::repeat_n('.', size - text.len()));
            text.into_bytes()
        }
        Content::Json => {
            let mut text = String::with_capacity(size + 128);
            let mut state = 1_u32;
            while text.len() < size {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (id, price) = (state >> 12, f64::from(state >> 16) / 100.0);
                text.push_str(&format!(
                    "{{\"type\":\"trade\",\"id\":{id},\"symbol\":\"BTC-EUR\",\"price\":{price:.2},\"side\":\"buy\"}},"
                ));
            }
            text.truncate(size);
            text.into_bytes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_what_they_say() {
        for content in [Content::Binary, Content::Ascii, Content::Mixed, Content::Json] {
            for (size, frames) in SIZES.into_iter().zip([64, 64, 64, 4, 1, 1]) {
                let batch = Batch::new(content, size);
                assert_eq!((batch.payload.len(), batch.frames), (size, frames));
                assert_eq!(batch.masked.len(), batch.wire_len(true));
                assert!(content == Content::Binary || std::str::from_utf8(&batch.payload).is_ok());
                assert_eq!(batch.payload.is_ascii(), content != Content::Binary && content != Content::Mixed);
            }
        }
    }
}
