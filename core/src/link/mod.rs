//! One connection of any kind ([`Link`]), many of them ([`Hub`]), and what an application writes ([`Service`]).

mod address;
mod config;
mod context;
mod deadlines;
mod dials;
mod entry;
mod event;
mod hub;
mod ids;
mod inspect;
mod jobs;
mod link;
mod metrics;
mod pump;
mod service;
mod stage;
mod stats;

pub use address::{Address, AddressError};
pub use config::{Config, ConfigError};
pub use context::{Context, Info, SubmitError};
pub use dials::{Dial, DialError};
pub use event::{Event, Welcome};
pub use hub::{Hub, Refused};
pub use ids::{ConnId, DialId, JobToken};
pub use link::Link;
pub use metrics::{HUB_METRICS, Metric, MetricKind, prometheus};
pub use service::{Service, Verdict};
pub use stats::HubStats;

#[cfg(test)]
mod tests;
