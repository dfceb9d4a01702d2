//! One client, its connection, and its program.

use super::scripted::Bus;
use crate::base::{
    Cause, Classifier, CloseCode, Closed, End, Entropy, Extent, Instant, Origin, Progress, Wall,
};
use crate::link::DialError;
use crate::service::bus::Name;
use crate::service::bus::client::{
    BusClient, BusClientConfig, BusClientEvent, BusStopped, Delivery, Outcome, Outgoing,
};
use crate::service::client::{Action, Attempt, Machine};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A connection to the bus.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) attempt: Attempt,
    progress: Progress,
    /// Frames on their way to the bus, and where each ends.
    pub(super) up: VecDeque<(String, u64)>,
    pub(super) down: VecDeque<String>,
    pub(super) is_closing: bool,
}

pub(super) struct Side {
    pub(super) name: Name,
    pub(super) client: BusClient,
    pub(super) now: Instant,
    pub(super) dialing: Option<Attempt>,
    pub(super) wire: Option<Wire>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) events: Vec<BusClientEvent>,
    pub(super) outcomes: Vec<(Name, Outcome)>,
}

pub(super) fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub(super) fn config(service: &str) -> BusClientConfig {
    BusClientConfig::new(name(service))
}

pub(super) fn message(to: &str, n: u64) -> Outgoing {
    Outgoing::new(name(to), "n", &n, Wall::from_millis(7)).unwrap()
}

impl Side {
    pub(super) fn new(config: BusClientConfig) -> Self {
        Self::born(Instant::from_nanos(1 << 30), config, 7)
    }

    pub(super) fn born(now: Instant, config: BusClientConfig, life: u64) -> Self {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&life.to_le_bytes());
        let name = config.service_id.clone();
        let client = BusClient::new(now, config, Entropy::from_seed(seed));
        let (deliveries, events, outcomes) = Default::default();
        let mut side = Self { name, client, now, dialing: None, wire: None, deliveries, events, outcomes };
        side.drive();
        side
    }

    /// One that is registered.
    pub(super) fn registered(config: BusClientConfig, bus: &mut Bus) -> Self {
        let mut side = Self::new(config);
        side.open();
        side.exchange(bus);
        assert!(side.client.is_registered());
        side
    }

    pub(super) fn send(&mut self, to: &str, n: u64) -> Name {
        let id = self.client.send(self.now, message(to, n)).unwrap();
        self.drive();
        id
    }

    pub(super) fn open(&mut self) {
        if let Some(attempt) = self.dialing.take() {
            assert!(self.client.client_mut().handle_opened(self.now, Wall::default(), attempt, false));
            let (progress, up, down) = Default::default();
            self.wire = Some(Wire { attempt, progress, up, down, is_closing: false });
        }
        self.drive();
    }

    pub(super) fn refuse(&mut self) {
        if let Some(attempt) = self.dialing.take() {
            let error = DialError::Connect;
            self.client.client_mut().handle_dial_failed(self.now, Wall::default(), attempt, &error);
        }
        self.drive();
    }

    /// The wire takes frames that never arrive.
    pub(super) fn write(&mut self, frames: usize) {
        if let Some(wire) = &mut self.wire {
            for _ in 0..frames {
                if let Some((_, end)) = wire.up.pop_front() {
                    wire.progress.written = end;
                }
            }
            let (attempt, progress) = (wire.attempt, wire.progress);
            self.client.client_mut().handle_progress(self.now, attempt, &progress);
        }
        self.drive();
    }

    /// One frame arrives at the bus.
    pub(super) fn up(&mut self, bus: &mut Bus) -> bool {
        let Some(wire) = &mut self.wire else { return false };
        let Some((frame, end)) = wire.up.pop_front() else { return false };
        wire.progress.written = end;
        wire.down.extend(bus.take(&self.name, &frame));
        let (attempt, progress) = (wire.attempt, wire.progress);
        self.client.client_mut().handle_progress(self.now, attempt, &progress);
        self.drive();
        true
    }

    /// One frame arrives from the bus.
    pub(super) fn down(&mut self) -> bool {
        let Some(wire) = &mut self.wire else { return false };
        let Some(frame) = wire.down.pop_front() else { return false };
        wire.progress.received += frame.len() as u64;
        let (attempt, progress) = (wire.attempt, wire.progress);
        self.client.client_mut().handle_progress(self.now, attempt, &progress);
        self.client.receive(self.now, &frame.into());
        self.drive();
        true
    }

    pub(super) fn say(&mut self, frame: String) {
        if let Some(wire) = &mut self.wire {
            wire.down.push_back(frame);
        }
        while self.down() {}
    }

    pub(super) fn lose(&mut self, bus: &mut Bus) {
        if let Some(wire) = self.wire.take() {
            bus.lost(&self.name);
            let cause = Cause::Transport(End::Reset);
            let closed = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
            self.client.client_mut().handle_closed(self.now, wire.attempt, &closed);
            self.client.client_mut().handle_gone(self.now, wire.attempt, &wire.progress);
        }
        self.drive();
    }

    /// Everything that is on its way arrives, and the bus hands out what it may.
    pub(super) fn exchange(&mut self, bus: &mut Bus) {
        loop {
            let mut moved = self.up(bus) | self.down();
            if let Some(wire) = &mut self.wire
                && let Some(frame) = bus.deliver(&self.name)
            {
                wire.down.push_back(frame);
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    /// It is connected again, and everything arrives.
    pub(super) fn reconnect(&mut self, bus: &mut Bus) {
        self.lose(bus);
        self.pass(Duration::from_secs(60));
        self.open();
        self.exchange(bus);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now);
            let next = self.client.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer that does not move: {next:?}");
            self.drive();
        }
        self.now = end;
    }

    pub(super) fn ack(&mut self, at: usize) -> Delivery {
        let delivery = self.deliveries.remove(at);
        assert!(self.client.ack(self.now, delivery.id));
        self.drive();
        delivery
    }

    pub(super) fn nack(&mut self, at: usize, reason: &str) {
        let delivery = self.deliveries.remove(at);
        assert!(self.client.nack(self.now, delivery.id, reason));
        self.drive();
    }

    pub(super) fn stopped(&self) -> Option<&BusStopped> {
        match self.events.last() {
            Some(BusClientEvent::Stopped(reason)) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn outcome(&self, id: &Name) -> Option<&Outcome> {
        self.outcomes.iter().find(|(other, _)| other == id).map(|(_, outcome)| outcome)
    }

    pub(super) fn drive(&mut self) {
        loop {
            let mut moved = false;
            while let Some(event) = self.client.poll_event() {
                moved = true;
                assert!(self.stopped().is_none(), "{event:?} behind the last one");
                match event {
                    BusClientEvent::Sent { id, outcome } => self.outcomes.push((id, outcome)),
                    event => self.events.push(event),
                }
            }
            while let Some(delivery) = self.client.poll_delivery() {
                moved = true;
                self.deliveries.push(delivery);
            }
            while let Some(action) = self.client.poll_action() {
                moved = true;
                self.carry_out(action);
            }
            if !moved {
                return self.check();
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial(attempt) => {
                assert!(self.dialing.is_none() && self.wire.is_none());
                self.dialing = Some(attempt);
            }
            Action::Greet(_, message) | Action::Heartbeat(_, message) => {
                self.push(message.as_text().unwrap());
            }
            Action::Send { ticket, payload, .. } => {
                let extent = self.push(core::str::from_utf8(&payload).unwrap());
                self.client.client_mut().handle_sent(self.now, ticket, extent);
            }
            Action::Close(_) => self.wire.as_mut().expect("a connection").is_closing = true,
            Action::Abort(attempt) => match self.wire.take() {
                Some(wire) => self.client.client_mut().handle_gone(self.now, attempt, &wire.progress),
                None => self.dialing = None,
            },
            Action::Ping(_) => panic!("it has a heartbeat of its own"),
        }
    }

    fn push(&mut self, frame: &str) -> Extent {
        let wire = self.wire.as_mut().expect("a connection");
        assert!(!wire.is_closing);
        let before = wire.progress;
        wire.progress.queued += frame.len() as u64 + 1;
        wire.up.push_back((frame.into(), wire.progress.queued));
        Extent::between(&before, &wire.progress)
    }

    /// What holds at all times.
    fn check(&self) {
        let stats = self.client.stats();
        let told = stats.accepted + stats.undelivered + stats.cancelled;
        assert!(stats.taken <= told + self.client.unanswered() as u64, "{stats:?}");
        let ended =
            stats.acked + stats.nacked + stats.duplicates + stats.repeated + stats.overflowed + stats.let_go;
        let here = self.client.waiting() + self.client.working();
        assert_eq!(stats.deliveries, ended + here as u64, "{stats:?}");
        if self.client.client().is_stopped() {
            assert_eq!((self.client.poll_timeout(), self.client.unanswered()), (None, 0));
        }
    }
}
