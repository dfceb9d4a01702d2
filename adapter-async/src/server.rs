//! A handler a connection.

use crate::accept::{Either, Gong, Loss, either};
use crate::bound::Bound;
use crate::drain::{Berth, Drain};
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::trace::{self, Name, Told};
use crate::{Clock, accept};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf::link::{Address, Config, Event, Link, Refused, Welcome};
use wharf::ws::handshake::{Acceptance, Refusal};
use wharf_std::{Drained, ListenerLost};

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
    drain: Drain,
    listener_closed: Arc<Gong>,
    loss: Arc<Loss>,
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
        self.drain.connections()
    }

    /// Waits until the listener is lost, which it is not as a rule: nobody can connect any more, and those who are connected go
    /// on. `None` once a drain has closed it.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn lost(&self) -> Option<ListenerLost> {
        self.loss.wait(self.listener_closed.wait()).await
    }

    /// Stops accepting, closes each connection with 1001 and waits until all have ended; those that have not within
    /// [`Config::drain_timeout`] are reset. Tells how many ended which way.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the server goes on ending.
    pub async fn drain(&self) -> Drained {
        self.drain.begin();
        self.listener_closed.wait().await;
        let drained = self.drain.drain().await;
        trace::drained(Some(&self.address), drained);
        drained
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
    let (drain, loss) = (Drain::with_timeout(config.drain_timeout), Arc::<Loss>::default());
    // Those that are told so beside the places that are taken.
    let refusals = Drain::new();
    let (address, places) = (bound.local_addr().clone(), drain.clone());
    let (handler, clock, own) = (Arc::new(handler), Clock::new(), bound.config().cloned());
    let listener_closed = accept::spawn(bound, drain.stop.clone(), loss.clone(), move |stream, peer| {
        let speaking = own.as_ref().unwrap_or(&config);
        let Some(berth) = places.enter(config.max_connections) else {
            trace::refused(&peer, Refused::TooMany);
            if let Some(berth) = refusals.enter(config.max_refusals)
                && let Some(link) = Link::turning_away(clock.now(), clock.wall(), speaking, &peer)
            {
                let driver = Driver::<R>::new(link, stream, clock, Vec::new());
                R::spawn(turn_away(driver, places.clone(), berth));
            }
            return;
        };
        let link = Link::accepted(clock.now(), clock.wall(), speaking, &peer);
        let mut driver = Driver::<R>::new(link, stream, clock, Vec::new());
        let name = Name::new(peer);
        driver.told = Told::of(name.clone());
        let (handler, drain) = (handler.clone(), places.clone());
        R::spawn(name.in_connection(async move { run(driver, &*handler, &drain, berth).await }));
    });
    ServerHandle { address, drain, listener_closed, loss }
}

/// Tells a connection that it is one too many.
async fn turn_away<R: Runtime>(mut driver: Box<Driver<R>>, drain: Drain, _berth: Berth) {
    either(drain.begun(), poll_fn(|cx| driver.poll_with(cx, |_, _, _| None::<()>))).await;
}

/// One connection from accept to end.
async fn run<R, F, Fut>(mut driver: Box<Driver<R>>, handler: &F, drain: &Drain, berth: Berth)
where
    R: Runtime,
    F: Fn(Socket<R>) -> Fut,
    Fut: Future<Output: Outcome>,
{
    let welcome = match either(drain.begun(), open(&mut driver)).await {
        Either::Right(Some(welcome)) => welcome,
        Either::Right(None) => return,
        Either::Left(()) => return drain.finish(driver, CloseCode::GOING_AWAY).await,
    };
    driver.told.open();
    berth.run(Socket::new(driver, welcome, None), handler).await;
}

/// The opening handshake; `None` if the connection ended without one.
pub(crate) async fn open<R: Runtime>(driver: &mut Driver<R>) -> Option<Box<Welcome>> {
    let welcome = poll_fn(|cx| {
        driver.poll_with(cx, |link, now, event| match event {
            Event::Request(request) => {
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
