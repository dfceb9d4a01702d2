//! Choices: from a seed without end, or from the bytes that a fuzzer hands in.

use alloc::vec;
use alloc::vec::Vec;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws choices. The same seed, or the same bytes, draw the same on every machine.
///
/// ```
/// use wharf::sim::Dice;
///
/// let (mut a, mut b) = (Dice::seeded(7), Dice::seeded(7));
/// assert_eq!(a.bytes(9), b.bytes(9));
/// assert!(a.below(6) < 6 && [1, 2, 3].contains(&a.pick(&[1, 2, 3])));
/// ```
#[derive(Debug)]
pub struct Dice<'a> {
    bytes: &'a [u8],
    endless: Option<ChaCha8Rng>,
}

impl Dice<'static> {
    /// Draws from `seed`, without end.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { bytes: &[], endless: Some(ChaCha8Rng::seed_from_u64(seed)) }
    }
}

impl<'a> Dice<'a> {
    /// Draws from `bytes`, and only zeros behind their end.
    #[must_use]
    pub fn replaying(bytes: &'a [u8]) -> Self {
        Self { bytes, endless: None }
    }

    /// Whether only zeros are left.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.endless.is_none() && self.bytes.is_empty()
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        if let Some(rng) = &mut self.endless {
            return rng.fill_bytes(out);
        }
        let n = out.len().min(self.bytes.len());
        let (front, rest) = self.bytes.split_at(n);
        out[..n].copy_from_slice(front);
        out[n..].fill(0);
        self.bytes = rest;
    }

    /// So many bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        self.fill(&mut out);
        out
    }

    /// From 0 to `end`, without it; 0 if that is empty. Never 2^32 or more.
    pub fn below(&mut self, end: usize) -> usize {
        let is_small = end <= 256;
        let number = match &mut self.endless {
            Some(rng) if is_small => rng.next_u32() & 0xff,
            Some(rng) => rng.next_u32(),
            None => {
                let mut number = [0; 4];
                self.fill(&mut number[..if is_small { 1 } else { 4 }]);
                u32::from_le_bytes(number)
            }
        };
        number as usize % end.max(1)
    }

    /// From `first` to `last`, with both; `first` if there is nothing between.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last.saturating_sub(first).saturating_add(1))
    }

    /// True in so many of a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(256) * 100 / 256 < percent
    }

    /// One of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_repeat_and_bytes_end() {
        assert_eq!(Dice::seeded(5).bytes(9), Dice::seeded(5).bytes(9));
        assert_ne!(Dice::seeded(5).bytes(9), Dice::seeded(6).bytes(9));
        let mut dice = Dice::replaying(&[7, 1]);
        assert_eq!((dice.below(5), dice.is_spent(), dice.between(3, 4)), (2, false, 4));
        assert!(dice.is_spent());
        assert_eq!(dice.bytes(2), [0, 0]);
        assert_eq!(dice.between(5, 3), 5);
        assert_eq!(dice.between(3, usize::MAX), 3);
    }

    #[test]
    fn so_many_of_a_hundred_are_so_many() {
        let mut dice = Dice::seeded(1);
        for percent in [0, 1, 20, 50, 80, 100] {
            let hits = (0..100_000).filter(|_| dice.percent(percent)).count();
            assert!(hits.abs_diff(percent * 1000) < 700, "{percent}: {hits}");
        }
    }
}
