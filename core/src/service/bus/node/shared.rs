//! A store that nodes share, and that forgets when it is dropped.

use super::answer::{ClaimOutcome, DeathNotice, NodeAnswer};
use super::shelf::Shelf;
use super::{Fence, MAX_NODES, NodeAsk, NodeLimits, NodeRequest, OVERDUE};
use crate::base::Instant;
use crate::service::bus::{Memory, Misfit, Name, Record, Seq};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

/// A store of several nodes, in memory: carries asks out, one after the other. For tests; a database does the same and lasts.
///
/// It says what each [`NodeRequest`] means. It is bounded by the limits that come with the asks.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::Instant;
/// use wharf::service::bus::{Fence, NodeAnswer, NodeAsk, NodeRequest, SharedMemory};
///
/// let mut shared = SharedMemory::default();
/// let ask = NodeAsk::new(Fence::default(), 1, Duration::from_secs(10), NodeRequest::Join);
/// let answer = shared.carry_out(Instant::ORIGIN, &ask)?;
/// assert!(matches!(answer, NodeAnswer::Joined { fence: Fence { slot: 0, .. }, .. }));
/// # Ok::<(), wharf::service::bus::Misfit>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SharedMemory {
    pub(super) memory: Memory,
    pub(super) shelves: BTreeMap<Name, Shelf>,
    pub(super) nodes: BTreeMap<u16, Life>,
    epoch: u64,
    pub(super) floor: Seq,
    /// Nodes for which there is something to look at.
    pub(super) wakes: BTreeSet<Fence>,
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Life {
    epoch: u64,
    until: Instant,
    /// Of the last ask that was carried out.
    number: u64,
    pub(super) notices: VecDeque<DeathNotice>,
}

impl SharedMemory {
    /// Carries an ask out, at `now` by the store's clock.
    ///
    /// # Errors
    /// The ask does not fit what is stored: it is no node's, or the store's damaged. Nothing of it was carried out.
    pub fn carry_out(&mut self, now: Instant, ask: &NodeAsk) -> Result<NodeAnswer, Misfit> {
        let NodeAsk { fence, number, lease, request } = ask;
        if *request == NodeRequest::Join {
            return Ok(self.join(now, *number, now + *lease));
        }
        let Some(life) = self.nodes.get_mut(&fence.slot).filter(|life| life.epoch == fence.epoch) else {
            return Ok(NodeAnswer::Fenced);
        };
        if *number <= life.number {
            return Err(Misfit { at: 0 });
        }
        let was_over = life.until <= now;
        (life.number, life.until) = (*number, now + *lease);
        Ok(match request {
            NodeRequest::Join => NodeAnswer::Fenced,
            NodeRequest::Commit { batch, room, limits } => return self.commit(*fence, batch, room, limits),
            NodeRequest::Claim { services, rows, limits } => self.claim(now, *fence, services, *rows, limits),
            NodeRequest::Recall { name, after, rows } => {
                self.owned(*fence, name, 0)?;
                let (records, is_all) = self.memory.ids_of(name, Some(after), *rows as usize);
                NodeAnswer::Recalled { records, is_all }
            }
            NodeRequest::Release { names } => {
                names.iter().for_each(|name| self.release(*fence, name));
                NodeAnswer::Done
            }
            NodeRequest::Look { room, after, kept } => {
                for (name, age) in kept {
                    let shelf = self.shelves.get_mut(name).filter(|shelf| shelf.owner == Some(*fence));
                    if let Some(shelf) = shelf {
                        shelf.since = before(now, *age);
                    }
                }
                self.look(now, *fence, room, after.as_ref())
            }
            NodeRequest::Requeue { letters, after, rows, limits } => {
                self.requeue(letters, *after, *rows as usize, limits)?
            }
            NodeRequest::Purge { letters, after, rows } => self.purge(letters, *after, *rows as usize)?,
            NodeRequest::Trim { max, rows } => {
                if !was_over {
                    self.fence_overdue(now);
                }
                self.trim(*max, *rows as usize)?
            }
            NodeRequest::Leave => {
                self.fence_out(fence.slot);
                NodeAnswer::Done
            }
        })
    }

    /// A node for which there is something to look at since it was last named: a message that waits for a service that it has claimed, a
    /// claim of it that is wanted, or one that it wants and that is given up. No more than a hint: looking now and then does as well.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Instant;
    /// use wharf::service::bus::{BusConfig, Fence, Name, NodeAnswer, NodeAsk, NodeLimits, NodeRequest, SharedMemory};
    ///
    /// let (mut shared, lease) = (SharedMemory::default(), Duration::from_secs(10));
    /// let mut ask = |fence, number, request| {
    ///     shared.carry_out(Instant::ORIGIN, &NodeAsk::new(fence, number, lease, request)).unwrap()
    /// };
    /// let [first, second] = [0; 2].map(|_| match ask(Fence::default(), 1, NodeRequest::Join) {
    ///     NodeAnswer::Joined { fence, .. } => fence,
    ///     other => panic!("{other:?}"),
    /// });
    /// // What the one has claimed the other wants.
    /// let services = vec![(Name::new("shop").unwrap(), Duration::ZERO)];
    /// let limits = NodeLimits::of(&BusConfig::default());
    /// for fence in [first, second] {
    ///     ask(fence, 2, NodeRequest::Claim { services: services.clone(), rows: 10, limits });
    /// }
    /// assert_eq!((shared.poll_wake(), shared.poll_wake()), (Some(first), None));
    /// ```
    pub fn poll_wake(&mut self) -> Option<Fence> {
        self.wakes.pop_first()
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.memory.records()
    }

    /// Who has the claim of a service.
    #[must_use]
    pub fn owner(&self, name: &Name) -> Option<Fence> {
        self.shelves.get(name)?.owner
    }

    fn join(&mut self, now: Instant, number: u64, until: Instant) -> NodeAnswer {
        let is_free = |slot: &u16| !self.nodes.contains_key(slot);
        let over = || self.nodes.iter().find(|(_, life)| life.until <= now).map(|(slot, _)| *slot);
        let Some(slot) = (0..MAX_NODES).find(is_free).or_else(over) else { return NodeAnswer::Crowded };
        self.fence_out(slot);
        self.epoch += 1;
        let life = Life { epoch: self.epoch, until, number, notices: VecDeque::new() };
        self.nodes.insert(slot, life);
        NodeAnswer::Joined { fence: Fence::new(slot, self.epoch), floor: self.floor }
    }

    /// Whoever has been away for long is no node any more.
    fn fence_overdue(&mut self, now: Instant) {
        let is_long_over = |life: &Life| life.until + OVERDUE <= now;
        let over = self.nodes.iter().filter(|(_, life)| is_long_over(life)).map(|(slot, _)| *slot);
        over.collect::<Vec<_>>().into_iter().for_each(|slot| self.fence_out(slot));
    }

    /// Nothing that comes of this node counts any more, and its claims are nobody's.
    fn fence_out(&mut self, slot: u16) {
        let Some(life) = self.nodes.remove(&slot) else { return };
        let fence = Fence::new(slot, life.epoch);
        self.wakes.remove(&fence);
        let names: Vec<Name> = self.shelves.keys().cloned().collect();
        names.iter().for_each(|name| self.release(fence, name));
    }

    fn release(&mut self, fence: Fence, name: &Name) {
        let Some(shelf) = self.shelves.get_mut(name) else { return };
        if shelf.owner == Some(fence) {
            shelf.owner = None;
            self.wakes.extend(shelf.wanted);
        }
        shelf.wanted = shelf.wanted.filter(|wanted| *wanted != fence);
        self.sweep(name);
    }

    pub(super) fn sweep(&mut self, name: &Name) {
        if self.shelves.get(name).is_some_and(Shelf::is_idle) {
            self.shelves.remove(name);
        }
    }

    pub(super) fn is_in_force(&self, fence: Fence) -> bool {
        self.nodes.get(&fence.slot).is_some_and(|life| life.epoch == fence.epoch)
    }

    fn claim(
        &mut self,
        now: Instant,
        fence: Fence,
        services: &[(Name, Duration)],
        rows: u32,
        limits: &NodeLimits,
    ) -> NodeAnswer {
        for (name, age) in services {
            let owner = self.owner(name).filter(|owner| *owner != fence && !self.lives(now, *owner));
            if let Some(owner) = owner.filter(|_| !self.is_older(now, fence, name, before(now, *age))) {
                self.fence_out(owner.slot);
            }
        }
        let mut outcomes = Vec::new();
        for (name, age) in services {
            outcomes.push(self.claim_one([now, before(now, *age)], fence, name, rows, limits));
        }
        NodeAnswer::Claimed { floor: self.floor, outcomes }
    }

    fn claim_one(
        &mut self,
        [now, since]: [Instant; 2],
        fence: Fence,
        name: &Name,
        rows: u32,
        limits: &NodeLimits,
    ) -> ClaimOutcome {
        if self.is_older(now, fence, name, since) {
            return ClaimOutcome::Replaced;
        }
        let owner = self.owner(name).filter(|owner| *owner != fence);
        if !self.shelves.contains_key(name) && self.shelves.len() as u64 >= limits.max_services {
            return ClaimOutcome::TooMany;
        }
        let shelf = self.shelves.entry(name.clone()).or_default();
        if let Some(owner) = owner {
            if shelf.wanted != Some(fence) {
                self.wakes.insert(owner);
            }
            (shelf.wanted, shelf.wanted_since) = (Some(fence), since);
            return ClaimOutcome::Wanted;
        }
        (shelf.owner, shelf.since, shelf.wanted) = (Some(fence), since, None);
        for seq in core::mem::take(&mut shelf.taken) {
            let is_first = self.memory.message(seq).is_some_and(|(_, progress)| progress.deliveries == 0);
            shelf.waiting.insert((is_first, seq));
        }
        let pending = shelf.load.pending;
        let mut records: Vec<Record> = self.memory.numbers_of(name).collect();
        let (ids, is_all) = self.memory.ids_of(name, None, rows as usize);
        records.extend(ids);
        ClaimOutcome::Had { pending, records, is_all }
    }

    /// Whether a registration is older than that for which another node has the claim, or wants it.
    fn is_older(&self, now: Instant, fence: Fence, name: &Name, since: Instant) -> bool {
        let Some(shelf) = self.shelves.get(name) else { return false };
        let had = shelf.owner.filter(|owner| *owner != fence && self.lives(now, *owner)).map(|_| shelf.since);
        let wanted = shelf.wanted.filter(|wanted| *wanted != fence && self.lives(now, *wanted));
        let wanted = wanted.map(|_| shelf.wanted_since);
        [had, wanted].into_iter().flatten().any(|other| other > since)
    }

    fn lives(&self, now: Instant, fence: Fence) -> bool {
        self.nodes.get(&fence.slot).is_some_and(|life| life.until > now)
    }

    pub(super) fn owned(&self, fence: Fence, name: &Name, at: usize) -> Result<(), Misfit> {
        if self.owner(name) == Some(fence) { Ok(()) } else { Err(Misfit { at }) }
    }
}

/// The moment so long ago.
const fn before(now: Instant, age: Duration) -> Instant {
    let nanos = age.as_nanos();
    let nanos = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
    Instant::from_nanos(now.as_nanos().saturating_sub(nanos))
}
