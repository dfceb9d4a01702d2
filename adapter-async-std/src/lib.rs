//! Wharf on async-std, and on smol with the feature `smol`.
//!
//! The core's package is `wharf-core`, its library `wharf`: `cargo add wharf-core wharf-async-std`.
//!
//! ```
//! # #[cfg(feature = "async-std")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use wharf_async_std::AsyncStd;
//!
//! let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
//! let address = bound.local_addr().clone();
//! let server = wharf_async_std::serve(bound, Arc::default(), |mut socket| async move {
//!     while let Some(message) = socket.next().await {
//!         socket.send(message?).await?;
//!     }
//!     Ok::<(), wharf_async_std::Error>(())
//! });
//!
//! let mut socket = wharf_async_std::connect::<AsyncStd>(&format!("ws://{address}/")).await?;
//! socket.send("ahoy").await?;
//! assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
//! socket.close(wharf::base::CloseCode::NORMAL, "").await?;
//! server.drain().await;
//! # Ok(())
//! # }
//! # #[cfg(feature = "async-std")]
//! # async_std::task::block_on(example()).unwrap();
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `async-std` (default) | the runtime async-std |
//! | `smol` | the runtime smol; without default features no async-std is in the tree |
//! | `tracing` (default) | events and spans of connections |
//! | `json` | typed messages, requests and their answers, the message bus |
//! | `sim` | mock sockets, to test handlers without a network |
//! | `tls` | `wss` and TLS on any framing, by rustls |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in |
//! | `tls-native-roots` | `tls`, and the operating system's roots |
//! | `tls-platform-verifier` | `tls`, and the operating system judges certificates |
#![forbid(unsafe_code)]

pub mod guide;
mod io_stream;
mod runtime;
mod stream;

use std::io;
use std::sync::Arc;
use wharf::link::{Address, Config, Target};

pub use io_stream::IoStream;
#[cfg(feature = "async-std")]
pub use runtime::AsyncStd;
#[cfg(feature = "smol")]
pub use runtime::Smol;
pub use stream::{IoTimer, Stream, TcpListener, TcpStream, UnixListener, UnixStream};
pub use wharf_async::{
    Berth, Bound, Carrier, Client, Clock, CommandError, ConnectError, Door, Drain, Drained, Error, HookError,
    ListenerLost, Messages, Outcome, Parts, Pool, PoolError, Pooled, ReadHalf, ReuniteError, Runtime,
    SendFailed, Sender, Sending, ServerHandle, ServiceHandle, Socket, Transport, Watch, WriteHalf, entropy,
    no_jobs, repeat, retry, retry_if, serve, serve_service, serve_with,
};
#[cfg(feature = "json")]
pub use wharf_async::{
    BusClient, BusSendError, BusWatch, Deliveries, Delivery, Posting, RequestError, RequestLoop, Requester,
    TypedError, TypedSocket, serve_requests,
};
#[cfg(feature = "sim")]
pub use wharf_async::{Peer, Scene, mock, mock_with};

/// Binds a listener to a TCP address or a Unix socket; port 0 picks a port. A Unix socket's file is removed at the end, and
/// one that a dead listener left behind is taken over; [`Bound::bind_unix`] gives it permissions.
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async_std::AsyncStd;
///
/// let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
/// let address = bound.local_addr().clone();
/// assert!(address.tcp().is_some_and(|address| address.port() != 0));
/// let taken = wharf_async_std::bind::<AsyncStd>(address).await.unwrap_err();
/// assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
///
/// # Errors
/// As the operating system says; `AddrInUse` where somebody listens.
///
/// # Cancel safety
/// It never waits. Dropped before its poll, nothing is bound.
pub async fn bind<R: Runtime>(address: impl Into<Address>) -> io::Result<Bound<R>> {
    Bound::bind(address).await
}

/// Connects with the defaults to a URL, or to whatever else makes a [`Target`]: `ws`, `wss`, an `http::Request`.
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async_std::AsyncStd;
/// # let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async_std::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async_std::Error>(())
/// # });
/// use wharf::base::CloseCode;
///
/// let mut socket = wharf_async_std::connect::<AsyncStd>(&url).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// socket.close(CloseCode::NORMAL, "").await?;
/// # server.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<Socket<R>, ConnectError> {
    connect_with(target, &Arc::new(Config::client())).await
}

/// Connects as `target` and `config` say: through a proxy, over TLS, over a Unix socket ([`wharf_async::connect`]).
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async_std::AsyncStd;
/// # let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async_std::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async_std::Error>(())
/// # });
/// use std::time::Duration;
/// use wharf::link::Config;
/// use wharf::ws::handshake::ClientRequest;
///
/// let mut config = Config::client();
/// config.open_timeout = Duration::from_secs(3);
/// let request = ClientRequest::new(&url)?.header("Authorization", "Bearer 3f2a")?;
/// let mut socket = wharf_async_std::connect_with::<AsyncStd>(request, &config.into()).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_with<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: &Arc<Config>,
) -> Result<Socket<R>, ConnectError> {
    wharf_async::connect(target, config).await
}

/// A client that stays up, with the defaults, and what it hears: it connects now and again whenever it has to
/// ([`Client::connect`]).
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async_std::AsyncStd;
/// # let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async_std::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async_std::Error>(())
/// # });
/// use wharf::service::client::Fate;
///
/// let (client, mut messages) = wharf_async_std::keep_connected::<AsyncStd>(&url)?;
/// assert_eq!(client.send("ahoy").await?, Fate::Written);
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("ahoy"));
/// client.stop().await;
/// # server.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
///
/// # Errors
/// As [`Client::connect`].
pub fn keep_connected<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<(Client, Messages), ConnectError> {
    Client::connect::<R>(target, &Arc::new(Config::client()), Default::default())
}

/// A client of the message bus at `tcp://HOST:PORT`, `ws://…` or over TLS, and what comes for its service
/// ([`BusClient::connect`]; feature `json`).
///
/// ```
/// # #[cfg(all(feature = "async-std", feature = "json"))]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::{Arc, Mutex};
/// # use wharf::service::bus::{BusConfig, BusService, Memory, Restoring, StoreFailure};
/// # let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let (config, store) = (BusConfig::default(), Arc::new(Mutex::new(Memory::default())));
/// # let limits = Arc::new(BusService::config(&config));
/// # let service = BusService::new(Restoring::new(config).finish(Default::default(), Default::default()));
/// # let bus = wharf_async_std::serve_service(vec![bound], service, &limits, move |batch| {
/// #     let stored = store.lock().unwrap().carry_out(&batch).map_err(|_| StoreFailure::new("misfit"));
/// #     async move { stored }
/// # })?;
/// use wharf::service::bus::{Name, client::BusClientConfig};
/// use wharf_async_std::{AsyncStd, bus_client};
///
/// let config = |service| Name::new(service).map(BusClientConfig::new);
/// let (orders, _) = bus_client::<AsyncStd>(&url, config("order-service")?)?;
/// let (users, mut deliveries) = bus_client::<AsyncStd>(&url, config("user-service")?)?;
/// // Once this is done it is on the bus's disk.
/// orders.send("user-service", "order.created", &("ada", 7)).await?;
/// let delivery = deliveries.next().await.unwrap();
/// assert_eq!(delivery.payload::<(String, u32)>()?, ("ada".into(), 7));
/// delivery.ack();
/// users.drain(std::time::Duration::from_secs(5)).await;
/// orders.stop().await;
/// # bus.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(all(feature = "async-std", feature = "json"))]
/// # async_std::task::block_on(example()).unwrap();
/// ```
///
/// # Errors
/// As [`BusClient::connect`].
#[cfg(feature = "json")]
pub fn bus_client<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: wharf::service::bus::client::BusClientConfig,
) -> Result<(BusClient, Deliveries), ConnectError> {
    BusClient::connect::<R>(target, config)
}
