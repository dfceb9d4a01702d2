//! Buffers that belong to a thread or loop and are lent to one connection at a time.

use super::outbox::Referenced;
use super::spares::Spares;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What a turn needs and an idle connection should not own: the cork that small frames are encoded into, the block that
/// masks are drawn from, and buffers for the next large messages; with the feature `deflate` also a compressor and an inflater. One a thread or loop,
/// lent to one connection at a time.
///
/// ```
/// use wharf::base::Scratch;
///
/// let scratch = Scratch::new();
/// assert_eq!(scratch.capacity(), 0);
/// ```
#[derive(Default)]
pub struct Scratch {
    pub(crate) cork: Vec<u8>,
    pub(crate) references: VecDeque<Referenced>,
    pub(crate) spares: Option<Box<Spares>>,
    #[cfg(feature = "deflate")]
    pub(crate) contexts: Option<Box<super::Contexts>>,
}

impl Scratch {
    /// More capacity than this is given back to the allocator after a turn.
    pub(crate) const KEEP: usize = 256 * 1024;

    /// An empty scratch; its buffers come with use.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cork: Vec::new(),
            references: VecDeque::new(),
            spares: None,
            #[cfg(feature = "deflate")]
            contexts: None,
        }
    }

    /// Bytes of heap that the buffers hold, at most 256 KiB between turns; once connections have sent large messages on, up
    /// to 4 MiB more, and once one has compressed, up to 512 KiB more.
    #[must_use]
    pub fn capacity(&self) -> usize {
        #[cfg(feature = "deflate")]
        let contexts = self.contexts.as_ref().map_or(0, |contexts| contexts.capacity());
        #[cfg(not(feature = "deflate"))]
        let contexts = 0;
        self.cork.capacity()
            + self.references.capacity() * size_of::<Referenced>()
            + self.spares.as_ref().map_or(0, |spares| spares.capacity())
            + contexts
    }
}

impl core::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Scratch").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_each_of_its_buffers() {
        let mut scratch = Scratch::new();
        scratch.cork.reserve_exact(1000);
        scratch.references.reserve_exact(8);
        let mut expected = 1000 + scratch.references.capacity() * size_of::<Referenced>();
        assert_eq!(scratch.capacity(), expected);
        let spares = Spares::of_thread();
        expected += spares.capacity();
        scratch.spares = Some(spares);
        assert_eq!(scratch.capacity(), expected);
        #[cfg(feature = "deflate")]
        {
            let contexts = crate::base::Contexts { buffer: Vec::with_capacity(300), ..Default::default() };
            scratch.contexts = Some(Box::new(contexts));
            assert_eq!(scratch.capacity(), expected + 300);
        }
    }
}
