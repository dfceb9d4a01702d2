//! How much each connection says.

use super::{Bucket, Rate};
use crate::base::Instant;
use crate::link::ConnId;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

/// What becomes of a connection that says more than it may ([`Limits::over`](super::Limits::over)).
///
/// ```
/// use wharf::base::{CloseCode, End, Entropy, Instant, Wall};
/// use wharf::framed::Lines;
/// use wharf::link::{Address, Config, Framing, Hub, Service};
/// use wharf::service::limiter::{Limited, Limits, Over, Rate};
///
/// struct Deaf;
/// impl Service for Deaf {
///     type Job = ();
///     type Done = ();
///     type Command = ();
/// }
///
/// let (now, mut config, mut limits) = (Instant::ORIGIN, Config::default(), Limits::default());
/// config.framing = Framing::codec(Lines::new());
/// (limits.messages, limits.over) = (Some(Rate { per_second: 1, burst: 1 }), Over::Close);
/// let service = Limited::new(Deaf, limits);
/// let mut hub = Hub::new(now, Wall::default(), service, &config.into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// hub.receive(now, conn, &mut *b"one\ntwo\n".to_vec());
/// assert_eq!(hub.service().traffic().closed, 1);
/// hub.receive_end(now, conn, End::Eof);
/// assert_eq!(hub.closed(conn).unwrap().code, CloseCode::POLICY_VIOLATION);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Over {
    /// What it said is taken, and nothing more is read from it until it may go on: its sender is slowed down. A burst that
    /// came in one read waits too. Its silence meanwhile is nobody's fault, so the idle and pong deadlines stand still and begin anew
    /// behind it; nor is a peer noticed that has gone. One message of the largest size costs its whole size at the rate, so choose
    /// `max_message` with that in mind. Whoever is closing is read in any case.
    #[default]
    Slow,
    /// It is closed with 1008, and what was too much is not handed on.
    Close,
}

/// What has become of those that said too much, since the begin.
///
/// ```
/// let stats = wharf::service::limiter::TrafficStats::default();
/// assert_eq!(stats.slowed, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct TrafficStats {
    /// How often a connection was slowed down.
    pub slowed: u64,
    /// Connections closed.
    pub closed: u64,
    /// Connections that are slowed down now.
    pub slow: usize,
}

/// What each connection has used up of its rates. It holds 40 bytes for each that there is at once; a timer is needed only
/// for those that have to wait.
#[derive(Debug)]
pub(super) struct Traffic {
    messages: Option<Rate>,
    bytes: Option<Rate>,
    over: Over,
    /// By the slots of their connections.
    users: Vec<Option<User>>,
    /// Who waits, each at most once.
    waits: BTreeSet<(Instant, ConnId)>,
    stats: TrafficStats,
}

#[derive(Clone, Copy, Debug)]
struct User {
    conn: ConnId,
    messages: Bucket,
    bytes: Bucket,
    /// Until when it waits, or never.
    waits: Instant,
    /// It is being closed, and says nothing more.
    ended: bool,
}

/// What is to be done with what a connection said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    Pass,
    /// Hand it on, and read no more.
    Slow,
    /// Close, and forget it.
    Close,
}

impl Traffic {
    pub(super) fn new(messages: Option<Rate>, bytes: Option<Rate>, over: Over) -> Self {
        let (users, waits) = (Vec::new(), BTreeSet::new());
        Self { messages, bytes, over, users, waits, stats: TrafficStats::default() }
    }

    /// Whether there is anything to hold anybody to.
    pub(super) fn is_free(&self) -> bool {
        self.messages.is_none() && self.bytes.is_none()
    }

    /// A connection is open. Those that are never named here may say what they want.
    pub(super) fn enter(&mut self, now: Instant, conn: ConnId) {
        if self.users.len() <= conn.slot() {
            self.users.resize(conn.slot() + 1, None);
        }
        let full = Bucket::new(now);
        self.users[conn.slot()] =
            Some(User { conn, messages: full, bytes: full, waits: Instant::NEVER, ended: false });
    }

    /// It is over.
    pub(super) fn leave(&mut self, conn: ConnId) {
        if let Some(user) = self.user(conn) {
            let waits = user.waits;
            self.users[conn.slot()] = None;
            self.waits.remove(&(waits, conn));
            while let Some(None) = self.users.last() {
                self.users.pop();
            }
        }
    }

    /// It said so many bytes, the end of a message among them or not.
    pub(super) fn rule(&mut self, now: Instant, conn: ConnId, bytes: usize, ends: bool) -> Ruling {
        let (messages, rate, over) = (self.messages.filter(|_| ends), self.bytes, self.over);
        let Some(user) = self.user(conn) else { return Ruling::Pass };
        match over {
            Over::Close if user.ended => Ruling::Close,
            Over::Close => {
                let message = messages.map_or(Ok(()), |rate| user.messages.take(now, rate));
                let bytes = rate.map_or(Ok(()), |rate| user.bytes.take_many(now, rate, bytes));
                if message.is_ok() && bytes.is_ok() {
                    return Ruling::Pass;
                }
                user.ended = true;
                self.stats.closed += 1;
                Ruling::Close
            }
            Over::Slow => {
                let message = messages.map_or(Duration::ZERO, |rate| user.messages.charge(now, rate, 1));
                let bytes = rate.map_or(Duration::ZERO, |rate| user.bytes.charge(now, rate, bytes));
                let wait = message.max(bytes);
                if wait.is_zero() {
                    return Ruling::Pass;
                }
                let before = core::mem::replace(&mut user.waits, now + wait);
                self.waits.remove(&(before, conn));
                self.waits.insert((now + wait, conn));
                self.stats.slowed += 1;
                Ruling::Slow
            }
        }
    }

    /// When somebody has waited long enough.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waits.first().map(|(at, _)| *at)
    }

    /// One that has waited long enough.
    pub(super) fn poll_free(&mut self, now: Instant) -> Option<ConnId> {
        let (_, conn) = self.waits.first().copied().filter(|(at, _)| *at <= now)?;
        self.waits.pop_first();
        self.user(conn)?.waits = Instant::NEVER;
        Some(conn)
    }

    pub(super) fn stats(&self) -> TrafficStats {
        TrafficStats { slow: self.waits.len(), ..self.stats }
    }

    fn user(&mut self, conn: ConnId) -> Option<&mut User> {
        self.users.get_mut(conn.slot())?.as_mut().filter(|user| user.conn == conn)
    }
}
