//! Messages that come.

use crate::framed::json::JsonError;
use crate::service::bus::Envelope;
use serde::de::DeserializeOwned;

/// The name of a delivery; none is given twice by the same client.
///
/// ```
/// use wharf::service::bus::client::{BusClient, DeliveryId};
///
/// fn refuse(client: &mut BusClient, now: wharf::base::Instant, delivery: DeliveryId) {
///     client.nack(now, delivery, "not today");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub(super) u64);

/// A message for this service, to be [acknowledged](super::BusClient::ack) once it is applied, or [refused](super::BusClient::nack).
///
/// ```
/// use wharf::service::bus::client::Delivery;
///
/// fn apply(stock: &mut i64, delivery: &Delivery) -> Result<(), wharf::framed::json::JsonError> {
///     if &*delivery.envelope.kind == "sold" {
///         *stock -= delivery.payload::<i64>()?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// The message.
    pub envelope: Envelope,
}

impl Delivery {
    /// The payload as a value.
    ///
    /// # Errors
    /// It is JSON of another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_str(self.envelope.payload()).map_err(JsonError::Shape)
    }
}
