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
#![forbid(unsafe_code)]

mod stream;

use std::future::Future;
use std::io;
use std::sync::Arc;
use wharf::link::{Address, Config, Service};
use wharf::ws::handshake::ClientRequest;

pub use stream::{Stream, TcpListener, TcpStream, Tokio, TokioTimer, UnixListener, UnixStream};
pub use wharf_async::{
    Clock, CommandError, ConnectError, Error, Outcome, SendFailed, ServerHandle, ServiceHandle, Stage,
    entropy, no_jobs,
};

/// A WebSocket on tokio.
pub type Socket = wharf_async::Socket<Tokio>;
/// The half of a [`Socket`] that yields messages.
pub type ReadHalf = wharf_async::ReadHalf<Tokio>;
/// The half of a [`Socket`] that takes messages.
pub type WriteHalf = wharf_async::WriteHalf<Tokio>;
/// A bound listener on tokio.
pub type Bound = wharf_async::Bound<Tokio>;
pub use wharf_async::Sender;

/// Binds a listener to a TCP address or a Unix socket; port 0 picks a port. A Unix socket's file is removed at the end, and
/// one that a dead listener left behind is taken over; [`Bound::bind_unix`] gives it permissions.
///
/// # Errors
/// As the operating system says; `AddrInUse` where somebody listens.
pub async fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    Bound::bind(address).await
}

/// Connects to a `ws` URL with the defaults.
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect(url: &str) -> Result<Socket, ConnectError> {
    connect_with(&ClientRequest::new(url)?, &Arc::new(Config::client())).await
}

/// Connects as `request` and `config` say.
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_with(request: &ClientRequest, config: &Arc<Config>) -> Result<Socket, ConnectError> {
    wharf_async::connect(request, config).await
}

/// As [`connect_with`], but connects to `address`, whatever host the URL names: a WebSocket over a Unix socket, say.
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_to(
    address: impl Into<Address>,
    request: &ClientRequest,
    config: &Arc<Config>,
) -> Result<Socket, ConnectError> {
    wharf_async::connect_to(address, request, config).await
}

/// Runs a handler for each WebSocket ([`wharf_async::serve`]).
pub fn serve<F, Fut>(bound: Bound, config: Arc<Config>, handler: F) -> ServerHandle
where
    F: Fn(Socket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    wharf_async::serve(bound, config, handler)
}

/// Runs a service behind listeners ([`wharf_async::serve_service`]).
///
/// # Errors
/// If the operating system has no randomness.
pub fn serve_service<S, J, Fut>(
    bound: Vec<Bound>,
    service: S,
    config: &Arc<Config>,
    jobs: J,
) -> io::Result<ServiceHandle<S>>
where
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
    J: Fn(S::Job) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = S::Done> + Send + 'static,
{
    wharf_async::serve_service(bound, service, config, jobs)
}
