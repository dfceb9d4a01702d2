//! Bytes out: small frames in a cork, large payloads by reference, control frames in between.

use super::{Instant, Scratch};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// Bytes that are referenced, not copied, with their place: in front of what stands at `at` in the cork. An empty
/// one marks a frame boundary, where a control frame may step in.
#[derive(Debug)]
pub(crate) struct Shared {
    at: usize,
    bytes: Bytes,
}

/// What waits to be written. Its owner checks the marks before it queues; a drained outbox owns no heap once it is
/// reclaimed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    cork: Vec<u8>,
    /// How much of the cork is written.
    head: usize,
    /// Ordered by place.
    shared: VecDeque<Shared>,
    /// A frame that begins before this place in the cork needs no mark; behind it, it is looked at closely.
    unmarked_to: u32,
    /// Bytes beside the cork: those of `shared`, and those in flight.
    beside: usize,
    /// Bytes that a stage has sealed and the transport has not taken: they are gone from here, and count as not
    /// yet written all the same. At most what a stage runs ahead of the transport.
    in_flight: u32,
    /// When bytes last left, or came into an empty outbox.
    progress: Instant,
    /// All bytes that ever left.
    written: u64,
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
            shared: VecDeque::new(),
            unmarked_to: 0,
            beside: 0,
            in_flight: 0,
            progress: Instant::ORIGIN,
            written: 0,
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

    /// The cork, to append to. Only ever appended to.
    #[inline]
    pub(crate) fn cork(&mut self, now: Instant) -> &mut Vec<u8> {
        self.cork_behind(now, self.len())
    }

    /// The cork, where it is known that so many bytes are queued.
    #[inline]
    pub(crate) fn cork_behind(&mut self, now: Instant, queued: usize) -> &mut Vec<u8> {
        debug_assert_eq!(queued, self.len());
        if queued == 0 {
            self.progress = now;
        }
        &mut self.cork
    }

    /// Queues `bytes` by reference, behind all that is there.
    pub(crate) fn push_shared(&mut self, now: Instant, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.is_empty() {
            self.progress = now;
        }
        self.beside += bytes.len();
        self.shared.push_back(Shared { at: self.cork.len(), bytes });
        self.unmarked_to = 0;
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
        let (since, due) = match self.shared.back() {
            Some(last) => (last.at, end == last.at && !last.bytes.is_empty()),
            None => (self.head, false),
        };
        if due || end >= since + Self::BOUNDARY {
            self.shared.push_back(Shared { at: end, bytes: Bytes::new() });
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
        match self.shared.iter().position(|s| s.bytes.is_empty()) {
            Some(index) => {
                let at = self.shared[index].at;
                self.beside += frame.len();
                self.shared.insert(index, Shared { at, bytes: Bytes::copy_from_slice(frame) });
                self.unmarked_to = 0;
            }
            None => self.cork(now).extend_from_slice(frame),
        }
    }

    /// Fills `out` with what is to be written, in order; returns how many slices were filled.
    #[inline]
    pub(crate) fn slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
        if let (true, Some(first)) = (self.shared.is_empty(), out.first_mut()) {
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
        for shared in &self.shared {
            push(&mut at, shared.at, &shared.bytes);
        }
        push(&mut at, self.cork.len(), &[]);
        filled
    }

    /// `n` bytes were written.
    pub(crate) fn advance(&mut self, now: Instant, n: usize) {
        let n = n.min(self.len());
        if n > 0 {
            self.progress = now;
            self.written += n as u64;
        }
        self.remove(n);
    }

    /// `n` bytes from the front were sealed and are in flight.
    #[cfg(feature = "tls")]
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
            let gap = self.shared.front().map_or(self.cork.len(), |s| s.at) - self.head;
            let step = gap.min(n);
            self.head += step;
            n -= step;
            let Some(front) = self.shared.front_mut().filter(|_| n > 0) else { break };
            let step = front.bytes.len().min(n);
            front.bytes.advance(step);
            self.beside -= step;
            n -= step;
            if front.bytes.is_empty() {
                self.shared.pop_front();
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
        if !self.shared.is_empty() {
            self.shared.clear();
        }
        self.head = 0;
        self.unmarked_to = Self::BOUNDARY as u32;
    }

    /// Gives up all that waits. What is in flight goes out.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            beside: self.in_flight as usize,
            in_flight: self.in_flight,
            progress: self.progress,
            written: self.written,
            ..Self::new()
        };
    }

    /// Takes the scratch's buffers, if there is nothing in our own.
    #[inline]
    pub(crate) fn lend(&mut self, scratch: &mut Scratch) {
        if self.cork.capacity() == 0 {
            core::mem::swap(&mut self.cork, &mut scratch.cork);
        }
        if self.shared.capacity() == 0 {
            core::mem::swap(&mut self.shared, &mut scratch.shared);
        }
    }

    /// Gives the buffers back, and keeps what was not written in one that is not much larger.
    #[inline]
    pub(crate) fn reclaim(&mut self, scratch: &mut Scratch) {
        let rest = self.cork.len() - self.head;
        let loose = rest == 0 || self.head > rest || self.cork.capacity() > 2 * self.cork.len();
        if loose && self.cork.capacity() > 0 {
            self.compact(scratch);
        }
        if self.shared.is_empty() && self.shared.capacity() > 0 {
            scratch.shared = core::mem::take(&mut self.shared);
        }
    }

    /// What was written has left the cork: places count from its new front.
    fn forget_written(&mut self) {
        for shared in &mut self.shared {
            shared.at -= self.head;
        }
        self.unmarked_to = 0;
        self.head = 0;
    }

    #[inline]
    fn compact(&mut self, scratch: &mut Scratch) {
        let rest = match &self.cork[self.head..] {
            [] => Vec::new(),
            rest => rest.to_vec(),
        };
        let mut cork = core::mem::replace(&mut self.cork, rest);
        if self.head > 0 {
            self.forget_written();
        }
        cork.clear();
        if cork.capacity() > scratch.cork.capacity() && cork.capacity() <= Scratch::KEEP {
            scratch.cork = cork;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ORIGIN;

    fn contents(outbox: &Outbox) -> Vec<u8> {
        let mut slices: [&[u8]; 16] = [&[]; 16];
        let n = outbox.slices(&mut slices);
        slices[..n].concat()
    }

    fn filled() -> Outbox {
        let mut outbox = Outbox::new();
        outbox.cork(NOW).extend_from_slice(b"ab");
        outbox.push_shared(NOW, Bytes::from_static(b"CDE"));
        outbox.push_shared(NOW, Bytes::from_static(b"F"));
        outbox.cork(NOW).extend_from_slice(b"gh");
        outbox
    }

    #[test]
    fn any_steps_write_the_same() {
        for first in 0..=8 {
            for second in 0..=8 - first {
                let mut outbox = filled();
                outbox.advance(NOW, first);
                assert_eq!(contents(&outbox), b"abCDEFgh"[first..]);
                let mut scratch = Scratch::new();
                outbox.reclaim(&mut scratch);
                outbox.lend(&mut scratch);
                outbox.advance(NOW, second);
                assert_eq!(contents(&outbox), b"abCDEFgh"[first + second..]);
                assert_eq!(outbox.len(), 8 - first - second);
            }
        }
    }

    #[test]
    fn control_frames_step_in_at_boundaries() {
        let mut outbox = Outbox::new();
        outbox.cork(NOW).extend_from_slice(&[b'a'; Outbox::BOUNDARY]);
        outbox.mark_boundary();
        outbox.cork(NOW).extend_from_slice(b"bc");
        outbox.push_shared(NOW, Bytes::from_static(b"DE"));
        outbox.mark_boundary();
        outbox.cork(NOW).extend_from_slice(b"f");
        let mut slices: [&[u8]; 9] = [&[]; 9];
        assert_eq!(outbox.slices(&mut slices), 3);
        outbox.advance(NOW, 1);
        outbox.insert_at_boundary(NOW, b"1");
        outbox.insert_at_boundary(NOW, b"2");
        outbox.advance(NOW, Outbox::BOUNDARY - 2);
        assert_eq!(contents(&outbox), b"a12bcDEf");
        outbox.advance(NOW, 4);
        assert_eq!(contents(&outbox), b"cDEf");
        outbox.insert_at_boundary(NOW, b"3");
        assert_eq!(contents(&outbox), b"cDE3f");
        outbox.advance(NOW, 4);
        outbox.insert_at_boundary(NOW, b"4");
        assert_eq!(contents(&outbox), b"4f");
    }

    /// A queue that is never quite empty, as under a steady broadcast to a slow reader.
    #[test]
    fn what_was_written_does_not_stay() {
        let mut outbox = Outbox::new();
        outbox.cork(NOW).push(0);
        let mut last = 0;
        for i in 0..10_000_u32 {
            outbox.mark_boundary();
            let piece = [i as u8; 100];
            outbox.cork(NOW).extend_from_slice(&piece);
            assert_eq!(contents(&outbox)[0], last);
            outbox.advance(NOW, 100);
            last = i as u8;
        }
        assert_eq!(contents(&outbox), [last]);
        assert!(outbox.cork.capacity() <= 64 * 1024, "{} bytes are kept", outbox.cork.capacity());
    }

    #[test]
    fn drained_and_reclaimed_owns_no_heap() {
        let (mut outbox, mut scratch) = (filled(), Scratch::new());
        outbox.advance(NOW, 99);
        outbox.reclaim(&mut scratch);
        assert_eq!((outbox.cork.capacity(), outbox.shared.capacity()), (0, 0));
        assert!(scratch.capacity() > 0);
    }
}
