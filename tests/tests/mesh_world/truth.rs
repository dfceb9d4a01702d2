//! What was published, and what is to be seen of it.

use super::setup::Setup;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use wharf::base::Instant;
use wharf::service::mesh::{Event, NodeId, Subject};
use wharf_tests::bus_world::Tally;

/// All messages of a world, and a hash of all that is told.
#[derive(Debug)]
pub(super) struct Truth {
    messages: BTreeMap<(NodeId, Subject, u64), (Bytes, Instant)>,
    /// Nothing is lost that was published after its receiver subscribed.
    pub(super) is_calm: bool,
    /// Some of what is said is forged.
    pub(super) is_forged: bool,
    /// Nodes forget, and skip numbers.
    pub(super) is_tight: bool,
    is_printed: bool,
    hasher: DefaultHasher,
    pub(super) tally: Tally,
}

impl Truth {
    pub(super) fn new(setup: &Setup, is_printed: bool) -> Self {
        Self {
            messages: BTreeMap::new(),
            is_calm: setup.is_calm(),
            is_forged: setup.forged > 0,
            is_tight: setup.is_tight,
            is_printed,
            hasher: DefaultHasher::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn publish(
        &mut self,
        now: Instant,
        node: NodeId,
        subject: &Subject,
        sequence: u64,
        payload: Bytes,
    ) {
        let before = self.messages.insert((node, subject.clone(), sequence), (payload, now));
        assert!(before.is_none(), "a sequence is used twice");
        self.tally.count("published");
    }

    /// Something happened.
    pub(super) fn note(&mut self, at: NodeId, event: &Event) {
        let text = format!("{at}: {event:?}");
        text.hash(&mut self.hasher);
        self.say(format_args!("{text}"));
        self.tally.count(match event {
            Event::Deliver { .. } => "delivered",
            Event::Gap { .. } => "gaps",
            Event::Met(_) => "met",
            Event::Lost(_) => "lost",
            Event::Found { .. } => "found",
            Event::Entered { .. } => "entered",
            Event::Changed { .. } => "changed",
            _ => "left",
        });
    }

    pub(super) fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.is_printed {
            println!("{what}");
        }
    }

    pub(super) fn check_message(&self, origin: NodeId, subject: &Subject, sequence: u64, payload: &Bytes) {
        let message = self.messages.get(&(origin, subject.clone(), sequence));
        let is_true = message.map(|(payload, _)| payload) == Some(payload);
        assert!(is_true || self.is_forged, "it was never published");
    }

    /// Where nothing is lost, only what was published before its receiver subscribed is missing.
    pub(super) fn check_gap(
        &self,
        origin: NodeId,
        subject: &Subject,
        (first, last): (u64, u64),
        since: Option<Instant>,
    ) {
        if self.is_forged || self.is_tight {
            return;
        }
        for sequence in first..=last {
            let (_, at) = self.messages.get(&(origin, subject.clone(), sequence)).expect("it was published");
            assert!(
                !self.is_calm || since.is_none_or(|since| *at <= since),
                "{sequence} of {origin} on {subject} is lost"
            );
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
