//! A handler a connection.

use crate::accept::{Gong, either};
use crate::bound::Bound;
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::socket::{Estate, Socket};
use crate::trace::{self, Told};
use crate::{Clock, accept};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use wharf::base::CloseCode;
use wharf::link::{Address, Config, Event, Link, Refused, Welcome};
use wharf::ws::handshake::{Acceptance, Refusal};

/// What a handler may return. A failure closes its connection with 1011 and is logged once.
pub trait Outcome: Send {
    /// The failure's text, if it is one.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: std::fmt::Display + Send> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|e| e.to_string())
    }
}

/// A server that runs. Dropped, it runs on.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    address: Address,
    stop: Arc<Gong>,
    listener_closed: Arc<Gong>,
    live: Arc<Live>,
}

#[derive(Debug, Default)]
struct Live {
    connections: AtomicUsize,
    none_left: event_listener::Event,
}

impl ServerHandle {
    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> &Address {
        &self.address
    }

    /// Connections at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.live.connections.load(Ordering::SeqCst)
    }

    /// Stops accepting, closes each connection with 1001 and waits until all have ended, at most as long as their
    /// close deadlines take.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the server goes on ending.
    pub async fn drain(&self) {
        self.stop.strike();
        self.listener_closed.wait().await;
        while self.connections() > 0 {
            let listener = self.live.none_left.listen();
            if self.connections() > 0 {
                listener.await;
            }
        }
    }
}

/// Runs `handler` for each WebSocket that is accepted. Requests that ask for no WebSocket are answered by 426. When
/// the handler returns the connection is closed with 1000, when it fails or panics with 1011; no other is touched.
pub fn serve<R, F, Fut>(bound: Bound<R>, config: Arc<Config>, handler: F) -> ServerHandle
where
    R: Runtime,
    F: Fn(Socket<R>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    let (stop, live) = (Arc::new(Gong::default()), Arc::new(Live::default()));
    let (address, told, crowd) = (bound.local_addr().clone(), stop.clone(), live.clone());
    let (handler, clock) = (Arc::new(handler), Clock::new());
    let listener_closed = accept::spawn(bound, stop.clone(), move |stream, peer| {
        if live.connections.fetch_add(1, Ordering::SeqCst) >= config.max_connections {
            trace::refused(peer, Refused::TooMany);
            return leave(&live);
        }
        let link = Link::server(clock.now(), clock.wall(), &config);
        let driver = Driver::<R>::new(link, stream, clock, Vec::new());
        let (handler, stop, live) = (handler.clone(), stop.clone(), live.clone());
        R::spawn(async move {
            run(driver, peer, &*handler, &stop).await;
            leave(&live);
        });
    });
    ServerHandle { address, stop: told, listener_closed, live: crowd }
}

fn leave(live: &Live) {
    if live.connections.fetch_sub(1, Ordering::SeqCst) == 1 {
        live.none_left.notify(usize::MAX);
    }
}

/// One connection from accept to end.
async fn run<R, F, Fut>(mut driver: Driver<R>, peer: Address, handler: &F, stop: &Gong)
where
    R: Runtime,
    F: Fn(Socket<R>) -> Fut,
    Fut: Future<Output: Outcome>,
{
    let welcome = match either(stop.wait(), open(&mut driver)).await {
        accept::Either::Right(Some(welcome)) => welcome,
        accept::Either::Right(None) => return,
        accept::Either::Left(()) => return finish(driver, CloseCode::GOING_AWAY).await,
    };
    driver.told = Told::opened(&peer);
    let id = driver.told.id();
    let handled = handle(driver, welcome, id, &peer, handler, stop);
    trace::in_connection(id, &peer, handled).await;
}

/// An open connection to its end: the handler, and then the close.
async fn handle<R, F, Fut>(
    driver: Driver<R>,
    welcome: Box<Welcome>,
    id: u64,
    peer: &Address,
    handler: &F,
    stop: &Gong,
) where
    R: Runtime,
    F: Fn(Socket<R>) -> Fut,
    Fut: Future<Output: Outcome>,
{
    let estate = Estate::<R>::default();
    let socket = Socket::new(driver, welcome, Some(estate.clone()));
    let code = match either(stop.wait(), unwound(|| handler(socket))).await {
        accept::Either::Left(()) => CloseCode::GOING_AWAY,
        accept::Either::Right(Ok(outcome)) => match outcome.failure() {
            None => CloseCode::NORMAL,
            Some(cause) => {
                trace::handler_failed(id, peer, &cause);
                CloseCode::INTERNAL_ERROR
            }
        },
        accept::Either::Right(Err(cause)) => {
            trace::handler_failed(id, peer, &cause);
            CloseCode::INTERNAL_ERROR
        }
    };
    let left = estate.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut driver) = left {
        if code == CloseCode::INTERNAL_ERROR {
            // It is read no further: what was handed up last may not have been taken whole.
            driver.link.fail(driver.clock.now());
        }
        finish(driver, code).await;
    }
}

/// The opening handshake; `None` if the connection ended without one.
async fn open<R: Runtime>(driver: &mut Driver<R>) -> Option<Box<Welcome>> {
    let clock = driver.clock;
    let welcome = poll_fn(|cx| {
        driver.poll_with(cx, |link, event| match event {
            Event::Request(request) => {
                let now = clock.now();
                // The request waits for its answer, and an acceptance without words is always possible.
                if request.is_websocket() {
                    let _ = link.accept(now, &Acceptance::default());
                } else {
                    let _ = link.respond(now, &Refusal::NoUpgrade.response());
                }
                None
            }
            Event::Opened(welcome) => Some(welcome),
            _ => None,
        })
    })
    .await?;
    // The client waits for the answer, and the handler may do something else first.
    poll_fn(|cx| driver.poll_output(cx)).await;
    Some(welcome)
}

/// Closes and drives to the end, which the close deadline bounds.
async fn finish<R: Runtime>(mut driver: Driver<R>, code: CloseCode) {
    // One that is closing already has its code.
    let _ = driver.link.close(driver.clock.now(), code, "");
    poll_fn(|cx| driver.poll_with(cx, |_, _| None::<()>)).await;
}

/// Runs a future; a panic in it, or in making it, is an error with its text.
async fn unwound<F: Future>(make: impl FnOnce() -> F) -> Result<F::Output, String> {
    let future = catch_unwind(AssertUnwindSafe(make)).map_err(|e| text_of(&*e))?;
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(e) => Poll::Ready(Err(text_of(&*e))),
    })
    .await
}

/// The text of a panic.
pub(crate) fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
