//! How far each part of a schedule has come.

use super::Schedule;
use super::schedule::Kind;
use crate::base::{Entropy, Instant};
use alloc::boxed::Box;
use core::time::Duration;

/// What a part is asked with.
pub(super) struct Ask<'a> {
    pub(super) now: Instant,
    /// Points of a grid up to here have had their attempt; it is later than now where jitter made that come early.
    pub(super) reached: Instant,
    /// When the attempt before was due for whoever asks.
    pub(super) due: Option<Instant>,
    /// Whoever asks makes no attempt before.
    pub(super) least: Instant,
    pub(super) entropy: &'a mut Entropy,
}

/// A part of a schedule that runs. Durations in nanoseconds.
#[derive(Clone, Debug)]
pub(super) enum Run {
    /// The next delay, as a number so that no step rounds.
    Exponential {
        delay: f64,
        factor: f64,
    },
    /// The points whole intervals from `start`.
    Grid {
        start: Instant,
        interval: u64,
    },
    Spaced(u64),
    /// How often it recurs still.
    Recurs(u32),
    Forever,
    /// The next delay and the one behind it.
    Fibonacci(u64, u64),
    Linear {
        base: u64,
        delay: u64,
    },
    Either(Box<[Run; 2]>),
    Both(Box<[Run; 2]>),
    /// The first part runs, the second is to come.
    Then(Box<Run>, Schedule),
    Cap(Box<Run>, u64),
    Jittered(Box<Jittered>),
    /// Over behind this moment; `None` once it is over.
    UpTo(Box<Run>, Option<Instant>),
    ResetAfter {
        run: Box<Run>,
        afresh: Schedule,
        after: u64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Jittered {
    run: Run,
    low: f64,
    high: f64,
    /// What was told last, and what it was without jitter.
    told: Instant,
    exact: Instant,
}

impl Run {
    pub(super) fn new(schedule: &Schedule, now: Instant) -> Self {
        let boxed = |schedule: &Schedule| Box::new(Self::new(schedule, now));
        let pair = |one: &Schedule, other: &Schedule| Box::new([Self::new(one, now), Self::new(other, now)]);
        match &*schedule.0 {
            Kind::Exponential { base, factor } => Self::Exponential { delay: *base as f64, factor: *factor },
            Kind::Fixed(interval) => Self::Grid { start: now, interval: *interval },
            Kind::Windowed(interval) => Self::Grid { start: Instant::ORIGIN, interval: *interval },
            Kind::Spaced(interval) => Self::Spaced(*interval),
            Kind::Recurs(n) => Self::Recurs(*n),
            Kind::Forever => Self::Forever,
            Kind::Fibonacci(one) => Self::Fibonacci(*one, *one),
            Kind::Linear(base) => Self::Linear { base: *base, delay: *base },
            Kind::Either(one, other) => Self::Either(pair(one, other)),
            Kind::Both(one, other) => Self::Both(pair(one, other)),
            Kind::Then(first, second) => Self::Then(boxed(first), second.clone()),
            Kind::Cap(inner, max) => Self::Cap(boxed(inner), *max),
            Kind::Jittered(inner, low, high) => {
                let run = Self::new(inner, now);
                Self::Jittered(Box::new(Jittered { run, low: *low, high: *high, told: now, exact: now }))
            }
            Kind::UpTo(inner, span) => Self::UpTo(boxed(inner), Some(now + Duration::from_nanos(*span))),
            Kind::ResetAfter(inner, after) => {
                Self::ResetAfter { run: boxed(inner), afresh: inner.clone(), after: *after }
            }
        }
    }

    /// When the next attempt is due, now or later.
    pub(super) fn next(&mut self, ask: &mut Ask<'_>) -> Option<Instant> {
        let delay = match self {
            Self::Exponential { delay, factor } => {
                // A conversion to an integer saturates.
                let nanos = *delay as u64;
                *delay *= *factor;
                nanos
            }
            Self::Grid { start, interval } => return Some(point_after(*start, *interval, ask.reached)),
            Self::Spaced(interval) => *interval,
            Self::Recurs(left) => {
                *left = left.checked_sub(1)?;
                0
            }
            Self::Forever => 0,
            Self::Fibonacci(delay, following) => {
                let nanos = *delay;
                (*delay, *following) = (*following, nanos.saturating_add(*following));
                nanos
            }
            Self::Linear { base, delay } => {
                let nanos = *delay;
                *delay = nanos.saturating_add(*base);
                nanos
            }
            combined => return combined.next_combined(ask),
        };
        Some(ask.now + Duration::from_nanos(delay))
    }

    fn next_combined(&mut self, ask: &mut Ask<'_>) -> Option<Instant> {
        match self {
            Self::Either(two) => {
                let [one, other] = two.each_mut().map(|run| run.next(ask));
                one.into_iter().chain(other).min()
            }
            Self::Both(two) => {
                let [one, other] = two.each_mut().map(|run| run.next(ask));
                Some(one?.max(other?))
            }
            Self::Then(first, second) => match first.next(ask) {
                None => {
                    *self = Self::new(second, ask.now);
                    self.next(ask)
                }
                due => due,
            },
            Self::Cap(run, max) => Some(run.next(ask)?.min(ask.now + Duration::from_nanos(*max))),
            Self::Jittered(jittered) => jittered.next(ask),
            Self::UpTo(run, end) => {
                let due = run.next(ask).filter(|due| end.is_some_and(|end| ask.least.max(*due) <= end));
                if due.is_none() {
                    *end = None;
                }
                due
            }
            Self::ResetAfter { run, afresh, after } => {
                let after = Duration::from_nanos(*after);
                if ask.due.is_some_and(|due| due <= ask.now && ask.now - due >= after) {
                    **run = Self::new(afresh, ask.now);
                }
                run.next(ask)
            }
            // The others combine nothing.
            _ => None,
        }
    }
}

impl Jittered {
    fn next(&mut self, ask: &mut Ask<'_>) -> Option<Instant> {
        let reached = if ask.now >= self.told { ask.reached.max(self.exact) } else { ask.reached };
        let mut inner = Ask { now: ask.now, reached, due: ask.due, least: ask.least, entropy: ask.entropy };
        self.exact = self.run.next(&mut inner)?;
        let factor = self.low + (self.high - self.low) * unit(ask.entropy);
        let delay = (self.exact - ask.now).as_nanos() as f64 * factor;
        self.told = ask.now + Duration::from_nanos(delay as u64);
        Some(self.told)
    }
}

/// The first point of a grid that lies behind `moment`.
fn point_after(start: Instant, interval: u64, moment: Instant) -> Instant {
    let passed = (moment.as_nanos().saturating_sub(start.as_nanos())) / interval.max(1);
    start + Duration::from_nanos(passed.saturating_add(1).saturating_mul(interval))
}

/// A number from 0 to 1, evenly.
fn unit(entropy: &mut Entropy) -> f64 {
    entropy.next_u64() as f64 / u64::MAX as f64
}
