//! The other nodes, and what is known of each.

use super::roll::Roll;
use super::stream::Stream;
use super::{Config, NodeId, Subject};
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// How it is with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Live,
    /// Not heard for long. What was heard of it is kept: it may come back.
    Lost,
    /// It said goodbye. What it said before may come later.
    Gone,
}

/// Another node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) state: State,
    /// When it was heard, while it is live; else since when it is not.
    pub(super) since: Instant,
    /// By subjects that are heard here.
    pub(super) heard: BTreeMap<Subject, Heard>,
}

/// What was heard of a node on a subject.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) stream: Stream,
    pub(super) roll: Roll,
    /// When it last said anything about it.
    pub(super) at: Instant,
}

/// Why a frame is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    /// Its node said goodbye before.
    Gone,
    /// There are too many nodes.
    Full,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// At most [`Config::max_nodes`] that are live, and as many that are not.
    nodes: BTreeMap<NodeId, Node>,
    live: usize,
    /// Whose rolls are to be asked for, of each subject.
    needed: BTreeMap<Subject, BTreeSet<NodeId>>,
    /// Members of all, those in parts of rolls among them.
    pub(super) members: usize,
    /// Messages of all that wait for earlier ones.
    pub(super) early: usize,
    /// Their bytes.
    pub(super) early_bytes: usize,
    /// Those that parted and were forgotten because there were too many.
    pub(super) forgotten: u64,
}

impl Peers {
    pub(super) fn live(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter(|(_, node)| node.state == State::Live).map(|(id, _)| *id)
    }

    pub(super) fn live_len(&self) -> usize {
        self.live
    }

    /// How many are remembered that are not live.
    pub(super) fn remembered(&self) -> usize {
        self.nodes.len() - self.live
    }

    pub(super) fn members(&self, subject: &Subject) -> impl Iterator<Item = (NodeId, &str, &Bytes)> {
        let heard = self.nodes.iter().filter_map(|(id, node)| Some((*id, node.heard.get(subject)?)));
        heard.flat_map(|(id, heard)| heard.roll.members().map(move |(name, about)| (id, name, about)))
    }

    /// A node was heard. Whether it is met only now. Long after a goodbye nothing is late any more: the goodbye was not its own.
    pub(super) fn meet(&mut self, config: &Config, now: Instant, id: NodeId) -> Result<bool, Unmet> {
        let is_gone = |node: &Node| node.state == State::Gone && now - node.since >= config.lost_after;
        if self.live < config.max_nodes && self.nodes.get(&id).is_some_and(is_gone) {
            self.forget(id);
        }
        match self.nodes.get_mut(&id) {
            Some(node) if node.state == State::Live => {
                node.since = now;
                return Ok(false);
            }
            Some(node) if node.state == State::Gone => return Err(Unmet::Gone),
            _ if self.live >= config.max_nodes => return Err(Unmet::Full),
            Some(node) => (node.state, node.since) = (State::Live, now),
            None => {
                self.nodes.insert(id, Node { state: State::Live, since: now, heard: BTreeMap::new() });
            }
        }
        self.live += 1;
        Ok(true)
    }

    /// A live node is one no more.
    pub(super) fn part(&mut self, config: &Config, now: Instant, id: NodeId, state: State) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.state == State::Live) else { return };
        (node.state, node.since) = (state, now);
        self.live -= 1;
        if state == State::Gone {
            self.forget_heard(id);
        }
        if self.remembered() > config.max_nodes {
            let parted = self.nodes.iter().filter(|(_, node)| node.state != State::Live);
            if let Some(oldest) = parted.min_by_key(|(_, node)| node.since).map(|(id, _)| *id) {
                self.forgotten += 1;
                self.forget(oldest);
            }
        }
    }

    /// Forgets a node.
    fn forget(&mut self, id: NodeId) {
        self.forget_heard(id);
        self.nodes.remove(&id);
    }

    fn forget_heard(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        for (subject, heard) in core::mem::take(&mut node.heard) {
            self.discount(&heard);
            self.need(id, &subject, false);
        }
    }

    /// The nodes whose rolls are to be asked for, of a subject.
    pub(super) fn needed(&self, subject: &Subject) -> impl Iterator<Item = NodeId> {
        self.needed.get(subject).into_iter().flatten().copied()
    }

    /// The subjects of which there are any.
    pub(super) fn needed_of(&self) -> impl Iterator<Item = &Subject> {
        self.needed.keys()
    }

    fn need(&mut self, id: NodeId, subject: &Subject, is_needed: bool) {
        if is_needed {
            self.needed.entry(subject.clone()).or_default().insert(id);
        } else if let Some(nodes) = self.needed.get_mut(subject) {
            nodes.remove(&id);
            if nodes.is_empty() {
                self.needed.remove(subject);
            }
        }
    }

    /// What was heard of a live node on a subject.
    pub(super) fn heard(&self, id: NodeId, subject: &Subject) -> Option<&Heard> {
        self.nodes.get(&id)?.heard.get(subject)
    }

    /// Subjects of which something was heard of a node: those behind `after` up to `upto`, without end if that is empty.
    pub(super) fn subjects(&self, id: NodeId, after: &str, upto: &str) -> Vec<Subject> {
        use core::ops::Bound::{Excluded, Included, Unbounded};
        let Some(node) = self.nodes.get(&id) else { return Vec::new() };
        let end = if upto.is_empty() { Unbounded } else { Included(upto) };
        if !upto.is_empty() && upto <= after {
            return Vec::new();
        }
        node.heard.range::<str, _>((Excluded(after), end)).map(|(subject, _)| subject.clone()).collect()
    }

    /// Lets `change` change what was heard of a live node on a subject, and keeps count.
    pub(super) fn hear<R>(
        &mut self,
        now: Instant,
        id: NodeId,
        subject: &Subject,
        change: impl FnOnce(&mut Heard, &Counts) -> R,
    ) -> Option<R> {
        let counts = Counts { members: self.members, early_bytes: self.early_bytes };
        let node = self.nodes.get_mut(&id)?;
        let heard = node.heard.entry(subject.clone()).or_insert_with(|| Heard {
            stream: Stream::new(),
            roll: Roll::default(),
            at: now,
        });
        heard.at = now;
        let (members, (early, bytes)) = (heard.roll.len(), heard.stream.early());
        let was_needed = heard.roll.is_needed();
        let result = change(heard, &counts);
        let (new_early, new_bytes) = heard.stream.early();
        self.members = self.members - members + heard.roll.len();
        self.early = self.early - early + new_early;
        self.early_bytes = self.early_bytes - bytes + new_bytes;
        let is_needed = heard.roll.is_needed();
        if is_needed != was_needed {
            self.need(id, subject, is_needed);
        }
        Some(result)
    }

    /// A subject is heard no more.
    pub(super) fn unhear(&mut self, subject: &Subject) -> Vec<NodeId> {
        let mut of = Vec::new();
        let mut gone = Vec::new();
        for (id, node) in &mut self.nodes {
            if let Some(heard) = node.heard.remove(subject) {
                of.push(*id);
                gone.push(heard);
            }
        }
        gone.iter().for_each(|heard| self.discount(heard));
        self.needed.remove(subject);
        of
    }

    /// Those that are live and were not heard for so long, and when the first of the others will be one of them.
    pub(super) fn silent(&self, now: Instant, time: Duration) -> (Vec<NodeId>, Option<Instant>) {
        let live = || self.nodes.iter().filter(|(_, node)| node.state == State::Live);
        let silent = live().filter(|(_, node)| node.since + time <= now).map(|(id, _)| *id).collect();
        (silent, live().map(|(_, node)| node.since + time).filter(|at| *at > now).min())
    }

    /// Forgets nodes that parted, and subjects of which nothing is known, both if nothing was heard for so long.
    pub(super) fn tidy(&mut self, now: Instant, keep: Duration) {
        let is_old = |node: &Node| node.state != State::Live && node.since + keep <= now;
        let old: Vec<NodeId> =
            self.nodes.iter().filter(|(_, node)| is_old(node)).map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.forget(id));
        for node in self.nodes.values_mut() {
            let is_idle = |heard: &Heard| {
                heard.at + keep <= now
                    && heard.roll.len() == 0
                    && heard.stream.early().0 == 0
                    && !heard.roll.is_needed()
            };
            node.heard.retain(|_, heard| !is_idle(heard));
        }
    }

    fn discount(&mut self, heard: &Heard) {
        let (early, bytes) = heard.stream.early();
        self.members -= heard.roll.len();
        self.early -= early;
        self.early_bytes -= bytes;
    }
}

/// How much there is of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) members: usize,
    pub(super) early_bytes: usize,
}
