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
#[cfg(feature = "json")]
mod page;
#[cfg(feature = "json")]
mod probes;
#[cfg(feature = "json")]
mod routes;
#[cfg(feature = "json")]
mod service;
mod stats;
mod status;
#[cfg(feature = "json")]
mod subscribers;
#[cfg(test)]
mod tests;
mod verdict;

pub use action::{Action, Check, CheckId};
pub use config::{Config, ConfigError};
pub use endpoint::{Endpoint, EndpointError, Protocol};
pub use exchange::Exchange;
pub use failure::Failure;
pub use machine::{AddError, Health};
#[cfg(feature = "json")]
pub use service::{HealthCommand, HealthService, ServedStats};
pub use stats::HealthStats;
pub use status::{Flip, Status};
