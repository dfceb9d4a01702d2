//! Wharf on tokio.
//!
//! The core's package is `wharf-core`, its library `wharf`: `cargo add wharf-core wharf-tokio`.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
//! let address = bound.local_addr().clone();
//! let server = wharf_tokio::serve(bound, Arc::default(), |mut socket| async move {
//!     while let Some(message) = socket.next().await {
//!         socket.send(message?).await?;
//!     }
//!     Ok::<(), wharf_tokio::Error>(())
//! });
//!
//! let mut socket = wharf_tokio::connect(&format!("ws://{address}/")).await?;
//! socket.send("ahoy").await?;
//! assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
//! socket.close(wharf::base::CloseCode::NORMAL, "").await?;
//! server.drain().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Requests
//!
//! With the feature `json` a socket asks, and one answers, as many things at a time as its limits allow:
//!
//! ```
//! # #[cfg(feature = "json")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
//! let address = bound.local_addr().clone();
//! let server = wharf_tokio::serve(bound, Arc::default(), |socket| {
//!     wharf_tokio::serve_requests(socket, Default::default(), |[a, b]: [i64; 2]| async move { Ok(a + b) })
//! });
//!
//! let socket = wharf_tokio::connect(&format!("ws://{address}/")).await?;
//! let (client, driving) = socket.requests(Default::default());
//! tokio::spawn(driving.run());
//! let (five, nine) = tokio::join!(client.request::<i64>([2, 3]), client.request::<i64>([4, 5]));
//! assert_eq!((five?, nine?), (5, 9));
//! drop(client);
//! server.drain().await;
//! # Ok(())
//! # }
//! # #[cfg(feature = "json")]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tracing` (default) | events and spans of connections |
//! | `json` | typed messages, requests and their answers, the message bus |
//! | `sim` | mock sockets, to test handlers without a network |
//! | `tls` | `wss` and TLS on any framing, by rustls |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in |
//! | `tls-native-roots` | `tls`, and the operating system's roots |
//! | `tls-platform-verifier` | `tls`, and the operating system judges certificates |
//! | `hyper` | `upgrade`: WebSockets behind hyper's server |
//! | `axum` | `axum`: an extractor for WebSockets; with it `hyper` |
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
mod foreign;
pub mod guide;
mod retrying;
mod serving;
mod stream;
#[cfg(feature = "hyper")]
pub mod upgrade;

use std::io;
use std::sync::Arc;
use wharf::link::{Address, Config, Target};

pub use foreign::Foreign;
pub use retrying::{repeat, retry, retry_if};
pub use serving::{serve, serve_service, serve_with};
pub use stream::{Stream, TcpListener, TcpStream, Tokio, TokioTimer, UnixListener, UnixStream};
pub use wharf_async::{
    Berth, Client, Clock, CommandError, ConnectError, Door, Drain, Drained, Error, HookError, ListenerLost,
    Messages, Outcome, PoolError, ReuniteError, SendFailed, Sender, Sending, ServerHandle, ServiceHandle,
    Transport, Watch, entropy, no_jobs,
};
#[cfg(feature = "json")]
pub use wharf_async::{
    BusClient, BusSendError, BusWatch, Deliveries, Delivery, Posting, RequestError, Requester, TypedError,
    serve_requests,
};

#[cfg(feature = "sim")]
pub use wharf_async::{Peer, Scene};

/// A WebSocket on tokio.
pub type Socket = wharf_async::Socket<Tokio>;
/// The half of a [`Socket`] that yields messages.
pub type ReadHalf = wharf_async::ReadHalf<Tokio>;
/// The half of a [`Socket`] that takes messages.
pub type WriteHalf = wharf_async::WriteHalf<Tokio>;
/// What drives the [`Socket`] of a [`Requester`] (feature `json`).
#[cfg(feature = "json")]
pub type RequestLoop = wharf_async::RequestLoop<Tokio>;
/// A [`Socket`] whose messages are of one type each way (feature `json`).
#[cfg(feature = "json")]
pub type TypedSocket<In, Out> = wharf_async::TypedSocket<Tokio, In, Out>;
/// A pool of [`Socket`]s.
pub type Pool = wharf_async::Pool<Tokio>;
/// A [`Socket`] that a [`Pool`] has lent.
pub type Pooled = wharf_async::Pooled<Tokio>;
/// What carries the bytes of a [`Socket`].
pub type Carrier = wharf_async::Carrier<Tokio>;
/// What a [`Socket`] is made of.
pub type Parts = wharf_async::Parts<Tokio>;
/// A bound listener on tokio.
pub type Bound = wharf_async::Bound<Tokio>;

/// Binds a listener to a TCP address or a Unix socket; port 0 picks a port. A Unix socket's file is removed at the end, and
/// one that a dead listener left behind is taken over; [`Bound::bind_unix`] gives it permissions.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// assert_ne!(bound.local_addr().tcp().unwrap().port(), 0);
/// // Who is late is told.
/// let second = wharf_tokio::bind(bound.local_addr().clone()).await;
/// assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As the operating system says; `AddrInUse` where somebody listens.
///
/// # Cancel safety
/// It never waits. Dropped before its poll, nothing is bound.
pub async fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    Bound::bind(address).await
}

/// Connects with the defaults to a URL, or to whatever else makes a [`Target`]: `ws`, `wss`, an `http::Request`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket: wharf_tokio::Socket| async move {
/// #     socket.send("welcome").await
/// # });
/// let mut socket = wharf_tokio::connect(&url).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<Socket, ConnectError> {
    connect_with(target, &Arc::new(Config::client())).await
}

/// Connects as `target` and `config` say: through a proxy, over TLS, over a Unix socket ([`wharf_async::connect`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket: wharf_tokio::Socket| async move {
/// #     socket.send("a message of more than sixteen bytes").await
/// # });
/// use std::sync::Arc;
/// use wharf::link::Config;
///
/// let mut config = Config::client();
/// Arc::make_mut(&mut config.ws).max_message = 16;
/// let mut socket = wharf_tokio::connect_with(&url, &config.into()).await?;
/// assert!(socket.next().await.unwrap().is_err());
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_with(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: &Arc<Config>,
) -> Result<Socket, ConnectError> {
    wharf_async::connect(target, config).await
}

/// A client that stays up, with the defaults, and what it hears: it connects now and again whenever it has to
/// ([`Client::connect`]). To be called inside of the runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_tokio::Error>(())
/// # });
/// use wharf::service::client::Fate;
///
/// let (client, mut messages) = wharf_tokio::keep_connected(&url)?;
/// assert_eq!(client.send("ahoy").await?, Fate::Written);
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("ahoy"));
/// assert!(client.state().is_connected);
/// client.stop().await;
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Client::connect`].
pub fn keep_connected(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<(Client, Messages), ConnectError> {
    Client::connect::<Tokio>(target, &Arc::new(Config::client()), Default::default())
}

/// A client of the message bus at `tcp://HOST:PORT`, `ws://…` or over TLS, and what comes for its service
/// ([`BusClient::connect`]; feature `json`). To be called inside of the runtime.
///
/// ```
/// # #[cfg(feature = "json")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::{Arc, Mutex};
/// # use wharf::service::bus::{BusConfig, BusService, Memory, Restoring, StoreFailure};
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let (config, store) = (BusConfig::default(), Arc::new(Mutex::new(Memory::default())));
/// # let limits = Arc::new(BusService::config(&config));
/// # let service = BusService::new(Restoring::new(config).finish(Default::default(), Default::default()));
/// # let bus = wharf_tokio::serve_service(vec![bound], service, &limits, move |batch| {
/// #     let stored = store.lock().unwrap().carry_out(&batch).map_err(|_| StoreFailure::new("misfit"));
/// #     async move { stored }
/// # })?;
/// use std::time::Duration;
/// use wharf::service::bus::{Name, client::BusClientConfig};
///
/// let config = |service| Name::new(service).map(BusClientConfig::new);
/// let (orders, _) = wharf_tokio::bus_client(&url, config("order-service")?)?;
/// let (users, mut deliveries) = wharf_tokio::bus_client(&url, config("user-service")?)?;
/// // Once this is done it is on the bus's disk.
/// orders.send("user-service", "order.created", &("ada", 7)).await?;
/// let delivery = deliveries.next().await.unwrap();
/// assert_eq!(delivery.payload::<(String, u32)>()?, ("ada".into(), 7));
/// delivery.ack();
/// users.drain(Duration::from_secs(5)).await;
/// orders.stop().await;
/// # bus.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "json"))]
/// # fn main() {}
/// ```
///
/// # Errors
/// As [`BusClient::connect`].
#[cfg(feature = "json")]
pub fn bus_client(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: wharf::service::bus::client::BusClientConfig,
) -> Result<(BusClient, Deliveries), ConnectError> {
    BusClient::connect::<Tokio>(target, config)
}

/// A server's socket (feature `sim`), open, that no network carries, and its peer, who has sent `received` already: to test a handler with
/// ([`wharf_async::mock`]). It needs no runtime, and time passes only where the test says so.
///
/// ```
/// use std::pin::pin;
/// use std::time::Duration;
/// use wharf::base::CloseCode;
/// use wharf_tokio::{Error, Socket};
///
/// /// The handler, as `serve` takes it.
/// async fn shout(mut socket: Socket) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         let text = message?.as_text().unwrap_or_default().to_uppercase();
///         socket.send(text).await?;
///     }
///     Ok(())
/// }
///
/// let (socket, peer) = wharf_tokio::mock(["ahoy"]);
/// let mut handler = pin!(shout(socket));
/// assert!(peer.run(handler.as_mut()).is_pending());
/// assert_eq!(peer.texts(), ["AHOY"]);
/// // An hour later, in no time at all.
/// assert!(peer.run_for(Duration::from_secs(3600), handler.as_mut()).is_pending());
/// peer.close(CloseCode::NORMAL, "that was it").unwrap();
/// assert!(peer.run(handler.as_mut()).is_ready());
/// assert!(peer.closed().unwrap().is_clean());
/// ```
#[cfg(feature = "sim")]
#[must_use]
pub fn mock(received: impl IntoIterator<Item = impl Into<wharf::base::Message<'static>>>) -> (Socket, Peer) {
    wharf_async::mock(received)
}

/// As [`mock`] (feature `sim`), with another configuration, a peer that behaves otherwise, or faults on the wire between.
///
/// ```
/// use std::pin::pin;
/// use std::sync::Arc;
/// use wharf::base::CloseCode;
/// use wharf::link::Config;
/// use wharf_tokio::{Error, Scene, Socket, mock_with};
///
/// async fn echo(mut socket: Socket) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// // A limit of eight bytes, and a peer who says more.
/// let mut config = Config::default();
/// Arc::make_mut(&mut config.ws).max_message = 8;
/// let scene = Scene::new(&config.into());
/// let (socket, peer) = mock_with(scene, ["short", "longer than that"]).unwrap();
/// let mut handler = pin!(echo(socket));
/// assert!(peer.run(handler.as_mut()).is_ready());
/// assert_eq!(peer.texts(), ["short"]);
/// assert_eq!(peer.closed().unwrap().code, CloseCode::MESSAGE_TOO_BIG);
/// ```
///
/// # Errors
/// Why it does not open, as the peer is told.
#[cfg(feature = "sim")]
pub fn mock_with(
    scene: Scene,
    received: impl IntoIterator<Item = impl Into<wharf::base::Message<'static>>>,
) -> Result<(Socket, Peer), wharf::link::OpenError> {
    wharf_async::mock_with(scene, received)
}

/// Its programs are of the core and of this adapter.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
