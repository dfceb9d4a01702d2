//! A message bus: what it has accepted is on disk, and is delivered until it is acknowledged or a dead letter. Feature `json`.
//!
//! Services speak JSON, one frame a message of their connection: [`ToBus`] one way and [`FromBus`] the other. What is to last
//! goes out as [`Batch`]es of [`Change`]s and comes back as [`Record`]s; [`Memory`] carries them out without a disk.
//! [`Broker`] is the machine between; [`Restoring`] makes one out of what was stored.

mod action;
mod broker;
pub mod client;
mod config;
mod dedupe;
mod delivery;
mod gather;
mod held;
mod journal;
mod keeping;
mod letters;
mod memory;
mod metrics;
mod name;
mod node;
mod numbers;
mod peers;
mod queue;
mod record;
mod restore;
mod runs;
mod service;
mod stats;
mod storing;
mod taking;
#[cfg(test)]
mod tests;
mod tokens;
mod wire;

pub use action::{Action, BusEvent, Changed, CommandError};
pub use broker::Broker;
pub use config::BusConfig;
pub use journal::{Accepted, Batch, Change, Death, End, Ended, MAX_BATCH, Numbers, Progress, Seq};
pub use keeping::{Keeping, Own, Shared};
pub use letters::Letters;
pub use memory::{Memory, Misfit};
pub use name::{MAX_NAME, Name, NameError};
pub use node::{
    ClaimOutcome, DeathNotice, Fence, MAX_KEPT_NOTICES, MAX_NODES, MAX_NOTICES, NodeAnswer, NodeAsk,
    NodeLimits, NodeRequest, NodeRoom, NodeSettings, OVERDUE, STEP, SharedMemory, Standing,
};
pub use record::{Record, RestoreError};
pub use restore::Restoring;
pub use service::{BusCommand, BusNotice, BusService, StoreFailure};
pub use stats::{BusStats, Rejections};
pub use tokens::Tokens;
pub use wire::{
    DeadReason, Envelope, FromBus, MAX_DEPTH, MAX_NACK_REASON, Reason, ReasonError, Refusal, ToBus,
};
