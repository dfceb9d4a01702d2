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
    shared_len: usize,
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
            shared_len: 0,
            progress: Instant::ORIGIN,
            written: 0,
        }
    }

    /// Bytes not yet written.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.cork.len() - self.head + self.shared_len
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
        if self.is_empty() {
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
        self.shared_len += bytes.len();
        self.shared.push_back(Shared { at: self.cork.len(), bytes });
    }

    /// Tells that the next byte queued begins a frame, so that a control frame may step in before it.
    #[inline]
    pub(crate) fn mark_boundary(&mut self) {
        let end = self.cork.len();
        let due = match self.shared.back() {
            Some(last) => end - last.at >= Self::BOUNDARY || (end == last.at && !last.bytes.is_empty()),
            None => end - self.head >= Self::BOUNDARY,
        };
        if due {
            self.shared.push_back(Shared { at: end, bytes: Bytes::new() });
        }
    }

    /// Queues `frame` at the next marked boundary that has not been passed, or behind all.
    pub(crate) fn insert_at_boundary(&mut self, now: Instant, frame: &[u8]) {
        match self.shared.iter().position(|s| s.bytes.is_empty()) {
            Some(index) => {
                let at = self.shared[index].at;
                self.shared_len += frame.len();
                self.shared.insert(index, Shared { at, bytes: Bytes::copy_from_slice(frame) });
            }
            None => self.cork(now).extend_from_slice(frame),
        }
    }

    /// Fills `out` with what is to be written, in order; returns how many slices were filled.
    pub(crate) fn slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
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
        let mut n = n.min(self.len());
        if n > 0 {
            self.progress = now;
            self.written += n as u64;
        }
        while n > 0 {
            let gap = self.shared.front().map_or(self.cork.len(), |s| s.at) - self.head;
            let step = gap.min(n);
            self.head += step;
            n -= step;
            let Some(front) = self.shared.front_mut().filter(|_| n > 0) else { continue };
            let step = front.bytes.len().min(n);
            front.bytes.advance(step);
            self.shared_len -= step;
            n -= step;
            if front.bytes.is_empty() {
                self.shared.pop_front();
            }
        }
        if self.is_empty() {
            self.cork.clear();
            self.shared.clear();
            self.head = 0;
        } else if self.head >= Self::WRITTEN && self.head > self.cork.len() - self.head {
            // A queue that is never quite empty would keep all that it ever wrote.
            self.cork.drain(..self.head);
            self.forget_written();
        }
    }

    /// Gives up all that waits.
    pub(crate) fn clear(&mut self) {
        *self = Self { progress: self.progress, written: self.written, ..Self::new() };
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
        if rest == 0 || self.head > rest || self.cork.capacity() > 2 * self.cork.len() {
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
        self.head = 0;
    }

    fn compact(&mut self, scratch: &mut Scratch) {
        let mut cork = core::mem::take(&mut self.cork);
        if self.head < cork.len() {
            self.cork = cork[self.head..].to_vec();
        }
        self.forget_written();
        cork.clear();
        if cork.capacity() > scratch.cork.capacity() && cork.capacity() <= Scratch::KEEP {
            scratch.cork = cork;
        }
    }
}

/// What a connection has to write. Hand the slices to the transport, then say with [`advance`](Output::advance) how
/// much it took.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::ws;
///
/// let mut connection = ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into());
/// connection.send(Instant::ORIGIN, Message::text("ahoy")).unwrap();
/// let mut output = connection.output(Instant::ORIGIN);
/// let mut slices = [&[][..]; 4];
/// assert_eq!(output.slices(&mut slices), 1);
/// assert_eq!(slices[0], b"\x81\x04ahoy");
/// output.advance(6);
/// assert!(output.is_empty());
/// ```
#[derive(Debug)]
pub struct Output<'a> {
    outbox: &'a mut Outbox,
    now: Instant,
}

impl<'a> Output<'a> {
    pub(crate) fn new(outbox: &'a mut Outbox, now: Instant) -> Self {
        Self { outbox, now }
    }

    /// Bytes to write.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.outbox.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Fills `out` from its front with what is to be written, in order, and returns how many were filled. With fewer
    /// places than pieces, the first pieces.
    pub fn slices<'s>(&'s self, out: &mut [&'s [u8]]) -> usize {
        self.outbox.slices(out)
    }

    /// As [`slices`](Self::slices), for as long as the connection is borrowed.
    pub fn into_slices(self, out: &mut [&'a [u8]]) -> usize {
        let outbox: &'a Outbox = self.outbox;
        outbox.slices(out)
    }

    /// The transport took `n` bytes. More than there were count as all.
    pub fn advance(&mut self, n: usize) {
        self.outbox.advance(self.now, n);
    }

    /// Copies all into `out` and counts it as written: for tests, and for transports that take everything.
    pub fn drain_into(&mut self, out: &mut Vec<u8>) {
        loop {
            let mut slices: [&[u8]; 8] = [&[]; 8];
            let filled = self.outbox.slices(&mut slices);
            let mut n = 0;
            for slice in &slices[..filled] {
                out.extend_from_slice(slice);
                n += slice.len();
            }
            if n == 0 {
                return;
            }
            self.advance(n);
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
