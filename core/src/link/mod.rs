//! One connection of any kind ([`Link`]), many of them ([`Hub`]), and what an application writes ([`Service`]).

mod acts;
mod address;
mod admission;
mod arrival;
mod begin;
mod config;
mod context;
mod deadlines;
mod dials;
mod entry;
mod event;
mod eyeballs;
mod forwarding;
mod hub;
mod ids;
mod info;
mod inspect;
mod jobs;
mod link;
mod metrics;
#[cfg(not(feature = "tls"))]
mod no_tls;
mod opening;
mod overload;
mod preface;
mod pump;
pub mod record;
mod service;
mod stage;
mod stats;
mod target;
mod transport;
mod unconnected;
mod way;

pub use address::{Address, AddressError};
pub use admission::{Admission, Place, Refused};
pub use config::{Config, ConfigError, Framing, Hop};
pub use context::Context;
pub use dials::{Dial, DialError};
pub use event::{Event, Welcome};
pub use eyeballs::{Action, Eyeballs};
pub use forwarding::{ForwardedBy, Forwarding};
pub use hub::Hub;
pub use ids::{ConnId, DialId, JobToken};
pub use info::Info;
pub use jobs::SubmitError;
pub use link::Link;
pub use metrics::{HUB_METRICS, Metric, MetricKind, prometheus};
pub use opening::OpenError;
pub use overload::Overload;
pub use record::{Difference, Recorder, ReplayError, Replayed, replay};
pub use service::{Rejection, Service, Verdict};
pub use stats::{AdmissionStats, EndStats, HubStats};
pub use target::{Target, TargetError};
pub use unconnected::{Fault, Unconnected};

#[cfg(test)]
mod tests;
