//! What the node itself has in subjects.

use super::{Config, Subject};
use crate::base::Instant;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// Members and messages of the node itself in one subject.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// At most [`Config::max_members`].
    pub(super) members: BTreeMap<Arc<str>, Bytes>,
    /// That of the last change of the members.
    pub(super) version: u64,
    /// That of the last message.
    pub(super) sequence: u64,
    /// That of the last message that does not wait any more. Others are told of this one: who begins at it misses none of those that wait.
    pub(super) sent: u64,
    /// When there was the last message, or the last member left.
    pub(super) used: Instant,
    /// All are yet to be asked who has members in it.
    pub(super) asks_all: bool,
    /// When its members were last told of.
    pub(super) rolled: Option<Instant>,
}

impl Own {
    /// What a step says of the roll that it changes: 0 if that was empty.
    pub(super) fn before(&self) -> u64 {
        if self.members.is_empty() { 0 } else { self.version }
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Owns {
    /// `all`, and at most [`Config::max_subjects`] groups.
    subjects: BTreeMap<Subject, Own>,
    /// How many groups have no member.
    vacant: usize,
    /// No sequence up to this is used again on a subject that was forgotten: another could take the new message for an old one.
    floor: u64,
    /// Changes of all rolls so far.
    steps: u64,
    /// Members in all.
    pub(super) members: usize,
    /// Subjects forgotten to make room.
    pub(super) forgotten: u64,
}

impl Owns {
    pub(super) fn new() -> Self {
        let subjects = BTreeMap::from([(Subject::all(), Own::default())]);
        Self { subjects, vacant: 0, floor: 0, steps: 0, members: 0, forgotten: 0 }
    }

    /// Changes of all rolls so far.
    pub(super) fn clock(&self) -> u64 {
        self.steps
    }

    pub(super) fn groups(&self) -> usize {
        self.subjects.len() - 1
    }

    pub(super) fn get(&self, subject: &str) -> Option<&Own> {
        self.subjects.get(subject)
    }

    pub(super) fn get_mut(&mut self, subject: &str) -> Option<&mut Own> {
        self.subjects.get_mut(subject)
    }

    /// The name that a subject has here.
    pub(super) fn name(&self, subject: &str) -> Option<Subject> {
        self.subjects.get_key_value(subject).map(|(name, _)| name.clone())
    }

    /// Whether a subject is heard, and the name that it has here.
    pub(super) fn heard(&self, subject: &str) -> Option<Subject> {
        let (name, own) = self.subjects.get_key_value(subject)?;
        (name.is_all() || !own.members.is_empty()).then(|| name.clone())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Subject, &Own)> {
        self.subjects.iter()
    }

    /// Those behind `after`, in order.
    pub(super) fn behind(&self, after: Option<&Subject>) -> impl Iterator<Item = (&Subject, &Own)> {
        use core::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.subjects.range::<Subject, _>((from, Bound::Unbounded))
    }

    /// The subject, a new one if there is room; an empty one makes room.
    pub(super) fn open(&mut self, config: &Config, now: Instant, subject: &Subject) -> Option<&mut Own> {
        if !self.subjects.contains_key(subject) {
            if self.groups() >= config.max_subjects && !self.make_room() {
                return None;
            }
            self.vacant += 1;
            let own = Own { sequence: self.floor, sent: self.floor, used: now, ..Own::default() };
            self.subjects.insert(subject.clone(), own);
        }
        self.subjects.get_mut(subject)
    }

    /// A message waits no more: it is on its way, or dropped.
    pub(super) fn sent(&mut self, subject: &Subject, sequence: u64) {
        if let Some(own) = self.subjects.get_mut(subject) {
            own.sent = own.sent.max(sequence);
        }
    }

    /// The version of the next change.
    pub(super) fn step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }

    /// A member is in: whether it is the first.
    pub(super) fn put(&mut self, subject: &Subject, member: &str, about: Bytes, version: u64) -> bool {
        let Some(own) = self.subjects.get_mut(subject) else { return false };
        let is_first = own.members.is_empty();
        self.members += usize::from(own.members.insert(member.into(), about).is_none());
        own.version = version;
        self.vacant -= usize::from(is_first && !subject.is_all());
        is_first
    }

    /// A member that is in is out: whether it was the last.
    pub(super) fn remove(&mut self, now: Instant, subject: &Subject, member: &str, version: u64) -> bool {
        let Some(own) = self.subjects.get_mut(subject) else { return false };
        self.members -= usize::from(own.members.remove(member).is_some());
        (own.version, own.used) = (version, now);
        if !own.members.is_empty() {
            return false;
        }
        if !subject.is_all() {
            self.vacant += 1;
            if own.sequence == 0 {
                self.forget(subject);
            }
        }
        true
    }

    /// Forgets those without members that were not published to for so long.
    pub(super) fn tidy(&mut self, now: Instant, keep: Duration) {
        let is_unused = |(subject, own): &(&Subject, &Own)| {
            !subject.is_all() && own.members.is_empty() && own.used + keep <= now
        };
        let unused: Vec<_> = self.subjects.iter().filter(is_unused).map(|(name, _)| name.clone()).collect();
        unused.iter().for_each(|subject| self.forget(subject));
    }

    /// Forgets the one without members that was published to the longest ago.
    fn make_room(&mut self) -> bool {
        if self.vacant == 0 {
            return false;
        }
        let vacant =
            self.subjects.iter().filter(|(subject, own)| !subject.is_all() && own.members.is_empty());
        let Some(oldest) = vacant.min_by_key(|(_, own)| own.used).map(|(name, _)| name.clone()) else {
            return false;
        };
        self.forget(&oldest);
        self.forgotten += 1;
        true
    }

    fn forget(&mut self, subject: &Subject) {
        if let Some(own) = self.subjects.remove(subject) {
            self.floor = self.floor.max(own.sequence);
            self.vacant -= 1;
        }
    }
}
