//! One run of a schedule.

use super::Schedule;
use super::run::{Ask, Run};
use crate::base::{Clock, Entropy, Instant};
use core::time::Duration;

/// A run of a [`Schedule`]: how far it has come.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::schedule::Schedule;
///
/// let mut entropy = Entropy::from_seed([7; 32]);
/// let begin = Instant::ORIGIN;
/// let mut pace = Schedule::once().both(Schedule::spaced(Duration::from_secs(2))).begin(begin);
/// let due = pace.next(begin, &mut entropy).unwrap();
/// assert_eq!((due - begin, pace.attempts()), (Duration::from_secs(2), 1));
/// assert_eq!(pace.next(due, &mut entropy), None);
/// // Whatever was attempted has succeeded in the end.
/// pace.reset(due);
/// assert!(pace.next(due, &mut entropy).is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    schedule: Schedule,
    run: Run,
    clock: Clock,
    begin: Instant,
    due: Option<Instant>,
    attempts: u32,
}

impl Pace {
    pub(super) fn new(schedule: Schedule, now: Instant) -> Self {
        let run = Run::new(&schedule, now);
        Self { schedule, run, clock: Clock::new(now), begin: now, due: None, attempts: 0 }
    }

    /// When the next attempt is due, at `now` or later, now that one is done; `None` if there is none. Of a clock that runs
    /// backwards the latest time counts.
    ///
    /// Asked at the moment that it told before or later, it never tells an earlier one. What is over stays over, unless
    /// [`Schedule::reset_after`] or [`reset`](Self::reset) begins it again. The same entropy makes the same delays.
    pub fn next(&mut self, now: Instant, entropy: &mut Entropy) -> Option<Instant> {
        self.next_behind(now, Duration::ZERO, entropy)
    }

    /// As [`next`](Self::next), and no earlier than `asked` from now.
    pub(super) fn next_behind(
        &mut self,
        now: Instant,
        asked: Duration,
        entropy: &mut Entropy,
    ) -> Option<Instant> {
        let now = self.clock.advance(now);
        let least = now + asked;
        let mut ask = Ask { now, reached: now, due: self.due, least, entropy };
        let due = self.run.next(&mut ask)?.max(least);
        self.due = Some(due);
        self.attempts = self.attempts.saturating_add(1);
        Some(due)
    }

    /// Begins again, as if nothing had been attempted.
    pub fn reset(&mut self, now: Instant) {
        let mut clock = self.clock;
        let now = clock.advance(now);
        *self = Self { clock, ..Self::new(self.schedule.clone(), now) };
    }

    /// How many attempts it has told since it began or was [reset](Self::reset).
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long ago it began or was [reset](Self::reset).
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        now - self.begin
    }

    /// When the attempt that was told last is due; `None` before the first.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What it is a run of.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}
