//! Idle peers are pinged, silent ones ended. The read path only stores when it last read; all else is worked out
//! when a timer fires.

use super::Config;
use crate::base::{Deadline, Deadlines, Instant};
use core::time::Duration;

/// When bytes came and a ping went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    pub(super) last_read: Instant,
    ping_at: Instant,
    /// Numbers the pings, so that only the answer to the newest counts.
    ping: u32,
}

/// What a timer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    SendPing,
    Dead,
}

impl Keepalive {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_read: now, ping_at: Instant::NEVER, ping: 0 }
    }

    /// The idle deadline came.
    pub(super) fn handle_idle(&self, now: Instant, config: &Config, deadlines: &mut Deadlines) -> Verdict {
        let Some(idle) = config.idle_timeout.map(least) else { return Verdict::Fine };
        let due = self.last_read + idle;
        if due > now {
            deadlines.arm(Deadline::Idle, due);
            return Verdict::Fine;
        }
        Verdict::SendPing
    }

    /// The pong deadline came: a byte since the ping is as good as the pong.
    pub(super) fn handle_pong(&self, now: Instant, config: &Config, deadlines: &mut Deadlines) -> Verdict {
        if self.last_read > self.ping_at {
            self.rearm(config, deadlines);
            return Verdict::Fine;
        }
        // A byte between two pings gives the newer one its time.
        let wait = config.pong_timeout.or(config.idle_timeout).map_or(Duration::MAX, least);
        let due = self.last_read + wait;
        if due > now {
            deadlines.arm(Deadline::Pong, due);
            return Verdict::Fine;
        }
        Verdict::Dead
    }

    /// A ping goes out now; its payload.
    pub(super) fn ping(&mut self, now: Instant, config: &Config, deadlines: &mut Deadlines) -> [u8; 4] {
        self.ping = self.ping.wrapping_add(1);
        self.ping_at = now;
        if let Some(wait) = config.pong_timeout.or(config.idle_timeout).map(least) {
            deadlines.disarm(Deadline::Idle);
            // A ping behind an unanswered one must not put its deadline off.
            if !deadlines.is_armed(Deadline::Pong) {
                deadlines.arm(Deadline::Pong, now + wait);
            }
        }
        self.ping.to_be_bytes()
    }

    /// A pong came; the round trip if it answers the newest ping. One that nobody asked for is fine (RFC 6455
    /// section 5.5.3).
    pub(super) fn pong(
        &mut self,
        now: Instant,
        payload: &[u8],
        config: &Config,
        deadlines: &mut Deadlines,
    ) -> Option<Duration> {
        if self.ping_at == Instant::NEVER || payload != self.ping.to_be_bytes() {
            return None;
        }
        let rtt = now - self.ping_at;
        self.ping_at = Instant::NEVER;
        deadlines.disarm(Deadline::Pong);
        self.rearm(config, deadlines);
        Some(rtt)
    }

    /// Reading begins again after a pause of our own, for which the peer is not to blame.
    pub(super) fn resume(&mut self, now: Instant, config: &Config, deadlines: &mut Deadlines) {
        self.last_read = now;
        if deadlines.is_armed(Deadline::Pong) {
            self.ping_at = now;
            let wait = config.pong_timeout.or(config.idle_timeout).map_or(Duration::MAX, least);
            deadlines.arm(Deadline::Pong, now + wait);
        } else {
            self.rearm(config, deadlines);
        }
    }

    pub(super) fn rearm(&self, config: &Config, deadlines: &mut Deadlines) {
        if let Some(idle) = config.idle_timeout.map(least) {
            deadlines.arm(Deadline::Idle, self.last_read + idle);
        }
    }
}

/// A timeout of zero would be due for ever.
pub(super) fn least(timeout: Duration) -> Duration {
    timeout.max(Duration::from_nanos(1))
}
