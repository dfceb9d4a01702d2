//! The head of a request or a response: where it ends, what it says, what it must not say.

use super::headers::{Field, Headers, Span};
use crate::base::Input;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A head that is refused. Each has the status that a server answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Over 16 KiB, or over 64 fields.
    #[error("the head is over 16 KiB or 64 fields")]
    TooLarge,
    /// Not HTTP/1.0 or HTTP/1.1.
    #[error("not HTTP/1.0 or HTTP/1.1")]
    Version,
    /// Bytes that no head has: a bare CR or LF, a NUL, a bad name, a folded line.
    #[error("the head is malformed")]
    Malformed,
    /// Not exactly one Host (RFC 9112 section 3.2).
    #[error("not exactly one Host")]
    Host,
    /// Two lengths, a length that is no number, a length and a transfer coding: what request smuggling is made of.
    #[error("the length of the body is ambiguous")]
    AmbiguousLength,
    /// A body, which is not taken here.
    #[error("a request with a body")]
    Body,
    /// A method other than GET and HEAD.
    #[error("a method other than GET and HEAD")]
    Method,
}

impl HeadError {
    /// The status that answers it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge => 431,
            Self::Body => 413,
            Self::Method => 405,
            Self::Version | Self::Malformed | Self::Host | Self::AmbiguousLength => 400,
        }
    }
}

/// Most fields of a head.
pub(super) const MAX_FIELDS: usize = 64;

/// Waits for the end of a head: in the caller's buffer when it comes whole, in its own of at most 16 KiB when a read
/// cut it.
#[derive(Debug, Default)]
pub(crate) struct HeadBuffer {
    held: Vec<u8>,
    /// How much of `\r\n\r\n` the bytes so far end with.
    matched: u8,
}

impl HeadBuffer {
    /// Largest head, its end included.
    pub(crate) const MAX: usize = 16 * 1024;

    /// Whether a head has begun.
    pub(crate) fn is_begun(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes a head from the front of `input` if its end is there; what comes behind it stays.
    pub(crate) fn take<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Cow<'b, [u8]>>, HeadError> {
        let bytes = input.as_slice();
        let Some(end) = self.find_end(bytes) else {
            if self.held.len() + bytes.len() > Self::MAX {
                return Err(HeadError::TooLarge);
            }
            self.held.extend_from_slice(input.take_all());
            return Ok(None);
        };
        if self.held.len() + end > Self::MAX {
            return Err(HeadError::TooLarge);
        }
        let last = input.take(end);
        self.matched = 0;
        if self.held.is_empty() {
            return Ok(Some(Cow::Borrowed(last)));
        }
        let mut head = core::mem::take(&mut self.held);
        head.extend_from_slice(last);
        Ok(Some(Cow::Owned(head)))
    }

    /// The place behind `\r\n\r\n`, whose start may have come before.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (i, byte) in bytes.iter().enumerate() {
            self.matched = match (self.matched, byte) {
                (0 | 2, b'\r') => self.matched + 1,
                (1, b'\n') => 2,
                (3, b'\n') => return Some(i + 1),
                (_, b'\r') => 1,
                _ => 0,
            };
        }
        None
    }
}

/// The fields of a parsed head; `head` must be what they were parsed from.
pub(super) fn headers(head: &[u8], parsed: &[httparse::Header<'_>]) -> Headers {
    let fields = parsed
        .iter()
        .map(|h| Field { name: Span::of(h.name.as_bytes(), head), value: Span::of(h.value, head) })
        .collect();
    Headers { bytes: head.to_vec(), fields }
}

/// What httparse lets through and RFC 9112 does not: a bare LF or CR, a NUL.
pub(super) fn check_lines(head: &[u8]) -> Result<(), HeadError> {
    let mut before = 0;
    for &byte in head {
        if (byte == b'\n') != (before == b'\r') || byte == 0 {
            return Err(HeadError::Malformed);
        }
        before = byte;
    }
    Ok(())
}

pub(super) fn error(e: httparse::Error) -> HeadError {
    match e {
        httparse::Error::TooManyHeaders => HeadError::TooLarge,
        httparse::Error::Version => HeadError::Version,
        _ => HeadError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_at_any_cut() {
        let bytes = b"GET / HTTP/1.1\r\n\rX\r\r\n\r\nrest";
        let end = bytes.len() - 4;
        for cut in 0..=bytes.len() {
            let mut buffer = HeadBuffer::default();
            let (mut a, mut b) = (bytes[..cut].to_vec(), bytes[cut..].to_vec());
            let (mut first, mut second) = (Input::new(&mut a), Input::new(&mut b));
            let head = match buffer.take(&mut first).unwrap() {
                Some(head) => head,
                None => buffer.take(&mut second).unwrap().unwrap(),
            };
            assert_eq!(&*head, &bytes[..end], "cut at {cut}");
            assert_eq!(first.len() + second.len(), 4);
        }
    }

    #[test]
    fn sixteen_kib_and_no_more() {
        for (len, fits) in [(HeadBuffer::MAX, true), (HeadBuffer::MAX + 1, false)] {
            let mut bytes = std::vec![b'a'; len - 4];
            bytes.extend(b"\r\n\r\n");
            let mut buffer = HeadBuffer::default();
            let taken =
                bytes.chunks_mut(1000).map(|piece| buffer.take(&mut Input::new(piece)).map(|h| h.is_some()));
            let results: Vec<_> = taken.collect();
            assert_eq!(results.last() == Some(&Ok(true)), fits);
            assert_eq!(results.contains(&Err(HeadError::TooLarge)), !fits);
        }
    }
}
