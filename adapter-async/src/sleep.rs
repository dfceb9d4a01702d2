//! Time to wait by, for what waits without a connection.

use crate::Clock;
use crate::driver::alarm::Alarm;
use crate::runtime::Runtime;
use std::future::poll_fn;
use std::task::{Context, Poll};
use wharf::base::Instant;

/// Tells the time, and waits for it.
pub(crate) trait Sleep: Send {
    /// The time.
    fn now(&self) -> Instant;

    /// Whether `at` has come; if not, it wakes whoever polls once it has.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> bool;
}

/// By a clock of the operating system and a timer of the runtime.
pub(crate) struct Awake<R: Runtime> {
    clock: Clock,
    alarm: Alarm<R::Timer>,
}

impl<R: Runtime> Awake<R> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, alarm: Alarm::new(R::timer()) }
    }
}

impl<R: Runtime> Sleep for Awake<R> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        loop {
            let now = self.clock.now();
            if at <= now {
                return true;
            }
            // One that has fired was set for an earlier moment, or came a little too early.
            if !self.alarm.poll(cx, now, at, self.clock) {
                return false;
            }
        }
    }
}

/// Waits until `at`.
pub(crate) async fn until(sleep: &mut impl Sleep, at: Instant) {
    poll_fn(|cx| if sleep.poll_until(cx, at) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex, MutexGuard};
    use std::task::Waker;
    use std::time::Duration;

    /// A time that passes where a test says so.
    #[derive(Clone, Default)]
    pub(crate) struct Virtual(Arc<Mutex<Passing>>);

    #[derive(Default)]
    struct Passing {
        now: Instant,
        sleepers: Vec<(Instant, Waker)>,
    }

    impl Virtual {
        fn lock(&self) -> MutexGuard<'_, Passing> {
            self.0.lock().unwrap()
        }

        /// When somebody is to be woken.
        pub(crate) fn next(&self) -> Option<Instant> {
            self.lock().sleepers.iter().map(|(at, _)| *at).min()
        }

        /// It is later, and who slept until then is woken.
        pub(crate) fn advance(&self, by: Duration) {
            let mut passing = self.lock();
            passing.now += by;
            let now = passing.now;
            let due: Vec<_> = passing.sleepers.extract_if(.., |(at, _)| *at <= now).collect();
            drop(passing);
            due.into_iter().for_each(|(_, waker)| waker.wake());
        }

        /// Polls `future`, and goes from one moment at which somebody is woken to the next, until it is done.
        pub(crate) fn run<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
            loop {
                if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    return out;
                }
                let next = self.next().expect("it waits for something that never comes");
                self.advance(next - self.now());
            }
        }
    }

    impl Sleep for Virtual {
        fn now(&self) -> Instant {
            self.lock().now
        }

        fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
            let mut passing = self.lock();
            let has_come = at <= passing.now;
            if !has_come {
                passing.sleepers.retain(|(_, waker)| !waker.will_wake(cx.waker()));
                passing.sleepers.push((at, cx.waker().clone()));
            }
            has_come
        }
    }
}
