//! A client that stays up: it connects again by a schedule, and knows what became of each message.
//!
//! [`Client`] is the machine; it owns no connection and is told what happens to one. [`Kept`] binds it to a hub, for a service to
//! embed. The adapters for tokio, async-std and smol have one of their own that carries it in a task.

mod action;
mod client;
mod config;
mod ends;
mod failure;
mod fate;
mod heartbeat;
mod kept;
mod machine;
mod outbox;
mod state;
mod stats;

pub use action::{Action, Attempt, ClientEvent, Ticket};
pub use client::Client;
pub use config::{ClientConfig, Fatal, WhenFull};
pub use failure::{Failure, Stopped};
pub use fate::{Fate, Refused, Unsent, WhyRefused};
pub use kept::Kept;
pub use machine::Machine;
pub use state::State;
pub use stats::ClientStats;

#[cfg(test)]
mod tests;
