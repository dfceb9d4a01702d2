//! The store that the nodes of a bus share.
//!
//! Every ask is one [turn](turn), which locks in one order: the node's own row, what it fences, services by their names. Messages are
//! locked by nobody: they belong to who has the claim of their service, and claims change under the service's row.

mod changes;
mod claim;
mod commit;
mod failing;
mod join;
mod letters;
mod load;
mod look;
mod over;
mod rows;
mod schema;
mod stage;
mod store;
mod sums;
mod turn;
mod wakes;

pub use letters::DeadPage;
pub use store::{BusStore, BusStoreConfig};
pub use wakes::Wakes;
