//! Buffers that belong to a thread or loop and are lent to one connection at a time.

use super::entropy::MaskBlock;
use super::outbox::Shared;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What a turn needs and an idle connection should not own: the cork that small frames are encoded into, and the
/// block that masks are drawn from; with the feature `deflate` also a compressor and an inflater. One a thread or loop,
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
    pub(crate) shared: VecDeque<Shared>,
    pub(crate) masks: Option<Box<MaskBlock>>,
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
            shared: VecDeque::new(),
            masks: None,
            #[cfg(feature = "deflate")]
            contexts: None,
        }
    }

    /// Bytes of heap that the buffers hold, at most 256 KiB between turns; once a connection has compressed, up to
    /// 512 KiB more.
    #[must_use]
    pub fn capacity(&self) -> usize {
        #[cfg(feature = "deflate")]
        let contexts = self.contexts.as_ref().map_or(0, |contexts| contexts.capacity());
        #[cfg(not(feature = "deflate"))]
        let contexts = 0;
        self.cork.capacity()
            + self.shared.capacity() * size_of::<Shared>()
            + self.masks.as_ref().map_or(0, |_| size_of::<MaskBlock>())
            + contexts
    }
}

impl core::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Scratch").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
