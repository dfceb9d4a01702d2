//! What comes.

use super::desk::Desk;
use futures_core::Stream;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::framed::json::JsonError;
use wharf::service::bus::Envelope;
use wharf::service::bus::client as core;

/// The messages for the service of a [`BusClient`](super::BusClient), each once (feature `json`). Dropped, what comes
/// is refused, with a nack that says so.
///
/// What waits here is bounded by what the bus hands out unacknowledged, and by
/// [`BusClientConfig`](wharf::service::bus::client::BusClientConfig). Its acknowledgement is due all the same: what the bus gives 30 s
/// for should not wait here for longer.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # mod bus { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/bus.rs")); }
/// # use own::{Local as R, block_on};
/// # use wharf::service::bus::Name;
/// # use wharf::service::bus::client::BusClientConfig;
/// # use wharf_async::BusClient;
/// use wharf_async::Deliveries;
///
/// /// What is in stock after one message that can be read.
/// async fn counted(deliveries: &mut Deliveries) -> Option<i64> {
///     while let Some(delivery) = deliveries.next().await {
///         match delivery.payload::<i64>() {
///             Ok(n) => {
///                 delivery.ack();
///                 return Some(n);
///             }
///             Err(error) => delivery.nack(&error.reason()),
///         }
///     }
///     None
/// }
///
/// # block_on(async {
/// # let (url, bus) = bus::start::<R>().await?;
/// # let config = BusClientConfig::new(Name::new("stock")?);
/// # let (client, mut deliveries) = BusClient::connect::<R>(&url, config)?;
/// client.send("stock", "counted", "seven").await?;
/// client.send("stock", "counted", &8).await?;
/// assert_eq!(counted(&mut deliveries).await, Some(8));
/// assert_eq!((client.stats().nacked, client.stats().acked), (1, 1));
/// # client.stop().await;
/// # bus.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Deliveries(Arc<Desk>);

impl Deliveries {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// Waits for a message, on whatever connection it comes. `None` once the client has stopped.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let delivery = std::task::ready!(self.0.poll_delivery(cx));
        Poll::Ready(delivery.map(|delivery| Delivery { desk: self.0.clone(), delivery, is_over: false }))
    }
}

impl Stream for Deliveries {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(cx)
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.0.set_deaf();
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

/// A message for this service (feature `json`): to be applied, and then acknowledged, or refused.
///
/// Dropped without either, by a panic, by a task that is cancelled, by an early return, it is refused with a reason that says so:
/// the bus delivers it again, and does not have to wait for its ack timeout. To keep it from being delivered again for a while,
/// keep it.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # mod bus { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/bus.rs")); }
/// # use own::{Local as R, block_on};
/// # use wharf::service::bus::Name;
/// # use wharf::service::bus::client::BusClientConfig;
/// # use wharf_async::BusClient;
/// use wharf::framed::json::JsonError;
/// use wharf_async::Delivery;
///
/// fn apply(delivery: Delivery, stock: &mut i64) -> Result<(), JsonError> {
///     // A payload of another shape returns, which refuses it.
///     *stock += delivery.payload::<i64>()?;
///     delivery.ack();
///     Ok(())
/// }
///
/// # block_on(async {
/// # let (url, bus) = bus::start::<R>().await?;
/// # let config = BusClientConfig::new(Name::new("stock")?);
/// # let (client, mut deliveries) = BusClient::connect::<R>(&url, config)?;
/// client.send("stock", "bought", &7).await?;
/// client.send("stock", "bought", "seven").await?;
/// let mut stock = 0;
/// assert!(apply(deliveries.next().await.unwrap(), &mut stock).is_ok());
/// assert!(apply(deliveries.next().await.unwrap(), &mut stock).is_err());
/// assert_eq!(stock, 7);
/// assert_eq!((client.stats().acked, client.stats().nacked), (1, 1));
/// # client.stop().await;
/// # bus.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Delivery {
    desk: Arc<Desk>,
    delivery: core::Delivery,
    is_over: bool,
}

impl Delivery {
    /// The message.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.delivery.envelope
    }

    /// The payload as a value.
    ///
    /// # Errors
    /// It is JSON of another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        self.delivery.payload()
    }

    /// It is applied: it is not handed over again, and the bus is told as soon as it may be.
    pub fn ack(mut self) {
        self.is_over = true;
        self.desk.act(|client, now| client.ack(now, self.delivery.id));
    }

    /// It is refused: the bus delivers it again after a while, as often as it does, and then makes it a dead letter.
    pub fn nack(mut self, reason: &str) {
        self.refuse(reason);
    }

    fn refuse(&mut self, reason: &str) {
        self.is_over = true;
        self.desk.act(|client, now| client.nack(now, self.delivery.id, reason));
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.is_over {
            let why =
                if std::thread::panicking() { "the receiver panicked" } else { "the receiver dropped it" };
            self.refuse(why);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Envelope { from, id, .. } = self.envelope();
        f.debug_struct("Delivery").field("from", from).field("id", id).finish_non_exhaustive()
    }
}
