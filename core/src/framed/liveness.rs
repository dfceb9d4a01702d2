//! Silent peers are ended, or pinged first. The read path only stores when it last read; all else is worked out when a
//! timer fires.

use super::Config;
use crate::base::{Deadline, Deadlines, Instant};
use core::time::Duration;

/// When bytes came and a ping went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Liveness {
    pub(super) last_read: Instant,
    ping_at: Instant,
}

impl Liveness {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_read: now, ping_at: Instant::NEVER }
    }

    /// The idle deadline came: whether the peer was silent for so long.
    pub(super) fn is_idle(&self, now: Instant, config: &Config, deadlines: &mut Deadlines) -> bool {
        let Some(idle) = config.idle_timeout.map(least) else { return false };
        let due = self.last_read + idle;
        if due > now {
            deadlines.arm(Deadline::Idle, due);
        }
        due <= now
    }

    /// The pong deadline came: whether not a byte has come since the ping.
    pub(super) fn is_dead(&self, config: &Config, deadlines: &mut Deadlines) -> bool {
        if self.last_read > self.ping_at {
            self.rearm(config, deadlines);
            return false;
        }
        true
    }

    /// A ping goes out now.
    pub(super) fn ping(&mut self, now: Instant, config: &Config, deadlines: &mut Deadlines) {
        self.ping_at = now;
        deadlines.arm(Deadline::Pong, now + wait(config));
    }

    /// A pong came; the round trip if a ping waits for it.
    pub(super) fn pong(
        &mut self,
        now: Instant,
        config: &Config,
        deadlines: &mut Deadlines,
    ) -> Option<Duration> {
        if self.ping_at == Instant::NEVER {
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
            deadlines.arm(Deadline::Pong, now + wait(config));
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

/// How long a ping may stay without a byte.
fn wait(config: &Config) -> Duration {
    config.pong_timeout.or(config.idle_timeout).map_or(Duration::MAX, least)
}

/// A timeout of zero would be due for ever.
pub(super) fn least(timeout: Duration) -> Duration {
    timeout.max(Duration::from_nanos(1))
}
