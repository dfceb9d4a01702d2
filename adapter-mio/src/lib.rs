//! Wharf on [mio](https://docs.rs/mio): readiness, a thread and nothing else.
//!
//! The core's package is `wharf-core`, its library `wharf`: `cargo add wharf-core wharf-mio`.
//!
//! - [`Server`] is a poll loop of its own for a [`Service`](wharf::link::Service), with a [`Handle`] for other threads.
//! - [`connect`] makes a client's [`Socket`] that blocks.
//! - [`Driven`] is a socket for a loop that is there already.
//!
//! Nothing here knows a protocol: bytes go into the machines of [`wharf`] and bytes come out.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tracing` (default) | events and spans of connections |
//! | `tls` | `wss` and TLS on any framing, by rustls |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in |
//! | `tls-native-roots` | `tls`, and the operating system's roots |
//! | `tls-platform-verifier` | `tls`, and the operating system judges certificates |
#![forbid(unsafe_code)]

mod carrier;
mod client;
mod connect;
mod dials;
mod driven;
mod event_loop;
mod guard;
mod handle;
mod jobs;
mod listener;
mod retry;
mod server;
mod stream;
mod trace;

pub use carrier::Carrier;
pub use client::{Socket, connect};
pub use driven::Driven;
pub use handle::Handle;
pub use retry::retry;
pub use server::Server;
pub use stream::Turn;
pub use wharf_std::{Clock, CommandError, ConnectError, Drained, ListenerLost, entropy};
