//! What a shared store does with dead letters, and forgets.

use super::answer::NodeAnswer;
use super::{MAX_NODES, NodeLimits, SharedMemory};
use crate::service::bus::{Accepted, Batch, Change, Letters, Misfit, Seq};
use alloc::vec::Vec;

impl SharedMemory {
    fn letters(&self, letters: &Letters, after: Seq, rows: usize) -> (Vec<Accepted>, Option<Seq>) {
        let is_it = |accepted: &&Accepted| match letters {
            Letters::All => true,
            Letters::Id(id) => accepted.id == *id,
            Letters::Of { from, id } => accepted.id == *id && accepted.from == *from,
        };
        let mut all: Vec<Accepted> =
            self.memory.dead_after(after).filter(is_it).take(rows + 1).cloned().collect();
        let is_more = all.len() > rows;
        all.truncate(rows);
        let next = all.last().map(|accepted| accepted.seq).filter(|_| is_more);
        (all, next)
    }

    pub(super) fn requeue(
        &mut self,
        letters: &Letters,
        after: Seq,
        rows: usize,
        limits: &NodeLimits,
    ) -> Result<NodeAnswer, Misfit> {
        let (found, next) = self.letters(letters, after, rows);
        let (mut count, mut full) = (0, 0);
        for accepted in found {
            let (name, size) = (accepted.to.clone(), accepted.size());
            let shelf = self.shelves.get_mut(&name).ok_or(Misfit { at: 0 })?;
            if !shelf.load.has_place(size, limits) {
                full += 1;
                continue;
            }
            let seq = self.floor.next_of(MAX_NODES);
            self.memory.carry_out(&Batch::new([Change::Requeue { dead: accepted.seq, seq }].into()))?;
            shelf.load.purge(size);
            shelf.load.put(size);
            shelf.waiting.insert((true, seq));
            self.wakes.extend(shelf.owner);
            self.floor = seq;
            count += 1;
        }
        Ok(NodeAnswer::Changed { letters: count, full, next })
    }

    pub(super) fn purge(&mut self, letters: &Letters, after: Seq, rows: usize) -> Result<NodeAnswer, Misfit> {
        let (found, next) = self.letters(letters, after, rows);
        let count = found.len() as u64;
        for accepted in found {
            self.memory.carry_out(&Batch::new([Change::Purge(accepted.seq)].into()))?;
            let shelf = self.shelves.get_mut(&accepted.to).ok_or(Misfit { at: 0 })?;
            shelf.load.purge(accepted.size());
            self.sweep(&accepted.to);
        }
        Ok(NodeAnswer::Changed { letters: count, full: 0, next })
    }

    pub(super) fn trim(&mut self, max: u64, rows: usize) -> Result<NodeAnswer, Misfit> {
        let all = self.memory.remembered();
        let excess = usize::try_from((all.len() as u64).saturating_sub(max)).unwrap_or(usize::MAX).min(rows);
        let is_free = |change: &Change| match change {
            Change::ForgetId { from, .. } | Change::ForgetNumbers { from, .. } => self.owner(from).is_none(),
            _ => false,
        };
        let free = all.into_values().filter(is_free).take(excess);
        let forgets = Batch::new(free.collect());
        self.memory.carry_out(&forgets)?;
        Ok(NodeAnswer::Trimmed { forgotten: forgets.changes().len() as u64 })
    }
}
