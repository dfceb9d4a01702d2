//! What happened, as a hash.

use std::fmt::{self, Display, Write};
use wharf::base::Instant;

/// All that happened in a world, in order, hashed by FNV-1a; printed as it goes where asked for.
#[derive(Debug)]
pub struct Transcript {
    hash: u64,
    lines: u64,
    printed: bool,
}

impl Transcript {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(printed: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, printed }
    }

    /// Something happened.
    pub fn note(&mut self, now: Instant, what: impl Display) {
        self.lines += 1;
        if self.printed {
            println!("{now:?} {what}");
        }
        // Writing to the hash cannot fail.
        let _ = writeln!(self, "{} {what}", now.as_nanos());
    }

    /// The hash of all of it.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many things happened.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }
}

impl Write for Transcript {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_and_when_and_order_count() {
        let hash = |notes: &[(u64, &str)]| {
            let mut transcript = Transcript::new(false);
            for (at, what) in notes {
                transcript.note(Instant::from_nanos(*at), what);
            }
            (transcript.hash(), transcript.lines())
        };
        assert_eq!(hash(&[(1, "a"), (2, "b")]), hash(&[(1, "a"), (2, "b")]));
        assert_ne!(hash(&[(1, "a"), (2, "b")]), hash(&[(2, "b"), (1, "a")]));
        assert_ne!(hash(&[(1, "a")]), hash(&[(2, "a")]));
    }
}
