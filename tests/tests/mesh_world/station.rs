//! A node, and what it is held to.

use super::truth::Truth;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf::base::{Entropy, Instant};
use wharf::service::mesh::{Action, Config, EnterError, Event, Mesh, NodeId, Subject};

/// What was told of one origin's messages on a subject since that is heard.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The one behind the last that was told.
    next: Option<u64>,
}

impl Book {
    fn told(&mut self, truth: &Truth, first: u64, last: u64) {
        if let Some(next) = self.next.filter(|_| !truth.is_forged) {
            let skips = truth.is_tight && first > next;
            assert!(first == next || skips, "told twice, out of order, or not at all: {next}, {first}");
        }
        assert!(first <= last);
        self.next = Some(last + 1);
    }

    pub(super) fn has_told(&self, sequence: u64) -> bool {
        self.next.is_some_and(|next| sequence < next)
    }
}

/// A node with its subscriptions.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) mesh: Mesh,
    /// Since when each is heard.
    pub(super) subscribed: BTreeMap<Subject, Instant>,
    pub(super) own: BTreeMap<Subject, BTreeMap<String, Bytes>>,
    pub(super) books: BTreeMap<(Subject, NodeId), Book>,
    present: BTreeMap<(Subject, NodeId, Arc<str>), Bytes>,
    met: BTreeSet<NodeId>,
    published: BTreeMap<Subject, u64>,
}

impl Station {
    pub(super) fn new(now: Instant, config: Config, seed: [u8; 32]) -> Self {
        Self {
            mesh: Mesh::new(now, config, Entropy::from_seed(seed)),
            subscribed: BTreeMap::new(),
            own: BTreeMap::new(),
            books: BTreeMap::new(),
            present: BTreeMap::new(),
            met: BTreeSet::new(),
            published: BTreeMap::new(),
        }
    }

    pub(super) fn enter(
        &mut self,
        now: Instant,
        subject: &Subject,
        member: &str,
        about: Bytes,
        is_tight: bool,
    ) {
        let entered = self.mesh.enter(now, subject, member, about.clone());
        let is_full =
            matches!(entered, Err(EnterError::TooManySubjects { .. } | EnterError::TooManyMembers { .. }));
        if is_full && is_tight {
            return;
        }
        entered.expect("there is room");
        self.own.entry(subject.clone()).or_default().insert(member.to_owned(), about);
    }

    pub(super) fn leave(&mut self, now: Instant, subject: &Subject, member: &str) {
        self.mesh.leave(now, subject, member);
        let Some(own) = self.own.get_mut(subject) else { return };
        own.remove(member);
        if own.is_empty() {
            self.own.remove(subject);
            if !subject.is_all() {
                self.books.retain(|(of, _), _| of != subject);
                self.present.retain(|(of, ..), _| of != subject);
            }
        }
    }

    pub(super) fn hears(&self, subject: &Subject) -> bool {
        subject.is_all() || self.own.contains_key(subject)
    }

    /// The frames that it publishes.
    pub(super) fn act(&mut self, now: Instant) -> Vec<(Subject, Bytes)> {
        let mut frames = Vec::new();
        while let Some(action) = self.mesh.poll_action() {
            match action {
                Action::Subscribe(subject) => {
                    assert!(subject.is_nodes() || self.hears(&subject), "nobody hears {subject}");
                    assert!(self.subscribed.insert(subject, now).is_none(), "subscribed twice");
                }
                Action::Unsubscribe(subject) => {
                    assert!(!self.hears(&subject) && !subject.is_nodes(), "somebody hears {subject}");
                    assert!(self.subscribed.remove(&subject).is_some(), "not subscribed");
                }
                Action::Publish { subject, origin, sequence, bytes } => {
                    assert!(origin == self.mesh.node() && self.mesh.is_up());
                    if sequence > 0 {
                        let before = self.published.insert(subject.clone(), sequence);
                        assert!(before.is_none_or(|before| before < sequence), "published twice");
                    }
                    frames.push((subject, bytes));
                }
                other => panic!("{other:?}"),
            }
        }
        frames
    }

    /// What it tells is true.
    pub(super) fn tell(&mut self, truth: &mut Truth) {
        while let Some(event) = self.mesh.poll_event() {
            truth.note(self.mesh.node(), &event);
            match event {
                Event::Deliver { subject, origin, sequence, payload } => {
                    truth.check_message(origin, &subject, sequence, &payload);
                    self.book(subject, origin).told(truth, sequence, sequence);
                }
                Event::Gap { subject, origin, first, last } => {
                    truth.check_gap(origin, &subject, (first, last), self.subscribed.get(&subject).copied());
                    self.book(subject, origin).told(truth, first, last);
                }
                Event::Met(node) => assert!(self.met.insert(node), "met twice"),
                Event::Lost(node) => {
                    if truth.is_tight {
                        // It may be forgotten, and known anew.
                        self.books.retain(|(_, of), _| *of != node);
                    }
                    assert!(self.met.remove(&node), "lost and not met");
                    assert!(!self.present.keys().any(|(_, of, _)| *of == node), "its members stay");
                }
                Event::Found { subject, node, member, about }
                | Event::Entered { subject, node, member, about } => {
                    assert!(self.met.contains(&node) && self.hears(&subject));
                    let before = self.present.insert((subject, node, member), about);
                    assert!(before.is_none(), "it was there");
                }
                Event::Changed { subject, node, member, about } => {
                    let before = self.present.insert((subject, node, member), about.clone());
                    assert!(before.is_some_and(|before| before != about), "nothing changed");
                }
                Event::Left { subject, node, member } => {
                    assert!(self.present.remove(&(subject, node, member)).is_some(), "it was not there");
                }
                other => panic!("{other:?}"),
            }
        }
        self.check();
    }

    fn book(&mut self, subject: Subject, origin: NodeId) -> &mut Book {
        assert!(self.hears(&subject), "{subject} is not heard");
        self.books.entry((subject, origin)).or_default()
    }

    fn check(&self) {
        if self.mesh.poll_timeout().is_none() {
            // It is closed, and knows nothing any more.
            assert!(self.mesh.nodes().next().is_none());
            return;
        }
        let subjects: BTreeSet<&Subject> = self.present.keys().map(|(subject, ..)| subject).collect();
        for subject in subjects.into_iter().chain(self.own.keys()) {
            let model = self.present.iter().filter(|((of, ..), _)| of == subject);
            let model = model.map(|((_, node, member), about)| (*node, &**member, about));
            assert!(self.mesh.members(subject).eq(model), "what was told is not what is known of {subject}");
        }
        assert!(self.mesh.nodes().eq(self.met.iter().copied()));
        let (stats, config) = (self.mesh.stats(), self.mesh.config());
        assert!(
            stats.outbox <= config.max_outbox && stats.outbox_bytes <= config.max_outbox_bytes,
            "{stats:?}"
        );
        assert!(stats.nodes <= config.max_nodes && stats.nodes_remembered <= config.max_nodes, "{stats:?}");
        assert!(
            stats.subjects <= config.max_subjects && stats.early_bytes <= config.max_early_bytes,
            "{stats:?}"
        );
        let streams = self.subscribed.len() * (stats.nodes + stats.nodes_remembered);
        assert!(stats.early <= streams * config.max_early, "{stats:?}");
        assert!(stats.remote_members <= config.max_remote_members, "{stats:?}");
        let members = self.own.values().map(BTreeMap::len).sum::<usize>();
        assert_eq!(stats.local_members, members);
    }
}
