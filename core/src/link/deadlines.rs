//! Which connection is due next.

use super::ConnId;
use crate::base::Instant;
use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

/// A heap of deadlines, at most one that counts for each connection: what a connection's own record no longer names
/// is skipped. It holds at most twice as many as there are connections, and 64.
#[derive(Debug, Default)]
pub(super) struct DeadlineHeap {
    heap: BinaryHeap<Reverse<(Instant, ConnId)>>,
}

impl DeadlineHeap {
    pub(super) fn push(&mut self, at: Instant, conn: ConnId) {
        if self.heap.len() == self.heap.capacity() {
            // In smaller steps than twice as many: what it holds is all that there is room for.
            self.heap.reserve_exact(16 + self.heap.len() / 8);
        }
        self.heap.push(Reverse((at, conn)));
    }

    /// The earliest, for which `counts` says that it still does.
    pub(super) fn next(&mut self, counts: impl Fn(Instant, ConnId) -> bool) -> Option<(Instant, ConnId)> {
        while let Some(&Reverse((at, conn))) = self.heap.peek() {
            if counts(at, conn) {
                return Some((at, conn));
            }
            self.heap.pop();
        }
        None
    }

    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }

    /// Forgets what no longer counts, if there is much of it.
    pub(super) fn prune(&mut self, connections: usize, counts: impl Fn(Instant, ConnId) -> bool) {
        if self.heap.len() > 2 * connections + 64 {
            self.heap.retain(|Reverse((at, conn))| counts(*at, *conn));
        }
    }
}
