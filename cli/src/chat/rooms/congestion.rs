//! Users who take less than they are sent.

use super::Rooms;
use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{CloseCode, Instant, Wall};

/// Those who have more to take than the mark of their connection.
#[derive(Debug)]
pub(super) struct Congested<K> {
    users: BTreeMap<K, Backlog>,
    /// Who is given up, and when: one entry a user at most.
    slow: BTreeSet<(Instant, K)>,
}

/// What one has not taken.
#[derive(Debug, Default)]
struct Backlog {
    /// Of what it was sent since it is congested, and of what it has missed.
    bytes: usize,
    slow_at: Option<Instant>,
}

impl<K> Default for Congested<K> {
    fn default() -> Self {
        Self { users: BTreeMap::new(), slow: BTreeSet::new() }
    }
}

impl<K: Copy + Ord> Congested<K> {
    pub(super) fn enter(&mut self, conn: K) {
        self.users.entry(conn).or_default();
    }

    /// Whether it was one of them.
    pub(super) fn leave(&mut self, conn: K) -> bool {
        let Some(backlog) = self.users.remove(&conn) else { return false };
        if let Some(at) = backlog.slow_at {
            self.slow.remove(&(at, conn));
        }
        true
    }

    pub(super) fn has(&self, conn: K) -> bool {
        self.users.contains_key(&conn)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// One of them has more to take. With more than `limit` it is given up at that time, unless it has drained by then.
    fn grow(&mut self, conn: K, bytes: usize, limit: usize, at: Instant) {
        let Some(backlog) = self.users.get_mut(&conn) else { return };
        backlog.bytes = backlog.bytes.saturating_add(bytes);
        if backlog.bytes > limit && backlog.slow_at.is_none() {
            backlog.slow_at = Some(at);
            self.slow.insert((at, conn));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.slow.first().map(|(at, _)| *at)
    }

    fn poll_slow(&mut self, now: Instant) -> Option<K> {
        let (_, conn) = self.slow.first().copied().filter(|(at, _)| *at <= now)?;
        self.leave(conn);
        Some(conn)
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// A connection takes less than it is sent. Until it has taken [all](Self::handle_drained) it is told no messages: it has missed them,
    /// and is told them then. One that has not by [`Limits::slow_after`](crate::chat::Limits) after it had too much to take is closed.
    pub fn handle_congested(&mut self, conn: K) {
        if self.users.contains_key(&conn) {
            self.congested.enter(conn);
        }
    }

    /// A connection has taken what it was sent.
    pub fn handle_drained(&mut self, now: Instant, wall: Wall, conn: K) {
        self.advance(now, wall);
        if self.congested.leave(conn) {
            self.go_on_later(conn);
        }
    }

    /// A connection is given up, since it does not take what it is sent: each of its rooms is told, once.
    pub fn handle_slow(&mut self, now: Instant, wall: Wall, conn: K) {
        if self.users.contains_key(&conn) {
            self.stats.slow += 1;
        }
        self.handle_closed(now, wall, conn);
    }

    /// Closes those who have had too much to take for too long. What is told at once may be more than that, so it is time that
    /// tells who is slow.
    pub(super) fn give_up_slow(&mut self) {
        while let Some(conn) = self.congested.poll_slow(self.now) {
            self.handle_slow(self.now, self.wall, conn);
            self.close(conn, CloseCode::TRY_AGAIN_LATER, "too slow");
        }
    }

    /// So much is sent to these.
    pub(super) fn weigh(&mut self, conns: &[K], bytes: usize) {
        if self.congested.is_empty() {
            return;
        }
        let (limit, at) = (self.limits.max_outbox, self.now + self.limits.slow_after);
        conns.iter().for_each(|conn| self.congested.grow(*conn, bytes, limit, at));
    }
}
