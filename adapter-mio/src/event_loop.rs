//! The loop: one thread, one poll, one hub.

use crate::Clock;
use crate::carrier::Carrier;
use crate::dials::{Dialed, Dials};
use crate::guard::{Connected, guard};
use crate::handle::Shared;
use crate::jobs::Jobs;
use crate::listener::Listener;
use crate::stream::{Stream, Turn};
use crate::trace::{self, Span};
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use wharf::base::{CloseCode, Instant};
use wharf::link::{Address, ConnId, DialId, Hub, Service};
use wharf_std::ListenerLost;

pub(crate) const WAKER: Token = Token(0);

/// Bytes that one read takes at most. The buffer belongs to the loop, not to a connection, so it can be large enough that most
/// messages lie in it whole.
const READ_BUFFER: usize = 256 * 1024;

/// How often the hub is told the calendar time.
const WALL_EVERY: Duration = Duration::from_secs(30);

/// Commands that one turn takes at most, lest they starve the sockets.
const COMMANDS_A_TURN: usize = 256;

/// Everything that runs in the loop's thread.
pub(crate) struct EventLoop<S: Service> {
    pub(crate) poll: Poll,
    pub(crate) clock: Clock,
    pub(crate) hub: Hub<S>,
    /// By the slot of the connection's name; as many as the hub has connections.
    pub(crate) seats: Vec<Option<Seat>>,
    /// Those that may have more to read, of which no event will tell; each at most once.
    pub(crate) ready: VecDeque<ConnId>,
    pub(crate) buffer: Box<[u8]>,
    pub(crate) listeners: Vec<Listener>,
    /// Where it listens first, or did.
    pub(crate) first: Option<Address>,
    pub(crate) dials: Dials,
    pub(crate) jobs: Jobs<S>,
    pub(crate) commands: Receiver<S::Command>,
    /// Commands may wait, of which no event will tell.
    pub(crate) commanded: bool,
    pub(crate) shared: Arc<Shared>,
    pub(crate) wall_at: Instant,
    /// When the hub or its service has something due, as it said before the poll.
    pub(crate) due: Option<Instant>,
    /// The first listener that was lost: the loop ends with that, once it has ended all others in order.
    pub(crate) lost: Option<ListenerLost>,
}

/// A connection's socket.
pub(crate) struct Seat {
    conn: ConnId,
    stream: Stream,
    span: Span,
    /// That its WebSocket opened was told.
    opened: bool,
    /// It stands in the list of the ready.
    ready: bool,
}

impl Seat {
    fn tell_closed<S: Service>(&self, hub: &Hub<S>) {
        if let (true, Some(closed), Some(peer)) = (self.opened, hub.closed(self.conn), hub.peer(self.conn)) {
            self.span.run(|| trace::closed(self.conn, peer, closed.code, closed.origin));
        }
    }
}

/// Whom an event is for. Each kind has every third token, so that none has a bound of its own.
enum Whom {
    Waker,
    Listener(usize),
    Connection(usize),
    Dial,
}

pub(crate) fn token_of_listener(index: usize) -> Token {
    Token(3 + 3 * index)
}

fn token_of(conn: ConnId) -> Token {
    Token(1 + 3 * conn.slot())
}

fn token_of_dial(dial: DialId) -> Token {
    Token(2 + 3 * dial.slot())
}

fn whom(token: Token) -> Whom {
    match (token.0 / 3, token.0 % 3) {
        (0, 0) => Whom::Waker,
        (n, 0) => Whom::Listener(n - 1),
        (slot, 1) => Whom::Connection(slot),
        _ => Whom::Dial,
    }
}

impl<S: Service> EventLoop<S> {
    pub(crate) fn read_buffer() -> Box<[u8]> {
        vec![0; READ_BUFFER].into_boxed_slice()
    }

    /// Runs until a drain is over and the jobs in flight are done.
    pub(crate) fn run(mut self) -> io::Result<S> {
        let mut events = Events::with_capacity(1024);
        let mut now = self.clock.now();
        loop {
            let timeout = self.timeout(now);
            match self.poll.poll(&mut events, timeout) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            now = self.clock.now();
            // Those that were ready before come after those of whom the poll tells, and before whoever becomes so.
            let ready = self.ready.len();
            self.take_events(now, &events);
            self.take_posts(now);
            self.accept(now);
            for _ in 0..ready {
                let Some(conn) = self.ready.pop_front() else { break };
                self.turn(now, conn, true);
            }
            self.handle_timeouts(now);
            self.settle(now);
            if self.hub.is_drained() && self.jobs.is_idle() {
                return self.end();
            }
        }
    }

    fn end(self) -> io::Result<S> {
        let stats = self.hub.stats();
        trace::drained(self.first.as_ref(), stats.into());
        self.shared.end(stats);
        self.lost.map_or_else(|| Ok(self.hub.into_service()), |lost| Err(io::Error::other(lost)))
    }

    /// How long to sleep; `None` for as long as nothing comes. It is counted from the begin of this round, not by another
    /// look at the clock: what is due may be as late as the round was long.
    fn timeout(&mut self, now: Instant) -> Option<Duration> {
        // A service that panics here is asked again at the latest when the calendar time is told.
        self.due = guard(&mut self.hub, now, Hub::poll_timeout).flatten();
        if !self.ready.is_empty() || self.commanded || self.listeners.iter().any(Listener::is_ready) {
            return Some(Duration::ZERO);
        }
        let paused = self.listeners.iter().filter_map(Listener::poll_timeout).min();
        let others = [paused, self.dials.poll_timeout()].into_iter().flatten();
        let at = others.fold(self.due.map_or(self.wall_at, |due| due.min(self.wall_at)), Instant::min);
        // Rounded up to what a poll counts in, lest it wakes just before and spins.
        let left = at.as_nanos().saturating_sub(now.as_nanos());
        Some(Duration::from_millis(left.div_ceil(1_000_000)))
    }

    fn take_events(&mut self, now: Instant, events: &Events) {
        for event in events {
            match whom(event.token()) {
                Whom::Listener(index) => {
                    if let Some(listener) = self.listeners.get_mut(index) {
                        listener.handle_event();
                    }
                }
                Whom::Waker => {
                    self.shared.look();
                    self.commanded = true;
                }
                // All dials are asked below, being few.
                Whom::Dial => {}
                Whom::Connection(slot) => {
                    let Some(seat) = self.seats.get_mut(slot).and_then(Option::as_mut) else {
                        continue;
                    };
                    seat.stream.handle_event(event);
                    // One that waits for its turn gets no other before.
                    if !seat.ready {
                        let conn = seat.conn;
                        self.turn(now, conn, true);
                    }
                }
            }
        }
        if !self.dials.is_idle() {
            self.take_dialed(now);
        }
    }

    /// What other threads sent.
    fn take_posts(&mut self, now: Instant) {
        if !std::mem::take(&mut self.commanded) {
            return;
        }
        for taken in 1..=COMMANDS_A_TURN {
            let Ok(command) = self.commands.try_recv() else { break };
            guard(&mut self.hub, now, |hub| hub.command(now, command));
            self.commanded = taken == COMMANDS_A_TURN;
        }
        while let Some((token, outcome)) = self.jobs.poll_done() {
            guard(&mut self.hub, now, |hub| match outcome {
                Some(outcome) => hub.job_done(now, token, outcome),
                None => hub.job_lost(now, token),
            });
        }
        if let Some(code) = self.shared.take_drain() {
            self.drain(now, code);
        }
    }

    fn accept(&mut self, now: Instant) {
        if !self.listeners.iter().any(|listener| listener.may_accept(now)) {
            return;
        }
        let mut listeners = std::mem::take(&mut self.listeners);
        for listener in &mut listeners {
            let config = listener.config();
            let accepted = listener.accept(now, |socket, peer| {
                let accept = |hub: &mut Hub<S>| {
                    let accepted = hub.accept_as(now, peer.clone(), config.as_ref());
                    accepted.map(|conn| (conn, hub.refusal(conn)))
                };
                let Some(accepted) = guard(&mut self.hub, now, accept) else { return };
                if let Ok((_, Some(refused))) | Err(refused) = accepted {
                    trace::refused(Some(&peer), refused);
                }
                if let Ok((conn, _)) = accepted {
                    self.seat(now, conn, peer, Stream::new(socket), false);
                }
            });
            if let Err(lost) = accepted {
                self.lost.get_or_insert(lost);
            }
        }
        self.listeners = listeners;
        if self.lost.is_some() {
            self.drain(now, CloseCode::GOING_AWAY);
        }
    }

    /// Nobody is accepted any more, and all are to end. A second call changes nothing.
    fn drain(&mut self, now: Instant, code: CloseCode) {
        for listener in self.listeners.drain(..) {
            listener.close(self.poll.registry());
        }
        self.dials.clear();
        guard(&mut self.hub, now, |hub| hub.drain(now, code));
    }

    fn take_dialed(&mut self, now: Instant) {
        while let Some(dialed) = self.dials.poll(now, self.poll.registry(), token_of_dial) {
            match dialed {
                Dialed::Failed(id, error) => {
                    guard(&mut self.hub, now, |hub| hub.dial_failed(now, id, &error));
                }
                Dialed::Connected(id, socket, peer) => self.take_connected(now, id, socket, peer),
            }
        }
    }

    fn take_connected(&mut self, now: Instant, id: DialId, socket: Carrier, peer: Address) {
        let conn = guard(&mut self.hub, now, |hub| hub.dialed(now, id, peer.clone())).flatten();
        match conn {
            Some(conn) => self.seat(now, conn, peer, Stream::new(socket), true),
            None => Stream::new(socket).deregister(self.poll.registry()),
        }
    }

    /// Gives a connection its socket.
    fn seat(&mut self, now: Instant, conn: ConnId, peer: Address, mut stream: Stream, registered: bool) {
        let registry = self.poll.registry();
        let token = token_of(conn);
        let polled =
            if registered { stream.reregister(registry, token) } else { stream.register(registry, token) };
        if let Err(error) = polled {
            trace::not_polled(conn, &error);
            guard(&mut self.hub, now, |hub| hub.release(now, conn));
            return;
        }
        if self.seats.len() <= conn.slot() {
            // In smaller steps than twice as many: what they hold is all that there is room for.
            let more = conn.slot() + 1 - self.seats.len();
            if self.seats.capacity() - self.seats.len() < more {
                self.seats.reserve_exact(more + self.seats.len() / 8);
            }
            self.seats.resize_with(conn.slot() + 1, || None);
        }
        let span = Span::connection(conn, peer);
        self.seats[conn.slot()] = Some(Seat { conn, stream, span, opened: false, ready: false });
        self.push_ready(conn);
        // What opens without a byte from the peer opens now.
        guard(&mut self.hub, now, |hub| hub.receive(now, conn, &mut []));
    }

    fn seat_of(&mut self, conn: ConnId) -> Option<&mut Seat> {
        self.seats.get_mut(conn.slot())?.as_mut().filter(|seat| seat.conn == conn)
    }

    fn push_ready(&mut self, conn: ConnId) {
        if let Some(seat) = self.seat_of(conn)
            && !std::mem::replace(&mut seat.ready, true)
        {
            self.ready.push_back(conn);
        }
    }

    /// A socket's turn: it is written, and read once if `reads`; one that can be read on stands behind the others.
    fn turn(&mut self, now: Instant, conn: ConnId, reads: bool) {
        let seat = self.seats.get_mut(conn.slot()).and_then(Option::as_mut).filter(|seat| seat.conn == conn);
        let Some(seat) = seat else { return };
        if reads {
            seat.ready = false;
        }
        let buffer = reads.then_some(&mut *self.buffer);
        let turn = seat.span.run(|| {
            guard(&mut self.hub, now, |hub| {
                let turn = seat.stream.turn(&mut Connected { hub, conn, now }, buffer);
                if !seat.opened && hub.was_opened(conn) {
                    seat.opened = true;
                    if let Some(peer) = hub.peer(conn) {
                        trace::opened(conn, peer);
                    }
                }
                turn
            })
        });
        // A panic broke the turn off; what the hub makes of it is seen to in the next one.
        match turn.unwrap_or(Turn::Again) {
            Turn::Idle => {}
            Turn::Again => self.push_ready(conn),
            Turn::Over => {
                if let Some(mut seat) = self.seats[conn.slot()].take() {
                    seat.stream.deregister(self.poll.registry());
                    seat.tell_closed(&self.hub);
                }
                guard(&mut self.hub, now, |hub| hub.release(now, conn));
            }
        }
    }

    fn handle_timeouts(&mut self, now: Instant) {
        if now >= self.wall_at {
            self.wall_at = now + WALL_EVERY;
            let wall = self.clock.wall();
            guard(&mut self.hub, now, |hub| hub.handle_wall(now, wall));
        }
        if self.due.is_some_and(|due| due <= now) {
            guard(&mut self.hub, now, |hub| hub.handle_timeout(now));
        }
    }

    /// Carries out what the hub asks for. Nothing of the latter two calls the service, so once is enough.
    fn settle(&mut self, now: Instant) {
        while let Some(conn) = self.hub.poll_dirty() {
            self.turn(now, conn, false);
        }
        while let Some(dial) = self.hub.poll_dial() {
            self.dials.start(dial);
        }
        while let Some((token, job)) = self.hub.poll_job() {
            self.jobs.start(token, job);
        }
        self.commanded |= self.jobs.is_ready();
    }
}
