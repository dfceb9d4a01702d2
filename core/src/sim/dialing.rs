//! Connections that a service wants made: to whoever listens there in the same world.

use super::World;
use super::setup::Listener;
use super::wire::{CALLED, CALLER, Wire};
use crate::base::Instant;
use crate::link::{Address, Dial, DialError, Hop};
use core::time::Duration;

/// A dial on its way.
#[derive(Debug)]
pub(super) struct Dialing {
    server: usize,
    due: Instant,
    dial: Dial,
}

/// Where nobody answers, it is tried again so often, as TCP does.
const AGAIN: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn take_dials(&mut self, server: usize) {
        while let Some(dial) = self.hosts[server].poll_dial() {
            let due = self.now + self.faults.latency(&mut self.dice);
            self.transcript.note(self.now, format_args!("{server} dials {}", dial.target));
            self.dials.push(Dialing { server, due, dial });
        }
    }

    /// When a dial comes to something.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        self.dials.iter().map(|dialing| dialing.due).min()
    }

    /// Whether all that was dialed has come to something.
    pub(super) fn has_dialed(&self) -> bool {
        self.dials.is_empty()
    }

    /// Makes a connection that is due; whether there was one.
    pub(super) fn make_dial(&mut self) -> bool {
        let Some(at) = self.dials.iter().position(|dialing| dialing.due <= self.now) else { return false };
        let Dialing { server, dial, .. } = self.dials.remove(at);
        let found = self.listener_at(&dial.hop).map(|listener| (listener.server, listener.address.clone()));
        let Some((to, address)) = found else {
            let error =
                if matches!(dial.hop, Hop::Host(..)) { DialError::Lookup } else { DialError::Connect };
            self.fail_dial(server, &dial, &error);
            return true;
        };
        if self.crashed.contains(&to) {
            self.fail_dial(server, &dial, &DialError::Connect);
            return true;
        }
        if self.isolated.contains(&to) || self.isolated.contains(&server) {
            if self.now >= dial.deadline {
                self.fail_dial(server, &dial, &DialError::TimedOut);
            } else {
                let due = dial.deadline.min(self.now + AGAIN);
                self.dials.push(Dialing { server, due, dial });
            }
            return true;
        }
        self.join(server, to, address, &dial);
        true
    }

    /// Both ends of a dial, where both hubs take it.
    fn join(&mut self, from: usize, to: usize, address: Address, dial: &Dial) {
        let now = self.told();
        let caller = self.next_address();
        let config = self.listener_at(&dial.hop).and_then(|listener| listener.config.clone());
        let Some(conn) = self.hosts[from].dialed(now, dial.id, address) else {
            return self.look_around(from);
        };
        let wire = self.wires.insert(Wire::default());
        self.transcript.note(self.now, format_args!("{from}: {conn} dialed {to}"));
        let now = self.told();
        match self.hosts[to].accept(now, caller, config.as_ref()) {
            Ok(accepted) => self.plug(to, accepted, wire, CALLED, None),
            Err(refused) => {
                self.transcript.note(self.now, format_args!("{to}: {refused}"));
                self.hang_up(wire);
            }
        }
        self.plug(from, conn, wire, CALLER, None);
    }

    fn fail_dial(&mut self, server: usize, dial: &Dial, error: &DialError) {
        self.transcript.note(self.now, format_args!("{server}: {}: {error}", dial.target));
        let now = self.told();
        self.hosts[server].dial_failed(now, dial.id, error);
        self.look_around(server);
    }

    /// Who listens where a hop leads.
    pub(super) fn listener_at(&self, hop: &Hop) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.answers(hop))
    }
}
