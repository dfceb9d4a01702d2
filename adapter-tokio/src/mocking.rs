//! Sockets that no network carries.

use crate::{Peer, Scene, Socket};

/// A server's socket, open, that no network carries, and its peer, who has sent `received` already: to test a handler with
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
#[must_use]
pub fn mock(received: impl IntoIterator<Item = impl Into<wharf::base::Message<'static>>>) -> (Socket, Peer) {
    wharf_async::mock(received)
}

/// As [`mock`], with another configuration, a peer that behaves otherwise, or faults on the wire between.
///
/// ```
/// use std::pin::pin;
/// use wharf::framed::Lines;
/// use wharf::link::{Config, Framing};
/// use wharf_tokio::{Error, Scene, Socket};
///
/// async fn count(mut socket: Socket) -> Result<(), Error> {
///     while let Some(line) = socket.next().await {
///         socket.send(line?.payload().len().to_string()).await?;
///     }
///     Ok(())
/// }
///
/// let mut config = Config::default();
/// config.framing = Framing::codec(Lines::new());
/// let (socket, peer) = wharf_tokio::mock_with(Scene::new(&config.into()), ["ahoy", "there!"])?;
/// let mut handler = pin!(count(socket));
/// assert!(peer.run(handler.as_mut()).is_pending());
/// assert_eq!(peer.texts(), ["4", "6"]);
/// # Ok::<(), wharf::link::OpenError>(())
/// ```
///
/// # Errors
/// Why it does not open, as the peer is told.
pub fn mock_with(
    scene: Scene,
    received: impl IntoIterator<Item = impl Into<wharf::base::Message<'static>>>,
) -> Result<(Socket, Peer), wharf::link::OpenError> {
    wharf_async::mock_with(scene, received)
}
