//! How it goes on: what its client tells, what is to be sent, and what is due.

use super::{BusClient, BusClientEvent, BusStopped};
use crate::base::Instant;
use crate::service::client::{Action, Attempt, Client, ClientEvent, Machine};

/// Most events that wait but outcomes. Nothing is dialed while there are more than half as many.
const MAX_NEWS: usize = 512;

/// Most replies that wait for room in the connection.
const MAX_WAITING: usize = 64;

impl Machine for BusClient {
    type Event = BusClientEvent;

    fn poll_action(&mut self) -> Option<Action> {
        self.pump();
        self.client.poll_action()
    }

    fn poll_event(&mut self) -> Option<BusClientEvent> {
        self.pump();
        let is_last = matches!(self.news.front(), Some(BusClientEvent::Stopped(_)));
        if !is_last && let Some(event) = self.news.pop_front() {
            return Some(event);
        }
        let outcome = self.outbox.poll_outcome();
        outcome.map(|(id, outcome)| BusClientEvent::Sent { id, outcome }).or_else(|| self.news.pop_front())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.client.is_stopped() {
            return None;
        }
        let drained_by = self.drained_by.filter(|by| *by != Instant::NEVER);
        [self.client.poll_timeout(), self.outbox.poll_timeout(), drained_by].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.client.handle_timeout(now);
        self.outbox.handle_timeout(now, &mut self.stats);
        self.pump();
        if self.drained_by.is_some_and(|by| by <= now) {
            self.halt(now);
        }
    }

    fn client(&self) -> &Client {
        &self.client
    }

    fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl BusClient {
    /// The connection, if messages flow over it.
    pub(super) fn registered(&self) -> Option<Attempt> {
        self.link.and_then(|(attempt, is_registered)| is_registered.then_some(attempt))
    }

    pub(super) fn is_ending(&self) -> bool {
        self.drained_by.is_some() || self.client.is_stopped()
    }

    /// Tells something that may be missed.
    pub(super) fn tell(&mut self, event: BusClientEvent) {
        if self.news.len() < MAX_NEWS {
            self.news.push_back(event);
        } else {
            self.stats.untold += 1;
        }
    }

    /// Hears what its client tells.
    pub(super) fn pump(&mut self) {
        let now = self.clock.last();
        while self.news.len() < MAX_NEWS / 2
            && let Some(event) = self.client.poll_event()
        {
            match event {
                ClientEvent::Connected { attempt, again } => {
                    self.link = Some((attempt, false));
                    self.client.greet(now, attempt, self.config.register());
                    self.news.push_back(BusClientEvent::Connected { again });
                }
                ClientEvent::Disconnected { failure, was_connected, .. } => {
                    self.unlink();
                    self.news.push_back(BusClientEvent::Disconnected { failure, was_connected });
                }
                ClientEvent::Fate { ticket, fate } => {
                    let owes = self.outbox.handle_fate(&mut self.stats, ticket, &fate);
                    if owes && self.link.is_some() {
                        // What came behind it may be accepted: the order is kept by beginning anew.
                        self.client.reconnect(now);
                    }
                }
                ClientEvent::Stopped(reason) => {
                    self.unlink();
                    self.outbox.stop(&mut self.stats);
                    let reason = self.fatal.map_or(BusStopped::Client(reason), BusStopped::Refused);
                    self.news.push_back(BusClientEvent::Stopped(reason));
                }
            }
        }
        self.flow(now);
    }

    /// Gives the connection what it has room for.
    pub(super) fn flow(&mut self, now: Instant) {
        if self.registered().is_some() {
            while self.client.waiting() < MAX_WAITING
                && let Some(reply) = self.inbox.poll_reply()
            {
                // It is only ever about the connection that is there.
                let _ = self.client.send_shared(now, reply.into(), false);
            }
            while self.outbox.in_flight() < self.config.max_in_flight.max(1)
                && self
                    .outbox
                    .give(&mut self.stats, |frame| self.client.send_shared(now, frame, true))
                    .is_some()
            {}
        }
        let is_done = self.outbox.open() == 0 && self.inbox.is_done();
        let is_written = || self.client.waiting() + self.client.unwritten() == 0;
        if self.drained_by.is_some() && is_done && is_written() {
            self.halt(now);
        }
    }

    fn unlink(&mut self) {
        if self.link.take().is_some() {
            self.version += 1;
            self.inbox.handle_gone(&mut self.stats);
            self.outbox.handle_gone();
        }
    }

    /// Stops. What the connection has is settled once that is gone.
    pub(super) fn halt(&mut self, now: Instant) {
        // What is left is in the hands of the connection, which has deadlines of its own.
        self.drained_by = Some(Instant::NEVER);
        self.unlink();
        self.inbox.let_go(&mut self.stats);
        self.client.stop(now);
    }
}
