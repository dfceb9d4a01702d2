//! A client of the message bus: the machine of [`wharf::service::bus::client`], carried in a task of its own.

mod client;
mod deliveries;
mod desk;
mod posting;
mod watch;

pub use client::BusClient;
pub use deliveries::{Deliveries, Delivery};
pub use posting::{BusSendError, Posting};
pub use watch::BusWatch;

#[cfg(test)]
mod tests;
