//! Connections that are kept and lent.
//!
//! [`Pool`] decides which connection is opened, checked, lent, kept and closed, and when; it holds none. Whoever embeds it has
//! the connections, each under the [`SlotId`] that the pool gave it, and does what [`Action`] says. The async adapters have a pool of
//! sockets on top of it.

mod action;
mod config;
mod demand;
mod ends;
mod ids;
mod pool;
mod queue;
mod slots;
mod stats;
#[cfg(test)]
mod tests;
mod waiters;

pub use action::{Action, CheckoutError, Refusal};
pub use config::PoolConfig;
pub use ids::{SlotId, Ticket};
pub use pool::Pool;
pub use stats::PoolStats;
