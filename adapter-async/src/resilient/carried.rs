//! What the task carries, behind a lock that it shares with handles.

use crate::Clock;
use event_listener::Event;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use wharf::base::{Instant, Message};
use wharf::link::Target;
use wharf::service::client::{Attempt, Machine};

/// A machine that keeps a connection up, and who waits for what of it.
pub(crate) trait Carried: Send + 'static {
    type Machine: Machine<Event: Send>;

    fn machine(&mut self) -> &mut Self::Machine;

    /// The task is polled by this one.
    fn register(&mut self, waker: &Waker, released: &mut Released);

    /// A message came.
    fn take(&mut self, now: Instant, message: Message<'static>, released: &mut Released);

    /// Whether there is no room for messages.
    fn is_full(&self) -> bool;

    /// What the machine tells and is not only for those who wait for it.
    fn next_event(
        &mut self,
        now: Instant,
        released: &mut Released,
    ) -> Option<<Self::Machine as Machine>::Event>;

    /// Whether those who watch are to be woken, which they then are.
    fn has_changed(&mut self) -> bool;

    /// Logs an event; what the task has to do about it.
    fn tell(target: &Target, event: &<Self::Machine as Machine>::Event) -> Step;

    /// It stops.
    fn stop(&mut self, now: Instant);
}

/// What the task has to do about an event.
pub(crate) enum Step {
    Nothing,
    /// What is done on connect, and that it is done.
    Greet(Attempt, bool),
    /// It is over.
    End,
}

/// It is locked for as long as one call of the machine takes.
pub(crate) struct Desk<I> {
    clock: Clock,
    inner: Mutex<I>,
    /// The state has changed, or it has stopped. Whoever waits no longer is not remembered.
    changes: Event,
}

/// What is done once the lock is given back.
#[derive(Default)]
pub(crate) struct Released {
    pub(crate) wake: Vec<Waker>,
    /// One that is dropped.
    pub(crate) old: Option<Waker>,
    /// Those who watch are to be woken.
    pub(crate) has_changed: bool,
}

impl<I: Carried> Desk<I> {
    pub(crate) fn around(clock: Clock, inner: I) -> Self {
        Self { clock, inner: Mutex::new(inner), changes: Event::new() }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, I> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is woken, and whose waker is dropped, may come back here; so both happen outside of the lock.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut I, Instant, &mut Released) -> T) -> T {
        let mut released = Released::default();
        let out = {
            let mut inner = self.lock();
            // Within the lock, so that nobody tells the machine a time that is over.
            let out = act(&mut inner, self.clock.now(), &mut released);
            released.has_changed |= inner.has_changed();
            out
        };
        released.wake.into_iter().for_each(Waker::wake);
        if released.has_changed {
            self.changes.notify(usize::MAX);
        }
        out
    }

    /// Waits until `look` makes something of what there is.
    pub(crate) async fn wait<T>(&self, mut look: impl FnMut(&mut I) -> Option<T>) -> T {
        loop {
            // Made first, so that no change falls between.
            let change = self.changes.listen();
            if let Some(out) = look(&mut self.lock()) {
                return out;
            }
            change.await;
        }
    }
}
