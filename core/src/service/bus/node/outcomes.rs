//! What came of claims that were asked for.

use super::ClaimOutcome;
use super::claiming::REPLACED;
use super::state::Phase;
use crate::base::{CloseCode, Instant};
use crate::service::bus::{Broker, BusEvent, Name, Reason};
use alloc::string::String;
use core::time::Duration;

/// A claim that another node has is asked for again after so long, then after twice as long, up to the time between two looks.
const FIRST_RETRY: Duration = Duration::from_millis(50);

impl<C: Ord + Copy> Broker<C> {
    /// What became of a claim that was asked for, for the registration at that time.
    pub(super) fn claim_came_to(&mut self, now: Instant, name: &Name, since: Instant, outcome: ClaimOutcome) {
        match outcome {
            ClaimOutcome::Had { pending, records, is_all } => {
                self.claimed(now, (name, since), pending, records, is_all);
            }
            ClaimOutcome::Wanted => self.ask_later(now, name),
            ClaimOutcome::Replaced => self.lose(now, name, since),
            ClaimOutcome::TooMany => self.refuse_claim(name),
            ClaimOutcome::Damaged { what } => self.refuse_damaged(name, what),
        }
    }

    /// Another node has it, and is told.
    fn ask_later(&mut self, now: Instant, name: &Name) {
        let tries = self.node.claims.get_mut(name).map_or(0, |claim| {
            claim.tries += 1;
            claim.tries - 1
        });
        let wait = FIRST_RETRY.saturating_mul(1 << tries.min(10)).min(self.node.settings.poll);
        self.schedule_claim(name, now + wait);
    }

    /// The store did not take it.
    pub(super) fn ask_again(&mut self, now: Instant, name: &Name) {
        self.schedule_claim(name, now + self.node.settings.retry);
    }

    fn schedule_claim(&mut self, name: &Name, at: Instant) {
        if self.node.waiting_for(name).is_some() {
            self.node.schedule(name, at);
        } else {
            self.abandon(name);
        }
    }

    /// Whoever waits for the claim is replaced by who registered at another node since.
    fn lose(&mut self, now: Instant, name: &Name, since: Instant) {
        let waiting = self.node.claims.get(name).and_then(|claim| Some((claim.conn?, claim.since)));
        match waiting {
            // That is another one, of which the store does not know yet.
            Some((_, other)) if other != since => self.node.schedule(name, now),
            Some((conn, _)) => self.turn_out(conn, Reason::Replaced, REPLACED),
            None => self.abandon(name),
        }
    }

    /// There are too many services for one more.
    fn refuse_claim(&mut self, name: &Name) {
        let waiting = self.node.waiting_for(name);
        self.abandon(name);
        let Some(conn) = waiting else { return };
        self.stop_waiting(conn);
        self.error(conn, Reason::Full, "there are too many services");
    }

    /// Nothing can be made of what is stored of a service but by hand: it is served nowhere until then, and all others are.
    pub(super) fn refuse_damaged(&mut self, name: &Name, what: String) {
        self.stats.damaged += 1;
        self.out_event(BusEvent::Damaged { service: name.clone(), what });
        if let Some(service) = self.conn_of(name).and_then(|conn| self.service_of(conn)) {
            // It will come again, and be handed what comes before the damage again: nothing is to die of that.
            self.take_back_out(self.clock.last(), service);
        }
        let waiting = self.node.waiting_for(name);
        if let Some(conn) = waiting.or_else(|| self.conn_of(name)) {
            let detail = "what is stored of the service is damaged";
            self.close_with(conn, CloseCode::TRY_AGAIN_LATER, Reason::Store, detail);
        }
        let claim = self.node.claims.get(name);
        if claim.is_some_and(|claim| claim.phase != Phase::Leaving) {
            self.abandon(name);
        }
    }
}
