//! Sealed bytes on their way out, and what of the plain output each stretch of them carries.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes that a stage made of a machine's output (TLS records), until the transport takes them. Whoever fills it
/// bounds it. Drained, it owns no heap.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    bytes: Vec<u8>,
    /// How much of `bytes` is taken.
    head: usize,
    /// All bytes ever taken: what places count from.
    taken: u64,
    credits: VecDeque<Credit>,
}

/// Once the wire is taken up to `end`, `plain` bytes of the machine's output are written.
#[derive(Clone, Copy, Debug)]
struct Credit {
    end: u64,
    plain: usize,
}

impl Wire {
    /// Taken bytes are left in place up to this much, or as much as still waits: moving those is the cost.
    const TAKEN: usize = 16 * 1024;

    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), head: 0, taken: 0, credits: VecDeque::new() }
    }

    /// Bytes not yet taken.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.head
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where to append to. Only ever appended to.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// All that was appended so far carries `plain` more bytes of the machine's output.
    pub(crate) fn carries(&mut self, plain: usize) {
        if plain > 0 {
            let end = self.taken + self.len() as u64;
            self.credits.push_back(Credit { end, plain });
        }
    }

    /// The machine whose output is on the wire is gone: its bytes go out, and nobody is told.
    pub(crate) fn forget_credits(&mut self) {
        self.credits = VecDeque::new();
    }

    pub(crate) fn slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
        match out.first_mut() {
            Some(first) if !self.is_empty() => {
                *first = &self.bytes[self.head..];
                1
            }
            _ => 0,
        }
    }

    /// The transport took `n` bytes, or all there are. Returns how much of the machine's output is written by that:
    /// a record counts once it is taken whole.
    pub(crate) fn advance(&mut self, n: usize) -> usize {
        let n = n.min(self.len());
        self.head += n;
        self.taken += n as u64;
        let mut plain = 0;
        while let Some(front) = self.credits.front().filter(|credit| credit.end <= self.taken) {
            plain += front.plain;
            self.credits.pop_front();
        }
        if self.is_empty() {
            self.bytes = Vec::new();
            self.credits = VecDeque::new();
            self.head = 0;
        } else if self.head >= Self::TAKEN && self.head > self.len() {
            self.bytes.drain(..self.head);
            self.head = 0;
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_once_it_is_taken_whole() {
        let mut wire = Wire::new();
        wire.tail().extend_from_slice(&[1; 30]);
        wire.carries(10);
        wire.tail().extend_from_slice(&[2; 25]);
        wire.carries(5);
        assert_eq!((wire.advance(29), wire.advance(1)), (0, 10));
        assert_eq!((wire.advance(24), wire.len()), (0, 1));
        assert_eq!(wire.advance(99), 5);
        assert_eq!((wire.bytes.capacity(), wire.credits.capacity()), (0, 0));
    }

    #[test]
    fn forgotten_credits_are_not_told() {
        let mut wire = Wire::new();
        wire.tail().extend_from_slice(&[1; 30]);
        wire.carries(10);
        wire.forget_credits();
        wire.tail().extend_from_slice(&[1; 30]);
        wire.carries(7);
        assert_eq!((wire.advance(31), wire.advance(29)), (0, 7));
    }

    /// A wire that is never quite empty.
    #[test]
    fn what_was_taken_does_not_stay() {
        let (mut wire, mut plain) = (Wire::new(), 0);
        wire.tail().push(0);
        for _ in 0..10_000 {
            wire.tail().extend_from_slice(&[0; 100]);
            wire.carries(70);
            plain += wire.advance(100);
        }
        assert_eq!((wire.len(), plain), (1, 9_999 * 70));
        assert!(wire.bytes.capacity() <= 64 * 1024);
    }

    #[test]
    fn what_is_not_taken_is_shown() {
        let mut wire = Wire::new();
        wire.tail().extend_from_slice(b"abc");
        wire.advance(1);
        let mut slices = [&b""[..]; 2];
        assert_eq!((wire.slices(&mut slices), slices), (1, [&b"bc"[..], b""]));
        assert_eq!(wire.slices(&mut []), 0);
        wire.advance(2);
        assert_eq!((wire.slices(&mut [&[]]), wire.is_empty()), (0, true));
    }

    /// A session's own records, such as tickets and keys, carry nothing.
    #[test]
    fn what_carries_nothing_is_not_remembered() {
        let mut wire = Wire::new();
        wire.tail().push(0);
        wire.carries(0);
        assert!(wire.credits.is_empty());
    }

    #[test]
    fn no_more_is_moved_than_was_taken() {
        let mut wire = Wire::new();
        wire.tail().resize(100, 0);
        wire.advance(99);
        assert_eq!(wire.head, 99);
        let mut wire = Wire::new();
        wire.tail().resize(3 * Wire::TAKEN, 0);
        for (n, head) in [(Wire::TAKEN, Wire::TAKEN), (Wire::TAKEN / 2, Wire::TAKEN / 2 * 3), (1, 0)] {
            wire.advance(n);
            assert_eq!(wire.head, head);
        }
        let mut least = Wire::new();
        least.tail().resize(Wire::TAKEN + 1, 0);
        least.advance(Wire::TAKEN);
        assert_eq!((least.head, least.len()), (0, 1));
    }
}
