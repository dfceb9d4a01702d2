//! The connections, and the signs of life on both sides.

use super::BusConfig;
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use slotmap::DefaultKey;

/// A connection.
#[derive(Debug)]
pub(super) struct Peer {
    /// The service that it registered.
    pub(super) service: Option<DefaultKey>,
    /// Its output is above the high mark.
    pub(super) is_congested: bool,
    /// It is being closed: nothing that it says counts.
    pub(super) is_closing: bool,
    /// Messages of it that are on their way to the disk, and to be answered.
    unanswered: u32,
    last_heard: Instant,
    /// When it registered its service, whether that is claimed yet or not.
    since: Option<Instant>,
    /// When a heartbeat is to be sent.
    beat_at: Instant,
    /// Under which it stands in the table.
    due: Instant,
}

/// What is due for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It did not register in time.
    Unregistered,
    /// It was silent for too long.
    Gone,
    /// A heartbeat is to be sent.
    Beat,
}

/// All connections; bounded by whoever accepts them. A frame only stores when it came: what is due is worked out when the time
/// has come.
#[derive(Debug)]
pub(super) struct Peers<C> {
    peers: BTreeMap<C, Peer>,
    due: BTreeSet<(Instant, C)>,
}

impl<C: Ord + Copy> Peers<C> {
    pub(super) fn new() -> Self {
        Self { peers: BTreeMap::new(), due: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(super) fn get_mut(&mut self, conn: C) -> Option<&mut Peer> {
        self.peers.get_mut(&conn)
    }

    pub(super) fn get(&self, conn: C) -> Option<&Peer> {
        self.peers.get(&conn)
    }

    /// One that is not there is open.
    pub(super) fn open(&mut self, now: Instant, conn: C, config: &BusConfig) {
        let due = now + config.register_timeout;
        let peer = Peer {
            service: None,
            is_congested: false,
            is_closing: false,
            unanswered: 0,
            last_heard: now,
            since: None,
            beat_at: Instant::NEVER,
            due,
        };
        self.peers.insert(conn, peer);
        self.due.insert((due, conn));
    }

    pub(super) fn remove(&mut self, conn: C) -> Option<Peer> {
        let peer = self.peers.remove(&conn)?;
        self.due.remove(&(peer.due, conn));
        Some(peer)
    }

    /// A frame came. The connection, unless it is closing.
    pub(super) fn heard(&mut self, now: Instant, conn: C) -> Option<&mut Peer> {
        let peer = self.peers.get_mut(&conn).filter(|peer| !peer.is_closing)?;
        peer.last_heard = now;
        Some(peer)
    }

    /// It has registered its service. `None` if it is not there.
    pub(super) fn registered(
        &mut self,
        now: Instant,
        conn: C,
        service: DefaultKey,
        config: &BusConfig,
    ) -> Option<()> {
        let peer = self.peers.get_mut(&conn)?;
        peer.service = Some(service);
        peer.last_heard = now;
        peer.since.get_or_insert(now);
        peer.beat_at = now + config.heartbeat;
        let due = peer.beat_at.min(now + config.gone_after);
        self.set_due(conn, due).map(drop)
    }

    /// When it registered its service.
    pub(super) fn since(&self, conn: C) -> Option<Instant> {
        self.peers.get(&conn)?.since
    }

    /// It is to be registered by then.
    pub(super) fn wait(&mut self, now: Instant, conn: C, until: Instant) {
        self.set_due(conn, until).map(|peer| peer.since.get_or_insert(now));
    }

    /// All of them.
    pub(super) fn all(&self) -> alloc::vec::Vec<C> {
        self.peers.keys().copied().collect()
    }

    /// An answer is owed from now on. Whether it is the first one.
    pub(super) fn owe(&mut self, conn: C) -> bool {
        self.peers.get_mut(&conn).is_some_and(|peer| {
            peer.unanswered = peer.unanswered.saturating_add(1);
            peer.unanswered == 1
        })
    }

    /// So many answers are owed no more. Whether none is.
    pub(super) fn answer(&mut self, conn: C, times: u32) -> bool {
        let Some(peer) = self.peers.get_mut(&conn).filter(|peer| peer.unanswered > 0) else { return false };
        peer.unanswered = peer.unanswered.saturating_sub(times);
        peer.unanswered == 0
    }

    /// It is being closed: nothing is due any more. The service that it had.
    pub(super) fn closing(&mut self, conn: C) -> Option<DefaultKey> {
        let peer = self.set_due(conn, Instant::NEVER)?;
        peer.is_closing = true;
        peer.service.take()
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// One for which something is due.
    pub(super) fn pop_due(&mut self, now: Instant, config: &BusConfig) -> Option<(C, Due)> {
        loop {
            let (_, conn) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
            let peer = self.peers.get_mut(&conn)?;
            if peer.service.is_none() {
                self.set_due(conn, Instant::NEVER);
                return Some((conn, Due::Unregistered));
            }
            let gone_at = peer.last_heard + config.gone_after;
            if gone_at <= now {
                self.set_due(conn, Instant::NEVER);
                return Some((conn, Due::Gone));
            }
            let is_beat = peer.beat_at <= now;
            if is_beat {
                let next = peer.beat_at + config.heartbeat;
                peer.beat_at = if next > now { next } else { now + config.heartbeat };
            }
            let due = peer.beat_at.min(gone_at);
            self.set_due(conn, due);
            if is_beat {
                return Some((conn, Due::Beat));
            }
        }
    }

    fn set_due(&mut self, conn: C, due: Instant) -> Option<&mut Peer> {
        let peer = self.peers.get_mut(&conn)?;
        self.due.remove(&(peer.due, conn));
        peer.due = due;
        if due != Instant::NEVER {
            self.due.insert((due, conn));
        }
        Some(peer)
    }
}
