//! Compressed messages (RFC 7692, `permessage-deflate`).
//!
//! A side that sets [`ws::Config::deflate`](crate::ws::Config::deflate) offers or accepts the extension in the opening
//! handshake (`negotiate.rs`); what was agreed reaches the connection as [`Agreed`](crate::ws::handshake::Agreed).
//! Messages are inflated as they come (`inflate.rs`), under the limit of what comes out. Outgoing ones are compressed
//! whole (`deflate.rs`) and go out plain where that gains nothing. Unless a side takes over its context from one message
//! to the next, a connection at rest owns no context: those of the thread are lent for a turn.

mod compression;
mod config;
#[allow(clippy::module_inception)]
mod deflate;
mod inflate;
mod negotiate;

pub use config::{Config, ConfigError};
pub use negotiate::Parameters;

pub(super) use compression::Compression;
pub(super) use deflate::compress_once;
pub(super) use inflate::Progress;
pub(super) use negotiate::{NAME, Offered};
