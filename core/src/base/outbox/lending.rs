//! The buffers of the thread or loop, which an outbox has for a turn.

use super::Outbox;
use crate::base::Scratch;
use crate::base::spares::Spares;
use alloc::vec::Vec;

impl Outbox {
    /// Takes the scratch's buffers, if there is nothing in our own.
    #[inline]
    pub(crate) fn lend(&mut self, scratch: &mut Scratch) {
        if self.cork.capacity() == 0 {
            core::mem::swap(&mut self.cork, &mut scratch.cork);
        }
        if self.references.capacity() == 0 {
            core::mem::swap(&mut self.references, &mut scratch.references);
        }
        if self.spares.as_ref().is_none_or(|spares| !spares.is_lent()) {
            self.spares = Some(scratch.spares.take().unwrap_or_else(Spares::of_thread));
        }
    }

    /// Gives the buffers back, and keeps what was not written in one that is not much larger.
    #[inline]
    pub(crate) fn reclaim(&mut self, scratch: &mut Scratch) {
        let (end, rest) = (self.cork.len(), self.cork.len() - self.head);
        if end == 0 && self.cork.capacity() > scratch.cork.capacity() && self.cork.capacity() <= Scratch::KEEP
        {
            scratch.cork = core::mem::take(&mut self.cork);
        } else if self.cork.capacity() > 0 && (rest <= self.head || self.cork.capacity() > 2 * end) {
            self.compact(scratch);
        }
        if self.references.is_empty() && self.references.capacity() > 0 {
            scratch.references = core::mem::take(&mut self.references);
        }
        if let Some(spares) = self.spares.take().filter(|spares| spares.is_lent()) {
            scratch.spares = Some(spares);
        }
    }

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
