//! A bus over several nodes, whose store is shared: what a node asks of it, what it answers, and a model of such a store.
//!
//! A node is a [`Broker`](super::Broker) that has more to it: claims of services, which it asks for when they register, and an
//! order in which it asks, one thing at a time.

mod answer;
mod answering;
mod ask;
mod asking;
mod claiming;
mod commit;
mod forget;
mod look;
mod outcomes;
mod settings;
mod shared;
mod shelf;
mod standing;
mod state;
#[cfg(test)]
mod tests;

pub use answer::{ClaimOutcome, DeathNotice, MAX_KEPT_NOTICES, MAX_NOTICES, NodeAnswer, Standing};
pub use ask::{Fence, MAX_NODES, NodeAsk, NodeLimits, NodeRequest, NodeRoom, OVERDUE, STEP};
pub use settings::NodeSettings;
pub use shared::SharedMemory;
pub(super) use state::Node;
