//! Waiting for the state to change.

use super::desk::Desk;
use std::fmt;
use std::sync::Arc;
use wharf::service::bus::client::BusClientState;

/// Watches the state of a [`BusClient`](super::BusClient) (feature `json`). It keeps nothing running.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # mod bus { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/bus.rs")); }
/// # use own::{Local as R, block_on};
/// # use wharf::service::bus::Name;
/// # use wharf::service::bus::client::BusClientConfig;
/// # use wharf_async::BusClient;
/// # block_on(async {
/// # let (url, bus) = bus::start::<R>().await?;
/// # let config = BusClientConfig::new(Name::new("stock")?);
/// # let (client, _deliveries) = BusClient::connect::<R>(&url, config)?;
/// let mut watch = client.watch();
/// assert!(watch.registered().await);
/// assert!(watch.state().connection.is_connected);
/// client.stop().await;
/// assert!(!watch.registered().await, "it never will be again");
/// # bus.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct BusWatch {
    desk: Arc<Desk>,
    seen: u64,
}

impl BusWatch {
    pub(super) fn new(desk: Arc<Desk>, seen: u64) -> Self {
        Self { desk, seen }
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> BusClientState {
        self.desk.state()
    }

    /// Waits until the state has changed since the last one that was told here, or since the watch was made. What it was in between is
    /// not told. `None` once the client has stopped.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no change is lost.
    pub async fn changed(&mut self) -> Option<BusClientState> {
        self.desk.changed(&mut self.seen).await
    }

    /// Waits until it is registered; whether it is, or has stopped.
    ///
    /// # Cancel safety
    /// As [`changed`](Self::changed).
    pub async fn registered(&mut self) -> bool {
        loop {
            if self.state().is_registered {
                return true;
            }
            if self.changed().await.is_none() {
                return false;
            }
        }
    }
}

impl fmt::Debug for BusWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusWatch").field("seen", &self.seen).finish_non_exhaustive()
    }
}
