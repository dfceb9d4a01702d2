//! What delays there are, and how they combine.

use super::Pace;
use crate::base::Instant;
use alloc::sync::Arc;
use core::ops::RangeInclusive;
use core::time::Duration;

/// How long to wait before each next attempt, and for how many. A value: it is cheap to clone, it changes nothing, and
/// [`begin`](Self::begin) runs it as often as one likes.
///
/// The first attempt is not part of it: what is described is what comes *after* an attempt. So `recurs(3)` lets something be done
/// four times.
///
/// Delays are in nanoseconds and saturate at 2^64 of them, 584 years. Only [`recurs`](Self::recurs), [`once`](Self::once) and
/// [`forever`](Self::forever) let the next attempt follow at once, as does [`cap`](Self::cap) by zero: elsewhere an interval or a
/// base of zero counts as a millisecond, so that a setting that is missing makes no busy loop.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::schedule::Schedule;
///
/// let second = Duration::from_secs(1);
/// let schedule = Schedule::exponential(second, 2.0).both(Schedule::recurs(3)).then(Schedule::spaced(30 * second));
/// let mut entropy = Entropy::from_seed([7; 32]);
/// let mut now = Instant::ORIGIN;
/// let mut pace = schedule.begin(now);
/// let mut delays = Vec::new();
/// for _ in 0..5 {
///     let due = pace.next(now, &mut entropy).unwrap();
///     delays.push((due - now).as_secs());
///     now = due;
/// }
/// assert_eq!(delays, [1, 2, 4, 30, 30]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(pub(super) Arc<Kind>);

/// Durations in nanoseconds.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Exponential { base: u64, factor: f64 },
    Fixed(u64),
    Spaced(u64),
    Recurs(u32),
    Forever,
    Fibonacci(u64),
    Linear(u64),
    Windowed(u64),
    Either(Schedule, Schedule),
    Both(Schedule, Schedule),
    Then(Schedule, Schedule),
    Cap(Schedule, u64),
    Jittered(Schedule, f64, f64),
    UpTo(Schedule, u64),
    ResetAfter(Schedule, u64),
}

/// What an interval of zero counts as.
const LEAST: u64 = 1_000_000;

/// In nanoseconds, as many as can be counted.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// In nanoseconds, and never none.
fn interval(duration: Duration) -> u64 {
    if duration.is_zero() { LEAST } else { nanos(duration) }
}

impl Schedule {
    fn new(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    /// For ever: `base` first, and each delay `factor` times the one before. A factor below 1, or that is no number, counts as 1:
    /// delays never shrink.
    #[must_use]
    pub fn exponential(base: Duration, factor: f64) -> Self {
        // `max` takes the number of the two if one is none.
        Self::new(Kind::Exponential { base: interval(base), factor: factor.max(1.0) })
    }

    /// For ever, on the grid of whole `interval`s from the begin: the next point of it, however long the attempt took. Points that
    /// passed meanwhile are skipped and not made up for.
    #[must_use]
    pub fn fixed(interval: Duration) -> Self {
        Self::new(Kind::Fixed(self::interval(interval)))
    }

    /// For ever, `interval` after each attempt.
    #[must_use]
    pub fn spaced(interval: Duration) -> Self {
        Self::new(Kind::Spaced(self::interval(interval)))
    }

    /// `n` times, at once. With [`both`](Self::both) it bounds how often another schedule recurs.
    #[must_use]
    pub fn recurs(n: u32) -> Self {
        Self::new(Kind::Recurs(n))
    }

    /// One time, at once: `recurs(1)`.
    #[must_use]
    pub fn once() -> Self {
        Self::recurs(1)
    }

    /// For ever, at once: a busy loop unless it is combined or what is attempted waits for something.
    #[must_use]
    pub fn forever() -> Self {
        Self::new(Kind::Forever)
    }

    /// For ever: `one`, `one`, and each delay the sum of the two before.
    #[must_use]
    pub fn fibonacci(one: Duration) -> Self {
        Self::new(Kind::Fibonacci(interval(one)))
    }

    /// For ever: `base`, then twice `base`, three times and so on.
    #[must_use]
    pub fn linear(base: Duration) -> Self {
        Self::new(Kind::Linear(interval(base)))
    }

    /// For ever, at the next boundary between windows of `interval`, which are counted from the clock's origin: whatever begins
    /// when, all on one clock have the same boundaries. [`fixed`](Self::fixed) counts from its own begin.
    #[must_use]
    pub fn windowed(interval: Duration) -> Self {
        Self::new(Kind::Windowed(self::interval(interval)))
    }

    /// As long as one of the two recurs, after the shorter delay.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        Self::new(Kind::Either(self, other))
    }

    /// As long as both recur, after the longer delay.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self::new(Kind::Both(self, other))
    }

    /// This one to its end, then `other`, which begins when it is first asked. Behind one that recurs for ever it has no effect.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        Self::new(Kind::Then(self, other))
    }

    /// No delay is longer than `max`.
    #[must_use]
    pub fn cap(self, max: Duration) -> Self {
        Self::new(Kind::Cap(self, nanos(max)))
    }

    /// Each delay is multiplied by a number between 0.8 and 1.2, drawn anew: a crowd that began together spreads.
    #[must_use]
    pub fn jittered(self) -> Self {
        self.jittered_by(0.8..=1.2)
    }

    /// Each delay is multiplied by a number between 0 and 1, drawn anew. A crowd spreads as far as can be, and some come nearly at
    /// once.
    #[must_use]
    pub fn full_jitter(self) -> Self {
        self.jittered_by(0.0..=1.0)
    }

    /// Each delay is multiplied by a number of `range`, drawn anew. The ends may come in any order; one below 0 counts as 0, one
    /// that is no number as 1.
    ///
    /// A point of a grid ([`fixed`](Self::fixed), [`windowed`](Self::windowed)) that jitter makes an attempt come before counts as
    /// reached by it, so there is one attempt for each.
    #[must_use]
    pub fn jittered_by(self, range: RangeInclusive<f64>) -> Self {
        let [one, other] = [*range.start(), *range.end()]
            .map(|end| if end.is_nan() { 1.0 } else { end.clamp(0.0, f64::MAX) });
        Self::new(Kind::Jittered(self, one.min(other), one.max(other)))
    }

    /// It is over as soon as the next attempt would be due later than `duration` after the begin. Within
    /// [`then`](Self::then) the second part begins when the first is over.
    #[must_use]
    pub fn up_to(self, duration: Duration) -> Self {
        Self::new(Kind::UpTo(self, nanos(duration)))
    }

    /// It starts afresh if it is asked `duration` or longer after the attempt before was due, as when what was attempted has
    /// worked for so long. What was over begins again.
    #[must_use]
    pub fn reset_after(self, duration: Duration) -> Self {
        Self::new(Kind::ResetAfter(self, nanos(duration)))
    }

    /// How a lost connection is made again: after 1 s, 2 s, 4 s, 8 s and 16 s, then every 30 s for ever, jittered.
    #[must_use]
    pub fn reconnect() -> Self {
        let first = Self::exponential(Duration::from_secs(1), 2.0).both(Self::recurs(5));
        first.then(Self::spaced(Duration::from_secs(30))).jittered()
    }

    /// How something is tried again: after 1 s, and twice as long each time up to 30 s, for ever, jittered.
    #[must_use]
    pub fn backoff() -> Self {
        Self::exponential(Duration::from_secs(1), 2.0).cap(Duration::from_secs(30)).jittered()
    }

    /// A run of it, that begins at `now`.
    #[must_use]
    pub fn begin(&self, now: Instant) -> Pace {
        Pace::new(self.clone(), now)
    }
}

/// [`Schedule::reconnect`].
impl Default for Schedule {
    fn default() -> Self {
        Self::reconnect()
    }
}
