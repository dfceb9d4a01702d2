//! What a thread keeps for the next who needs it.

use super::entropy::{Entropy, MaskBlock};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// A block of masks, and buffers of large messages that were written: the next ones are gathered there. Lent with the
/// outbox's buffers.
#[derive(Default)]
pub(crate) struct Spares {
    pub(crate) masks: MaskBlock,
    pub(crate) buffers: SpareBuffers,
    /// It is a thread's, and not one that a client made for itself outside of a turn.
    is_lent: bool,
}

impl Spares {
    /// Those of a thread.
    pub(crate) fn of_thread() -> Box<Self> {
        Box::new(Self { is_lent: true, ..Self::default() })
    }

    /// Those that a client makes for itself.
    #[cold]
    pub(crate) fn bound_to(entropy: &Entropy) -> Box<Self> {
        let mut spares = Box::<Self>::default();
        spares.masks.bind(entropy);
        spares
    }

    /// Whether they are a thread's.
    pub(crate) fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Keeps a buffer, if they are a thread's.
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if self.is_lent {
            self.buffers.keep(buffer);
        }
    }

    /// Bytes of heap.
    pub(crate) fn capacity(&self) -> usize {
        size_of::<Self>() + self.buffers.0.iter().map(Vec::capacity).sum::<usize>()
    }
}

/// A few buffers, the one that was kept last first; each was given a value to its length. Some messages are mostly on their way at
/// once, one a connection.
#[derive(Default)]
pub(crate) struct SpareBuffers([Vec<u8>; 4]);

impl SpareBuffers {
    /// A larger buffer is given back to the allocator.
    const LARGEST: usize = (1 << 20) + 4096;

    /// The smallest that has room for so much, and no more than that.
    pub(crate) fn take(&mut self, room: RangeInclusive<usize>) -> Option<Vec<u8>> {
        let fit = self.0.iter_mut().filter(|buffer| room.contains(&buffer.capacity()));
        fit.min_by_key(|buffer| buffer.capacity()).map(core::mem::take)
    }

    /// Keeps a buffer, in the place of the one that was kept for longest: messages that follow each other are alike.
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= Self::LARGEST {
            let last = self.0.len() - 1;
            let place = self.0.iter().position(|kept| kept.capacity() == 0).unwrap_or(last);
            self.0[..=place].rotate_right(1);
            self.0[0] = buffer;
        }
    }
}

impl core::fmt::Debug for Spares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The masks to come are a secret.
        f.debug_struct("Spares").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_suits_is_taken_and_the_oldest_goes() {
        let mut buffers = SpareBuffers::default();
        for capacity in [500, 100, 300, 200, 400] {
            buffers.keep(Vec::with_capacity(capacity));
        }
        buffers.keep(Vec::with_capacity(SpareBuffers::LARGEST + 1));
        let mut take = |room| buffers.take(room).map(|buffer| buffer.capacity());
        assert_eq!(take(150..=1000), Some(200));
        assert_eq!(take(150..=250), None);
        assert_eq!(take(500..=usize::MAX), None);
        buffers.keep(Vec::with_capacity(600));
        assert_eq!(buffers.0.each_ref().map(Vec::capacity), [600, 400, 300, 100]);
    }

    #[test]
    fn they_hold_a_few_of_bounded_size_and_count_them() {
        let mut spares = Spares::of_thread();
        spares.keep(Vec::with_capacity(SpareBuffers::LARGEST + 1));
        assert_eq!(spares.capacity(), size_of::<Spares>());
        spares.keep(Vec::with_capacity(SpareBuffers::LARGEST));
        spares.keep(Vec::with_capacity(100));
        assert_eq!(spares.capacity(), size_of::<Spares>() + SpareBuffers::LARGEST + 100);
        assert_eq!(
            alloc::format!("{spares:?}"),
            alloc::format!("Spares {{ capacity: {}, .. }}", spares.capacity())
        );
        let mut own = Spares::bound_to(&Entropy::from_seed([1; 32]));
        own.keep(Vec::with_capacity(100));
        assert_eq!((own.is_lent(), own.capacity()), (false, size_of::<Spares>()));
    }
}
