//! How connections end, and the pool itself.

use super::slots::State;
use super::{Pool, Refusal, SlotId};
use crate::base::Instant;
use alloc::vec::Vec;
use core::time::Duration;
use slotmap::DefaultKey;

impl Pool {
    /// A connection could not be opened. `again` says how long to wait at least before another try, of up to an hour, and `None` that
    /// there is no use in one ([`Retryable::try_again_after`](crate::service::schedule::Retryable::try_again_after)).
    pub fn failed(&mut self, now: Instant, slot: SlotId, again: Option<Duration>) {
        let now = self.pass(now);
        match self.slots.state(slot.0) {
            Some(State::Opening) => {
                self.slots.remove(slot.0);
                self.cannot_open(now, again);
            }
            // It was given up meanwhile.
            Some(State::Closing) => self.slots.remove(slot.0),
            _ => {}
        }
        self.settle(now);
    }

    /// A connection is sound no more, whoever has it: it is to be closed. One who was about to get it has another.
    pub fn discard(&mut self, now: Instant, slot: SlotId) {
        let now = self.pass(now);
        if !matches!(self.slots.state(slot.0), None | Some(State::Closing)) {
            self.stats.broken += 1;
            self.take_from_waiter(slot.0);
            self.slots.close(slot.0);
        }
        self.settle(now);
    }

    /// A connection is gone: it was closed as the pool asked, or it ended by itself, or its user keeps it. One that was being opened
    /// counts as [failed](Self::failed).
    pub fn closed(&mut self, now: Instant, slot: SlotId) {
        let now = self.pass(now);
        match self.slots.state(slot.0) {
            None => {}
            Some(State::Opening) => {
                self.slots.remove(slot.0);
                self.cannot_open(now, Some(Duration::ZERO));
            }
            Some(State::Closing) => self.slots.remove(slot.0),
            Some(_) => {
                self.stats.lost += 1;
                self.take_from_waiter(slot.0);
                self.slots.remove(slot.0);
            }
        }
        self.settle(now);
    }

    /// Lends no more. Those who wait are refused, what is not lent is closed, and what is lent is when it comes back.
    pub fn drain(&mut self, now: Instant) {
        let now = self.pass(now);
        self.is_draining = true;
        let all: Vec<_> = self.slots.iter().collect();
        for (key, state) in all {
            if !matches!(state, State::Running | State::Closing) {
                self.take_from_waiter(key);
                self.slots.close(key);
            }
        }
        self.refuse_all(Refusal::Drained);
        self.settle(now);
    }

    /// Whether it is drained and nothing is left.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining && self.slots.len() == 0
    }

    /// Whether it lends no more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    pub(super) fn refuse_all(&mut self, why: Refusal) {
        while let Some(ticket) = self.waiters.first() {
            self.waiters.refuse(&mut self.slots, ticket, why);
            self.stats.refused += 1;
        }
    }

    /// Whoever is about to get this one waits again.
    fn take_from_waiter(&mut self, key: DefaultKey) {
        if let Some(State::Serving(ticket, until)) = self.slots.state(key) {
            self.waiters.put_back(&mut self.slots, ticket, until);
        }
    }
}
