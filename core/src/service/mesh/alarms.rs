//! What is to be done later, by when.

use super::{NodeId, Subject};
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// Give up what a node's messages on a subject wait for.
    Hole(NodeId, Subject),
    /// Ask for the rolls of a subject.
    Ask(Subject),
    /// Tell the roll of a subject.
    Roll(Subject),
}

/// One time for each.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    by_time: BTreeSet<(Instant, Alarm)>,
    times: BTreeMap<Alarm, Instant>,
}

impl Alarms {
    pub(super) fn set(&mut self, alarm: Alarm, at: Instant) {
        self.clear(&alarm);
        self.times.insert(alarm.clone(), at);
        self.by_time.insert((at, alarm));
    }

    /// Sets one that is not set.
    pub(super) fn set_first(&mut self, alarm: Alarm, at: Instant) {
        if !self.times.contains_key(&alarm) {
            self.set(alarm, at);
        }
    }

    pub(super) fn clear(&mut self, alarm: &Alarm) {
        if let Some((alarm, at)) = self.times.remove_entry(alarm) {
            self.by_time.remove(&(at, alarm));
        }
    }

    pub(super) fn is_set(&self, alarm: &Alarm) -> bool {
        self.times.contains_key(alarm)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// One that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Alarm> {
        self.next().filter(|at| *at <= now)?;
        let (_, alarm) = self.by_time.pop_first()?;
        self.times.remove(&alarm);
        Some(alarm)
    }
}
