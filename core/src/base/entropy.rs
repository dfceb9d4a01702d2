//! Randomness as an argument: 32 bytes in, a cryptographic stream out.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A seeded cryptographic stream: ChaCha8 in counter mode, kept as its key and a position, 40 bytes.
///
/// Masking keys must be unpredictable (RFC 6455 section 10.3), so seed it from the operating system; tests hand in
/// a constant and see the same bytes on every run and machine.
///
/// ```
/// use wharf::base::Entropy;
///
/// let mut entropy = Entropy::from_seed([7; 32]);
/// let mut again = Entropy::from_seed([7; 32]);
/// assert_eq!(entropy.bytes::<16>(), again.bytes::<16>());
/// assert_ne!(entropy.fork().bytes::<16>(), entropy.bytes::<16>());
/// ```
#[derive(Clone)]
pub struct Entropy {
    key: [u8; 32],
    /// Position in the key stream, in words of 32 bits.
    word: u64,
}

impl Entropy {
    /// A stream over `seed`.
    #[must_use]
    pub const fn from_seed(seed: [u8; 32]) -> Self {
        Self { key: seed, word: 0 }
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills `out` with the next bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        let mut stream = self.stream();
        stream.fill_bytes(out);
        self.word += out.len().div_ceil(4) as u64;
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A stream of its own, independent of this one's further bytes.
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.bytes())
    }

    /// The next 32 bits, through `block`, which saves computing the cipher for each.
    #[inline]
    pub(crate) fn next_mask(&mut self, block: &mut MaskBlock) -> [u8; 4] {
        let index = self.word / MaskBlock::WORDS as u64;
        if block.index != index {
            block.compute(index);
        }
        let at = (self.word % MaskBlock::WORDS as u64) as usize;
        self.word += 1;
        block.masks[at]
    }

    fn stream(&self) -> ChaCha8Rng {
        let mut stream = ChaCha8Rng::from_seed(self.key);
        stream.set_word_pos(u128::from(self.word));
        stream
    }
}

impl core::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The key is a secret: whoever knows it knows the masks to come.
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}

/// A piece of one stream's key bytes, kept in the scratch. It is a cache: what a connection draws does not depend
/// on what the block held before it was [bound](Self::bind) to its stream.
pub(crate) struct MaskBlock {
    key: [u8; 32],
    index: u64,
    masks: [[u8; 4]; Self::WORDS],
}

impl MaskBlock {
    /// Four blocks of ChaCha, which is what the cipher computes at once.
    const WORDS: usize = 64;

    /// Makes it a block of the stream `entropy`, which is what it stays until it is bound to another.
    #[inline]
    pub(crate) fn bind(&mut self, entropy: &Entropy) {
        if self.key != entropy.key {
            self.key = entropy.key;
            self.index = u64::MAX;
        }
    }

    #[cold]
    fn compute(&mut self, index: u64) {
        // RFC 6455 5.3: "the masking key MUST be derived from a strong source of entropy"
        let mut stream = ChaCha8Rng::from_seed(self.key);
        stream.set_word_pos(u128::from(index) * Self::WORDS as u128);
        stream.fill_bytes(self.masks.as_flattened_mut());
        self.index = index;
    }
}

impl Default for MaskBlock {
    fn default() -> Self {
        Self { key: [0; 32], index: u64::MAX, masks: [[0; 4]; Self::WORDS] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_the_stream_whatever_the_block_holds() {
        // RFC 6455 5.3: "the masking key MUST be derived from a strong source of entropy"
        let (mut a, mut b) = (Entropy::from_seed([1; 32]), Entropy::from_seed([1; 32]));
        let mut other = Entropy::from_seed([2; 32]);
        let mut block = MaskBlock::default();
        block.bind(&a);
        for i in 0..300 {
            if i % 7 == 0 {
                block.bind(&other);
                other.next_mask(&mut block);
                block.bind(&a);
            }
            assert_eq!(a.next_mask(&mut block), b.bytes::<4>());
        }
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(Entropy::from_seed([1; 32]).next_u64(), Entropy::from_seed([2; 32]).next_u64());
    }

    #[test]
    fn no_byte_comes_twice_and_the_key_is_not_shown() {
        let mut entropy = Entropy::from_seed([1; 32]);
        let all = Entropy::from_seed([1; 32]).bytes::<20>();
        assert_eq!(
            (entropy.bytes::<5>(), entropy.bytes::<8>()),
            (all[..5].try_into().unwrap(), all[8..16].try_into().unwrap())
        );
        assert_eq!(entropy.bytes::<4>(), all[16..]);
        assert_eq!(alloc::format!("{entropy:?}"), "Entropy { .. }");
        let (mut fork, mut other) = (entropy.fork(), entropy.fork());
        assert_ne!(fork.next_u64(), other.next_u64());
    }
}
