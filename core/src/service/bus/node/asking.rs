//! What a node asks of its store next: one thing at a time.

use super::state::{Asked, Node, Purpose};
use super::{Fence, NodeAsk, NodeLimits, NodeRequest, NodeRoom, NodeSettings, STEP};
use crate::base::Instant;
use crate::service::bus::{Broker, BusConfig, Name};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// Most claims that are asked for, or given up, by one ask.
const MAX_CLAIMS: usize = 256;
/// Dead letters that one ask is about.
pub(super) const LETTERS: u32 = 200;
/// What is remembered and forgotten by one ask.
const TRIMMED: u32 = 1000;
/// Least time between two looks that something woke.
pub(super) const BREATH: Duration = Duration::from_millis(5);

/// What may be taken at once past the bound of all that is in memory, in bytes.
const LITTLE: u64 = 64 << 10;

/// The kinds of asks that take turns.
const KINDS: usize = 6;

impl<C: Ord + Copy> Broker<C> {
    /// A broker that is one of several nodes over a store that they share: services may register at any of them. It has no store of its
    /// own: what it wants of the shared one are [`Action::Ask`](crate::service::bus::Action::Ask)s.
    ///
    /// A service is with the node that has its *claim*, which hands its messages out and knows what it has sent; all that a broker of
    /// its own does for a service, a node does for those that it has claimed. What is for others waits in the store, which each
    /// node looks at now and then, and when it is [woken](Self::woken). A connection that registers waits until its service is
    /// claimed here, and replaces one that another node may have.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::{Instant, Wall};
    /// use wharf::service::bus::{Action, Broker, BusConfig, NodeSettings, SharedMemory};
    ///
    /// let (now, wall) = (Instant::ORIGIN, Wall::default());
    /// let mut shared = SharedMemory::default();
    /// let mut nodes = [0, 1].map(|_| Broker::node(BusConfig::default(), NodeSettings::default()));
    /// for (node, service) in nodes.iter_mut().zip(["shop", "mail"]) {
    ///     node.opened(now, service);
    ///     node.receive(now, wall, service, &format!(r#"{{"type":"register","serviceId":"{service}"}}"#));
    /// }
    /// let message = r#"{"id":"m-1","from":"shop","to":"mail","type":"sold","payload":7,"timestamp":0}"#;
    /// nodes[0].receive(now, wall, "shop", &format!(r#"{{"type":"message","message":{message}}}"#));
    /// let mut sent = Vec::new();
    /// // A claim is asked for in a moment, since the connection may end right behind its registration.
    /// let now = now + Duration::from_millis(5);
    /// for node in [0, 1] {
    ///     nodes[node].woken(now);
    ///     while let Some(action) = nodes[node].poll_action() {
    ///         match action {
    ///             Action::Ask(ask) => {
    ///                 let answer = shared.carry_out(now, &ask).unwrap();
    ///                 nodes[node].answered(now, wall, answer);
    ///             }
    ///             Action::Send { conn, frame } => sent.push((conn, frame)),
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// assert_eq!(sent[1], ("shop", r#"{"type":"accepted","messageId":"m-1"}"#.into()));
    /// assert!(sent[3].0 == "mail" && sent[3].1.contains(r#""payload":7,"timestamp":0,"retryCount":0}"#));
    /// ```
    #[must_use]
    pub fn node(config: BusConfig, settings: NodeSettings) -> Self {
        let mut broker = Self::new(config);
        (broker.is_node, broker.node) = (true, Box::new(Node::new(settings)));
        broker
    }

    /// Under which fence it is a node now, if it is one.
    #[must_use]
    pub fn fence(&self) -> Option<Fence> {
        self.node.fence
    }

    /// There may be something in the store to look at.
    pub fn woken(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        match &mut self.node.asked {
            Some(asked) => asked.is_woken = true,
            None => self.node.wake(now),
        }
    }

    /// How far apart two places are that this broker names one after the other.
    pub(in crate::service::bus) fn step(&self) -> u64 {
        if self.is_node { STEP } else { 1 }
    }

    /// When the next ask can be put out.
    pub(in crate::service::bus) fn ask_due(&self) -> Option<Instant> {
        let node = &self.node;
        if node.has_left || self.has_failed {
            return None;
        }
        let grace = [node.grace_until, node.drain_until].into_iter().min();
        let grace = grace.filter(|at| *at != Instant::NEVER);
        let next = match (&node.asked, &node.again) {
            (Some(_), _) => None,
            (None, Some((at, ..))) => Some(*at),
            (None, None) if node.fence.is_none() => (!self.is_draining).then_some(Instant::ORIGIN),
            (None, None) => {
                let claim = node.agenda.first().map(|(at, _)| *at);
                [Some(node.look_at), Some(node.trim_at), claim, self.gather.due()].into_iter().flatten().min()
            }
        };
        [grace, next].into_iter().flatten().min()
    }

    /// Whether something may be asked now.
    pub(in crate::service::bus) fn may_ask(&self) -> bool {
        self.node.asked.is_none() && self.node.again.is_none()
    }

    /// The next ask; it is under way from here on.
    pub(in crate::service::bus) fn next_ask(&mut self) -> Option<NodeAsk> {
        let now = self.clock.last();
        let node = &mut self.node;
        if node.asked.is_some() || node.has_left || self.has_failed {
            return None;
        }
        let (ask, purpose) = match node.again.take_if(|(at, ..)| *at <= now) {
            Some((_, ask, purpose)) => (ask, purpose),
            None if node.again.is_some() => return None,
            None => {
                let (request, purpose) = self.next_request(now)?;
                let node = &mut self.node;
                let (fence, lease) = (node.fence.unwrap_or_default(), node.settings.lease);
                let number = node.number;
                node.number += 1;
                (NodeAsk::new(fence, number, lease, request), purpose)
            }
        };
        self.node.asked = Some(Asked { ask: ask.clone(), purpose, since: now, is_woken: false });
        Some(ask)
    }

    fn next_request(&mut self, now: Instant) -> Option<(NodeRequest, Purpose)> {
        if self.node.fence.is_none() {
            return (!self.is_draining).then_some((NodeRequest::Join, Purpose::Join));
        }
        if !self.node.was_batch
            && let Some(batch) = self.next_batch()
        {
            return Some(batch);
        }
        self.node.was_batch = false;
        if self.is_draining {
            return match self.gather.is_empty() {
                true => Some((NodeRequest::Leave, Purpose::Leave)),
                false => self.next_batch(),
            };
        }
        let begin = self.node.turn;
        for kind in (begin + 1..=begin + KINDS).map(|kind| kind % KINDS) {
            if let Some(found) = self.request_of(kind, now) {
                self.node.turn = kind;
                return Some(found);
            }
        }
        self.next_batch()
    }

    fn next_batch(&mut self) -> Option<(NodeRequest, Purpose)> {
        let batch = self.gather.put_out()?;
        let (room, limits) = (self.room(), NodeLimits::of(&self.config));
        self.node.was_batch = true;
        Some((NodeRequest::Commit { batch, room, limits }, Purpose::Commit))
    }

    fn request_of(&mut self, kind: usize, now: Instant) -> Option<(NodeRequest, Purpose)> {
        let limits = NodeLimits::of(&self.config);
        match kind {
            0 => self.next_release(),
            1 => {
                let node = &self.node;
                let (name, after) = node.loading.front().cloned()?;
                let rows = node.settings.recall_rows;
                Some((NodeRequest::Recall { name: name.clone(), after, rows }, Purpose::Recall(name)))
            }
            2 => self.next_claims(now, limits),
            3 if self.node.look_at <= now => {
                let kept = core::mem::take(&mut self.node.kept);
                let since = |name: &Name| self.conn_of(name).and_then(|conn| self.peers.since(conn));
                let kept = kept.into_iter().filter_map(|name| Some((now - since(&name)?, name)));
                let kept = kept.map(|(age, name)| (name, age)).collect();
                let (room, node) = (self.room(), &mut self.node);
                node.looked_at = now;
                Some((NodeRequest::Look { room, after: node.after.clone(), kept }, Purpose::Look))
            }
            4 => self.next_command(limits),
            5 if self.node.trim_at <= now => {
                let max = self.config.max_dedupe as u64;
                Some((NodeRequest::Trim { max, rows: TRIMMED }, Purpose::Trim))
            }
            _ => None,
        }
    }

    fn next_claims(&self, now: Instant, limits: NodeLimits) -> Option<(NodeRequest, Purpose)> {
        let node = &self.node;
        let due = node.agenda.iter().take_while(|(at, _)| *at <= now).take(MAX_CLAIMS);
        let due = due.filter_map(|(_, name)| Some((name.clone(), node.claims.get(name)?.since)));
        let due: Vec<(Name, Instant)> = due.collect();
        let rows = node.settings.recall_rows.checked_div(due.len() as u32)?.max(1);
        let services = due.iter().map(|(name, since)| (name.clone(), now - *since)).collect();
        Some((NodeRequest::Claim { services, rows, limits }, Purpose::Claim(due)))
    }

    fn next_release(&mut self) -> Option<(NodeRequest, Purpose)> {
        let node = &mut self.node;
        let mut names = Vec::new();
        while names.len() < MAX_CLAIMS
            && node.leaving.front().is_some_and(|(batch, _)| self.gather.is_stored(*batch))
        {
            names.extend(node.leaving.pop_front().map(|(_, name)| name));
        }
        names.sort_unstable();
        let purpose = Purpose::Release(names.clone());
        (!names.is_empty()).then_some((NodeRequest::Release { names }, purpose))
    }

    fn next_command(&mut self, limits: NodeLimits) -> Option<(NodeRequest, Purpose)> {
        let command = self.node.commands.front()?;
        let (letters, after, rows) = (command.letters.clone(), command.after, LETTERS);
        let request = if command.is_requeue {
            NodeRequest::Requeue { letters, after, rows, limits }
        } else {
            NodeRequest::Purge { letters, after, rows }
        };
        Some((request, Purpose::Command))
    }

    /// How much there is room for in memory.
    fn room(&self) -> NodeRoom {
        let node = &self.node;
        let settings = &node.settings;
        let left = settings.max_loaded_bytes.saturating_sub(node.loaded_bytes);
        let mut except = node.sated.clone();
        if left == 0 {
            // Those that have nothing here get a little all the same: what fills the memory may be others' that are slow.
            let busy = self.queues.values().filter(|queue| queue.pending > 0);
            except.extend(busy.map(|queue| queue.name.clone()));
        }
        let bytes = left.max(LITTLE).min(settings.look_bytes);
        NodeRoom::new(settings.look_rows, bytes, settings.look_each, except.into_iter().collect())
    }
}

impl<C: Ord + Copy> Node<C> {
    /// Has it looked at the store soon, and asked for what others had.
    pub(super) fn wake(&mut self, now: Instant) {
        self.look_at = self.look_at.min((self.looked_at + BREATH).max(now));
        let is_wanted = |name: &Name| self.claims.get(name).is_some_and(|claim| claim.tries > 0);
        let wanted = self.agenda.iter().filter(|(at, name)| *at > now + BREATH && is_wanted(name));
        let wanted: Vec<_> = wanted.take(MAX_CLAIMS).cloned().collect();
        wanted.iter().for_each(|(_, name)| self.schedule(name, now + BREATH));
    }
}
