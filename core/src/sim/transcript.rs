//! What happened, as a hash.

use crate::base::Instant;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::{self, Display, Write};

/// Whoever is shown each line.
type Watcher = Box<dyn FnMut(fmt::Arguments<'_>) + Send>;

/// All that happened in a world, in order, hashed, and shown line by line to a watcher if there is one. No line is kept.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::sim::Transcript;
///
/// let (mut a, mut b) = (Transcript::default(), Transcript::default());
/// a.note(Instant::ORIGIN, "ahoy");
/// b.note(Instant::ORIGIN, "ahoy");
/// assert_eq!((a.hash(), a.lines()), (b.hash(), 1));
/// ```
pub struct Transcript {
    hash: u64,
    lines: u64,
    /// The last line, for its memory.
    line: String,
    watcher: Option<Watcher>,
}

impl Default for Transcript {
    /// Nothing has happened yet.
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, line: String::new(), watcher: None }
    }
}

impl Transcript {
    /// Shows each further line to `watcher`, as to `println!`.
    pub fn watch(&mut self, watcher: impl FnMut(fmt::Arguments<'_>) + Send + 'static) {
        self.watcher = Some(Box::new(watcher));
    }

    /// Something happened.
    pub fn note(&mut self, now: Instant, what: impl Display) {
        self.lines += 1;
        if let Some(watcher) = &mut self.watcher {
            watcher(format_args!("{now:?} {what}"));
        }
        self.line.clear();
        // Writing to a string fails only if `what` does.
        let _ = write!(self.line, "{what}");
        self.take(now.as_nanos());
        self.take(self.line.len() as u64);
        let line = core::mem::take(&mut self.line);
        let (words, rest) = line.as_bytes().as_chunks();
        words.iter().for_each(|word| self.take(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.take(u64::from_le_bytes(last));
        self.line = line;
    }

    /// Takes eight bytes in. A byte at a time, as FNV has it, was a fifth of the time of a run.
    fn take(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
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

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transcript({} lines, {:016x})", self.lines, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_and_when_and_order_count() {
        let hash = |notes: &[(u64, &str)]| {
            let mut transcript = Transcript::default();
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
