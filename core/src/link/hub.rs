//! Many connections and the service that they belong to.

use super::deadlines::DeadlineHeap;
use super::entry::{Core, Entry, Turn};
use super::{Address, Admission, Config, ConnId, DialError, DialId, HubStats, Link, Place, Service};
use crate::base::{Clock, CloseCode, End, Entropy, Instant, Scratch, Wall, WallClock};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use slotmap::SlotMap;

/// A server, or a client of many, as one pure machine: a service and its connections.
///
/// An adapter drives it so:
/// 1. `accept` each new stream, and give it an empty `receive`; what comes from it goes there while `wants(conn).read`, its
///    end to `receive_end`.
/// 2. After each call, for every connection that `poll_dirty` names and for the one that the call was for: `write` it, or write
///    `slices` and tell `handle_written`, 0 too, while `wants(conn).write`; then obey `wants(conn).shutdown`, and `release` it once
///    the stream is closed.
/// 3. Carry out what `poll_dial` and `poll_job` name, and tell the outcome.
/// 4. Sleep until `poll_timeout`, then `handle_timeout`; `handle_wall` at least once a minute.
/// 5. Catch panics around each call, and go on with `recover`.
///
/// ```
/// use wharf::base::{Entropy, Instant, Message, Wall};
/// use wharf::link::{Address, Config, ConnId, Context, Hub, Service};
///
/// struct Echo;
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
///
/// let now = Instant::ORIGIN;
/// let mut hub = Hub::new(now, Wall::default(), Echo, &Config::default().into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// let mut bytes = *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// hub.receive(now, conn, &mut bytes);
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0].starts_with(b"HTTP/1.1 404"));
/// ```
pub struct Hub<S: Service> {
    pub(super) service: S,
    pub(super) core: Core<S::Job>,
}

impl<S: Service> Hub<S> {
    /// A hub without connections.
    #[must_use]
    pub fn new(now: Instant, wall: Wall, service: S, config: &Arc<Config>, entropy: Entropy) -> Self {
        let core = Core {
            config: config.clone(),
            clock: Clock::new(now),
            wall: WallClock::new(now, wall),
            entropy,
            scratch: Scratch::new(),
            plain: Vec::new(),
            lent: None,
            overflowed: false,
            links: SlotMap::new(),
            admission: Admission::new(),
            queued_pages: 0,
            is_overloaded: false,
            deadlines: DeadlineHeap::default(),
            fed: None,
            dirty: VecDeque::new(),
            to_pump: VecDeque::new(),
            jobs: SlotMap::new(),
            jobs_out: VecDeque::new(),
            dials: SlotMap::new(),
            dials_out: VecDeque::new(),
            drain_by: None,
            is_drain_late: false,
            drain_code: CloseCode::GOING_AWAY,
            stats: HubStats::default(),
            turn: None,
        };
        Self { service, core }
    }

    /// The connection's stream is closed: its id means nothing from here on. One that was still open counts as
    /// dropped.
    pub fn release(&mut self, now: Instant, conn: ConnId) {
        let now = self.begin(now);
        if let Some(entry) = self.core.entry(conn) {
            entry.released = true;
            entry.link.receive_end(now, End::Dropped);
            self.core.touch(conn);
        }
        self.pump(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let links = &self.core.links;
        let next = self.core.deadlines.next(|at, conn| links.get(conn.0).is_some_and(|e| e.due == at));
        // Something is left undone after a panic that nobody told of.
        let left = self.core.turn.is_some() || !self.core.to_pump.is_empty();
        let left = if left { self.core.clock.last() } else { Instant::NEVER };
        let or_never = |at: Option<Instant>| at.unwrap_or(Instant::NEVER);
        let next = or_never(next.map(|(at, _)| at)).min(left);
        let next = next.min(or_never(self.service.poll_timeout())).min(or_never(self.core.drain_by));
        (next != Instant::NEVER).then_some(next)
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.begin(now);
        loop {
            let links = &self.core.links;
            let next = self.core.deadlines.next(|at, conn| links.get(conn.0).is_some_and(|e| e.due == at));
            let Some((_, conn)) = next.filter(|(at, _)| *at <= now) else { break };
            self.core.deadlines.pop();
            if let Some(entry) = self.core.entry(conn) {
                entry.due = Instant::NEVER;
                entry.link.handle_timeout(now);
            }
            self.core.touch(conn);
            self.core.reschedule(conn);
        }
        if self.core.drain_by.is_some_and(|by| by <= now) {
            self.core.drain_by = Some(Instant::NEVER);
            self.core.is_drain_late = true;
            self.reset_all(now);
        }
        self.pump(now);
        if self.service.poll_timeout().is_some_and(|at| at <= now) {
            self.call(Turn::Other, |s, cx| s.timeout(cx));
            self.pump(now);
        }
    }

    /// Tells the calendar time: at the start, at least once a minute, and when it was set.
    pub fn handle_wall(&mut self, now: Instant, wall: Wall) {
        let now = self.begin(now);
        self.core.wall = WallClock::new(now, wall);
        for (_, entry) in &mut self.core.links {
            entry.link.handle_wall(now, wall);
        }
    }

    /// The program pushes something in.
    pub fn command(&mut self, now: Instant, command: S::Command) {
        let now = self.begin(now);
        self.call(Turn::Other, |s, cx| s.command(cx, command));
        self.pump(now);
    }

    /// Begins to end: no connection is taken, all are closed with `code`, or 1001 if that must not be sent, and what is
    /// left after [`Config::drain_timeout`] is reset. A second call changes nothing.
    pub fn drain(&mut self, now: Instant, code: CloseCode) {
        let now = self.begin(now);
        if self.core.drain_by.is_some() {
            return;
        }
        self.core.drain_by = Some(now + self.core.config.drain_timeout);
        self.core.admission.drain();
        if code.may_be_sent() {
            self.core.drain_code = code;
        }
        let all: Vec<ConnId> = self.core.links.keys().map(ConnId).collect();
        for conn in all {
            self.close_if_draining(now, conn);
            self.core.touch(conn);
            self.core.reschedule(conn);
        }
        for dial in self.core.unconnected() {
            self.dial_failed(now, dial, &DialError::Draining);
        }
        self.pump(now);
    }

    /// Whether a drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core.drain_by.is_some()
    }

    /// Whether a drain is over: no connection is left, nor a job in flight. A job that takes longer than
    /// [`Config::drain_timeout`] is waited for no longer.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let is_idle = self.core.jobs.is_empty() || self.core.is_drain_late;
        self.is_draining() && self.core.links.is_empty() && is_idle
    }

    /// How many connections there are, of any kind.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.links.len()
    }

    /// Whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.core.links.is_empty()
    }

    /// Where a connection's peer is; `None` for one that is no more.
    #[must_use]
    pub fn peer(&self, conn: ConnId) -> Option<&Address> {
        self.core.links.get(conn.0).map(|entry| &entry.peer)
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The service, at the end of it all.
    #[must_use]
    pub fn into_service(self) -> S {
        self.service
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.core.stats()
    }

    #[inline]
    pub(super) fn begin(&mut self, now: Instant) -> Instant {
        if self.core.turn.is_some() {
            self.settle_panic(now);
        }
        self.core.clock.advance(now)
    }

    pub(super) fn insert(&mut self, link: Link, peer: Address, dial: Option<DialId>, place: Place) -> ConnId {
        let conn = ConnId(self.core.links.insert(Entry::new(link, peer, dial, place)));
        self.core.reschedule(conn);
        conn
    }
}

impl<S: Service> core::fmt::Debug for Hub<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hub")
            .field("connections", &self.len())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
