//! What Wharf's async adapters share, written once over any runtime: the [`Socket`], servers and the client.
//!
//! An application uses `wharf-tokio` or `wharf-async-std`, which name these types for their runtime. Another runtime
//! joins by an implementation of [`Runtime`].
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tracing` (default) | events and spans of connections |
//! | `json` | typed messages, requests and their answers, the message bus |
//! | `sim` | mock sockets, to test handlers without a network |
//! | `tls` | `wss` and TLS on any framing, by rustls |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in |
//! | `tls-native-roots` | `tls`, and the operating system's roots |
//! | `tls-platform-verifier` | `tls`, and the operating system judges certificates |
#![forbid(unsafe_code)]

mod accept;
mod bound;
#[cfg(feature = "json")]
mod bus;
mod carrier;
mod client;
mod connection;
mod dial;
mod door;
mod drain;
mod driver;
mod error;
mod handle;
mod hub;
mod jobs;
#[cfg(feature = "sim")]
mod mock;
mod pool;
#[cfg(feature = "json")]
mod requests;
mod resilient;
mod retry;
mod runtime;
mod scratch;
mod seat;
mod sender;
mod server;
mod sleep;
mod socket;
mod split;
#[cfg(feature = "json")]
mod time;
mod trace;
mod turn;
#[cfg(feature = "json")]
mod typed;
mod waiting;
mod wakers;

pub use bound::Bound;
#[cfg(feature = "json")]
pub use bus::{BusClient, BusSendError, BusWatch, Deliveries, Delivery, Posting};
pub use carrier::Carrier;
pub use client::connect;
pub use door::Door;
pub use drain::{Berth, Drain};
pub use driver::Parts;
pub use error::{Error, SendFailed};
pub use handle::ServiceHandle;
pub use hub::serve_service;
pub use jobs::no_jobs;
#[cfg(feature = "sim")]
pub use mock::{Peer, Scene, Wire as MockWire, mock, mock_with};
pub use pool::{Pool, PoolError, Pooled};
#[cfg(feature = "json")]
pub use requests::{RequestError, RequestLoop, Requester, serve_requests};
pub use resilient::{Client, HookError, Messages, Sending, Watch};
pub use retry::{repeat, retry, retry_if};
pub use runtime::{Listener, Runtime, Timer, Transport};
pub use sender::Sender;
pub use server::{Outcome, ServerHandle, serve, serve_with};
pub use socket::Socket;
pub use split::{ReadHalf, ReuniteError, WriteHalf};
#[cfg(feature = "json")]
pub use typed::{TypedError, TypedSocket};
pub use wharf_std::{Clock, CommandError, ConnectError, Drained, ListenerLost, entropy};
