//! Who is behind, and what waits for it.

use super::{Config, Left, MemberStats, SlowPolicy};
use crate::base::Instant;
use crate::link::ConnId;
use crate::ws::Prepared;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// The least time between two tries: one of zero would be due for ever.
const LEAST_RETRY: Duration = Duration::from_millis(1);

/// The connections that are behind, or of which something is to be remembered; whoever keeps up costs nothing here.
#[derive(Debug)]
pub(super) struct Lags {
    /// Each one's end is still to be told, so there are never more than connections.
    all: BTreeMap<ConnId, Lag>,
    /// Who is disconnected when, under [`SlowPolicy::Wait`]: those for whom something waits.
    due: BTreeSet<(Instant, ConnId)>,
    /// Those for whom something waits although they have room, and when they are tried again.
    starved: BTreeSet<ConnId>,
    retry_at: Option<Instant>,
    messages: usize,
    /// At most [`Config::max_bytes`].
    bytes: usize,
}

/// One that is behind.
#[derive(Debug, Default)]
struct Lag {
    /// It said so and has not drained since.
    is_congested: bool,
    /// It is on its way out: nothing is sent to it any more.
    is_gone: bool,
    /// At most [`Config::max_behind`] messages of [`Config::max_behind_bytes`].
    backlog: VecDeque<Prepared>,
    due: Option<Instant>,
    stats: MemberStats,
    /// What it was in when it was given up.
    groups: Vec<Arc<str>>,
}

/// Whether a connection takes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Free,
    Behind,
    Gone,
}

/// What became of a message that could not be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Waiting,
    Dropped,
    /// There is no room, and the policy drops nothing.
    Overflow,
}

impl Lags {
    pub(super) const fn new() -> Self {
        Self {
            all: BTreeMap::new(),
            due: BTreeSet::new(),
            starved: BTreeSet::new(),
            retry_at: None,
            messages: 0,
            bytes: 0,
        }
    }

    #[inline]
    pub(super) fn standing(&self, conn: ConnId) -> Standing {
        // Where all keep up nobody is looked for.
        if self.all.is_empty() {
            return Standing::Free;
        }
        match self.all.get(&conn) {
            Some(lag) if lag.is_gone => Standing::Gone,
            Some(lag) if lag.is_congested || !lag.backlog.is_empty() => Standing::Behind,
            _ => Standing::Free,
        }
    }

    /// Its output is congested: from now on messages wait, until it has drained.
    pub(super) fn congest(&mut self, conn: ConnId) {
        self.all.entry(conn).or_default().is_congested = true;
    }

    /// It has room, and there is none for it: it is among those that [`take_starved`](Self::take_starved) tells next.
    pub(super) fn starve(&mut self, now: Instant, conn: ConnId, config: &Config) {
        self.starved.insert(conn);
        self.retry_at.get_or_insert(now + config.retry.max(LEAST_RETRY));
    }

    /// Whether anybody is starved.
    pub(super) fn is_any_starved(&self) -> bool {
        !self.starved.is_empty()
    }

    /// Those that are to be tried again, once it is time.
    pub(super) fn take_starved(&mut self, now: Instant) -> BTreeSet<ConnId> {
        match self.retry_at.take_if(|at| *at <= now) {
            Some(_) => core::mem::take(&mut self.starved),
            None => BTreeSet::new(),
        }
    }

    fn sate(&mut self, conn: ConnId) {
        if self.starved.remove(&conn) && self.starved.is_empty() {
            self.retry_at = None;
        }
    }

    /// Its output has drained.
    pub(super) fn relieve(&mut self, conn: ConnId) {
        self.sate(conn);
        if let Some(lag) = self.all.get_mut(&conn) {
            lag.is_congested = false;
        }
    }

    /// Keeps a message for one that is behind; what became of it, and how many that waited were dropped for it.
    pub(super) fn hold(
        &mut self,
        now: Instant,
        config: &Config,
        conn: ConnId,
        message: &Prepared,
    ) -> (Held, u64) {
        let len = message.payload().len();
        let mut dropped = 0;
        if config.slow == SlowPolicy::DropOldest && self.would_fit_alone(config, conn, len) {
            while !self.fits(config, conn, len) && self.take(conn).is_some() {
                dropped += 1;
            }
        }
        let fits = self.fits(config, conn, len);
        let lag = self.all.entry(conn).or_default();
        lag.stats.dropped += dropped;
        if !fits {
            return match config.slow {
                SlowPolicy::DropNewest | SlowPolicy::DropOldest => {
                    lag.stats.dropped += 1;
                    (Held::Dropped, dropped)
                }
                SlowPolicy::Disconnect | SlowPolicy::Wait(_) => (Held::Overflow, dropped),
            };
        }
        if let (SlowPolicy::Wait(timeout), None) = (config.slow, lag.due) {
            let at = now + timeout;
            lag.due = Some(at);
            self.due.insert((at, conn));
        }
        lag.backlog.push_back(message.clone());
        lag.stats.behind += 1;
        lag.stats.behind_bytes += len;
        self.messages += 1;
        self.bytes += len;
        (Held::Waiting, dropped)
    }

    /// What has waited longest for it.
    pub(super) fn first(&self, conn: ConnId) -> Option<&Prepared> {
        self.all.get(&conn)?.backlog.front()
    }

    /// Takes that out of its backlog.
    pub(super) fn take(&mut self, conn: ConnId) -> Option<Prepared> {
        let lag = self.all.get_mut(&conn)?;
        let message = lag.backlog.pop_front()?;
        let len = message.payload().len();
        lag.stats.behind -= 1;
        lag.stats.behind_bytes -= len;
        self.messages -= 1;
        self.bytes -= len;
        if lag.backlog.is_empty() {
            lag.backlog = VecDeque::new();
            if let Some(at) = lag.due.take() {
                self.due.remove(&(at, conn));
            }
        }
        Some(message)
    }

    /// Writes something down about one that is remembered, or about any with `anew`.
    pub(super) fn note(&mut self, conn: ConnId, anew: bool, write: impl FnOnce(&mut MemberStats)) {
        if anew {
            write(&mut self.all.entry(conn).or_default().stats);
        } else if let Some(lag) = self.all.get_mut(&conn) {
            write(&mut lag.stats);
        }
    }

    /// It goes, with all that waits for it; `groups` is what it was in. Returns how many messages it did not get.
    pub(super) fn give_up(&mut self, conn: ConnId, groups: Vec<Arc<str>>) -> u64 {
        self.sate(conn);
        let mut unsent = 0;
        while self.take(conn).is_some() {
            unsent += 1;
        }
        let lag = self.all.entry(conn).or_default();
        lag.stats.unsent += unsent;
        (lag.is_congested, lag.is_gone, lag.groups) = (false, true, groups);
        unsent
    }

    /// It is gone: what it left, if it was remembered. It was given up before.
    pub(super) fn forget(&mut self, conn: ConnId) -> Left {
        self.all.remove(&conn).map_or_else(Left::default, |lag| Left { groups: lag.groups, stats: lag.stats })
    }

    /// Forgets one that has caught up and of which there is nothing to be told.
    pub(super) fn settle(&mut self, conn: ConnId) {
        let is_new = |lag: &Lag| !lag.is_gone && !lag.is_congested && lag.stats == MemberStats::default();
        if self.all.get(&conn).is_some_and(is_new) {
            self.all.remove(&conn);
        }
    }

    /// When [`pop_due`](Self::pop_due) or [`take_starved`](Self::take_starved) names one at the latest.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at).into_iter().chain(self.retry_at).min()
    }

    /// One for whom something has waited for too long.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<ConnId> {
        let (_, conn) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.pop_first();
        if let Some(lag) = self.all.get_mut(&conn) {
            lag.due = None;
        }
        Some(conn)
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<MemberStats> {
        self.all.get(&conn).map(|lag| lag.stats)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, MemberStats)> + '_ {
        self.all.iter().map(|(conn, lag)| (*conn, lag.stats))
    }

    /// How many are behind, with how many messages, of how many bytes.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let behind = self.all.values().filter(|lag| lag.is_congested || !lag.backlog.is_empty()).count();
        (behind, self.messages, self.bytes)
    }

    fn fits(&self, config: &Config, conn: ConnId, len: usize) -> bool {
        let stats = self.get(conn).unwrap_or_default();
        stats.behind < config.max_behind
            && stats.behind_bytes.saturating_add(len) <= config.max_behind_bytes
            && self.bytes.saturating_add(len) <= config.max_bytes
    }

    /// Whether it is worth dropping what waits for it: a message that is too large by itself costs nothing but itself.
    fn would_fit_alone(&self, config: &Config, conn: ConnId, len: usize) -> bool {
        let others = self.bytes - self.get(conn).unwrap_or_default().behind_bytes;
        config.max_behind > 0
            && len <= config.max_behind_bytes
            && others.saturating_add(len) <= config.max_bytes
    }
}
