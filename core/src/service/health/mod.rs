//! Whether endpoints are up: checked on a fixed grid, told as JSON and on a page.
//!
//! [`Health`] is the machine: it says which [`Check`] is due and takes what came of it; [`Exchange`] reads the answer to an HTTP
//! check. With feature `json`, [`HealthService`] carries the checks out and serves what is known.

mod action;
mod config;
mod endpoint;
mod entry;
mod exchange;
mod failure;
mod flights;
mod grid;
mod machine;
mod stats;
mod status;
#[cfg(test)]
mod tests;
mod verdict;

pub use action::{Action, Check, CheckId};
pub use config::{Config, ConfigError};
pub use endpoint::{Endpoint, EndpointError, Protocol};
pub use exchange::Exchange;
pub use failure::Failure;
pub use machine::{AddError, Health};
pub use stats::HealthStats;
pub use status::{Flip, Status};
