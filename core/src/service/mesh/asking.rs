//! Rolls that are asked for, and told.

use super::alarms::Alarm;
use super::wire::{Frame, Part};
use super::{Mesh, NodeId, Subject};
use crate::base::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// Most nodes that are asked by name; who needs more asks all, so that one frame does for everybody.
const MOST_ASKED: usize = 64;

impl Mesh {
    /// Does what is due of what was put off.
    pub(super) fn alarms_due(&mut self, now: Instant) {
        while let Some(alarm) = self.alarms.pop(now) {
            match alarm {
                Alarm::Hole(origin, subject) => self.give_up(now, origin, &subject),
                Alarm::Ask(subject) => self.ask(now, &subject),
                Alarm::Roll(subject) => self.roll(now, &subject),
            }
        }
    }

    /// All are asked of the subjects on which that is yet to be done.
    pub(super) fn ask_all_yet(&mut self, now: Instant) {
        let yet: Vec<Subject> =
            self.owns.iter().filter(|(_, own)| own.asks_all).map(|(subject, _)| subject.clone()).collect();
        yet.iter().for_each(|subject| self.ask(now, subject));
    }

    /// What is needed is asked for soon.
    pub(super) fn ask_needed(&mut self, now: Instant) {
        let subjects: Vec<Subject> = self.peers.needed_of().cloned().collect();
        for subject in subjects {
            let at = now + self.up_to(self.config.hesitation);
            self.alarms.set_first(Alarm::Ask(subject), at);
        }
    }

    /// A roll may be needed. The first that asks does it for all, so it waits a moment for others to ask.
    pub(super) fn need(&mut self, now: Instant, origin: NodeId, subject: &Subject) {
        if self.peers.heard(origin, subject).is_some_and(|heard| heard.roll.is_needed()) {
            let alarm = Alarm::Ask(subject.clone());
            if self.is_up && !self.alarms.is_set(&alarm) {
                let at = now + self.up_to(self.config.hesitation);
                self.alarms.set(alarm, at);
            }
        }
    }

    /// Asks for the rolls that are needed, and again later if they do not come.
    pub(super) fn ask(&mut self, now: Instant, subject: &Subject) {
        if !self.is_up {
            return;
        }
        let asks_all =
            self.owns.get_mut(subject.as_str()).is_some_and(|own| core::mem::take(&mut own.asks_all));
        let needed: Vec<NodeId> = if asks_all { Vec::new() } else { self.peers.needed(subject).collect() };
        if asks_all || !needed.is_empty() {
            self.stats.asks_sent += 1;
            let frame = Frame::Ask(if needed.len() > MOST_ASKED { Vec::new() } else { needed });
            self.outbox.notice(&self.config, subject.clone(), frame.encode(self.node));
            let again = now + self.config.retry + self.up_to(self.config.hesitation);
            self.alarms.set(Alarm::Ask(subject.clone()), again);
        }
    }

    /// Another asks for rolls: for this node's too, perhaps, and perhaps for all that this node needs.
    pub(super) fn hear_ask(&mut self, now: Instant, subject: &Subject, nodes: &[NodeId]) {
        let is_asked = |node: &NodeId| nodes.is_empty() || nodes.contains(node);
        let ask = Alarm::Ask(subject.clone());
        if self.alarms.is_set(&ask) && self.peers.needed(subject).all(|node| is_asked(&node)) {
            let again = now + self.config.retry + self.up_to(self.config.hesitation);
            self.alarms.set(ask, again);
        }
        let Some(own) = self.owns.get(subject.as_str()).filter(|own| !own.members.is_empty()) else { return };
        if is_asked(&self.node) && self.is_up {
            let at = own.rolled.map_or(now, |at| at + self.config.retry).max(now + self.config.hesitation);
            self.alarms.set_first(Alarm::Roll(subject.clone()), at);
        }
    }

    /// Tells who is in a subject, once for all who asked.
    fn roll(&mut self, now: Instant, subject: &Subject) {
        let Some(own) = self.owns.get_mut(subject.as_str()).filter(|own| !own.members.is_empty()) else {
            return;
        };
        if !self.is_up {
            return;
        }
        let mut parts: Vec<Vec<(&str, &[u8])>> = Vec::new();
        let mut len = usize::MAX;
        for (name, about) in &own.members {
            let more = 4 + name.len() + about.len();
            if len.saturating_add(more) > self.config.max_part {
                parts.push(Vec::new());
                len = 0;
            }
            len += more;
            if let Some(part) = parts.last_mut() {
                part.push((name, about));
            }
        }
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let room = self.outbox.room(&self.config);
        if room < parts.len() && room < self.config.max_notices {
            self.alarms.set(Alarm::Roll(subject.clone()), now + self.config.retry);
            return;
        }
        let (last, version) = (own.sent, own.version);
        for (part, members) in (0..count).zip(parts) {
            let part = Part { last, version, part, parts: count, members };
            self.outbox.part(subject.clone(), Frame::Roll(part).encode(self.node));
        }
        own.rolled = Some(now);
        self.stats.rolls_sent += 1;
    }

    /// A time of this length at most.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.entropy.next_u64() % nanos.saturating_add(1).max(1))
    }
}
