//! Handlers and their connections, and the end of them all.

use crate::accept::{Either, Gong, either};
use crate::driver::Driver;
use crate::runtime::{Runtime, Timer};
use crate::seat::Seat;
use crate::server::Outcome;
use crate::socket::{Estate, Socket};
use crate::{trace, turn};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use wharf::base::CloseCode;
use wharf_std::{Drained, text_of_panic};

/// Ends many connections in order: cheap to clone, one for a server. Whoever makes sockets by other ways than
/// [`serve`](crate::serve), as by an HTTP framework, takes a [`Berth`] for each and runs its handler in that.
///
/// ```
/// use wharf_async::Drain;
///
/// let drain = Drain::new();
/// let berth = drain.enter(100).expect("there is room");
/// assert_eq!(drain.connections(), 1);
/// drop(berth);
/// assert_eq!(drain.connections(), 0);
/// ```
#[derive(Clone)]
pub struct Drain {
    pub(crate) stop: Arc<Gong>,
    live: Arc<Live>,
}

struct Live {
    connections: AtomicUsize,
    none_left: event_listener::Event,
    timeout: Duration,
    /// When it is to be over, and what it closes with.
    ending: OnceLock<(Instant, CloseCode)>,
    closed: AtomicU64,
    reset: AtomicU64,
}

/// The place of one connection, as [`Drain::enter`] and a [`Door`](crate::Door) give it. It counts until it is dropped.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::base::CloseCode;
/// use wharf_async::{Drain, mock};
///
/// # block_on(async {
/// let drain = Drain::new();
/// let berth = drain.enter(1).expect("there is room");
/// assert!(drain.enter(1).is_none(), "for one");
///
/// let (socket, peer) = mock::<R>(["ahoy"]);
/// berth.handle(socket, |mut socket| async move { socket.send("there").await }).await;
/// assert_eq!(peer.texts(), ["there"]);
/// assert_eq!(peer.closed().unwrap().code, CloseCode::NORMAL);
/// assert_eq!(drain.connections(), 0);
/// # }) }
/// ```
pub struct Berth {
    drain: Drain,
    /// Where a server has limits of its own.
    pub(crate) seat: Option<Box<Seat>>,
}

impl Drain {
    /// One with no connection, that may take 10 s.
    #[must_use]
    pub fn new() -> Self {
        Self::with_timeout(Duration::from_secs(10))
    }

    /// One with no connection, and how long it may take before what is left is reset.
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        let live = Live {
            connections: AtomicUsize::new(0),
            none_left: event_listener::Event::new(),
            timeout,
            ending: OnceLock::new(),
            closed: AtomicU64::new(0),
            reset: AtomicU64::new(0),
        };
        Self { stop: Arc::default(), live: Arc::new(live) }
    }

    /// Takes a place, if fewer than `most` are taken. One that is taken once the drain has begun ends at once.
    #[must_use]
    pub fn enter(&self, most: usize) -> Option<Berth> {
        let before = self.live.connections.fetch_add(1, Ordering::SeqCst);
        // Given back on drop.
        let berth = Berth { drain: self.clone(), seat: None };
        (before < most).then_some(berth)
    }

    /// Takes a place for one that has its seat.
    pub(crate) fn seated(&self, seat: Box<Seat>) -> Berth {
        self.live.connections.fetch_add(1, Ordering::SeqCst);
        Berth { drain: self.clone(), seat: Some(seat) }
    }

    /// Connections at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.live.connections.load(Ordering::SeqCst)
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.stop.is_struck()
    }

    /// Waits until the drain begins.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has done nothing.
    pub async fn begun(&self) {
        self.stop.wait().await;
    }

    pub(crate) fn begin(&self, code: CloseCode) {
        self.live.ending.get_or_init(|| {
            let now = Instant::now();
            // One that the clock cannot name the end of is over in a year.
            let by = now.checked_add(self.live.timeout).unwrap_or(now + Duration::from_secs(365 * 24 * 3600));
            (by, if code.may_be_sent() { code } else { CloseCode::GOING_AWAY })
        });
        self.stop.strike();
    }

    /// What connections are closed with.
    pub(crate) fn code(&self) -> CloseCode {
        self.live.ending.get().map_or(CloseCode::GOING_AWAY, |(_, code)| *code)
    }

    /// Waits until a drain has taken all its time.
    async fn is_late<R: Runtime>(&self) {
        self.stop.wait().await;
        let mut timer = R::timer();
        timer.set(self.live.ending.get().map_or_else(Instant::now, |(by, _)| *by));
        poll_fn(|cx| timer.poll(cx)).await;
    }

    /// Closes each connection with 1001 and waits until all have ended; those that have not within the time of a drain are
    /// reset. Tells how many ended which way, of those whose socket was not kept from their server.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the connections go on ending.
    pub async fn drain(&self) -> Drained {
        self.drain_with(CloseCode::GOING_AWAY).await
    }

    /// As [`drain`](Self::drain), with another code, or 1001 if that must not be sent. The drain that begins first says which.
    ///
    /// # Cancel safety
    /// As that of [`drain`](Self::drain).
    pub async fn drain_with(&self, code: CloseCode) -> Drained {
        self.begin(code);
        while self.connections() > 0 {
            let listener = self.live.none_left.listen();
            if self.connections() > 0 {
                listener.await;
            }
        }
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Drained { closed: count(&self.live.closed), reset: count(&self.live.reset) }
    }

    /// Closes a connection and drives it to its end, which its close deadline bounds, and a drain's.
    pub(crate) async fn finish<R: Runtime>(&self, mut driver: Box<Driver<R>>, code: CloseCode) {
        // One that is closing already has its code.
        let _ = driver.link.close(turn::fresh(driver.clock()), code, "");
        let ended = poll_fn(|cx| driver.poll_with(cx, |_, _, _| None::<()>));
        let is_late = matches!(either(ended, self.is_late::<R>()).await, Either::Right(()));
        if is_late {
            driver.link.abort(turn::fresh(driver.clock()));
            poll_fn(|cx| driver.poll_with(cx, |_, _, _| None::<()>)).await;
        }
        if self.is_draining() {
            let count = if is_late { &self.live.reset } else { &self.live.closed };
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Berth {
    /// As [`handle`](Self::handle), with a socket that is still to be: `opening` is waited for, until a drain has taken all its time.
    ///
    /// # Errors
    /// That of `opening`; the handler is not run then.
    ///
    /// # Cancel safety
    /// As that of [`handle`](Self::handle).
    pub async fn open<R, E, F, Fut>(
        self,
        opening: impl Future<Output = Result<Socket<R>, E>>,
        handler: F,
    ) -> Result<(), E>
    where
        R: Runtime,
        F: FnOnce(Socket<R>) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        if let Either::Left(socket) = either(opening, self.drain.is_late::<R>()).await {
            self.handle(socket?, handler).await;
        }
        Ok(())
    }

    /// Runs `handler` with the socket, and closes what it leaves: with 1000 when it returns, 1011 when it fails or panics,
    /// the drain's code, mostly 1001, when that begins. Done once the connection has ended, which its close deadline bounds.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the handler is dropped with it, and with that the socket.
    pub async fn handle<R, F, Fut>(mut self, socket: Socket<R>, handler: F)
    where
        R: Runtime,
        F: FnOnce(Socket<R>) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        if let Some(seat) = &mut self.seat {
            seat.settle();
        }
        let name = socket.name();
        trace::in_named(&name, self.run(socket, handler)).await;
    }

    /// As [`handle`](Self::handle), in a task that is in its connection's span already.
    pub(crate) async fn run<R, F, Fut>(self, mut socket: Socket<R>, handler: F)
    where
        R: Runtime,
        F: FnOnce(Socket<R>) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        let estate = Estate::<R>::default();
        let name = socket.name();
        socket.bequeath(estate.clone());
        let code = match either(self.drain.stop.wait(), unwound(|| handler(socket))).await {
            Either::Left(()) => self.drain.code(),
            Either::Right(ended) => match ended.map(Outcome::failure) {
                Ok(None) => CloseCode::NORMAL,
                Ok(Some(cause)) | Err(cause) => {
                    name.handler_failed(&cause);
                    CloseCode::INTERNAL_ERROR
                }
            },
        };
        let left = estate.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut driver) = left {
            if code == CloseCode::INTERNAL_ERROR {
                // It is read no further: what was handed up last may not have been taken whole.
                driver.link.fail(turn::fresh(driver.clock()));
            }
            self.drain.finish(driver, code).await;
        }
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        // Whoever sees one connection less finds its seat free.
        self.seat = None;
        let live = &self.drain.live;
        if live.connections.fetch_sub(1, Ordering::SeqCst) == 1 {
            live.none_left.notify(usize::MAX);
        }
    }
}

/// Runs a future; a panic in it, or in making it, is an error with its text.
pub(crate) async fn unwound<F: Future>(make: impl FnOnce() -> F) -> Result<F::Output, String> {
    let future = catch_unwind(AssertUnwindSafe(make)).map_err(|e| text_of_panic(&*e).to_owned())?;
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _turn = turn::begin(cx);
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(e) => Poll::Ready(Err(text_of_panic(&*e).to_owned())),
        }
    })
    .await
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Drain");
        out.field("connections", &self.connections()).field("is_draining", &self.is_draining()).finish()
    }
}

impl fmt::Debug for Berth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Berth").field(&self.drain).finish()
    }
}
