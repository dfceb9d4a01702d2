//! How many connections there are to be, and when the next is opened.

use super::slots::State;
use super::{Pool, Refusal};
use crate::base::Instant;
use crate::service::schedule::{MOST_ASKED, Pace};
use core::time::Duration;
use slotmap::DefaultKey;

/// Whether opening succeeds, and if not, when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Demand {
    /// Since it has failed.
    pace: Option<Pace>,
    opens_at: Option<Instant>,
    /// It is not tried again until somebody asks.
    pub(super) is_given_up: bool,
}

impl Demand {
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

impl Pool {
    /// Brings about what is to be, after whatever happened.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some((key, end)) = self.slots.oldest(self.config.idle_timeout)
            && end <= now
            && self.slots.live() > self.config.min
        {
            self.stats.idled += 1;
            self.slots.close(key);
        }
        while self.slots.checking() < self.waiters.waiting()
            && let Some(key) = self.slots.youngest()
        {
            self.check(now, key);
        }
        if self.demand.opens_at.is_none_or(|at| at <= now) {
            for _ in 0..self.wanted() {
                self.demand.opens_at = None;
                self.slots.open(now + self.config.connect_timeout);
            }
        }
        if self.demand.is_given_up && self.slots.live() == 0 {
            self.refuse_all(Refusal::Failed);
        }
    }

    /// How many are to be opened as soon as that may be.
    fn wanted(&self) -> usize {
        if self.is_draining || self.demand.is_given_up {
            return 0;
        }
        let coming = self.slots.checking() + self.slots.opening();
        let for_waiters = self.waiters.waiting().saturating_sub(coming);
        let for_min = self.config.min.saturating_sub(self.slots.live());
        let room = self.config.max.saturating_sub(self.slots.len());
        // While it fails, one is enough to learn whether it still does.
        let at_once = if self.demand.pace.is_some() { usize::from(self.slots.opening() == 0) } else { room };
        for_waiters.max(for_min).min(room).min(at_once)
    }

    /// When the next is opened, if that waits for its time alone.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        self.demand.opens_at.filter(|_| self.wanted() > 0)
    }

    /// When the next one has been idle for too long.
    pub(super) fn idle_end(&self) -> Option<Instant> {
        let (_, end) = self.slots.oldest(self.config.idle_timeout)?;
        (self.slots.live() > self.config.min).then_some(end)
    }

    /// One could not be opened.
    pub(super) fn cannot_open(&mut self, now: Instant, again: Option<Duration>) {
        self.stats.failed += 1;
        let Self { demand, config, entropy, .. } = self;
        let pace = demand.pace.get_or_insert_with(|| config.retry.begin(now));
        demand.opens_at = match (again, demand.opens_at) {
            (None, _) => None,
            (Some(asked), None) => pace.next_asked(now, asked, entropy),
            // Of several that were on their way together the first has set the time already, also where that has come meanwhile.
            (Some(asked), Some(at)) => Some(at.max(now + asked.min(MOST_ASKED))),
        };
        if demand.opens_at.is_none() {
            (demand.pace, demand.is_given_up) = (Some(config.retry.begin(now)), true);
        }
    }

    /// The time of a slot is over.
    pub(super) fn too_late(&mut self, now: Instant, key: DefaultKey) {
        match self.slots.state(key) {
            Some(State::Opening) => {
                self.slots.close(key);
                self.cannot_open(now, Some(Duration::ZERO));
            }
            Some(State::Checking) => {
                self.stats.broken += 1;
                self.slots.close(key);
            }
            Some(State::Idle(..)) => {
                self.stats.aged += 1;
                self.slots.close(key);
            }
            // The others have none.
            _ => {}
        }
    }
}
