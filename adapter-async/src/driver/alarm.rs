//! A timer that is polled only where that can change something.

use crate::Clock;
use crate::runtime::Timer;
use std::task::{Context, Waker};
use std::time::Duration;
use wharf::base::Instant;

/// A timer may fire this much too early, by its own clock. Nearer to its time it is polled each time.
const EARLY: Duration = Duration::from_millis(20);

pub(crate) struct Alarm<T> {
    timer: T,
    /// When it fires; `None` if it is not set.
    at: Option<Instant>,
    /// Whom it will wake then.
    wakes: Option<Waker>,
}

impl<T: Timer> Alarm<T> {
    pub(crate) fn new(timer: T) -> Self {
        Self { timer, at: None, wakes: None }
    }

    /// When it fires, if it is set.
    #[cfg(test)]
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Sets it to `next` where it would fire later, and sees that it wakes whoever polls; whether it has fired.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, next: Instant, clock: Clock) -> bool {
        let at = match self.at {
            Some(at) if at <= next => at,
            _ => {
                self.timer.set(clock.std(next));
                self.wakes = None;
                *self.at.insert(next)
            }
        };
        let is_known = self.wakes.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if is_known && now + EARLY < at {
            return false;
        }
        if self.timer.poll(cx).is_ready() {
            (self.at, self.wakes) = (None, None);
            return true;
        }
        if !is_known {
            self.wakes = Some(cx.waker().clone());
        }
        false
    }
}
