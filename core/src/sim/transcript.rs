//! What happened, as a hash.

use crate::base::Instant;
use alloc::boxed::Box;
use core::fmt::{self, Display, Write};

/// Whoever is shown each line.
type Watcher = Box<dyn FnMut(fmt::Arguments<'_>) + Send>;

/// All that happened in a world, in order, hashed by FNV-1a, and shown line by line to a watcher if there is one. No line
/// is kept.
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
    watcher: Option<Watcher>,
}

impl Default for Transcript {
    /// Nothing has happened yet.
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, watcher: None }
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
        // Writing to the hash cannot fail.
        let _ = writeln!(Hasher(&mut self.hash), "{} {what}", now.as_nanos());
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

struct Hasher<'a>(&'a mut u64);

impl Write for Hasher<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.0 = (*self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
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
