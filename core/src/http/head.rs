//! The head of a request or a response: where it ends, what it says, what it must not say.

use super::headers::{Field, Headers, Span};
use super::scan::{Limits, Scanner};
use crate::base::Input;
use alloc::vec::Vec;

/// A head that is refused. Each has the status that a server answers with.
///
/// ```
/// use wharf::http::{HeadError, Request};
///
/// let error = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").unwrap_err();
/// assert_eq!((error, error.status()), (HeadError::Host, 400));
/// assert_eq!(error.to_string(), "not exactly one valid Host");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Over 16 KiB, or over 64 fields.
    #[error("the head is over 16 KiB or 64 fields")]
    TooLarge,
    /// The first line alone is over 16 KiB.
    #[error("the request target is over 16 KiB")]
    TargetTooLarge,
    /// Not HTTP/1.0 or HTTP/1.1.
    #[error("not HTTP/1.0 or HTTP/1.1")]
    Version,
    /// Bytes that no head has: a bare CR or LF, a NUL, a bad name, a folded line.
    #[error("the head is malformed")]
    Malformed,
    /// A request target that is neither a path nor a whole `http`, `https`, `ws` or `wss` URI (RFC 9112 section 3.2).
    #[error("the request target is malformed")]
    Target,
    /// Not exactly one Host, or one that is no host with an optional port (RFC 9112 section 3.2).
    #[error("not exactly one valid Host")]
    Host,
    /// Two lengths, a length that is no number, a length and a transfer coding: what request smuggling is made of.
    #[error("the length of the body is ambiguous")]
    AmbiguousLength,
    /// A body that may be over 64 KiB. Bodies are not taken at all; behind one the connection is closed.
    #[error("a body that may be over 64 KiB")]
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
            Self::TargetTooLarge => 414,
            Self::Version => 505,
            Self::Body => 413,
            Self::Method => 405,
            Self::Malformed | Self::Target | Self::Host | Self::AmbiguousLength => 400,
        }
    }
}

/// Most fields of a head.
pub(super) const MAX_FIELDS: usize = Limits::HEAD.headers;

/// Waits for the end of a head. Each byte is looked at once; one that no head has is refused at once. What a read cut
/// waits here, at most 16 KiB; between two heads there is no heap.
#[derive(Debug, Default)]
pub(crate) struct HeadBuffer {
    held: Vec<u8>,
    scanner: Scanner,
}

impl HeadBuffer {
    /// Whether a head has begun.
    pub(crate) fn is_begun(&self) -> bool {
        self.scanner.len() > 0
    }

    /// Takes a head from the front of `input` if its end is there; what comes behind it stays. An error is final.
    pub(crate) fn take(&mut self, input: &mut Input<'_>) -> Result<Option<Vec<u8>>, HeadError> {
        let Some(end) = self.scanner.scan(input.as_slice(), Limits::HEAD)? else {
            self.held.extend_from_slice(input.take_all());
            return Ok(None);
        };
        let last = input.take(end);
        self.scanner = Scanner::default();
        if self.held.is_empty() {
            return Ok(Some(last.to_vec()));
        }
        let mut head = core::mem::take(&mut self.held);
        head.extend_from_slice(last);
        Ok(Some(head))
    }

    /// Gives up what came.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Whether `bytes` are one whole head and nothing else.
pub(super) fn check_whole(bytes: &[u8]) -> Result<(), HeadError> {
    match Scanner::default().scan(bytes, Limits::HEAD)? {
        Some(end) if end == bytes.len() => Ok(()),
        _ => Err(HeadError::Malformed),
    }
}

/// The fields of a parsed head; `head` must be what they were parsed from.
pub(super) fn fields(head: &[u8], parsed: &[httparse::Header<'_>]) -> Vec<Field> {
    parsed
        .iter()
        .map(|h| Field { name: Span::of(h.name.as_bytes(), head), value: Span::of(h.value, head) })
        .collect()
}

pub(super) fn headers(bytes: Vec<u8>, fields: Vec<Field>) -> Headers {
    Headers { bytes, fields }
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
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
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
            assert!(!buffer.is_begun() && buffer.held.capacity() == 0);
        }
    }

    #[test]
    fn sixteen_kib_and_no_more() {
        for (len, fits) in [(Limits::HEAD.bytes, true), (Limits::HEAD.bytes + 1, false)] {
            let mut bytes = b"GET / HTTP/1.1\r\na: ".to_vec();
            bytes.resize(len - 4, b'a');
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
