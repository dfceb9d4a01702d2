//! What a thread keeps for the next who needs it.

use super::entropy::{Entropy, MaskBlock};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A block of masks, and the buffer of the large message that was written last: the next one is gathered there. Lent with
/// the outbox's buffers.
#[derive(Default)]
pub(crate) struct Spares {
    pub(crate) masks: MaskBlock,
    /// A buffer that was given a value to its length.
    pub(crate) buffer: Vec<u8>,
    /// It is a thread's, and not one that a client made for itself outside of a turn.
    is_lent: bool,
}

impl Spares {
    /// A larger buffer is given back to the allocator.
    const KEEP: usize = (1 << 20) + 4096;

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

    /// Keeps a buffer, whatever was kept before: messages that follow each other are alike.
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if self.is_lent && buffer.capacity() <= Self::KEEP {
            self.buffer = buffer;
        }
    }

    /// Bytes of heap.
    pub(crate) fn capacity(&self) -> usize {
        size_of::<Self>() + self.buffer.capacity()
    }
}

impl core::fmt::Debug for Spares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The masks to come are a secret.
        f.debug_struct("Spares").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
