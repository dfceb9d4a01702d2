//! Waiting for the state to change.

use super::desk::Desk;
use std::fmt;
use std::sync::Arc;
use wharf::service::client::State;

/// Watches the state of a [`Client`](super::Client). It keeps nothing running.
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
/// let (client, _messages) = Client::connect::<R>(&url, &config, Default::default())?;
/// let mut watch = client.watch();
/// assert!(watch.connected().await);
/// assert_eq!(watch.state().reconnect_count, 0);
/// client.stop().await;
/// assert!(!watch.connected().await, "it never will be again");
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Watch {
    desk: Arc<Desk>,
    seen: u64,
}

impl Watch {
    pub(super) fn new(desk: Arc<Desk>, seen: u64) -> Self {
        Self { desk, seen }
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        self.desk.state()
    }

    /// Waits until the state has changed since the last one that was told here, or since the watch was made. What it was in between is
    /// not told. `None` once the client has stopped.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no change is lost.
    pub async fn changed(&mut self) -> Option<State> {
        self.desk.changed(&mut self.seen).await
    }

    /// Waits until it is connected; whether it is, or has stopped.
    ///
    /// # Cancel safety
    /// As [`changed`](Self::changed).
    pub async fn connected(&mut self) -> bool {
        loop {
            if self.state().is_connected {
                return true;
            }
            if self.changed().await.is_none() {
                return false;
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("seen", &self.seen).finish_non_exhaustive()
    }
}
