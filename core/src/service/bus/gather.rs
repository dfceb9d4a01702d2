//! Changes on their way to the store.

use super::{Batch, Change, MAX_BATCH, Name};
use crate::base::Instant;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

/// What one call may change at most: room for it is kept, so that all of it is in one batch.
const ROOM: usize = 16;

/// Bytes of messages past which a batch takes no more of them.
const MAX_BATCH_BYTES: u64 = 8 << 20;

/// Changes in their order: a batch that is open, those before it that are full, and one that is under way. `A` is what is to be
/// done once they are on disk. What is in it is bounded by what the messages that it is about are bounded by.
#[derive(Debug)]
pub(super) struct Gather<A> {
    full: VecDeque<(Batch, Vec<A>)>,
    open: Vec<Change>,
    open_bytes: u64,
    /// What is to be done when the open one is stored.
    after: Vec<A>,
    /// Senders and prefixes whose numbers have changed in the open one, by messages in it: they are written as they are when it is
    /// full or put out.
    pub(super) dirty: BTreeSet<(Name, Name)>,
    under_way: Option<Vec<A>>,
    /// Batches that were closed, and those of them that are stored.
    closed: u64,
    stored: u64,
    /// When the open one is to be put out.
    due: Instant,
}

impl<A> Gather<A> {
    pub(super) fn new() -> Self {
        Self {
            full: VecDeque::new(),
            open: Vec::new(),
            open_bytes: 0,
            after: Vec::new(),
            dirty: BTreeSet::new(),
            under_way: None,
            closed: 0,
            stored: 0,
            due: Instant::NEVER,
        }
    }

    /// A change that is to be put out by then.
    pub(super) fn push(&mut self, change: Change, by: Instant) {
        if let Change::Accept(accepted) = &change {
            self.open_bytes += accepted.size();
        }
        self.open.push(change);
        self.due = self.due.min(by);
    }

    /// It is to be put out by then.
    pub(super) fn hurry(&mut self, by: Instant) {
        self.due = self.due.min(by);
    }

    /// What is to be done when the change that was pushed last is stored, which is not under way yet.
    pub(super) fn after(&mut self, after: A) {
        match self.full.back_mut() {
            Some((_, last)) if self.open.is_empty() => last.push(after),
            _ => self.after.push(after),
        }
    }

    /// Whether the open one has to be [closed](Self::close) before more is pushed.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() + self.dirty.len() > MAX_BATCH - ROOM || self.open_bytes > MAX_BATCH_BYTES
    }

    /// No more goes into the open one; `numbers` are the changes for what was dirty.
    pub(super) fn close(&mut self, numbers: impl Iterator<Item = Change>) {
        self.open.extend(numbers);
        self.dirty.clear();
        self.due = Instant::NEVER;
        if !self.open.is_empty() {
            let batch = Batch::new(core::mem::take(&mut self.open));
            self.open_bytes = 0;
            self.closed += 1;
            self.full.push_back((batch, core::mem::take(&mut self.after)));
        }
    }

    /// When the open one is to be put out: never while another one is under way, since it goes along right behind it.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_free = self.under_way.is_none();
        match self.full.is_empty() {
            _ if !is_free => None,
            true => (self.due != Instant::NEVER).then_some(self.due),
            false => Some(Instant::ORIGIN),
        }
    }

    /// Whether the open one is to be put out next.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.under_way.is_none() && self.full.is_empty() && self.due <= now
    }

    /// The next batch; it is under way from here on.
    pub(super) fn put_out(&mut self) -> Option<Batch> {
        if self.under_way.is_some() {
            return None;
        }
        let (batch, after) = self.full.pop_front()?;
        self.under_way = Some(after);
        Some(batch)
    }

    /// The batch under way is stored: what is to be done now. `None` if none was.
    pub(super) fn stored(&mut self) -> Option<Vec<A>> {
        let after = self.under_way.take()?;
        self.stored += 1;
        Some(after)
    }

    /// Those of the batch under way for which this does not hold are not done when it is stored.
    pub(super) fn retain(&mut self, keeps: impl FnMut(&A) -> bool) {
        if let Some(after) = &mut self.under_way {
            after.retain(keeps);
        }
    }

    /// Which batch has the last change that was pushed.
    pub(super) fn last(&self) -> u64 {
        self.closed + u64::from(!self.open.is_empty())
    }

    /// Whether all changes of that batch and all before it are stored, but for those that were taken out.
    pub(super) fn is_stored(&self, batch: u64) -> bool {
        self.stored >= batch.min(self.last())
    }

    /// All changes behind the batch under way, list by list.
    pub(super) fn behind(&mut self) -> impl Iterator<Item = &mut Vec<Change>> {
        self.full.iter_mut().map(|(batch, _)| batch.changes_mut()).chain([&mut self.open])
    }

    /// Nothing more is stored: gives back what was to be done.
    pub(super) fn give_up(&mut self) -> Vec<A> {
        let mut all = self.under_way.take().unwrap_or_default();
        all.extend(self.full.drain(..).flat_map(|(_, after)| after));
        all.append(&mut self.after);
        self.open.clear();
        self.open_bytes = 0;
        self.dirty.clear();
        self.due = Instant::NEVER;
        all
    }

    /// Nothing waits to be stored, and nothing is being.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.full.is_empty() && self.under_way.is_none()
    }
}
