//! A timer that is polled only where that can change something.

use crate::Clock;
use crate::runtime::Timer;
use crate::turn::Task;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use wharf::base::Instant;

/// A timer may fire this much too early, by its own clock. Nearer to its time it is polled each time.
const EARLY: Duration = Duration::from_millis(20);

pub(crate) struct Alarm<T> {
    timer: T,
    /// When it fires; `None` if it is not set.
    at: Option<Instant>,
    /// Whom the timer wakes, once there is something to wait for.
    relay: Option<Arc<Relay>>,
    /// Whose waker the relay has.
    wakes: Task,
    /// Whether the timer knows the relay.
    is_known: bool,
}

/// Hands a wake-up on to whoever polled last. The timer knows nobody else, so that someone else who polls, as `now_or_never` does and
/// the parts of a `FuturesUnordered` do, costs a store here and not a place among the runtime's timers.
struct Relay(Mutex<Slot>);

struct Slot {
    waker: Waker,
    /// It has woken somebody; whoever comes after that asks the timer.
    rung: bool,
}

impl Relay {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        let mut slot = self.slot();
        slot.rung = true;
        let waker = slot.waker.clone();
        drop(slot);
        waker.wake();
    }
}

impl<T: Timer> Alarm<T> {
    pub(crate) fn new(timer: T) -> Self {
        Self { timer, at: None, relay: None, wakes: Task::NONE, is_known: false }
    }

    /// When it fires, if it is set.
    #[cfg(test)]
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Sets it to `next` where it would fire later, and sees that it wakes whoever polls; whether it has fired.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, next: Instant, clock: Clock) -> bool {
        let at = match self.at {
            Some(at) if at <= next => at,
            _ => {
                self.timer.set(clock.std(next));
                self.is_known = false;
                *self.at.insert(next)
            }
        };
        let has_rung = self.wakes != Task::of(cx) && self.register(cx.waker());
        if self.is_known && !has_rung && now + EARLY < at {
            return false;
        }
        self.poll_timer(cx)
    }

    /// The relay wakes by `waker` from now on; whether it has woken somebody before.
    fn register(&mut self, waker: &Waker) -> bool {
        let new = || Arc::new(Relay(Mutex::new(Slot { waker: Waker::noop().clone(), rung: false })));
        let mut waker = waker.clone();
        self.wakes = Task::of(&Context::from_waker(&waker));
        let mut slot = self.relay.get_or_insert_with(new).slot();
        // The one before is dropped outside of the lock.
        std::mem::swap(&mut slot.waker, &mut waker);
        slot.rung
    }

    /// Polls the timer, in the relay's name.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let has_fired = match &self.relay {
            Some(relay) => {
                relay.slot().rung = false;
                let waker = Waker::from(relay.clone());
                self.timer.poll(&mut Context::from_waker(&waker)).is_ready()
            }
            // There is one, since somebody polls.
            None => self.timer.poll(cx).is_ready(),
        };
        self.is_known = !has_fired;
        if has_fired {
            self.at = None;
        }
        has_fired
    }
}

#[cfg(test)]
mod tests;
