//! The machine of one node.

use super::alarms::Alarms;
use super::events::Events;
use super::outbox::Outbox;
use super::own::Owns;
use super::peers::Peers;
use super::wire::Frame;
use super::{Action, Config, Event, NodeId, Stats, Subject};
use crate::base::{Clock, Entropy, Instant};
use alloc::collections::BTreeSet;
use bytes::Bytes;

/// One node of a mesh.
///
/// Its members [enter](Self::enter) subjects and [leave](Self::leave) them, and what is [published](Self::publish) on one is told by every
/// other node that has a member in it. What the node publishes itself is not told to it: its own members have it from whoever
/// published it, and never wait for the mesh.
///
/// What a node hears of another on a subject, from the first that it hears on, is in that node's order, none of it twice, and what did not
/// come is told as one [gap](Event::Gap); so is a message that was the last for now, by the next beat. This holds for
/// nodes that are away for at most [`Config::keep`].
///
/// Whoever carries the bytes does what [`poll_action`](Self::poll_action) says, after every call, until `None`.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::mesh::{Action, Event, Mesh, Subject};
///
/// let now = Instant::ORIGIN;
/// let new = |seed| Mesh::new(now, Default::default(), Entropy::from_seed([seed; 32]));
/// let (mut a, mut b) = (new(1), new(2));
/// let kitchen = Subject::group("kitchen").unwrap();
/// for mesh in [&mut a, &mut b] {
///     mesh.handle_up(now);
/// }
/// b.enter(now, &kitchen, "bob", "".into()).unwrap();
/// a.enter(now, &kitchen, "ann", "likes tea".into()).unwrap();
/// a.publish(now, &kitchen, "hello".into()).unwrap();
///
/// // A network that loses nothing.
/// while let Some(action) = a.poll_action() {
///     if let Action::Publish { subject, bytes, .. } = action {
///         b.handle_delivered(now, subject.as_str(), &bytes);
///     }
/// }
/// assert_eq!(b.poll_event(), Some(Event::Met(a.node())));
/// assert!(matches!(b.poll_event(), Some(Event::Entered { member, .. }) if &*member == "ann"));
/// assert!(matches!(b.poll_event(), Some(Event::Deliver { sequence: 1, payload, .. }) if payload == "hello"));
/// assert_eq!(b.members(&kitchen).count(), 1);
/// ```
#[derive(Debug)]
pub struct Mesh {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) node: NodeId,
    pub(super) is_up: bool,
    pub(super) is_closed: bool,
    pub(super) owns: Owns,
    pub(super) peers: Peers,
    /// What the transport was told to hear.
    subscribed: BTreeSet<Subject>,
    /// Where that may have changed.
    pub(super) dirty: BTreeSet<Subject>,
    pub(super) outbox: Outbox,
    pub(super) events: Events,
    pub(super) alarms: Alarms,
    pub(super) beat_at: Instant,
    pub(super) last_beat: Option<Instant>,
    /// When the others were last greeted because the transport was slow.
    slow_at: Option<Instant>,
    /// The next beat greets the others.
    pub(super) greets: bool,
    /// Where the next beat goes on.
    pub(super) page_after: Option<Subject>,
    /// When to see which nodes were not heard for long.
    pub(super) watch_at: Option<Instant>,
    /// When to forget what nobody needs.
    pub(super) tidy_at: Instant,
    pub(super) stats: Stats,
}

impl Mesh {
    /// A node without members, whose transport is down. `entropy` must be another at every start: the node's id is drawn from it.
    #[must_use]
    pub fn new(now: Instant, config: Config, mut entropy: Entropy) -> Self {
        let config = config.settled();
        Self {
            clock: Clock::new(now),
            node: NodeId::draw(&mut entropy),
            entropy,
            is_up: false,
            is_closed: false,
            owns: Owns::new(),
            peers: Peers::default(),
            subscribed: BTreeSet::new(),
            dirty: BTreeSet::from([Subject::all(), Subject::nodes()]),
            outbox: Outbox::default(),
            events: Events::default(),
            alarms: Alarms::default(),
            beat_at: now,
            last_beat: None,
            slow_at: None,
            greets: false,
            page_after: None,
            watch_at: None,
            tidy_at: now + config.keep,
            stats: Stats::default(),
            config,
        }
    }

    /// What this node is called.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// What it was told, and what it made of that.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the transport is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The transport is up: what waits is published, and the others are asked to tell what they have.
    pub fn handle_up(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.is_closed || self.is_up {
            return;
        }
        self.is_up = true;
        // That nobody was heard meanwhile says nothing about them.
        self.watch_at = (self.peers.live_len() > 0).then(|| now + self.config.lost_after);
        self.greet(now);
        self.ask_all_yet(now);
        // What was to be asked for while it was down.
        self.ask_needed(now);
    }

    /// The transport is down: messages wait. What is on its way may be lost. No node is lost for its silence until the transport has been
    /// up for as long.
    pub fn handle_down(&mut self, now: Instant) {
        self.clock.advance(now);
        self.is_up = false;
        // By the time that it is up they are old; the beat tells what the others lack.
        self.outbox.forget_notices();
        if self.is_closed {
            self.outbox.clear();
        }
    }

    /// The transport dropped messages on their way in, so many as far as it knows. What they were is asked for, but not again for
    /// [`Config::lost_after`]: whoever cannot keep up is not helped by hearing more, and the beat tells in time.
    pub fn handle_slow(&mut self, now: Instant, dropped: u64) {
        let now = self.clock.advance(now);
        self.stats.slow = self.stats.slow.saturating_add(dropped);
        let is_recent = self.slow_at.is_some_and(|at| now - at < self.config.lost_after);
        if self.is_up && !self.is_closed && !is_recent {
            self.slow_at = Some(now);
            self.greet(now);
        }
    }

    /// Says goodbye, behind all that waits: the others drop its members at once. Nothing is told any more, but for what
    /// waits to be taken. While the transport is down nothing is left to be said.
    pub fn close(&mut self, now: Instant) {
        self.clock.advance(now);
        if core::mem::replace(&mut self.is_closed, true) {
            return;
        }
        self.alarms = Alarms::default();
        self.peers = Peers::default();
        if self.is_up {
            self.last_pages();
            let goodbye = Frame::Goodbye.encode(self.node);
            self.outbox.last_word(Subject::nodes(), goodbye);
        } else {
            self.outbox.clear();
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        while let Some(subject) = self.dirty.pop_first() {
            let is_heard = subject.is_nodes() || self.owns.heard(subject.as_str()).is_some();
            if is_heard && self.subscribed.insert(subject.clone()) {
                return Some(Action::Subscribe(subject));
            }
            if !is_heard && self.subscribed.remove(&subject) {
                return Some(Action::Unsubscribe(subject));
            }
        }
        if !self.is_up {
            return None;
        }
        let next = self.outbox.pop()?;
        if next.sequence > 0 {
            self.stats.published += 1;
            self.owns.sent(&next.subject, next.sequence);
        }
        Some(Action::Publish {
            subject: next.subject,
            origin: self.node,
            sequence: next.sequence,
            bytes: next.bytes,
        })
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Members of other nodes in a subject that is heard, by node and name, and what is told about each.
    pub fn members(&self, subject: &Subject) -> impl Iterator<Item = (NodeId, &str, &Bytes)> {
        self.peers.members(subject)
    }

    /// The other nodes that are there, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.peers.live()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest; `None` once it is closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed {
            return None;
        }
        let beat = self.is_up.then_some(self.beat_at);
        let watch = self.watch_at.filter(|_| self.is_up);
        [beat, watch, self.alarms.next(), Some(self.tidy_at)].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.is_closed {
            return;
        }
        self.alarms_due(now);
        if self.is_up && self.watch_at.is_some_and(|at| at <= now) {
            self.watch(now);
        }
        if self.is_up && self.beat_at <= now {
            self.beat(now);
        }
        if self.tidy_at <= now {
            self.tidy(now);
        }
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (outbox, outbox_bytes) = self.outbox.messages();
        Stats {
            is_up: self.is_up,
            nodes: self.peers.live_len(),
            nodes_remembered: self.peers.remembered(),
            subjects: self.owns.groups(),
            local_members: self.owns.members,
            remote_members: self.peers.members,
            outbox,
            outbox_bytes,
            early: self.peers.early,
            early_bytes: self.peers.early_bytes,
            outbox_dropped: self.outbox.dropped,
            notices_dropped: self.outbox.notices_dropped,
            delivered: self.events.delivered,
            gaps: self.events.gaps,
            missed: self.events.missed,
            subjects_forgotten: self.owns.forgotten,
            nodes_forgotten: self.peers.forgotten,
            clamped: self.clock.clamped,
            ..self.stats
        }
    }
}
