//! Wharf on [mio](https://docs.rs/mio): readiness, a thread and nothing else.
//!
//! [`Server`] is a poll loop of its own for a [`Service`](wharf::link::Service).
//!
//! Nothing here knows a protocol: bytes go into the machines of [`wharf`] and bytes come out.
#![forbid(unsafe_code)]

mod clock;
mod connect;
mod dials;
mod event_loop;
mod guard;
mod handle;
mod jobs;
mod listener;
mod server;
mod stream;

pub use clock::Clock;
pub use handle::{CommandError, Handle};
pub use server::Server;

/// Randomness, seeded by the operating system.
fn entropy() -> std::io::Result<wharf::base::Entropy> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(std::io::Error::from)?;
    Ok(wharf::base::Entropy::from_seed(seed))
}
