//! Who may connect how often, and how much a connection may say.
//!
//! [`Limiter`] judges connections by the address they come from: an exact sliding window, and a block for whoever goes
//! over it. [`Rate`] and [`Bucket`] bound messages and bytes. [`Limited`] wraps a service with both.

mod bucket;
mod config;
mod key;
mod limited;
mod limiter;
mod refusal;
mod stats;
mod table;
#[cfg(test)]
mod tests;
mod traffic;

pub use bucket::{Bucket, Rate};
pub use config::{Config, Full};
pub use limited::{Attempt, Limited, Limits};
pub use limiter::Limiter;
pub use refusal::{Refusal, Why};
pub use stats::LimiterStats;
pub use traffic::{Over, TrafficStats};
