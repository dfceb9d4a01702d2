//! Whether a peer lives: silent ones are ended, or pinged first, and those that take nothing are ended. The read path only
//! stores when it last read; all else is worked out when a timer fires.

use super::{Deadline, Deadlines, Instant, Outbox, least};
use core::time::Duration;

/// When bytes came and a ping went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    pub(crate) last_read: Instant,
    ping_at: Instant,
}

/// How long a peer may be silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until it is asked; `None`: for ever.
    idle: Option<Duration>,
    /// After a ping.
    pong: Option<Duration>,
}

impl Patience {
    /// A pong has as long as `idle` unless `pong` says otherwise.
    pub(crate) fn new(idle: Option<Duration>, pong: Option<Duration>) -> Self {
        Self { idle: idle.map(least), pong: pong.or(idle).map(least) }
    }
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self { last_read: now, ping_at: Instant::NEVER }
    }

    /// The idle deadline came: whether the peer was silent for so long.
    pub(crate) fn is_idle(&self, now: Instant, patience: Patience, deadlines: &mut Deadlines) -> bool {
        let Some(idle) = patience.idle else { return false };
        let due = self.last_read + idle;
        if due > now {
            deadlines.arm(Deadline::Idle, due);
        }
        due <= now
    }

    /// The pong deadline came: whether the peer is given up. A byte since the ping is as good as the pong.
    pub(crate) fn is_dead(&self, now: Instant, patience: Patience, deadlines: &mut Deadlines) -> bool {
        if self.last_read > self.ping_at {
            self.rearm(patience, deadlines);
            return false;
        }
        // A byte between two pings gives the newer one its time.
        let due = self.last_read + patience.pong.unwrap_or(Duration::MAX);
        if due > now {
            deadlines.arm(Deadline::Pong, due);
        }
        due <= now
    }

    /// A ping goes out now.
    pub(crate) fn ping(&mut self, now: Instant, patience: Patience, deadlines: &mut Deadlines) {
        self.ping_at = now;
        if let Some(wait) = patience.pong {
            deadlines.disarm(Deadline::Idle);
            // A ping behind an unanswered one must not put its deadline off.
            if !deadlines.is_armed(Deadline::Pong) {
                deadlines.arm(Deadline::Pong, now + wait);
            }
        }
    }

    /// A pong came; the round trip if a ping waits for it.
    pub(crate) fn pong(
        &mut self,
        now: Instant,
        patience: Patience,
        deadlines: &mut Deadlines,
    ) -> Option<Duration> {
        if self.ping_at == Instant::NEVER {
            return None;
        }
        let rtt = now - self.ping_at;
        self.ping_at = Instant::NEVER;
        deadlines.disarm(Deadline::Pong);
        self.rearm(patience, deadlines);
        Some(rtt)
    }

    /// Reading begins again after a pause of our own, for which the peer is not to blame.
    pub(crate) fn resume(&mut self, now: Instant, patience: Patience, deadlines: &mut Deadlines) {
        self.last_read = now;
        if deadlines.is_armed(Deadline::Pong) {
            self.ping_at = now;
            deadlines.arm(Deadline::Pong, now + patience.pong.unwrap_or(Duration::MAX));
        } else {
            self.rearm(patience, deadlines);
        }
    }

    /// The idle deadline runs from the last byte.
    pub(crate) fn rearm(&self, patience: Patience, deadlines: &mut Deadlines) {
        if let Some(idle) = patience.idle {
            deadlines.arm(Deadline::Idle, self.last_read + idle);
        }
    }
}

/// The write deadline came: whether the transport took nothing for so long, of what waits for it.
pub(crate) fn is_stalled(
    outbox: &Outbox,
    now: Instant,
    timeout: Option<Duration>,
    deadlines: &mut Deadlines,
) -> bool {
    let Some(timeout) = timeout.map(least).filter(|_| !outbox.is_empty()) else { return false };
    let due = outbox.progress() + timeout;
    if due > now {
        deadlines.arm(Deadline::WriteStall, due);
    }
    due <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten until a ping, and three for its pong.
    fn patience() -> Patience {
        Patience::new(Some(Duration::from_nanos(10)), Some(Duration::from_nanos(3)))
    }

    const AT: fn(u64) -> Instant = Instant::from_nanos;

    #[test]
    fn the_peer_is_idle_once_it_was_silent_for_so_long() {
        let (mut liveness, mut table) = (Liveness::new(AT(0)), Deadlines::new());
        liveness.last_read = AT(5);
        assert!(!liveness.is_idle(AT(14), patience(), &mut table));
        assert_eq!(table.next(false), Some(AT(15)));
        table.disarm_all();
        assert!(liveness.is_idle(AT(15), patience(), &mut table));
        assert!(!liveness.is_idle(AT(99), Patience::new(None, None), &mut table));
        assert_eq!(table.next(false), None);
    }

    #[test]
    fn a_ping_is_answered_by_any_byte_behind_it() {
        let (mut liveness, mut table) = (Liveness::new(AT(0)), Deadlines::new());
        liveness.rearm(patience(), &mut table);
        liveness.ping(AT(10), patience(), &mut table);
        assert_eq!((table.next(false), table.is_armed(Deadline::Idle)), (Some(AT(13)), false));
        liveness.ping(AT(12), patience(), &mut table);
        assert_eq!(table.next(false), Some(AT(13)), "a second ping puts nothing off");
        // A byte that came no later than the newest ping gives that one its time.
        table.disarm_all();
        liveness.last_read = AT(12);
        assert!(!liveness.is_dead(AT(13), patience(), &mut table));
        assert_eq!((table.next(false), table.is_armed(Deadline::Pong)), (Some(AT(15)), true));
        table.disarm_all();
        assert!(liveness.is_dead(AT(15), patience(), &mut table));
        assert_eq!(table.next(false), None);
        liveness.last_read = AT(13);
        assert!(!liveness.is_dead(AT(16), patience(), &mut table));
        assert_eq!((table.next(false), table.is_armed(Deadline::Idle)), (Some(AT(23)), true));
    }

    #[test]
    fn a_pong_tells_of_one_round_trip() {
        let (mut liveness, mut table) = (Liveness::new(AT(0)), Deadlines::new());
        assert_eq!(liveness.pong(AT(1), patience(), &mut table), None);
        liveness.ping(AT(10), patience(), &mut table);
        liveness.last_read = AT(12);
        assert_eq!(liveness.pong(AT(12), patience(), &mut table), Some(Duration::from_nanos(2)));
        assert_eq!((table.next(false), table.is_armed(Deadline::Pong)), (Some(AT(22)), false));
        assert_eq!(liveness.pong(AT(13), patience(), &mut table), None);
    }

    #[test]
    fn a_pause_of_our_own_costs_the_peer_nothing() {
        let (mut liveness, mut table) = (Liveness::new(AT(0)), Deadlines::new());
        liveness.resume(AT(50), patience(), &mut table);
        assert_eq!((table.next(false), table.is_armed(Deadline::Idle)), (Some(AT(60)), true));
        liveness.ping(AT(60), patience(), &mut table);
        liveness.resume(AT(90), patience(), &mut table);
        assert_eq!((table.next(false), table.is_armed(Deadline::Idle)), (Some(AT(93)), false));
        assert_eq!(liveness.pong(AT(91), patience(), &mut table), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn a_pong_has_as_long_as_idleness_unless_told() {
        let (mut liveness, mut table) = (Liveness::new(AT(0)), Deadlines::new());
        liveness.ping(AT(1), Patience::new(Some(Duration::from_nanos(10)), None), &mut table);
        assert_eq!(table.next(false), Some(AT(11)));
        liveness.ping(AT(1), Patience::new(None, None), &mut table);
        assert_eq!(table.next(false), Some(AT(11)));
    }

    #[test]
    fn writing_stalls_once_nothing_left_for_so_long() {
        let (mut outbox, mut table, timeout) =
            (Outbox::new(), Deadlines::new(), Some(Duration::from_nanos(4)));
        assert!(!is_stalled(&outbox, AT(99), timeout, &mut table));
        outbox.cork(AT(5)).push(0);
        assert!(!is_stalled(&outbox, AT(99), None, &mut table));
        assert_eq!(table.next(false), None);
        assert!(!is_stalled(&outbox, AT(8), timeout, &mut table));
        assert_eq!(table.next(false), Some(AT(9)));
        table.disarm_all();
        assert!(is_stalled(&outbox, AT(9), timeout, &mut table));
        assert_eq!(table.next(false), None);
    }
}
