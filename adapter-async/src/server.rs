//! A handler a connection.

use crate::accept::{Either, Gong, Loss, either};
use crate::bound::Bound;
use crate::drain::{Berth, Drain};
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::seat::{Seat, Seats};
use crate::socket::Socket;
use crate::trace::{self, Name, Told};
use crate::{Clock, accept};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wharf::base::{CloseCode, Instant};
use wharf::http::{Request, Response};
use wharf::link::{Address, AdmissionStats, Config, Event, Link, Welcome};
use wharf::ws::handshake::{Acceptance, Refusal};
use wharf_std::{Drained, ListenerLost, text_of_panic};

/// What a handler may return. A failure closes its connection with 1011 and is logged once.
///
/// ```
/// use wharf_async::Outcome;
///
/// /// How a game ends.
/// enum Game {
///     Over,
///     Broken { board: u32 },
/// }
///
/// impl Outcome for Game {
///     fn failure(self) -> Option<String> {
///         match self {
///             Self::Over => None,
///             Self::Broken { board } => Some(format!("board {board} is broken")),
///         }
///     }
/// }
///
/// assert_eq!(Game::Over.failure(), None);
/// assert_eq!(Game::Broken { board: 7 }.failure().as_deref(), Some("board 7 is broken"));
/// // Those of functions are there.
/// assert_eq!(Err::<(), _>("no such room").failure().as_deref(), Some("no such room"));
/// ```
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
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::base::CloseCode;
/// use wharf::link::Config;
/// use wharf_async::{Bound, Error, Runtime, Socket, connect, serve};
///
/// async fn echo(mut socket: Socket<R>) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let server = serve(bound, Arc::default(), echo);
/// let url = format!("ws://{}/", server.local_addr());
/// let mut socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// assert_eq!((server.connections(), server.stats().accepted), (1, 1));
///
/// let (tell, told) = async_channel::bounded(1);
/// R::spawn(async move {
///     while socket.next().await.is_some() {}
///     let _ = tell.send(socket.closed().map(|closed| closed.code)).await;
/// });
/// let drained = server.drain_with(CloseCode::SERVICE_RESTART).await;
/// assert_eq!((drained.closed, drained.reset), (1, 0));
/// assert_eq!(told.recv().await?, Some(CloseCode::SERVICE_RESTART));
/// assert_eq!(server.connections(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandle {
    address: Address,
    drain: Drain,
    seats: Arc<Seats>,
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

    /// How many connections are in their opening handshake: not open, and not between two requests.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.seats.lock().handshakes()
    }

    /// How many were accepted and refused so far, and why.
    #[must_use]
    pub fn stats(&self) -> AdmissionStats {
        self.seats.lock().stats()
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
        self.drain_with(CloseCode::GOING_AWAY).await
    }

    /// As [`drain`](Self::drain), with another code, as 1012 where the server comes back; with 1001 if that must not be sent. The
    /// drain that begins first says which.
    ///
    /// # Cancel safety
    /// As that of [`drain`](Self::drain).
    pub async fn drain_with(&self, code: CloseCode) -> Drained {
        self.seats.lock().drain();
        self.drain.begin(code);
        self.listener_closed.wait().await;
        let drained = self.drain.drain_with(code).await;
        trace::drained(Some(&self.address), drained);
        drained
    }
}

/// Runs `handler` for each WebSocket that is accepted. Requests that ask for no WebSocket are answered by 426. When
/// the handler returns the connection is closed with 1000, when it fails or panics with 1011; no other is touched.
///
/// How many are taken, of one address and in their opening handshake too, and how many of the others are told so, is limited as
/// `config` says ([`Admission`](wharf::link::Admission)). A connection counts until its handler has returned and it has ended.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::base::CloseCode;
/// use wharf::link::Config;
/// use wharf_async::{Bound, Error, Socket, connect, serve};
///
/// /// Adds up what it is told.
/// async fn sums(mut socket: Socket<R>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     let mut sum = 0;
///     while let Some(message) = socket.next().await {
///         // What is no number is a failure, of this connection alone.
///         sum += message?.as_text().unwrap_or_default().parse::<i64>()?;
///         socket.send(sum.to_string()).await?;
///     }
///     Ok(())
/// }
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let server = serve(bound, Arc::default(), sums);
///
/// let mut socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// for (said, sum) in [("2", "2"), ("3", "5")] {
///     socket.send(said).await?;
///     assert_eq!(socket.next().await.unwrap()?.as_text(), Some(sum));
/// }
/// socket.send("four").await?;
/// assert!(socket.next().await.is_none_or(|message| message.is_err()));
/// assert_eq!(socket.closed().unwrap().code, CloseCode::INTERNAL_ERROR);
/// server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It has no error to return, so a configuration that contradicts itself is taken as it is, where
/// [`serve_service`](crate::serve_service) refuses it: with `max_connections` of zero nobody is. A program that is configured from
/// outside asks [`Config::check`] first.
pub fn serve<R, F, Fut>(bound: Bound<R>, config: Arc<Config>, handler: F) -> ServerHandle
where
    R: Runtime,
    F: Fn(Socket<R>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    serve_with(bound, config, |_| Ok(()), move |(), socket| handler(socket))
}

/// As [`serve`], with a look at each request first: `judge` says what of it the handler is to have, such as its path or who its
/// cookie names, or what is answered in place of a WebSocket. What asks for no WebSocket and is not answered by it gets 426. Where
/// messages are framed otherwise there is no request, and the handler has the default.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::http::{Request, Response};
/// use wharf::link::Config;
/// use wharf_async::{Bound, Error, Socket, connect, serve_with};
///
/// /// The room is the path; there are only some.
/// fn room(request: &Request) -> Result<String, Response> {
///     match request.path() {
///         "/kitchen" | "/garden" => Ok(request.path()[1..].to_owned()),
///         _ => Err(Response::new(404)),
///     }
/// }
///
/// async fn welcome(room: String, mut socket: Socket<R>) -> Result<(), Error> {
///     socket.send(format!("this is the {room}")).await?;
///     Ok(())
/// }
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}", bound.local_addr());
/// let server = serve_with(bound, Arc::default(), room, welcome);
///
/// let config = Arc::new(Config::client());
/// let mut socket = connect::<R>(&*format!("{url}/garden"), &config).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("this is the garden"));
/// let error = connect::<R>(&*format!("{url}/cellar"), &config).await.unwrap_err();
/// assert!(error.to_string().contains("404"), "{error}");
/// # drop(socket);
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It is called on the connection's task and must not block; what takes time is asked in the handler. If it panics the answer is
/// 500, and the failure is logged as one of a handler. Origins and subprotocols are [`Config::policy`]'s.
pub fn serve_with<R, J, T, F, Fut>(bound: Bound<R>, config: Arc<Config>, judge: J, handler: F) -> ServerHandle
where
    R: Runtime,
    J: Fn(&Request) -> Result<T, Response> + Send + Sync + 'static,
    T: Default + Send + 'static,
    F: Fn(T, Socket<R>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    let (drain, loss) = (Drain::with_timeout(config.drain_timeout), Arc::<Loss>::default());
    let (seats, places) = (Seats::new(config.clone()), drain.clone());
    let (address, taking) = (bound.local_addr().clone(), seats.clone());
    let (program, clock, own) = (Arc::new((judge, handler)), Clock::new(), bound.config().cloned());
    let listener_closed = accept::spawn(bound, drain.stop.clone(), loss.clone(), move |stream, peer| {
        let speaking = own.as_ref().unwrap_or(&config);
        let (seat, link) = match taking.take(clock, &peer, speaking) {
            Ok(taken) => taken,
            Err(refused) => return trace::refused(Some(&peer), refused),
        };
        let mut driver = Driver::<R>::new(link, stream, clock, Vec::new());
        if let Some(refused) = seat.refusal() {
            trace::refused(Some(&peer), refused);
            return R::spawn(turn_away(driver, places.clone(), seat));
        }
        let berth = places.seated(seat);
        let name = Name::new(peer);
        driver.told = Told::of(name.clone());
        let (program, drain) = (program.clone(), places.clone());
        let serving = async move { run(driver, &program.0, &program.1, &drain, berth).await };
        R::spawn(trace::in_named(&name, serving));
    });
    ServerHandle { address, drain, seats, listener_closed, loss }
}

/// Tells a connection that it is not taken.
async fn turn_away<R: Runtime>(mut driver: Box<Driver<R>>, drain: Drain, _seat: Box<Seat>) {
    either(drain.begun(), poll_fn(|cx| driver.poll_with(cx, |_, _, _| None::<()>))).await;
}

/// One connection from accept to end.
async fn run<R, J, T, F, Fut>(
    mut driver: Box<Driver<R>>,
    judge: &J,
    handler: &F,
    drain: &Drain,
    mut berth: Berth,
) where
    R: Runtime,
    J: Fn(&Request) -> Result<T, Response>,
    T: Default,
    F: Fn(T, Socket<R>) -> Fut,
    Fut: Future<Output: Outcome>,
{
    let opening = open(&mut driver, judge, berth.seat.as_deref_mut());
    let (welcome, known) = match either(drain.begun(), opening).await {
        Either::Right(Some(opened)) => opened,
        Either::Right(None) => return,
        Either::Left(()) => return drain.finish(driver, drain.code()).await,
    };
    driver.told.open();
    berth.run(Socket::new(driver, welcome, None), |socket| handler(known, socket)).await;
}

/// The opening handshake, in which it counts where it has a seat; `None` if the connection ended without one.
pub(crate) async fn open<R: Runtime, T: Default>(
    driver: &mut Driver<R>,
    judge: &impl Fn(&Request) -> Result<T, Response>,
    mut seat: Option<&mut Seat>,
) -> Option<(Box<Welcome>, T)> {
    let mut known = T::default();
    let name = driver.told.name();
    let welcome = poll_fn(|cx| {
        let polled = driver.poll_with(cx, |link, now, event| match event {
            Event::Request(request) => {
                match catch_unwind(AssertUnwindSafe(|| judge(&request))) {
                    Ok(judged) => answer(link, now, &request, judged, &mut known),
                    Err(panic) => {
                        name.handler_failed(text_of_panic(&*panic));
                        link.fail(now);
                    }
                }
                None
            }
            Event::Opened(welcome) => Some(welcome),
            _ => None,
        });
        if let Some(seat) = seat.as_deref_mut() {
            seat.recount(driver);
        }
        polled
    })
    .await?;
    if let Some(seat) = seat {
        seat.settle();
    }
    // The client waits for the answer, and the handler may do something else first.
    poll_fn(|cx| driver.poll_output(cx)).await;
    Some((welcome, known))
}

/// The request waits for its answer, and an acceptance without words is always possible.
fn answer<T>(link: &mut Link, now: Instant, request: &Request, judged: Result<T, Response>, known: &mut T) {
    let _ = match judged {
        Ok(judged) if request.is_websocket() => {
            *known = judged;
            link.accept(now, &Acceptance::default()).is_ok()
        }
        Ok(_) => link.respond(now, &Refusal::NoUpgrade.response()).is_ok(),
        Err(response) => link.respond(now, &response).is_ok(),
    };
}
