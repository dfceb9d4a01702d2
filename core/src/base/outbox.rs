//! Bytes out: small frames in a cork, large payloads by reference, control frames in between.

use super::load::Load;
use super::spares::{SpareBuffers, Spares};
use super::{Entropy, Instant, Progress};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

mod lending;

/// Bytes that are referenced, not copied, with their place: in front of what stands at `at` in the cork. An empty
/// one marks a frame boundary, where a control frame may step in.
#[derive(Debug)]
pub(crate) struct Referenced {
    at: usize,
    load: Load,
}

impl Referenced {
    fn boundary(at: usize) -> Self {
        Self { at, load: Load::Shared(Bytes::new()) }
    }
}

/// What waits to be written. Its owner checks the marks before it queues; a drained outbox owns no heap once it is
/// reclaimed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    cork: Vec<u8>,
    /// How much of the cork is written.
    head: usize,
    /// Ordered by place.
    references: VecDeque<Referenced>,
    /// Given by the thread for a turn; a client that sends outside of one makes its own.
    spares: Option<Box<Spares>>,
    /// A frame that begins before this place in the cork needs no mark; behind it, it is looked at closely.
    unmarked_to: u32,
    /// Bytes beside the cork: those of `references`, and those in flight.
    beside: usize,
    /// Bytes that a stage has sealed and the transport has not taken: they are gone from here, and count as not
    /// yet written all the same. At most what a stage runs ahead of the transport.
    in_flight: u32,
    /// When bytes last left, or came into an empty outbox.
    progress: Instant,
    /// All bytes that ever left.
    written: u64,
    /// When so many bytes have left, all that ever stepped in before others is among them.
    inserted_to: u64,
}

impl Outbox {
    /// Boundaries are marked no closer than this, so a control frame waits for at most this much and one fragment.
    const BOUNDARY: usize = 4096;
    /// Written bytes are left in the cork up to this much, or as much as still waits: moving those is the cost.
    const WRITTEN: usize = 16 * 1024;

    pub(crate) const fn new() -> Self {
        Self {
            cork: Vec::new(),
            head: 0,
            references: VecDeque::new(),
            spares: None,
            unmarked_to: 0,
            beside: 0,
            in_flight: 0,
            progress: Instant::ORIGIN,
            written: 0,
            inserted_to: 0,
        }
    }

    /// Bytes not yet written, those in flight included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.cork.len() - self.head + self.beside
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When bytes last left, or came into an empty outbox.
    pub(crate) fn progress(&self) -> Instant {
        self.progress
    }

    /// All bytes that ever left.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// All bytes that were ever queued, as far as they were not given up.
    pub(crate) fn queued_to(&self) -> u64 {
        self.written + self.len() as u64
    }

    /// Whether all that ever stepped in before others has left.
    pub(crate) fn has_written_inserted(&self) -> bool {
        self.written >= self.inserted_to
    }

    /// How far it has come, of a connection that has read so many bytes, and may have given up what waited.
    pub(crate) fn progress_of(&self, received: u64, is_cut: bool) -> Progress {
        let Self { written, inserted_to, .. } = *self;
        Progress { queued: self.queued_to(), written, inserted_to, is_cut, received }
    }

    /// The cork, to append to. Only ever appended to.
    #[inline]
    pub(crate) fn cork(&mut self, now: Instant) -> &mut Vec<u8> {
        self.cork_behind(now, self.len(), 0)
    }

    /// The cork, where it is known that so many bytes are queued; if there are none, with room for `len`.
    #[inline]
    pub(crate) fn cork_behind(&mut self, now: Instant, queued: usize, len: usize) -> &mut Vec<u8> {
        debug_assert_eq!(queued, self.len());
        if queued == 0 {
            self.progress = now;
            // Outside of a turn there is no buffer yet, and two pieces would make one twice.
            if self.cork.capacity() == 0 {
                self.cork.reserve_exact(len);
            }
        }
        &mut self.cork
    }

    /// Queues `bytes` by reference, behind all that is there.
    pub(crate) fn push_shared(&mut self, now: Instant, bytes: Bytes) {
        self.push(now, Load::Shared(bytes));
    }

    /// Queues a message's own buffer, behind all that is there.
    pub(crate) fn push_own(&mut self, now: Instant, buffer: Vec<u8>) {
        self.push(now, Load::Own(buffer, 0));
    }

    fn push(&mut self, now: Instant, load: Load) {
        if load.is_empty() {
            return;
        }
        if self.is_empty() {
            self.progress = now;
        }
        self.beside += load.len();
        self.references.push_back(Referenced { at: self.cork.len(), load });
        self.unmarked_to = 0;
    }

    /// Spare buffers, to gather a message in; there are some in a turn.
    pub(crate) fn spares(&mut self) -> Option<&mut SpareBuffers> {
        self.spares.as_mut().map(|spares| &mut spares.buffers)
    }

    /// A buffer of `len` bytes, whatever they are: a spare one, if one suits.
    pub(crate) fn take_buffer(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.spares().and_then(|spares| spares.take(len..=2 * len)).unwrap_or_default();
        buffer.resize(len, 0);
        buffer
    }

    /// Tells that the next byte queued begins a frame, so that a control frame may step in before it.
    #[inline]
    pub(crate) fn mark_boundary(&mut self) {
        if self.cork.len() >= self.unmarked_to as usize {
            self.mark_if_due();
        }
    }

    fn mark_if_due(&mut self) {
        let end = self.cork.len();
        let (since, due) = match self.references.back() {
            Some(last) => (last.at, end == last.at && !last.load.is_empty()),
            None => (self.head, false),
        };
        if due || end >= since + Self::BOUNDARY {
            self.references.push_back(Referenced::boundary(end));
            self.mark_none_to(end + Self::BOUNDARY);
        } else {
            self.mark_none_to(since + Self::BOUNDARY);
        }
    }

    fn mark_none_to(&mut self, at: usize) {
        self.unmarked_to = u32::try_from(at).unwrap_or(u32::MAX);
    }

    /// Queues `frame` at the next marked boundary that has not been passed, or behind all.
    pub(crate) fn insert_at_boundary(&mut self, now: Instant, frame: &[u8]) {
        match self.references.iter().position(|r| r.load.is_empty()) {
            Some(index) => {
                let at = self.references[index].at;
                self.beside += frame.len();
                let load = Load::Shared(Bytes::copy_from_slice(frame));
                self.references.insert(index, Referenced { at, load });
                self.unmarked_to = 0;
            }
            None => self.cork(now).extend_from_slice(frame),
        }
        self.inserted_to = self.queued_to();
    }

    /// Fills `out` with what is to be written, in order; returns how many slices were filled.
    #[inline]
    pub(crate) fn slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
        if let (true, Some(first)) = (self.references.is_empty(), out.first_mut()) {
            *first = &self.cork[self.head..];
            return usize::from(!first.is_empty());
        }
        self.mixed_slices(out)
    }

    fn mixed_slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
        let (mut filled, mut at) = (0, self.head);
        let mut push = |from: &mut usize, to: usize, bytes: &'a [u8]| {
            // A boundary alone does not split what lies together in the cork.
            if bytes.is_empty() && to < self.cork.len() {
                return;
            }
            for slice in [&self.cork[*from..to], bytes] {
                if !slice.is_empty() && filled < out.len() {
                    out[filled] = slice;
                    filled += 1;
                }
            }
            *from = to;
        };
        for reference in &self.references {
            push(&mut at, reference.at, reference.load.as_slice());
        }
        push(&mut at, self.cork.len(), &[]);
        filled
    }

    /// `n` bytes were written.
    #[inline]
    pub(crate) fn advance(&mut self, now: Instant, n: usize) {
        let n = n.min(self.len());
        if n > 0 {
            self.progress = now;
            self.written += n as u64;
        }
        self.remove(n);
    }

    /// `n` bytes from the front were sealed and are in flight.
    pub(crate) fn seal(&mut self, n: usize) {
        // Whether the buffers are empty is asked without what is in flight.
        self.beside -= self.in_flight as usize;
        let n = n.min(self.len());
        self.remove(n);
        self.in_flight += n as u32;
        self.beside += self.in_flight as usize;
    }

    /// The transport took `wire` sealed bytes, which completed `plain` bytes of those in flight.
    pub(crate) fn credit(&mut self, now: Instant, wire: usize, plain: usize) {
        if wire > 0 {
            self.progress = now;
        }
        let plain = plain.min(self.in_flight as usize);
        self.in_flight -= plain as u32;
        self.beside -= plain;
        self.written += plain as u64;
    }

    /// Takes `n` bytes from the front of the buffers.
    #[inline]
    fn remove(&mut self, n: usize) {
        if n == self.cork.len() - self.head && self.beside == 0 {
            return self.forget_all();
        }
        self.remove_part(n);
    }

    fn remove_part(&mut self, mut n: usize) {
        while n > 0 {
            let gap = self.references.front().map_or(self.cork.len(), |r| r.at) - self.head;
            let step = gap.min(n);
            self.head += step;
            n -= step;
            let Some(front) = self.references.front_mut().filter(|_| n > 0) else { break };
            let step = front.load.len().min(n);
            front.load.advance(step);
            self.beside -= step;
            n -= step;
            if front.load.is_empty()
                && let Some(Referenced { load: Load::Own(buffer, _), .. }) = self.references.pop_front()
                && let Some(spares) = &mut self.spares
            {
                spares.keep(buffer);
            }
        }
        if self.is_empty() {
            self.forget_all();
        } else if self.head >= Self::WRITTEN && self.head > self.cork.len() - self.head {
            // A queue that is never quite empty would keep all that it ever wrote.
            self.cork.drain(..self.head);
            self.forget_written();
        }
    }

    /// Nothing is left.
    #[inline]
    fn forget_all(&mut self) {
        self.cork.clear();
        if !self.references.is_empty() {
            self.references.clear();
        }
        self.head = 0;
        self.unmarked_to = Self::BOUNDARY as u32;
    }

    /// Gives up all that waits. What is in flight goes out.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            beside: self.in_flight as usize,
            in_flight: self.in_flight,
            spares: self.spares.take(),
            progress: self.progress,
            written: self.written,
            inserted_to: self.inserted_to,
            ..Self::new()
        };
    }

    /// Where masks are drawn from, bound to the stream `entropy`.
    #[inline]
    pub(crate) fn bind_masks(&mut self, entropy: &Entropy) {
        if let Some(spares) = &mut self.spares {
            spares.masks.bind(entropy);
        }
    }

    /// The next mask of the stream `entropy`.
    #[inline]
    pub(crate) fn next_mask(&mut self, entropy: &mut Entropy) -> [u8; 4] {
        match &mut self.spares {
            Some(spares) => entropy.next_mask(&mut spares.masks),
            none => entropy.next_mask(&mut none.insert(Spares::bound_to(entropy)).masks),
        }
    }

    /// What was written has left the cork: places count from its new front.
    fn forget_written(&mut self) {
        for reference in &mut self.references {
            reference.at -= self.head;
        }
        self.unmarked_to = 0;
        self.head = 0;
    }
}

#[cfg(test)]
mod tests;
