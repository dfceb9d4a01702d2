//! Wharf on tokio.
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
#![forbid(unsafe_code)]

mod again;
#[cfg(feature = "axum")]
pub mod axum;
mod foreign;
pub mod guide;
#[cfg(feature = "sim")]
mod mocking;
mod opening;
mod serving;
mod stream;
#[cfg(feature = "hyper")]
pub mod upgrade;

pub use again::{repeat, retry, retry_if};
pub use foreign::Foreign;
#[cfg(feature = "sim")]
pub use mocking::{mock, mock_with};
#[cfg(feature = "json")]
pub use opening::bus_client;
pub use opening::{bind, connect, connect_with, keep_connected};
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
/// use wharf::base::CloseCode;
///
/// let mut socket = wharf_tokio::connect(&url).await?;
/// // Several at once, written together; one alone is `send`.
/// for part in ["bow", "stern"] {
///     socket.ready().await?;
///     socket.queue(part)?;
/// }
/// socket.flush().await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("bow"));
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("stern"));
/// socket.close(CloseCode::NORMAL, "that was it").await?;
/// assert!(socket.closed().unwrap().is_clean());
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
pub type Socket = wharf_async::Socket<Tokio>;
/// The half of a [`Socket`] that yields messages.
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
/// let socket = wharf_tokio::connect(&url).await?;
/// let (mut read, mut write) = socket.split();
/// // Each half may belong to a task of its own.
/// let reading = tokio::spawn(async move { (read.next().await, read) });
/// write.send("ahoy").await?;
/// let (message, read) = reading.await?;
/// assert_eq!(message.unwrap()?.as_text(), Some("ahoy"));
/// let mut socket = read.reunite(write).unwrap();
/// socket.close(wharf::base::CloseCode::NORMAL, "").await?;
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
pub type ReadHalf = wharf_async::ReadHalf<Tokio>;
/// The half of a [`Socket`] that takes messages.
pub type WriteHalf = wharf_async::WriteHalf<Tokio>;
/// What drives the [`Socket`] of a [`Requester`].
#[cfg(feature = "json")]
pub type RequestLoop = wharf_async::RequestLoop<Tokio>;
/// A [`Socket`] whose messages are of one type each way.
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
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::Read;
/// use wharf::framed::Lines;
/// use wharf::link::{Config, Framing};
/// use wharf_tokio::{Bound, serve};
///
/// // What a supervisor has bound, and what it speaks in place of what the server's configuration says.
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let mut lines = Config::default();
/// lines.framing = Framing::codec(Lines::new());
/// let bound = Bound::from_std(listener).await?.speaking(&lines.into());
/// let server = serve(bound, Default::default(), |mut socket| async move { socket.send("ahoy").await });
///
/// let mut stream = std::net::TcpStream::connect(server.local_addr().tcp().unwrap())?;
/// let heard = tokio::task::spawn_blocking(move || {
///     let mut heard = String::new();
///     stream.read_to_string(&mut heard).map(|_| heard)
/// });
/// assert_eq!(heard.await??, "ahoy\n");
/// server.drain().await;
/// # Ok(())
/// # }
/// ```
pub type Bound = wharf_async::Bound<Tokio>;

/// Its programs are of the core and of this adapter.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
