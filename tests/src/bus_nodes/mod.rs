//! A world to try a bus of several nodes in: processes that share a store, services that move between them, in a
//! [`wharf::sim::World`], all from one seed. The [`Ledger`](crate::bus_world::Ledger) of the bus's other world sees all of it, and panics
//! where a promise is broken.

mod office;
mod plan;
mod trial;
mod vault;

pub use office::{Office, Order};
pub use trial::Trial;
pub use vault::Vault;
