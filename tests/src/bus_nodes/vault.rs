//! The store that the nodes share: it may be out of reach for some of them, and lose or keep what was on its way when a process died.

use crate::bus_world::{Ledger, Shared};
use std::collections::{BTreeMap, BTreeSet};
use wharf::base::Instant;
use wharf::service::bus::{
    Batch, Change, ClaimOutcome, Fence, NodeAnswer, NodeAsk, NodeRequest, Record, Seq, SharedMemory,
    StoreFailure,
};
use wharf::sim::Dice;

/// A database, and the way of each process to it.
#[derive(Debug)]
pub struct Vault {
    memory: SharedMemory,
    dice: Dice<'static>,
    ledger: Shared<Ledger>,
    /// The latest that anybody has seen of the time.
    pub now: Instant,
    /// Processes that do not reach it.
    pub cut: BTreeSet<usize>,
    /// Nobody does.
    pub is_down: bool,
    /// Processes that are there.
    pub served: BTreeSet<usize>,
    /// Nodes that are to be woken.
    wakes: BTreeSet<Fence>,
    loses_wakes: bool,
    /// The slot that each epoch had.
    slots: BTreeMap<u64, u16>,
}

impl Vault {
    /// An empty one.
    #[must_use]
    pub fn new(seed: u64, ledger: Shared<Ledger>) -> Self {
        let mut dice = Dice::seeded(seed);
        let loses_wakes = dice.percent(30);
        Self {
            memory: SharedMemory::default(),
            dice,
            ledger,
            now: Instant::ORIGIN,
            cut: BTreeSet::new(),
            is_down: false,
            served: BTreeSet::new(),
            wakes: BTreeSet::new(),
            loses_wakes,
            slots: BTreeMap::new(),
        }
    }

    /// Carries out what a process asks, or does not.
    ///
    /// # Errors
    /// Never: a store that is out of reach answers so.
    ///
    /// # Panics
    /// If what is asked does not fit what is there.
    pub fn carry_out(&mut self, process: usize, ask: &NodeAsk) -> Result<NodeAnswer, StoreFailure> {
        if !self.served.contains(&process) {
            // It was on its way when the process died.
            let is_kept = !self.is_down && !self.cut.contains(&process) && self.dice.percent(50);
            self.count(if is_kept { "crash: ask kept" } else { "crash: ask lost" });
            if is_kept {
                self.commit(ask);
            }
            return Ok(NodeAnswer::Away);
        }
        if self.is_down || self.cut.contains(&process) {
            self.count("store: away");
            return Ok(NodeAnswer::Away);
        }
        Ok(self.commit(ask))
    }

    fn count(&self, what: &'static str) {
        self.ledger.borrow_mut().tally.count(what);
    }

    fn commit(&mut self, ask: &NodeAsk) -> NodeAnswer {
        let dead = self.dead();
        let answer =
            self.memory.carry_out(self.now, ask).unwrap_or_else(|misfit| panic!("{misfit}: {ask:?}"));
        self.ledger.borrow().note(format_args!("{ask:?} is answered {answer:?}"));
        match (&ask.request, &answer) {
            (NodeRequest::Commit { batch, .. }, NodeAnswer::Committed { left }) => {
                self.ledger.borrow_mut().commit(batch);
                self.ledger.borrow_mut().tally.add("nodes: left in the store", left.len() as u64);
            }
            (NodeRequest::Requeue { .. }, NodeAnswer::Changed { .. }) => {
                let gone = dead.difference(&self.dead()).copied().collect::<Vec<_>>();
                // They stand behind all others, in their order.
                let mut places: Vec<Seq> = self.seqs(|record| match record {
                    Record::Message(accepted, _) => Some(accepted.seq),
                    _ => None,
                });
                let places = places.split_off(places.len() - gone.len());
                let change = |(dead, seq)| Change::Requeue { dead, seq };
                self.note(gone.into_iter().zip(places).map(change).collect());
            }
            (NodeRequest::Purge { .. }, NodeAnswer::Changed { .. }) => {
                let gone = dead.difference(&self.dead()).copied().collect::<Vec<_>>();
                self.note(gone.into_iter().map(Change::Purge).collect());
            }
            (NodeRequest::Commit { .. }, NodeAnswer::Full { .. }) => self.count("nodes: batch refused"),
            (NodeRequest::Join, NodeAnswer::Joined { fence, .. }) => {
                let before = self.slots.insert(fence.epoch, fence.slot);
                assert_eq!(before, None, "an epoch comes twice");
            }
            (_, NodeAnswer::Claimed { outcomes, .. }) => {
                if outcomes.len() > 1 {
                    self.count("nodes: claims in lists");
                }
                for outcome in outcomes {
                    match outcome {
                        ClaimOutcome::Had { pending: 1.., .. } => self.count("nodes: claimed with messages"),
                        ClaimOutcome::Wanted => self.count("nodes: wanted"),
                        ClaimOutcome::Replaced => self.count("nodes: replaced before it was there"),
                        _ => {}
                    }
                }
            }
            (NodeRequest::Recall { .. }, NodeAnswer::Recalled { .. }) => self.count("nodes: recalled"),
            (NodeRequest::Commit { .. }, NodeAnswer::Fenced) => self.count("nodes: a write of a fenced one"),
            (_, NodeAnswer::Fenced) => self.count("nodes: fenced"),
            (_, NodeAnswer::Looked { messages, next, notices, .. }) => {
                let mut ledger = self.ledger.borrow_mut();
                ledger.tally.add("nodes: taken by looks", messages.len() as u64);
                ledger.tally.add("nodes: looks with more", u64::from(next.is_some()));
                ledger.tally.add("nodes: deaths passed on", notices.len() as u64);
            }
            _ => {}
        }
        while let Some(fence) = self.memory.poll_wake() {
            if !self.loses_wakes || self.dice.percent(30) {
                self.wakes.insert(fence);
            }
        }
        answer
    }

    fn note(&self, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.ledger.borrow_mut().commit(&Batch::new(changes));
        }
    }

    fn dead(&self) -> BTreeSet<Seq> {
        self.seqs(|record| match record {
            Record::Dead(accepted, _) => Some(accepted.seq),
            _ => None,
        })
    }

    /// Places, in rising order.
    fn seqs<T: FromIterator<Seq>>(&self, of: impl Fn(Record) -> Option<Seq>) -> T {
        let seqs: BTreeSet<Seq> = self.memory.records().filter_map(of).collect();
        seqs.into_iter().collect()
    }

    /// Whether a node is to be woken.
    #[must_use]
    pub fn wakes(&self, fence: Option<Fence>) -> bool {
        fence.is_some_and(|fence| self.wakes.contains(&fence))
    }

    /// It is woken.
    pub fn awake(&mut self, fence: Option<Fence>) {
        if let Some(fence) = fence {
            self.wakes.remove(&fence);
        }
    }

    /// Messages, and dead letters.
    #[must_use]
    pub fn holds(&self) -> (usize, usize) {
        let dead = self.dead().len();
        let is_message = |record: &Record| matches!(record, Record::Message(..));
        (self.memory.records().filter(is_message).count(), dead)
    }
}
