//! The accepting loop, which outlives the operating system's refusals.

use crate::bound::Bound;
use crate::carrier::Carrier;
use crate::runtime::{Runtime, Timer};
use crate::trace;
use event_listener::{Event, EventListener};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use wharf::link::Address;
use wharf_std::{ACCEPT_PAUSE, ACCEPT_TELL, AcceptFailure, ListenerLost};

/// Tells many tasks that something has come to its end.
#[derive(Debug, Default)]
pub(crate) struct Gong {
    struck: AtomicBool,
    event: Event,
}

impl Gong {
    pub(crate) fn strike(&self) {
        self.struck.store(true, Ordering::SeqCst);
        self.event.notify(usize::MAX);
    }

    pub(crate) fn is_struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }

    /// Waits until it is struck.
    pub(crate) fn wait(&self) -> Struck<'_> {
        Struck { gong: self, listener: None, wakes: None }
    }
}

/// A wait for a [`Gong`]: the event's lock is taken only where another task waits than before.
pub(crate) struct Struck<'a> {
    gong: &'a Gong,
    listener: Option<EventListener>,
    /// Whom the listener will wake.
    wakes: Option<Waker>,
}

impl Future for Struck<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { gong, listener, wakes } = &mut *self;
        while !gong.is_struck() {
            if wakes.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            match listener {
                // It may have been struck before there was a listener.
                None => *listener = Some(gong.event.listen()),
                Some(waiting) => {
                    if Pin::new(waiting).poll(cx).is_pending() {
                        *wakes = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                    (*listener, *wakes) = (None, None);
                }
            }
        }
        Poll::Ready(())
    }
}

/// Accepts in a task of its own until `stop` is struck. The gong returned is struck once the listener is closed: only
/// then does nobody listen any more.
pub(crate) fn spawn<R: Runtime>(
    bound: Bound<R>,
    stop: Arc<Gong>,
    loss: Arc<Loss>,
    accepted: impl FnMut(Carrier<R>, Address) + Send + 'static,
) -> Arc<Gong> {
    /// Also when the runtime goes down and drops the task.
    struct StrikeOnDrop(Arc<Gong>);
    impl Drop for StrikeOnDrop {
        fn drop(&mut self) {
            self.0.strike();
        }
    }
    let closed = Arc::new(Gong::default());
    let guard = StrikeOnDrop(closed.clone());
    let address = bound.local_addr().clone();
    R::spawn(trace::in_server(&address.clone(), async move {
        // Declared first, so dropped last: behind the listener.
        let _guard = guard;
        trace::listening(&address);
        if let Err(error) = accept_until(bound, stop, accepted).await {
            trace::listener_lost(&address, &error);
            loss.tell(ListenerLost::new(&address, error));
        }
    }));
    closed
}

/// Accepts until `stop` is struck. An error of one connection is passed over; where the process is out of descriptors
/// or memory the loop pauses, since the next try would fail the same way.
///
/// # Errors
/// The listener is lost.
async fn accept_until<R: Runtime>(
    bound: Bound<R>,
    stop: Arc<Gong>,
    mut accepted: impl FnMut(Carrier<R>, Address),
) -> io::Result<()> {
    let mut told: Option<Instant> = None;
    loop {
        let error = match either(stop.wait(), bound.accept()).await {
            Either::Left(()) => return Ok(()),
            Either::Right(Ok((stream, peer))) => {
                accepted(stream, peer);
                continue;
            }
            Either::Right(Err(error)) => error,
        };
        match AcceptFailure::of(&error) {
            AcceptFailure::Passing => {}
            AcceptFailure::Lost => return Err(error),
            _ => {
                let now = Instant::now();
                if told.is_none_or(|told| now - told >= ACCEPT_TELL) {
                    told = Some(now);
                    trace::accept_failed(bound.local_addr(), &error);
                }
                let mut timer = R::timer();
                timer.set(now + ACCEPT_PAUSE);
                if let Either::Left(()) = either(stop.wait(), poll_fn(|cx| timer.poll(cx))).await {
                    return Ok(());
                }
            }
        }
    }
}

/// The first listener of a server that was lost, if one was.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    lost: OnceLock<ListenerLost>,
    told: Gong,
}

impl Loss {
    fn tell(&self, lost: ListenerLost) {
        // The first is the one that is told.
        let _ = self.lost.set(lost);
        self.told.strike();
    }

    /// Waits for it; `None` once `end` is struck.
    pub(crate) async fn wait(&self, end: impl Future<Output = ()>) -> Option<ListenerLost> {
        either(self.told.wait(), end).await;
        self.lost.get().cloned()
    }
}

pub(crate) enum Either<A, B> {
    Left(A),
    Right(B),
}

/// Whichever is ready first, the left one if both are.
pub(crate) async fn either<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| {
        if let Poll::Ready(out) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::Left(out));
        }
        b.as_mut().poll(cx).map(Either::Right)
    })
    .await
}

/// `future`, or `None` once `timeout` has passed. One that the clock cannot name the end of never does.
pub(crate) async fn within<R: Runtime, F: Future>(timeout: Duration, future: F) -> Option<F::Output> {
    let mut timer = R::timer();
    if let Some(at) = Instant::now().checked_add(timeout) {
        timer.set(at);
    }
    match either(future, poll_fn(|cx| timer.poll(cx))).await {
        Either::Left(out) => Some(out),
        Either::Right(()) => None,
    }
}
