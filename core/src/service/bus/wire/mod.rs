//! The frames, both ways, as the broker and its clients read and write them.

mod compact;
mod envelope;
mod fields;
mod from_bus;
mod reason;
mod refusal;
#[cfg(test)]
mod tests;
mod to_bus;
mod write;

pub use envelope::{Envelope, MAX_DEPTH};
pub use from_bus::FromBus;
pub(super) use from_bus::{DELIVERY_OVERHEAD, delivery};
pub(super) use reason::kept;
pub use reason::{DeadReason, MAX_NACK_REASON, Reason, ReasonError};
pub use refusal::Refusal;
pub use to_bus::ToBus;
pub(super) use to_bus::{submission, submission_len};
