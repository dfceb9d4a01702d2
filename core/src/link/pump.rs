//! The one driving loop: from a connection's events to the service's calls.

use super::entry::{Entry, Held, Turn};
use super::{ConnId, Context, Event, Hub, Service, Verdict, Welcome};
use crate::base::{self, End, Engine, Input, Instant, Scratch};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<S: Service> Hub<S> {
    /// An adapter caught a panic out of a call: the connection in turn is failed with 1011, or 500 where an answer is
    /// owed, and `closed` follows when it has ended. All others go on. Every other call does the same first. Returns
    /// that connection, if the service was called for one.
    pub fn recover(&mut self, now: Instant) -> Option<ConnId> {
        let failed = self.settle_panic(now);
        let now = self.core.clock.advance(now);
        self.pump(now);
        failed
    }

    /// Feeds `bytes` to a connection, behind what was held back, and calls the service with what comes of it. Whoever
    /// calls it looks at that connection himself.
    pub(super) fn feed(&mut self, now: Instant, conn: ConnId, bytes: &mut [u8]) {
        let Some(entry) = self.core.entry(conn) else { return };
        let is_plain = entry.held.is_none() && entry.link.is_bare();
        self.core.fed = Some(conn);
        if is_plain {
            let rest = self.run(now, conn, Input::new(bytes));
            if !rest.is_empty()
                && let Some(entry) = self.core.entry(conn)
            {
                entry.held = Some(Box::new(Held { bytes: rest.as_slice().to_vec(), end: None }));
            }
        } else {
            let mut plain = core::mem::take(&mut self.core.plain);
            self.feed_through(now, conn, bytes, &mut plain);
            if plain.capacity() <= Scratch::KEEP {
                self.core.plain = plain;
            }
        }
        self.core.fed = None;
        self.core.reschedule(conn);
    }

    /// The same where something is held back, or lies between the link and its wire.
    fn feed_through(&mut self, now: Instant, conn: ConnId, bytes: &mut [u8], plain: &mut Vec<u8>) {
        let Some(entry) = self.core.entry(conn) else { return };
        let held = entry.held.take();
        let input = entry.link.input(now, bytes, plain);
        let (mut held, end) = held.map_or_else(Default::default, |held| (held.bytes, held.end));
        if !held.is_empty() {
            let rest = self.run(now, conn, Input::new(&mut held)).len();
            held.drain(..held.len() - rest);
        }
        if held.is_empty() {
            held = self.run(now, conn, input).as_slice().to_vec();
        } else {
            held.extend_from_slice(input.as_slice());
        }
        let Some(entry) = self.core.entry(conn) else { return };
        if !held.is_empty() {
            entry.held = Some(Box::new(Held { bytes: held, end }));
        } else if let Some(end) = end {
            entry.link.receive_end(now, end);
            self.run(now, conn, Input::default());
        }
    }

    /// Runs the connections that were acted upon until none has an event left. Each turn of a service can only
    /// touch connections, and a touched one stands in the list once.
    #[inline]
    pub(super) fn pump(&mut self, now: Instant) {
        if !self.core.to_pump.is_empty() {
            self.pump_all(now);
        }
    }

    #[cold]
    fn pump_all(&mut self, now: Instant) {
        while let Some(conn) = self.core.to_pump.pop_front() {
            if let Some(entry) = self.core.entry(conn) {
                entry.pumped = false;
                self.core.mark(conn);
                self.feed(now, conn, &mut []);
                // It may have sent, or given up what it had, and nobody need write it now, by which it would be counted.
                self.core.recount_queue(now, conn);
                self.bury(conn);
            }
        }
    }

    /// Forgets a connection whose stream is closed and whose end was told.
    fn bury(&mut self, conn: ConnId) {
        if self.core.entry(conn).is_some_and(|entry| entry.released && entry.over) {
            if self.core.lent == Some(conn) {
                self.core.reclaim();
            }
            self.core.forget(conn);
        }
    }

    /// Takes events until there is none; returns the input that is left. The connection is looked up for each, since
    /// the service may have done anything to it.
    fn run<'b>(&mut self, now: Instant, conn: ConnId, mut input: Input<'b>) -> Input<'b> {
        while let Some(entry) = self.core.entry(conn) {
            let event = match entry.link.unwrapped() {
                Some(connection) => match connection.receive(now, &mut input) {
                    Some(base::Event::Message(message)) => {
                        self.call(Turn::Connection(conn), |s, cx| s.message(cx, conn, message));
                        continue;
                    }
                    rare => entry.link.told(rare),
                },
                None => {
                    let event = entry.link.receive(now, &mut input);
                    if event.is_none() {
                        self.core.recount(conn);
                    }
                    event
                }
            };
            let Some(event) = event else { break };
            self.handle(now, conn, event);
        }
        input
    }

    #[inline(never)]
    fn handle(&mut self, now: Instant, conn: ConnId, event: Event<'_>) {
        match event {
            Event::Message(message) => {
                self.call(Turn::Connection(conn), |s, cx| s.message(cx, conn, message))
            }
            Event::Chunk(chunk) => self.call(Turn::Connection(conn), |s, cx| s.chunk(cx, conn, chunk)),
            Event::Drained => self.call(Turn::Connection(conn), |s, cx| s.drained(cx, conn)),
            Event::Pong { rtt } => self.call(Turn::Connection(conn), |s, cx| s.pong(cx, conn, rtt)),
            Event::Request(request) => {
                let verdict = self.call(Turn::Connection(conn), |s, cx| s.request(cx, conn, &request));
                self.answer(now, conn, verdict);
            }
            Event::Opened(welcome) => self.open(now, conn, *welcome),
            Event::Closed(closed) => {
                self.core.stats.ends.count(closed.cause);
                if self.end(conn).is_some_and(|entry| entry.opened) {
                    self.core.stats.closed += 1;
                    self.call(Turn::Ended(conn), |s, cx| s.closed(cx, conn, &closed));
                    if let Some(entry) = self.core.entry(conn) {
                        entry.told().report = Some(closed);
                    }
                }
            }
            Event::Failed(error) => {
                if let Some(dial) = self.end(conn).and_then(|entry| entry.dial) {
                    self.fail_dial(dial, *error);
                }
            }
        }
    }

    /// The opening is through. A framed connection had no request by which it could have been refused.
    fn open(&mut self, now: Instant, conn: ConnId, welcome: Welcome) {
        let Some(entry) = self.core.entry(conn) else { return };
        if welcome.client.is_some() {
            entry.told().client = welcome.client;
        }
        if entry.dial.is_none()
            && entry.link.framed().is_some()
            && let Err(rejection) = self.call(Turn::Connection(conn), |s, cx| s.admit(cx, conn))
        {
            if let Some(entry) = self.core.entry(conn) {
                entry.link.reject(now, rejection.code);
            }
            return;
        }
        let Some(entry) = self.core.entry(conn) else { return };
        entry.opened = true;
        if welcome.subprotocol.is_some() {
            entry.told().subprotocol = welcome.subprotocol;
        }
        if let Some(dial) = entry.dial {
            self.core.dials.remove(dial.0);
        }
        self.core.settle(conn);
        self.core.stats.opened += 1;
        self.call(Turn::Connection(conn), |s, cx| s.opened(cx, conn));
        self.close_if_draining(now, conn);
    }

    /// The connection's last event came.
    fn end(&mut self, conn: ConnId) -> Option<&mut Entry> {
        self.core.touch(conn);
        let is_refused = self.core.entry(conn)?.place.refusal().is_some();
        if !is_refused {
            self.core.settle(conn);
            match self.core.drain_by {
                Some(_) if self.core.is_drain_late => self.core.stats.drain_resets += 1,
                Some(_) => self.core.stats.drained += 1,
                None => {}
            }
        }
        let entry = self.core.entry(conn)?;
        entry.over = true;
        let is_bad = entry.link.has_bad_header();
        self.core.stats.proxy_headers_refused += u64::from(is_bad);
        self.core.links.get_mut(conn.0).map(|entry| &mut **entry)
    }

    /// Closes a connection for the drain, if there is one: a request that was answered late may open one inside of it.
    pub(super) fn close_if_draining(&mut self, now: Instant, conn: ConnId) {
        if let (Some(_), code) = (self.core.drain_by, self.core.drain_code)
            && let Some(entry) = self.core.entry(conn)
        {
            // One that is closing already is on its way.
            let _ = entry.link.close(now, code, "");
        }
    }

    fn answer(&mut self, now: Instant, conn: ConnId, verdict: Verdict) {
        let Some(entry) = self.core.entry(conn) else { return };
        match verdict {
            Verdict::Later => {}
            // The request waits, so it can be answered; an acceptance that cannot be is answered by 500.
            Verdict::Respond(response) => drop(entry.link.respond(now, &response)),
            Verdict::Accept(acceptance) => {
                if entry.link.accept(now, &acceptance).is_ok() && entry.link.connection().is_none() {
                    let refusal = crate::ws::handshake::Refusal::NoUpgrade.response();
                    let _ = entry.link.respond(now, &refusal);
                }
            }
        }
    }

    /// Calls the service. Should it panic, `turn` stays behind and [`Hub::recover`] or the next call finds it.
    #[inline]
    pub(super) fn call<T>(
        &mut self,
        turn: Turn,
        act: impl FnOnce(&mut S, &mut Context<'_, S::Job>) -> T,
    ) -> T {
        self.core.turn = Some(turn);
        let out = act(&mut self.service, &mut Context::new(&mut self.core));
        self.core.turn = None;
        out
    }

    /// Deals with a panic of the service in the call before.
    #[cold]
    pub(super) fn settle_panic(&mut self, now: Instant) -> Option<ConnId> {
        self.core.fed = None;
        let turn = self.core.turn.take()?;
        let now = self.core.clock.advance(now);
        self.core.stats.panics += 1;
        let (Turn::Connection(conn) | Turn::Ended(conn)) = turn else { return None };
        self.core.entry(conn)?.link.fail(now);
        self.core.touch(conn);
        self.core.reschedule(conn);
        Some(conn)
    }

    /// Fails all that is left, at the end of a drain: also those whose end was told and whose last words are still
    /// being taken.
    pub(super) fn reset_all(&mut self, now: Instant) {
        let all: Vec<ConnId> = self.core.links.keys().map(ConnId).collect();
        for conn in all {
            if let Some(entry) = self.core.entry(conn) {
                entry.link.abort(now);
            }
            self.core.touch(conn);
        }
    }

    pub(super) fn end_of(&mut self, now: Instant, conn: ConnId, end: End) {
        if let Some(entry) = self.core.entry(conn) {
            match &mut entry.held {
                Some(held) if end == End::Eof => held.end = Some(end),
                _ => entry.link.receive_end(now, end),
            }
            self.core.touch(conn);
        }
    }
}
