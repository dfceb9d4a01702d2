//! Wharf on async-std, and on smol with the feature `smol`.
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
/// # Errors
/// As [`BusClient::connect`].
#[cfg(feature = "json")]
pub fn bus_client<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: wharf::service::bus::client::BusClientConfig,
) -> Result<(BusClient, Deliveries), ConnectError> {
    BusClient::connect::<R>(target, config)
}
