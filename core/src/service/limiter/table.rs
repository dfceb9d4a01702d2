//! The addresses that are remembered: found by their key, forgotten in the order in which they matter.

use super::key::Key;
use crate::base::Instant;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

/// Ranks below that of the blocked: an address has one by the share of the limit that it has used up.
const RANKS: usize = 16;
/// The rank of the blocked.
pub(super) const BLOCKED: usize = RANKS;
/// No place.
const NONE: u32 = u32::MAX;

/// Where an address is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

/// Places that stand in one list for each rank. In each, those are in front that came to it first; since every arrival moves
/// its address to the end of a list, and a block lasts as long as any other, those are also the first that nobody needs.
/// So nothing is ever searched for.
#[derive(Debug, Default)]
pub(super) struct Table {
    index: BTreeMap<Key, u32>,
    entries: Vec<Entry>,
    /// The places that are free, a list by `next`.
    free: Option<u32>,
    ranks: [Rank; RANKS + 1],
}

/// What is remembered of an address.
#[derive(Debug)]
pub(super) struct Entry {
    key: Key,
    /// The last arrivals, at most the limit: a ring that starts at `oldest` once it is full.
    times: Vec<Instant>,
    oldest: u32,
    /// Until when it is needed: the end of its block, or of the last arrival's window.
    pub(super) needed_until: Instant,
    rank: u8,
    before: u32,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Rank {
    first: u32,
    last: u32,
    len: usize,
}

impl Default for Rank {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl Entry {
    /// Whether one more arrival at `now` keeps the limit; else, when it will.
    pub(super) fn has_room(&self, now: Instant, limit: usize, window: Duration) -> Result<(), Instant> {
        let Some(oldest) = self.times.get(self.oldest as usize).filter(|_| self.times.len() >= limit) else {
            return Ok(());
        };
        // The window is open at its end: an arrival is out of it when it is as old as the window is long.
        let free_at = *oldest + window;
        if free_at <= now { Ok(()) } else { Err(free_at) }
    }

    /// Notes an arrival, in place of the oldest if there are as many as the limit.
    pub(super) fn note(&mut self, now: Instant, limit: usize) {
        if self.times.len() < limit {
            if self.times.len() == self.times.capacity() {
                let more = self.times.len().clamp(1, limit - self.times.len());
                self.times.reserve_exact(more);
            }
            self.times.push(now);
        } else {
            self.times[self.oldest as usize] = now;
            self.oldest = (self.oldest + 1) % self.times.len() as u32;
        }
    }

    /// How many arrivals are in the window that ends at `now`.
    pub(super) fn in_window(&self, now: Instant, window: Duration) -> usize {
        let (newer, older) = self.times.split_at(self.oldest as usize);
        let is_out = |time: &Instant| *time + window <= now;
        let out = older.partition_point(is_out);
        let out = if out == older.len() { out + newer.partition_point(is_out) } else { out };
        self.times.len() - out
    }

    /// Whether it is blocked, or was when it was last looked at.
    pub(super) fn is_blocked(&self) -> bool {
        usize::from(self.rank) == BLOCKED
    }

    /// Forgets its arrivals.
    pub(super) fn clear(&mut self) {
        (self.times, self.oldest) = (Vec::new(), 0);
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn blocked(&self) -> usize {
        self.ranks[BLOCKED].len
    }

    pub(super) fn find(&self, key: Key) -> Option<Place> {
        self.index.get(&key).map(|place| Place(*place))
    }

    pub(super) fn entry(&mut self, place: Place) -> &mut Entry {
        &mut self.entries[place.0 as usize]
    }

    /// A place for an address that has none.
    pub(super) fn insert(&mut self, key: Key) -> Place {
        let entry = Entry {
            key,
            times: Vec::new(),
            oldest: 0,
            needed_until: Instant::NEVER,
            rank: 0,
            before: NONE,
            next: NONE,
        };
        let place = match self.free {
            Some(place) => {
                self.free = Some(self.entries[place as usize].next).filter(|next| *next != NONE);
                self.entries[place as usize] = entry;
                place
            }
            None => {
                if self.entries.len() == self.entries.capacity() {
                    // In smaller steps than twice as many: what it holds is all that there is room for.
                    self.entries.reserve_exact(16 + self.entries.len() / 8);
                }
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.index.insert(key, place);
        self.append(place, 0);
        Place(place)
    }

    /// An arrival: the address is needed until then, and goes to the end of the list of its rank.
    pub(super) fn settle(&mut self, place: Place, rank: usize, needed_until: Instant) {
        self.entries[place.0 as usize].needed_until = needed_until;
        self.detach(place.0);
        self.append(place.0, rank);
    }

    /// The rank of an address that has used up so much of the limit.
    pub(super) fn rank(used: usize, limit: usize) -> usize {
        let used = used.clamp(1, limit) - 1;
        if limit <= RANKS { used } else { (used as u128 * RANKS as u128 / limit as u128) as usize }
    }

    /// Forgets an address.
    pub(super) fn remove(&mut self, place: Place) {
        self.detach(place.0);
        let entry = &mut self.entries[place.0 as usize];
        entry.clear();
        entry.next = self.free.unwrap_or(NONE);
        self.index.remove(&entry.key);
        self.free = Some(place.0);
        if self.index.is_empty() {
            *self = Self::default();
        }
    }

    /// One that nobody needs any more, if there is one.
    pub(super) fn unneeded(&self, now: Instant) -> Option<Place> {
        let firsts = self.ranks.iter().map(|rank| rank.first).filter(|first| *first != NONE);
        firsts.map(Place).find(|place| self.entries[place.0 as usize].needed_until <= now)
    }

    /// When there will be one, at the earliest.
    pub(super) fn unneeded_at(&self) -> Option<Instant> {
        let firsts = self.ranks.iter().map(|rank| rank.first).filter(|first| *first != NONE);
        firsts.map(|place| self.entries[place as usize].needed_until).min()
    }

    /// The one that matters least.
    pub(super) fn least(&self) -> Option<Place> {
        self.ranks.iter().map(|rank| rank.first).find(|first| *first != NONE).map(Place)
    }

    fn append(&mut self, place: u32, rank: usize) {
        let last = self.ranks[rank].last;
        let entry = &mut self.entries[place as usize];
        (entry.rank, entry.before, entry.next) = (rank as u8, last, NONE);
        match self.entries.get_mut(last as usize) {
            Some(last) => last.next = place,
            None => self.ranks[rank].first = place,
        }
        self.ranks[rank].last = place;
        self.ranks[rank].len += 1;
    }

    fn detach(&mut self, place: u32) {
        let Entry { rank, before, next, .. } = self.entries[place as usize];
        let rank = &mut self.ranks[usize::from(rank)];
        rank.len -= 1;
        match self.entries.get_mut(before as usize) {
            Some(before) => before.next = next,
            None => rank.first = next,
        }
        match self.entries.get_mut(next as usize) {
            Some(next) => next.before = before,
            None => rank.last = before,
        }
    }
}
