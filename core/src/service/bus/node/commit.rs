//! What a shared store does with a batch.

use super::answer::{DeathNotice, MAX_KEPT_NOTICES, NodeAnswer};
use super::look::Taken;
use super::shelf::Load;
use super::{Fence, NodeLimits, NodeRoom, SharedMemory};
use crate::service::bus::{Batch, Change, Misfit, Name, Seq};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl SharedMemory {
    pub(super) fn commit(
        &mut self,
        fence: Fence,
        batch: &Batch,
        room: &NodeRoom,
        limits: &NodeLimits,
    ) -> Result<NodeAnswer, Misfit> {
        let (loads, refused) = self.weigh(fence, batch, limits)?;
        if !refused.is_empty() {
            return Ok(NodeAnswer::Full { seqs: refused });
        }
        let notices: Vec<DeathNotice> =
            batch.changes().iter().filter_map(|change| self.notice_of(change)).collect();
        let places: Vec<(Seq, Name)> =
            batch.changes().iter().filter_map(|change| self.place_of(change)).collect();
        self.memory.carry_out(&self.memory.fitting(batch))?;
        for (name, load) in loads {
            self.shelves.entry(name).or_default().load = load;
        }
        for (seq, name) in places {
            self.shelves.entry(name).or_default().taken.remove(&seq);
        }
        let places = batch.changes().iter().filter_map(Change::place);
        self.floor = places.fold(self.floor, Seq::max);
        let left = self.shelve(fence, batch, room);
        for notice in notices {
            self.note(fence, notice);
        }
        Ok(NodeAnswer::Committed { left })
    }

    /// What there will be of each service, and which messages there is no room for.
    fn weigh(
        &self,
        fence: Fence,
        batch: &Batch,
        limits: &NodeLimits,
    ) -> Result<(BTreeMap<Name, Load>, Vec<Seq>), Misfit> {
        let (mut loads, mut refused) = (BTreeMap::<Name, Load>::new(), Vec::new());
        let mut services = self.shelves.len() as u64;
        let now = |name: &Name| self.shelves.get(name).map(|shelf| shelf.load);
        for (at, change) in batch.changes().iter().enumerate() {
            match change {
                Change::Accept(accepted) => {
                    self.owned(fence, &accepted.from, at)?;
                    let (name, size) = (&accepted.to, accepted.size());
                    let is_new = !loads.contains_key(name) && now(name).is_none();
                    let mut load = loads.get(name).copied().or_else(|| now(name)).unwrap_or_default();
                    if (is_new && services >= limits.max_services) || !load.has_room(size, limits) {
                        refused.push(accepted.seq);
                        continue;
                    }
                    services += u64::from(is_new);
                    load.put(size);
                    loads.insert(name.clone(), load);
                }
                Change::Progress(seq, _) | Change::Remove(seq) | Change::Bury(seq, _) => {
                    let (accepted, _) = self.memory.message(*seq).ok_or(Misfit { at })?;
                    self.owned(fence, &accepted.to, at)?;
                    let load = loads
                        .entry(accepted.to.clone())
                        .or_insert_with(|| now(&accepted.to).unwrap_or_default());
                    match change {
                        Change::Remove(_) => load.remove(accepted.size()),
                        Change::Bury(..) => load.bury(accepted.size()),
                        _ => {}
                    }
                }
                Change::RememberId { from, .. }
                | Change::ForgetId { from, .. }
                | Change::ForgetNumbers { from, .. } => self.owned(fence, from, at)?,
                Change::RememberNumbers(numbers) => self.owned(fence, &numbers.from, at)?,
                Change::Requeue { .. } | Change::Purge(_) => return Err(Misfit { at }),
            }
        }
        Ok((loads, refused))
    }

    /// The message that a change ends, and its service.
    fn place_of(&self, change: &Change) -> Option<(Seq, Name)> {
        let (Change::Remove(seq) | Change::Bury(seq, _)) = change else { return None };
        self.memory.message(*seq).map(|(accepted, _)| (*seq, accepted.to.clone()))
    }

    /// What is to be told of a change's death.
    fn notice_of(&self, change: &Change) -> Option<DeathNotice> {
        let Change::Bury(seq, death) = change else { return None };
        let (accepted, _) = self.memory.message(*seq)?;
        Some(DeathNotice::new(accepted.from.clone(), accepted.id.clone(), death.reason.clone()))
    }

    /// Puts what was accepted where it belongs. Places of what is not taken.
    fn shelve(&mut self, fence: Fence, batch: &Batch, room: &NodeRoom) -> Vec<Seq> {
        let (mut left, mut taken) = (Vec::new(), Taken::default());
        for change in batch.changes() {
            let Change::Accept(accepted) = change else { continue };
            let shelf = self.shelves.entry(accepted.to.clone()).or_default();
            let is_ours = shelf.owner == Some(fence);
            if is_ours && shelf.waiting.is_empty() && taken.take(room, &accepted.to, accepted.size()) {
                shelf.taken.insert(accepted.seq);
                continue;
            }
            shelf.waiting.insert((true, accepted.seq));
            left.push(accepted.seq);
            self.wakes.extend(shelf.owner.filter(|_| !is_ours));
        }
        left
    }

    fn note(&mut self, fence: Fence, notice: DeathNotice) {
        let owner = self.owner(&notice.from).filter(|owner| *owner != fence);
        let life = owner.and_then(|owner| Some((owner, self.nodes.get_mut(&owner.slot)?)));
        let Some((owner, life)) = life else { return };
        if life.notices.len() < MAX_KEPT_NOTICES {
            life.notices.push_back(notice);
            self.wakes.insert(owner);
        }
    }
}
