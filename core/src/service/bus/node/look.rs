//! What a shared store hands to a node that looks.

use super::answer::{MAX_NOTICES, NodeAnswer, Standing};
use super::shelf::Shelf;
use super::{Fence, NodeRoom, SharedMemory};
use crate::base::Instant;
use crate::service::bus::{Name, Seq};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

impl SharedMemory {
    pub(super) fn look(
        &mut self,
        now: Instant,
        fence: Fence,
        room: &NodeRoom,
        after: Option<&Name>,
    ) -> NodeAnswer {
        let ours = |(_, shelf): &(&Name, &mut Shelf)| shelf.owner == Some(fence) && !shelf.waiting.is_empty();
        let (behind, before): (Vec<_>, Vec<_>) = self
            .shelves
            .iter_mut()
            .filter(ours)
            .filter(|(name, _)| room.except.binary_search(name).is_err())
            .partition(|(name, _)| after.is_none_or(|after| *name > after));
        let (mut messages, mut taken) = (Vec::new(), Taken::default());
        let (mut last, mut is_more) = (None, false);
        for (name, shelf) in behind.into_iter().chain(before) {
            let before = messages.len();
            let first = |waiting: &BTreeSet<(bool, Seq)>| {
                let key = *waiting.first()?;
                Some((key, self.memory.message(key.1)?))
            };
            while let Some((key, (accepted, progress))) = first(&shelf.waiting) {
                if !taken.take(room, name, accepted.size()) {
                    is_more = true;
                    break;
                }
                messages.push((accepted.clone(), progress.clone()));
                shelf.waiting.remove(&key);
                shelf.taken.insert(key.1);
            }
            if messages.len() > before {
                last = Some(name.clone());
            }
        }
        let in_force = |wanted: Fence| self.is_in_force(wanted);
        let wanted = self.shelves.iter().filter(|(_, shelf)| shelf.owner == Some(fence));
        let wanted = wanted.filter(|(_, shelf)| shelf.wanted.is_some_and(in_force));
        // Who wants it for an older registration is told so when it asks again.
        let wanted = wanted.filter(|(_, shelf)| shelf.wanted_since >= shelf.since);
        let wanted = wanted.map(|(name, shelf)| (name.clone(), now - shelf.wanted_since));
        let wanted = wanted.take(MAX_NOTICES).collect();
        let standing = self.standing();
        let notices = self.nodes.get_mut(&fence.slot).map(|life| {
            let count = life.notices.len().min(MAX_NOTICES);
            life.notices.drain(..count).collect()
        });
        let notices = notices.unwrap_or_default();
        NodeAnswer::Looked {
            messages,
            damaged: Vec::new(),
            next: last.filter(|_| is_more),
            wanted,
            notices,
            standing,
        }
    }

    fn standing(&self) -> Standing {
        let all = self.shelves.values();
        all.fold(Standing::default(), |sum, shelf| {
            let (pending, dead) = (sum.pending + shelf.load.pending, sum.dead_letters + shelf.load.dead);
            Standing::new(sum.services + 1, pending, dead)
        })
    }
}

/// What was taken so far.
#[derive(Default)]
pub(super) struct Taken {
    rows: u32,
    bytes: u64,
    of: BTreeMap<Name, u32>,
    is_over: bool,
}

impl Taken {
    /// Whether there is room for one more; where there was none for the bytes of one there is none for any. Those of a service that are
    /// behind one that there was no room for are not to be tried.
    pub(super) fn take(&mut self, room: &NodeRoom, name: &Name, size: u64) -> bool {
        let of = self.of.entry(name.clone()).or_default();
        let fits = !self.is_over
            && room.except.binary_search(name).is_err()
            && self.rows < room.rows
            && *of < room.each;
        let is_light = self.rows == 0 || self.bytes + size <= room.bytes;
        self.is_over |= fits && !is_light;
        let fits = fits && is_light;
        if fits {
            (self.rows, self.bytes, *of) = (self.rows + 1, self.bytes + size, *of + 1);
        }
        fits
    }
}
