//! WebSocket (RFC 6455): the engine of an open connection, in either role.
//!
//! A frame's way: [`Connection::receive`](crate::base::Engine::receive) takes a whole message at rest by the fast
//! path in `fast.rs`, all else by `receive.rs`, which gathers fragments in `assembly.rs`; answers to pings and
//! closes go out through `send.rs`; `closing.rs` keeps the deadlines. With the feature `deflate`,
//! `deflate/` stands between messages and frames where both sides agreed on it.

mod assembly;
mod closing;
mod config;
mod connection;
mod control;
#[cfg(feature = "deflate")]
pub mod deflate;
mod fast;
mod gate;
pub mod handshake;
mod prepared;
mod receive;
mod send;
mod url;
pub mod wire;

pub use crate::base::Stats;
pub use config::{Config, ConfigError, Delivery, Role};
pub use connection::Connection;
pub use prepared::Prepared;
pub use url::{Url, UrlError};

#[cfg(test)]
mod tests;
