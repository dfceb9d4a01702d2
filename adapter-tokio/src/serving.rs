//! Servers on tokio: a handler for each socket, or one service for all connections.

use crate::{Bound, Outcome, ServerHandle, ServiceHandle, Socket};
use std::future::Future;
use std::io;
use std::sync::Arc;
use wharf::http::{Request, Response};
use wharf::link::{Config, Service};

/// Runs a handler for each WebSocket ([`wharf_async::serve`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_tokio::{Error, Socket};
///
/// async fn shout(mut socket: Socket) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?.as_text().unwrap_or_default().to_uppercase()).await?;
///     }
///     Ok(())
/// }
///
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// let server = wharf_tokio::serve(bound, Default::default(), shout);
/// let mut socket = wharf_tokio::connect(&format!("ws://{}/", server.local_addr())).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("AHOY"));
/// drop(socket);
/// server.drain().await;
/// # Ok(())
/// # }
/// ```
pub fn serve<F, Fut>(bound: Bound, config: Arc<Config>, handler: F) -> ServerHandle
where
    F: Fn(Socket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    wharf_async::serve(bound, config, handler)
}

/// Runs a handler for each WebSocket whose request `judge` lets through, with what it took of that ([`wharf_async::serve_with`]).
///
/// ```
/// use wharf::http::{Request, Response};
/// use wharf_tokio::{Error, Socket};
///
/// /// Who names a room comes in.
/// fn room(request: &Request) -> Result<String, Response> {
///     request.path().strip_prefix("/rooms/").map(str::to_owned).ok_or_else(|| Response::plain(404))
/// }
///
/// async fn greet(room: String, mut socket: Socket) -> Result<(), Error> {
///     socket.send(format!("welcome to {room}")).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// let server = wharf_tokio::serve_with(bound, Default::default(), room, greet);
/// let mut socket = wharf_tokio::connect(&format!("ws://{}/rooms/harbour", server.local_addr())).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome to harbour"));
/// assert!(wharf_tokio::connect(&format!("ws://{}/", server.local_addr())).await.is_err());
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
pub fn serve_with<J, T, F, Fut>(bound: Bound, config: Arc<Config>, judge: J, handler: F) -> ServerHandle
where
    J: Fn(&Request) -> Result<T, Response> + Send + Sync + 'static,
    T: Default + Send + 'static,
    F: Fn(T, Socket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    wharf_async::serve_with(bound, config, judge, handler)
}

/// Runs a service behind listeners ([`wharf_async::serve_service`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf::base::Message;
/// use wharf::link::{Config, ConnId, Context, Service};
///
/// /// Answers each message with how many came before it, from whomever.
/// struct Counter(u64);
///
/// impl Service for Counter {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, _: Message<'_>) {
///         let _ = cx.send(conn, Message::text(self.0.to_string()));
///         self.0 += 1;
///     }
/// }
///
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// // It has no jobs: nothing that takes long and is done beside it.
/// let server = wharf_tokio::serve_service(vec![bound], Counter(0), &Config::default().into(), async |()| {})?;
/// for expected in ["0", "1"] {
///     let mut socket = wharf_tokio::connect(&url).await?;
///     socket.send("next").await?;
///     assert_eq!(socket.next().await.unwrap()?.as_text(), Some(expected));
/// }
/// server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `InvalidInput` for a configuration that contradicts itself, also that of a listener that speaks otherwise; if the operating system
/// has no randomness, or a variable of the environment names no proxy where the configuration leaves proxies to it.
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
