//! What a shared store knows of one service.

use super::{Fence, NodeLimits};
use crate::base::Instant;
use crate::service::bus::Seq;
use alloc::collections::BTreeSet;

/// How much there is of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) pending: u64,
    pub(super) pending_bytes: u64,
    pub(super) dead: u64,
    pub(super) dead_bytes: u64,
}

impl Load {
    /// Whether there is room for a message.
    pub(super) const fn has_room(&self, size: u64, limits: &NodeLimits) -> bool {
        self.dead < limits.max_dead
            && self.dead_bytes <= limits.max_dead_bytes
            && self.has_place(size, limits)
    }

    /// The same, of one that is dead and is to live again.
    pub(super) const fn has_place(&self, size: u64, limits: &NodeLimits) -> bool {
        self.pending < limits.max_pending
            && size <= limits.max_pending_bytes.saturating_sub(self.pending_bytes)
    }

    pub(super) const fn put(&mut self, size: u64) {
        self.pending += 1;
        self.pending_bytes += size;
    }

    pub(super) const fn remove(&mut self, size: u64) {
        self.pending -= 1;
        self.pending_bytes -= size;
    }

    pub(super) const fn bury(&mut self, size: u64) {
        self.remove(size);
        self.dead += 1;
        self.dead_bytes += size;
    }

    pub(super) const fn purge(&mut self, size: u64) {
        self.dead -= 1;
        self.dead_bytes -= size;
    }
}

/// A service.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    pub(super) owner: Option<Fence>,
    /// When the service registered there, by the store's clock.
    pub(super) since: Instant,
    pub(super) wanted: Option<Fence>,
    pub(super) wanted_since: Instant,
    pub(super) load: Load,
    /// Messages that wait: whether they were never handed out, and their places.
    pub(super) waiting: BTreeSet<(bool, Seq)>,
    /// Messages that the owner has taken.
    pub(super) taken: BTreeSet<Seq>,
}

impl Shelf {
    /// Whether nothing is known of it.
    pub(super) fn is_idle(&self) -> bool {
        self.owner.is_none() && self.wanted.is_none() && self.load.pending == 0 && self.load.dead == 0
    }
}
