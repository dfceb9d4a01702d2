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
