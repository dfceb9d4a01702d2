//! A client of the bus: it sends until the bus has accepted, and applies what comes once.
//!
//! [`BusClient`] is the machine, built on the [resilient client](crate::service::client) and driven like that one. It registers on
//! each connection; a message that was not answered is sent again over the next one under the same id, in order, until it is
//! accepted or rejected. A delivery is handed over once and acknowledged by the program; what was applied before is acknowledged again
//! and not handed over ([`Seen`]).
//!
//! | | holds | needs |
//! |---|---|---|
//! | accepted | the message is on the bus's disk, once, and is delivered until it is acknowledged or a dead letter | nothing |
//! | order | messages from one sender to one receiver are first delivered in the order of their sending | that none was [deferred](BusClientEvent::Deferred): it comes later than those that were under way behind it |
//! | applied once, over lost connections and restarts of the bus | a message that was acknowledged here is not handed over again | that this process lives |
//! | applied once, over restarts of the receiver | the same | that the program stores [`Seen`] in the transaction of the effect, and hands it back ([`BusClientConfig::seen`]) |
//! | sent once, over restarts of the sender | what was not known to be accepted is sent again, and is accepted once | that the program stores the message with an [id of its own](Outgoing::id) before it sends it |
//!
//! Without the last two, a message may be applied twice if the receiver ends between the effect and the acknowledgement, and one that
//! the sender sends anew after its end is another message. A message that was [refused](BusClient::nack) or not acknowledged in time is
//! delivered again until it is a dead letter; one that is worked on for longer than that is not handed over a second time
//! meanwhile.

mod bus_client;
mod config;
mod deferrals;
mod delivery;
mod event;
mod flow;
mod frames;
mod inbox;
mod outbox;
mod outcome;
mod outgoing;
mod seen;
mod state;
mod stats;

pub use bus_client::BusClient;
pub use config::BusClientConfig;
pub use delivery::{Delivery, DeliveryId};
pub use event::{BusClientEvent, BusStopped, is_fatal};
pub use outcome::{Outcome, Undelivered, is_temporary};
pub use outgoing::{Outgoing, Refused, WhyRefused};
pub use seen::Seen;
pub use state::BusClientState;
pub use stats::BusClientStats;

#[cfg(test)]
mod tests;
