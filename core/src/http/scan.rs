//! Finds the end of a head, and refuses what two readers could read differently. Each byte is looked at once.

use super::HeadError;

/// What a head may be at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes, from the first to the last of the empty line.
    pub(super) bytes: usize,
    /// Header lines.
    pub(super) headers: usize,
}

impl Limits {
    /// 16 KiB and 64 headers.
    pub(super) const HEAD: Self = Self { bytes: 16 * 1024, headers: 64 };
}

/// Where the scan stands between two reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scanner {
    /// Bytes of the head seen so far.
    len: usize,
    /// Lines that have ended, empty ones before the first not counted.
    lines: usize,
    /// The line at hand has a byte.
    in_line: bool,
    /// The last byte was a CR.
    cr: bool,
}

impl Scanner {
    /// Bytes of the head seen so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Goes through `bytes`, which continue what was scanned before. `Some(n)`: the head ends behind the first `n` of
    /// them.
    ///
    /// Empty lines before the first are skipped (RFC 9112 section 2.2), but count for the limit.
    pub(super) fn scan(&mut self, bytes: &[u8], limits: Limits) -> Result<Option<usize>, HeadError> {
        let allowed = bytes.len().min(limits.bytes.saturating_sub(self.len));
        let mut at = 0;
        while at < allowed {
            if !self.cr {
                at = self.skip_text(&bytes[..allowed], at)?;
                if at == allowed {
                    break;
                }
            }
            let end = self.line_break(bytes[at], limits)?;
            at += 1;
            if end {
                self.len += at;
                return Ok(Some(at));
            }
        }
        self.len += at;
        if at < bytes.len() {
            return Err(self.too_large());
        }
        Ok(None)
    }

    /// Passes over the text of a line; stops at a control character.
    fn skip_text(&mut self, bytes: &[u8], at: usize) -> Result<usize, HeadError> {
        let rest = &bytes[at..];
        let text = text_len(rest);
        if text > 0 && !self.in_line {
            if self.lines > 0 && matches!(rest[0], b' ' | b'\t') {
                return Err(HeadError::Malformed);
            }
            self.in_line = true;
        }
        Ok(at + text)
    }

    /// Takes a byte of a line's end; whether the head ends with it.
    fn line_break(&mut self, byte: u8, limits: Limits) -> Result<bool, HeadError> {
        match (byte, self.cr) {
            (b'\n', true) => self.cr = false,
            (_, true) => return Err(HeadError::Malformed),
            (b'\r', false) => {
                self.cr = true;
                return Ok(false);
            }
            (_, false) => return Err(HeadError::Malformed),
        }
        if !self.in_line {
            return Ok(self.lines > 0);
        }
        self.in_line = false;
        self.lines += 1;
        if self.lines > limits.headers + 1 {
            return Err(HeadError::TooLarge);
        }
        Ok(false)
    }

    fn too_large(&self) -> HeadError {
        if self.lines == 0 { HeadError::TargetTooLarge } else { HeadError::TooLarge }
    }
}

/// Bytes before the first control character that is not a tab.
fn text_len(bytes: &[u8]) -> usize {
    let end = memchr::memchr(b'\r', bytes).unwrap_or(bytes.len());
    if is_text(&bytes[..end]) { end } else { bytes.iter().position(is_control).unwrap_or(bytes.len()) }
}

/// Whether there is no control character, looked at by blocks without a branch for each byte, of which the compiler makes
/// vector instructions; the last block may overlap the one before.
fn is_text(bytes: &[u8]) -> bool {
    let clean = |block: &[u8; 16]| !block.iter().fold(false, |any, byte| any | is_control(byte));
    match bytes.last_chunk::<16>() {
        Some(last) => bytes.as_chunks::<16>().0.iter().all(clean) && clean(last),
        None => !bytes.iter().any(is_control),
    }
}

fn is_control(byte: &u8) -> bool {
    (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { bytes: 64, headers: 3 };

    fn scan(bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        Scanner::default().scan(bytes, LIMITS)
    }

    fn scan_in_pieces(pieces: &[&[u8]]) -> Result<Option<usize>, HeadError> {
        let (mut scanner, mut before) = (Scanner::default(), 0);
        for piece in pieces {
            if let Some(n) = scanner.scan(piece, LIMITS)? {
                return Ok(Some(before + n));
            }
            before += piece.len();
        }
        Ok(None)
    }

    #[test]
    fn ends_at_the_empty_line() {
        assert_eq!(scan(b"GET / HTTP/1.1\r\n\r\nrest"), Ok(Some(18)));
        assert_eq!(scan(b"\r\n\r\nGET / HTTP/1.1\r\na: b\r\n\r\n"), Ok(Some(28)));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\r\n"), Ok(None));
        assert_eq!(scan(b""), Ok(None));
    }

    #[test]
    fn refuses_what_smells() {
        assert_eq!(scan(b"GET / HTTP/1.1\n"), Err(HeadError::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\rc\r\n"), Err(HeadError::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: \0"), Err(HeadError::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\n: b\x7f"), Err(HeadError::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\r\n c"), Err(HeadError::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\n\ta: b"), Err(HeadError::Malformed));
    }

    #[test]
    fn the_limits_are_exact() {
        let mut head = *b"GET / HTTP/1.1\r\na: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n";
        assert_eq!((head.len(), scan(&head)), (64, Ok(Some(64))));
        head[60] = b'b';
        assert_eq!(scan(&head[..61]), Ok(None));
        assert_eq!(scan(&[&head[..60], b"bbbbb"].concat()), Err(HeadError::TooLarge));
        assert_eq!(scan(&[b'a'; 65]), Err(HeadError::TargetTooLarge));
        assert_eq!(scan(b"G\r\na:\r\nb:\r\nc:\r\n\r\n"), Ok(Some(17)));
        assert_eq!(scan(b"G\r\na:\r\nb:\r\nc:\r\nd:\r\n"), Err(HeadError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            bytes in prop::collection::vec(prop::sample::select(&b"a:  \t\r\r\r\n\n\n\0\x80"[..]), 0..90),
            cuts in prop::collection::vec(0usize..90, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.sort_unstable();
            let (mut pieces, mut at) = (Vec::new(), 0);
            for cut in cuts {
                pieces.push(&bytes[at..cut]);
                at = cut;
            }
            pieces.push(&bytes[at..]);
            prop_assert_eq!(scan(&bytes), scan_in_pieces(&pieces));
        }

        #[test]
        fn lines_are_found(lines in prop::collection::vec("[a-z:][a-z: ]{0,7}", 1..4), behind in "[a-z\r\n]{0,9}") {
            let head = alloc::format!("{}\r\n\r\n", lines.join("\r\n"));
            let whole = [head.as_bytes(), behind.as_bytes()].concat();
            prop_assert_eq!(scan(&whole[..whole.len().min(LIMITS.bytes)]), Ok(Some(head.len())));
        }
    }
}
