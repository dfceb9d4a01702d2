//! Who another node has in a subject.

use super::Config;
use super::doubt::Doubt;
use super::wire::{Part, Step};
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

#[cfg(test)]
mod tests;

/// A change to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing was known before, so when it entered is not known.
    Found(Arc<str>, Bytes),
    Entered(Arc<str>, Bytes),
    Changed(Arc<str>, Bytes),
    Left(Arc<str>),
}

/// How many members of other nodes there may be yet, and what was not taken.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Members that there may be yet.
    pub(super) members: usize,
    /// Members that there may not be.
    pub(super) refused: u64,
    /// Members with longer names than may be, or about whom more is told.
    pub(super) too_big: u64,
}

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// As of which version it is known. Without members it may be the clock at which it was known to be empty.
    version: Option<u64>,
    /// At most [`Config::max_members`].
    members: BTreeMap<Arc<str>, Bytes>,
    /// A version that there is, and that is not known.
    needed: Option<u64>,
    /// Somebody is not among the members for want of room.
    is_short: bool,
    gathering: Option<Gathering>,
    /// Whether the node has come to the version that is known.
    doubt: Doubt,
}

/// Parts of a roll that came.
#[derive(Debug)]
struct Gathering {
    version: u64,
    parts: u16,
    came: BTreeSet<u16>,
    /// Those that were known, and the others: at most [`Config::max_members`] in all.
    known: Vec<(Arc<str>, Bytes)>,
    others: Vec<(Arc<str>, Bytes)>,
    is_short: bool,
}

impl Gathering {
    fn new(part: &Part<'_>) -> Self {
        let (version, parts) = (part.version, part.parts);
        Self { version, parts, came: BTreeSet::new(), known: Vec::new(), others: Vec::new(), is_short: false }
    }

    fn len(&self) -> usize {
        self.known.len() + self.others.len()
    }

    /// One more, if there are fewer than `most`. Where there are not, one that was not known makes way for one that is: it has not left.
    fn put(&mut self, name: &str, about: &[u8], most: usize, knows: impl Fn(&str) -> bool, room: &mut Room) {
        let is_known = knows(name);
        if self.len() >= most {
            (room.refused, self.is_short) = (room.refused + 1, true);
            let other = self.others.iter().rposition(|(other, _)| !knows(other)).filter(|_| is_known);
            match other {
                Some(at) => drop(self.others.swap_remove(at)),
                None => return,
            }
        }
        let members = if is_known { &mut self.known } else { &mut self.others };
        members.push((Arc::from(name), Bytes::copy_from_slice(about)));
    }
}

impl Roll {
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.members.iter().map(|(name, about)| (&**name, about))
    }

    /// Room that the members take. Those of a roll that comes take the place of those that are known, so there is room for either.
    pub(super) fn len(&self) -> usize {
        self.members.len().max(self.gathering.as_ref().map_or(0, Gathering::len))
    }

    /// Whether it is to be asked for.
    pub(super) fn is_needed(&self) -> bool {
        self.needed.is_some()
    }

    /// One change.
    pub(super) fn step(
        &mut self,
        config: &Config,
        step: &Step<'_>,
        room: &mut Room,
        told: &mut impl FnMut(Change),
    ) {
        if self.version.is_some_and(|known| known >= step.version) {
            return;
        }
        if step.before == 0 {
            // It was empty.
            room.members += self.retain(|name| name == step.member, told);
        } else if self.version != Some(step.before) {
            self.needed = self.needed.max(Some(step.version));
            return;
        }
        match step.about {
            Some(about) if fits(config, step.member, about, room) => {
                self.put(config, step.member.into(), Bytes::copy_from_slice(about), room, told);
            }
            _ => {
                room.members += self.retain(|name| name != step.member, told);
            }
        }
        self.know(step.version);
    }

    /// A part of it: whether it is whole now.
    pub(super) fn part(
        &mut self,
        config: &Config,
        part: &Part<'_>,
        room: &mut Room,
        told: &mut impl FnMut(Change),
    ) -> bool {
        let gathered = self.gathering.as_ref().map_or(0, |gathering| gathering.version);
        let is_known = self.version.is_some_and(|known| known >= part.version);
        // No node tells of nobody in one of several parts.
        let is_void = part.members.is_empty() && part.parts > 1;
        if (is_known && self.needed != Some(part.version)) || gathered > part.version || is_void {
            return false;
        }
        let most = room.members + self.len();
        let is_same = |old: &Gathering| old.version == part.version && old.parts == part.parts;
        let old = self.gathering.take().filter(is_same);
        let mut gathering = old.unwrap_or_else(|| Gathering::new(part));
        if gathering.came.insert(part.part) {
            for (name, about) in &part.members {
                if fits(config, name, about, room) {
                    let knows = |name: &str| self.members.contains_key(name);
                    gathering.put(name, about, most.min(config.max_members), knows, room);
                }
            }
        }
        if gathering.came.len() < usize::from(gathering.parts) {
            self.gathering = Some(gathering);
            return false;
        }
        room.members = most.saturating_sub(self.members.len());
        let new: BTreeMap<Arc<str>, Bytes> = gathering.known.into_iter().chain(gathering.others).collect();
        room.members += self.retain(|name| new.contains_key(name), told);
        self.is_short = gathering.is_short;
        let is_first = self.version.is_none();
        let mut told = |change| match change {
            Change::Entered(name, about) if is_first => told(Change::Found(name, about)),
            change => told(change),
        };
        for (name, about) in new {
            self.put(config, name, about, room, &mut told);
        }
        self.know(part.version);
        true
    }

    /// The node says which version it has, of how many members. Whether what was known is no longer believed. `room` is for members.
    pub(super) fn said(
        &mut self,
        config: &Config,
        now: Instant,
        (version, members): (u64, u32),
        room: usize,
        told: &mut impl FnMut(Change),
    ) -> bool {
        let known = self.version.unwrap_or_default();
        let is_disproved = self.doubt.is_proved(config, now, known, version);
        if is_disproved {
            self.version = None;
        } else if known > version {
            return false;
        }
        if self.version == Some(version) || members == 0 {
            if self.version != Some(version) {
                self.retain(|_| false, told);
            }
            let missing = config.max_members.min(members as usize).saturating_sub(self.members.len());
            let is_wanted = self.is_short && missing > 0 && missing <= room;
            (self.version, self.needed) = (Some(version), is_wanted.then_some(version));
        } else {
            self.needed = Some(version);
        }
        if self.gathering.as_ref().is_some_and(|old| old.version > version || self.needed.is_none()) {
            self.gathering = None;
        }
        is_disproved
    }

    /// The node says that there is nothing to say about it, as of its `clock`. Whether what was known is no longer believed.
    pub(super) fn said_nothing(
        &mut self,
        config: &Config,
        now: Instant,
        clock: u64,
        told: &mut impl FnMut(Change),
    ) -> bool {
        let known = self.version.unwrap_or_default();
        let is_disproved = self.doubt.is_proved(config, now, known, clock);
        if known > clock && !is_disproved {
            return false;
        }
        self.clear(told);
        self.version = Some(clock);
        is_disproved
    }

    /// The node is gone, or is not heard here any more: nothing is known.
    pub(super) fn clear(&mut self, told: &mut impl FnMut(Change)) {
        self.retain(|_| false, told);
        *self = Self::default();
    }

    fn know(&mut self, version: u64) {
        self.version = Some(version);
        if self.needed.is_some_and(|needed| needed <= version) {
            self.needed = None;
        }
        if self.gathering.as_ref().is_some_and(|gathering| gathering.version <= version) {
            self.gathering = None;
        }
    }

    fn put(
        &mut self,
        config: &Config,
        name: Arc<str>,
        about: Bytes,
        room: &mut Room,
        told: &mut impl FnMut(Change),
    ) {
        let is_full = self.members.len() >= config.max_members || room.members == 0;
        match self.members.get_mut(&name) {
            Some(known) if *known == about => {}
            Some(known) => {
                *known = about.clone();
                told(Change::Changed(name, about));
            }
            None if is_full => (room.refused, self.is_short) = (room.refused + 1, true),
            None => {
                room.members -= 1;
                self.members.insert(name.clone(), about.clone());
                told(Change::Entered(name, about));
            }
        }
    }

    /// How many had to go.
    fn retain(&mut self, stays: impl Fn(&str) -> bool, told: &mut impl FnMut(Change)) -> usize {
        let before = self.members.len();
        self.members.retain(|name, _| {
            let stays = stays(name);
            if !stays {
                told(Change::Left(name.clone()));
            }
            stays
        });
        before - self.members.len()
    }
}

fn fits(config: &Config, name: &str, about: &[u8], room: &mut Room) -> bool {
    let fits = name.len() <= config.max_name && about.len() <= config.max_about;
    room.too_big += u64::from(!fits);
    fits
}
