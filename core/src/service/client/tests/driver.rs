//! A driver that has a made-up wire instead of a connection, and looks whether what it is told is true.

use crate::base::{
    Cause, Classifier, CloseCode, Closed, End, Entropy, Extent, Instant, Message, Origin, Progress,
    SendError, Wall,
};
use crate::link::DialError;
use crate::service::client::{
    Action, Attempt, Client, ClientConfig, ClientEvent, Failure, Fate, Refused, Stopped, Ticket,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

/// Where a message's bytes stand on a wire.
#[derive(Clone, Copy, Debug)]
struct Piece {
    ticket: Ticket,
    begin: u64,
    end: u64,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) attempt: Attempt,
    pub(super) progress: Progress,
    pieces: Vec<Piece>,
    /// Its end was told, or it was told to end.
    pub(super) ends: bool,
    pub(super) aborted: bool,
}

/// What became of the bytes of a message, for real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    /// Bytes of it that left, on any wire.
    pub(super) written: u64,
    /// It left as a whole so many times.
    pub(super) whole: u32,
    /// It was given to so many wires.
    pub(super) given: u32,
}

pub(super) struct Driver {
    pub(super) client: Client,
    pub(super) now: Instant,
    pub(super) dialing: Option<Attempt>,
    pub(super) wire: Option<Wire>,
    /// Attempts that are over.
    pub(super) over: Vec<Attempt>,
    /// Why the wire takes no message.
    pub(super) refuses: Option<SendError>,
    /// Whether each connection is ready at once.
    pub(super) is_ready: bool,
    pub(super) heartbeats_fail: bool,
    pub(super) taken: Vec<(Ticket, bool)>,
    pub(super) fates: BTreeMap<Ticket, Fate>,
    pub(super) truths: BTreeMap<Ticket, Truth>,
    pub(super) acknowledged: Vec<Ticket>,
    pub(super) events: Vec<ClientEvent>,
    pub(super) opened: u64,
    pub(super) greetings: Vec<(Attempt, Message<'static>)>,
    pub(super) beats: u64,
    pub(super) dials: Vec<Instant>,
}

pub(super) fn lost() -> Closed {
    let cause = Cause::Transport(End::Reset);
    Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default())
}

pub(super) fn closed_by_peer(code: u16) -> Closed {
    Closed::new(Origin::Remote, code.into(), "", Cause::Handshake, Classifier::default())
}

impl Driver {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self::seeded(config, 7)
    }

    pub(super) fn seeded(config: ClientConfig, number: u64) -> Self {
        let now = Instant::from_nanos(1 << 30);
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let mut driver = Self {
            client: Client::new(now, config, Entropy::from_seed(seed)),
            now,
            dialing: None,
            wire: None,
            over: Vec::new(),
            refuses: None,
            is_ready: true,
            heartbeats_fail: false,
            taken: Vec::new(),
            fates: BTreeMap::new(),
            truths: BTreeMap::new(),
            acknowledged: Vec::new(),
            events: Vec::new(),
            opened: 0,
            greetings: Vec::new(),
            beats: 0,
            dials: Vec::new(),
        };
        driver.drive();
        driver
    }

    pub(super) fn send(&mut self, message: &str, acknowledged: bool) -> Result<Ticket, Refused> {
        let message = Message::text(alloc::string::String::from(message));
        let sent = if acknowledged {
            self.client.send_acknowledged(self.now, message)
        } else {
            self.client.send(self.now, message)
        };
        if let Ok(ticket) = sent {
            self.taken.push((ticket, acknowledged));
        }
        self.drive();
        sent
    }

    /// The dial succeeds.
    pub(super) fn open(&mut self) {
        if let Some(attempt) = self.dialing.take() {
            assert!(self.client.handle_opened(self.now, Wall::from_millis(1), attempt, true));
            let (progress, pieces) = (Progress::default(), Vec::new());
            self.wire = Some(Wire { attempt, progress, pieces, ends: false, aborted: false });
            self.opened += 1;
        }
        self.drive();
    }

    /// The dial fails.
    pub(super) fn refuse(&mut self, error: &DialError) {
        if let Some(attempt) = self.dialing.take() {
            self.client.handle_dial_failed(self.now, Default::default(), attempt, error);
            self.over.push(attempt);
        }
        self.drive();
    }

    /// The wire takes so many bytes, and the client is told.
    pub(super) fn write(&mut self, n: u64) {
        self.write_untold(n);
        if let Some(wire) = self.wire.as_ref().filter(|wire| !wire.aborted) {
            self.client.handle_progress(self.now, wire.attempt, &wire.progress);
        }
        self.drive();
    }

    /// The wire takes so many bytes.
    pub(super) fn write_untold(&mut self, n: u64) {
        if let Some(wire) = self.wire.as_mut().filter(|wire| !wire.aborted) {
            let before = wire.progress.written;
            wire.progress.written = (before + n).min(wire.progress.queued);
            for piece in &wire.pieces {
                let truth = self.truths.entry(piece.ticket).or_default();
                let written = |upto: u64| upto.clamp(piece.begin, piece.end) - piece.begin;
                truth.written += written(wire.progress.written) - written(before);
                let was_whole = before >= piece.end;
                truth.whole += u32::from(!was_whole && wire.progress.written >= piece.end);
            }
        }
    }

    /// A control frame steps in behind what is written and in front of the rest.
    pub(super) fn step_in(&mut self, n: u64) {
        if let Some(wire) = self.wire.as_mut().filter(|wire| !wire.ends) {
            for piece in wire.pieces.iter_mut().filter(|piece| piece.begin >= wire.progress.written) {
                (piece.begin, piece.end) = (piece.begin + n, piece.end + n);
            }
            wire.progress.queued += n;
            wire.progress.inserted_to = wire.progress.queued;
        }
    }

    /// Bytes come from the peer.
    pub(super) fn hear(&mut self) {
        if let Some(wire) = self.wire.as_mut().filter(|wire| !wire.aborted) {
            wire.progress.received += 2;
            self.client.handle_progress(self.now, wire.attempt, &wire.progress);
        }
        self.drive();
    }

    /// It is known how the connection ended.
    pub(super) fn tell_closed(&mut self, closed: &Closed) {
        if let Some(wire) = &mut self.wire {
            wire.ends = true;
            self.client.handle_closed(self.now, wire.attempt, closed);
        }
        self.drive();
    }

    /// Its transport is gone.
    pub(super) fn bury(&mut self) {
        if let Some(wire) = self.wire.take() {
            self.client.handle_gone(self.now, wire.attempt, &wire.progress);
            self.over.push(wire.attempt);
        }
        self.drive();
    }

    pub(super) fn lose(&mut self) {
        self.tell_closed(&lost());
        self.bury();
    }

    pub(super) fn stop(&mut self) {
        self.client.stop(self.now);
        self.drive();
    }

    /// Lets time pass; each timer fires in its time.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            if let Some(wire) = &self.wire {
                self.client.handle_progress(self.now, wire.attempt, &wire.progress);
            }
            self.client.handle_timeout(self.now);
            let next = self.client.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer that does not move: {next:?}");
            self.drive();
        }
        self.now = end;
    }

    /// Up to the next dial.
    pub(super) fn wait_for_dial(&mut self) -> Duration {
        let from = self.now;
        while self.dialing.is_none() {
            let at = self.client.poll_timeout().expect("it dials again");
            self.pass(at - self.now);
        }
        self.now - from
    }

    pub(super) fn last_failure(&self) -> Option<&Failure> {
        self.client.state().last_error.as_ref()
    }

    pub(super) fn stopped(&self) -> Option<&Stopped> {
        match self.events.last() {
            Some(ClientEvent::Stopped(reason)) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn acknowledge(&mut self, ticket: Ticket) {
        if self.client.acknowledge(self.now, ticket) {
            self.acknowledged.push(ticket);
        }
        self.drive();
    }

    pub(super) fn drive(&mut self) {
        loop {
            let mut moved = false;
            while let Some(event) = self.client.poll_event() {
                moved = true;
                self.take(event);
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

    fn take(&mut self, event: ClientEvent) {
        assert!(self.stopped().is_none(), "{event:?} behind the last event");
        match &event {
            ClientEvent::Connected { attempt, again } => {
                assert_eq!(
                    (*again, Some(*attempt)),
                    (self.opened > 1, self.wire.as_ref().map(|w| w.attempt))
                );
                if self.is_ready {
                    self.client.ready(self.now, *attempt);
                }
            }
            ClientEvent::Fate { ticket, fate } => {
                let told = self.fates.insert(*ticket, fate.clone());
                assert_eq!(told, None, "{ticket} has two fates");
                let truth = self.truths.get(ticket).copied().unwrap_or_default();
                match fate {
                    Fate::Written => assert_eq!(truth.whole, 1, "{ticket}"),
                    Fate::Acknowledged => assert!(self.acknowledged.contains(ticket) || truth.given > 0),
                    Fate::Unsent { .. } => assert_eq!(truth.written, 0, "{ticket}"),
                    Fate::Unknown { .. } => assert!(truth.given > 0, "{ticket}"),
                }
            }
            _ => {}
        }
        self.events.push(event);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial(attempt) => {
                assert!(self.dialing.is_none() && self.wire.is_none(), "two at once");
                self.dialing = Some(attempt);
                self.dials.push(self.now);
            }
            Action::Send { attempt, ticket, payload, .. } => {
                let wire = self.wire.as_mut().expect("a connection");
                assert!(wire.attempt == attempt && !wire.ends, "sent on a connection that ends");
                if let Some(error) = self.refuses {
                    return self.client.handle_not_sent(self.now, ticket, error);
                }
                let truth = self.truths.entry(ticket).or_default();
                assert_eq!(truth.written, 0, "{ticket} was touched, and is sent again");
                truth.given += 1;
                let before = wire.progress;
                wire.progress.queued += payload.len() as u64 + 2;
                let (begin, end) = (before.queued, wire.progress.queued);
                wire.pieces.push(Piece { ticket, begin, end });
                self.client.handle_sent(self.now, ticket, Extent::between(&before, &wire.progress));
            }
            Action::Greet(attempt, message) => self.greetings.push((attempt, message)),
            Action::Ping(attempt) | Action::Heartbeat(attempt, _) => {
                self.beats += 1;
                if self.heartbeats_fail {
                    self.client.handle_heartbeat_failed(self.now, attempt);
                }
            }
            Action::Close(attempt) => {
                let wire = self.wire.as_mut().expect("a connection");
                assert_eq!(wire.attempt, attempt);
                wire.ends = true;
            }
            Action::Abort(attempt) => {
                if self.dialing.take_if(|dialing| *dialing == attempt).is_some() {
                    return self.over.push(attempt);
                }
                let wire = self.wire.as_mut().expect("a connection");
                assert_eq!(wire.attempt, attempt);
                (wire.ends, wire.aborted, wire.progress.is_cut) = (true, true, true);
            }
        }
    }

    /// What holds at all times.
    fn check(&self) {
        let state = self.client.state();
        let is_open = self.wire.as_ref().is_some_and(|wire| !wire.ends);
        assert_eq!(state.is_connected, is_open, "{state:?}");
        assert_eq!(state.reconnect_count, self.opened.saturating_sub(1), "{state:?}");
        assert!(!state.is_connected || state.last_error.is_none(), "{state:?}");
        if self.client.is_stopped() {
            assert_eq!(self.client.poll_timeout(), None);
            assert!(self.dialing.is_none() && self.wire.is_none(), "something is left behind");
            assert_eq!(self.client.waiting() + self.client.unwritten() + self.client.unacknowledged(), 0);
        }
        let stats = self.client.stats();
        let open = self.client.waiting() + self.client.unwritten() + self.client.unacknowledged();
        let told = stats.written + stats.acknowledged + stats.unsent + stats.unknown + stats.cancelled;
        assert_eq!(stats.accepted, told + open as u64, "{stats:?}");
        assert_eq!(stats.dials, self.dials.len() as u64);
    }
}
