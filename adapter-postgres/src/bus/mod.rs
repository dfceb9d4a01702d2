//! The store that the nodes of a bus share.
//!
//! Every ask is one [turn](turn), which locks in one order: the node's own row, services by their names. Whom it fences, it fences before,
//! in a turn for each, which locks that node's row and its services in the same order. Messages are locked by nobody: they belong to who
//! has the claim of their service, and claims change under the service's row.

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
