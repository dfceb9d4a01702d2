//! What comes.

use super::desk::Desk;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::base::Message;

/// The messages that come over the connections of a [`Client`](super::Client), in order. At most 256 of them, or 64 KiB and one, wait
/// here; then nothing is read until some are taken. Dropped, messages that come are dropped.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::link::Config;
/// use wharf_async::Client;
///
/// # block_on(async {
/// # let bound = wharf_async::Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async::Error>(())
/// # });
/// let config = Arc::new(Config::client());
/// let (client, mut messages) = Client::connect::<R>(&url, &config, Default::default())?;
/// client.send("ahoy").await?;
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("ahoy"));
/// client.stop().await;
/// assert!(messages.next().await.is_none());
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Messages(Arc<Desk>);

impl Messages {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// Waits for a message, on whatever connection it comes. `None` once the client has stopped.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Message<'static>> {
        poll_fn(|cx| self.0.poll_message(cx)).await
    }
}

impl Stream for Messages {
    type Item = Message<'static>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_message(cx)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.0.set_deaf();
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}
