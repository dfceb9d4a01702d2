//! The first bytes of an answer's body, as many as a person wants to read of a refusal.

use super::{ResponseHead, Version};
use crate::base::Input;
use alloc::vec::Vec;

/// Gathers at most `limit` bytes of one body (RFC 9112 section 6.3).
#[derive(Debug)]
pub(crate) struct BodyReader {
    stage: Stage,
    body: Vec<u8>,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// So many bytes are to come.
    Length(u64),
    /// All until the end of the stream.
    UntilEnd,
    /// In a chunk's size; `true` once its digits are over.
    Size(u64, bool),
    /// In a chunk's data.
    Data(u64),
    /// In the line end behind a chunk's data.
    DataEnd,
    Done,
    /// It is no chunked coding.
    Broken,
}

impl BodyReader {
    /// The body that follows `head`.
    pub(crate) fn new(head: &ResponseHead, limit: usize) -> Self {
        let chunked =
            head.version() == Version::Http11 && head.headers().list_has("transfer-encoding", "chunked");
        let stage = match head.headers().content_length() {
            _ if matches!(head.status(), 100..=199 | 204 | 304) => Stage::Done,
            _ if chunked => Stage::Size(0, false),
            Ok(Some(length)) => Stage::Length(length),
            Ok(None) | Err(_) => Stage::UntilEnd,
        };
        let stage = if stage == Stage::Length(0) { Stage::Done } else { stage };
        Self { stage, body: Vec::new(), limit }
    }

    /// Whether no more is wanted: the body is whole, full or broken.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Broken) || self.body.len() >= self.limit
    }

    /// Whether what comes is no chunked coding, though it should be.
    pub(crate) fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// Takes what belongs to the body, as far as it is wanted.
    pub(crate) fn receive(&mut self, input: &mut Input<'_>) {
        while !self.is_done() && !input.is_empty() {
            match self.stage {
                Stage::Length(left) => {
                    let left = self.take(input, left);
                    self.stage = if left == 0 { Stage::Done } else { Stage::Length(left) };
                }
                Stage::UntilEnd => {
                    self.take(input, u64::MAX);
                }
                Stage::Data(left) => {
                    let left = self.take(input, left);
                    self.stage = if left == 0 { Stage::DataEnd } else { Stage::Data(left) };
                }
                Stage::Size(..) | Stage::DataEnd => self.stage = self.framing_byte(input.take(1)[0]),
                Stage::Done | Stage::Broken => {}
            }
        }
    }

    /// The stream ended, which is the end of a body that tells no other.
    pub(crate) fn receive_eof(&mut self) {
        if self.stage == Stage::UntilEnd && self.body.len() < self.limit {
            self.stage = Stage::Done;
        }
    }

    /// What came, and whether that is known to be all.
    pub(crate) fn into_parts(self) -> (Vec<u8>, bool) {
        let whole = self.stage == Stage::Done;
        (self.body, whole)
    }

    fn take(&mut self, input: &mut Input<'_>, left: u64) -> u64 {
        let room = (self.limit - self.body.len()) as u64;
        let taken = input.take(usize::try_from(left.min(room)).unwrap_or(usize::MAX));
        self.body.extend_from_slice(taken);
        left - taken.len() as u64
    }

    /// A byte between the chunks' data. What is no chunked coding ends the body: it is only shown.
    fn framing_byte(&self, byte: u8) -> Stage {
        match (self.stage, byte) {
            (Stage::DataEnd, b'\r') => Stage::DataEnd,
            (Stage::DataEnd, b'\n') => Stage::Size(0, false),
            (Stage::Size(0, _), b'\n') => Stage::Done,
            (Stage::Size(size, _), b'\n') => Stage::Data(size),
            (Stage::Size(size, false), byte) => match (byte as char).to_digit(16) {
                Some(digit) if size >> 56 == 0 => Stage::Size(size << 4 | u64::from(digit), false),
                Some(_) => Stage::Broken,
                None => Stage::Size(size, true),
            },
            (Stage::Size(size, true), _) => Stage::Size(size, true),
            _ => Stage::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    /// The body, whether it is whole, and what is left; cut at every place, and the same each time.
    fn read(headers: &str, bytes: &str, limit: usize) -> (Vec<u8>, bool, usize) {
        let head = format!("HTTP/1.1 403 x\r\n{headers}\r\n");
        let head = ResponseHead::parse(head.as_bytes()).unwrap();
        let mut results = Vec::new();
        for cut in 0..=bytes.len() {
            let mut reader = BodyReader::new(&head, limit);
            let mut left = 0;
            for part in [&bytes[..cut], &bytes[cut..]] {
                let mut part = part.as_bytes().to_vec();
                let mut input = Input::new(&mut part);
                reader.receive(&mut input);
                left += input.len();
            }
            let (body, whole) = reader.into_parts();
            results.push((body, whole, left));
        }
        results.dedup();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    #[test]
    fn by_length_and_by_end() {
        assert_eq!(read("Content-Length: 3\r\n", "abcd", 9), (b"abc".to_vec(), true, 1));
        assert_eq!(read("Content-Length: 3\r\n", "ab", 9), (b"ab".to_vec(), false, 0));
        assert_eq!(read("Content-Length: 0\r\n", "ab", 9), (b"".to_vec(), true, 2));
        assert_eq!(read("", "abcd", 3), (b"abc".to_vec(), false, 1));
        assert_eq!(read("Content-Length: 4\r\n", "abcd", 3), (b"abc".to_vec(), false, 1));
    }

    #[test]
    fn chunked() {
        let chunked = "Transfer-Encoding: chunked\r\n";
        assert_eq!(read(chunked, "3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n", 9), (b"abcde".to_vec(), true, 2));
        assert_eq!(read(chunked, "3\r\nabcX", 9), (b"abc".to_vec(), false, 0));
        assert_eq!(read(chunked, "A\r\nabcdefghij\r\n", 4), (b"abcd".to_vec(), false, 8));
        assert_eq!(read(chunked, "fffffffffffffffff\r\n", 4), (b"".to_vec(), false, 3));
    }
}
