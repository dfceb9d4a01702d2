//! Those who wait, in the order in which they came.

use super::Refusal;
use super::queue::{Place, Whom};
use super::slots::Slots;
use crate::base::Instant;
use alloc::collections::BTreeMap;
use slotmap::DefaultKey;

#[derive(Debug, Default)]
pub(super) struct Waiters {
    last: u64,
    /// Until when each waits.
    waiting: BTreeMap<u64, Instant>,
    /// What each is to be handed.
    served: BTreeMap<u64, DefaultKey>,
    refused: BTreeMap<u64, (Place, Refusal)>,
}

/// What became of one who gave up.
pub(super) enum GaveUp {
    Unknown,
    Waiting,
    Served(DefaultKey),
    Refused,
}

impl Waiters {
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those who wait, and those who are still to be told what they have waited for.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.served.len() + self.refused.len()
    }

    pub(super) fn add(&mut self, slots: &mut Slots, until: Instant) -> u64 {
        self.last += 1;
        self.put(slots, self.last, until);
        self.last
    }

    /// One who was served, and what it was to be handed is gone: it stands again where it stood.
    pub(super) fn put_back(&mut self, slots: &mut Slots, ticket: u64, until: Instant) {
        self.served.remove(&ticket);
        self.put(slots, ticket, until);
    }

    fn put(&mut self, slots: &mut Slots, ticket: u64, until: Instant) {
        self.waiting.insert(ticket, until);
        slots.deadlines.insert((until, Whom::Ticket(ticket)));
    }

    /// The one who came first is to be handed this: who, and until when it would have waited.
    pub(super) fn serve(&mut self, slots: &mut Slots, key: DefaultKey) -> Option<(u64, Instant)> {
        let (ticket, until) = self.waiting.pop_first()?;
        slots.deadlines.remove(&(until, Whom::Ticket(ticket)));
        self.served.insert(ticket, key);
        Some((ticket, until))
    }

    /// It has been handed what it waited for.
    pub(super) fn forget(&mut self, ticket: u64) {
        self.served.remove(&ticket);
    }

    /// Whether it waited.
    pub(super) fn refuse(&mut self, slots: &mut Slots, ticket: u64, why: Refusal) -> bool {
        let Some(until) = self.waiting.remove(&ticket) else { return false };
        slots.deadlines.remove(&(until, Whom::Ticket(ticket)));
        let place = slots.queue.push(Whom::Ticket(ticket));
        self.refused.insert(ticket, (place, why));
        true
    }

    /// The one who came first, of those who wait.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|(ticket, _)| *ticket)
    }

    /// Why it is refused, now that it is told.
    pub(super) fn tell(&mut self, ticket: u64) -> Option<Refusal> {
        self.refused.remove(&ticket).map(|(_, why)| why)
    }

    pub(super) fn give_up(&mut self, slots: &mut Slots, ticket: u64) -> GaveUp {
        if let Some(until) = self.waiting.remove(&ticket) {
            slots.deadlines.remove(&(until, Whom::Ticket(ticket)));
            return GaveUp::Waiting;
        }
        if let Some((place, _)) = self.refused.remove(&ticket) {
            slots.queue.remove(place);
            return GaveUp::Refused;
        }
        self.served.remove(&ticket).map_or(GaveUp::Unknown, GaveUp::Served)
    }
}
