//! What every adapter tells as `tracing` events, and the spans that they stand in: level, text and fields are written here once, so that
//! a filter or an alert that fits one runtime fits them all. Their target is [`TARGET`]. Without the feature `tracing` the functions are there and do
//! nothing.
//!
//! An adapter of your own calls them where the others do:
//!
//! ```
//! use wharf_std::events;
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! events::listening(listener.local_addr()?);
//! # Ok::<(), std::io::Error>(())
//! ```
#![cfg_attr(not(feature = "tracing"), allow(unused_variables))]

mod told;

pub use told::{Name, Told};

use crate::Drained;
use std::fmt::Display;
use std::io;
use std::time::Duration;
#[cfg(feature = "tracing")]
use tracing::field::{Empty, display};
use wharf::base::{CloseCode, Origin};
use wharf::link::Address;

/// The target of all events and spans.
pub const TARGET: &str = "wharf";

/// `tcp.server{port}`, or `{path}` for a Unix socket: around what accepts there.
#[cfg(feature = "tracing")]
#[must_use]
pub fn server_span(address: &Address) -> tracing::Span {
    let span = tracing::info_span!(target: TARGET, "tcp.server", port = Empty, path = Empty);
    match address {
        Address::Tcp(address) => span.record("port", address.port()),
        other => span.record("path", display(other)),
    };
    span
}

/// `tcp.client.connect{host,port}`: around a connect, whoever asked for it.
#[cfg(feature = "tracing")]
#[must_use]
pub fn connect_span(host: &str, port: u16) -> tracing::Span {
    tracing::info_span!(target: TARGET, "tcp.client.connect", host, port)
}

/// `connection{id, peer}`: around what is done for one connection. It is there for who asks for the level `DEBUG`: the events name their
/// connection anyway, and a span costs memory a connection and time a turn.
#[cfg(feature = "tracing")]
#[must_use]
pub fn connection_span(id: impl Display, peer: impl Display) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "connection", %id, %peer)
}

/// A server listens there.
pub fn listening(address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %address, "listening");
}

/// Accepting fails for a while ([`AcceptFailure::Exhausted`](crate::AcceptFailure::Exhausted)), and is tried again after
/// [`ACCEPT_PAUSE`](crate::ACCEPT_PAUSE).
pub fn accept_failed(address: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %address, %error, pause = ?crate::ACCEPT_PAUSE, "accepting failed; it is tried again");
}

/// Nobody can connect there any more.
pub fn listener_lost(address: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %address, %error, "listener lost");
}

/// A drain is over, of the server that listened there, if it did.
pub fn drained(address: Option<&Address>, drained: Drained) {
    #[cfg(feature = "tracing")]
    {
        let Drained { closed, reset } = drained;
        tracing::info!(target: TARGET, address = address.map(display), closed, reset, "drained");
    }
}

/// A connection, or the request for one, is not taken. The address may not be known behind a server of somebody else's.
pub fn refused(address: Option<&Address>, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, address = address.map(display), %reason, "connection refused");
}

/// A connection is open.
pub fn opened(id: impl Display, address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, "connection opened");
}

/// One that was open has ended.
pub fn closed(id: impl Display, address: impl Display, code: CloseCode, origin: Origin) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, code = code.as_u16(), ?origin, "connection closed");
}

/// A handler failed or panicked, or a service panicked, in a call for this connection if it was for one.
pub fn handler_failed(connection: Option<&dyn Display>, address: Option<&dyn Display>, cause: &str) {
    #[cfg(feature = "tracing")]
    {
        let (connection, address) = (connection.map(display), address.map(display));
        tracing::error!(target: TARGET, connection, address, cause, "handler failed");
    }
}

/// A job of a service was not carried out to its end.
pub fn job_failed(job: impl Display, cause: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %job, cause, "a job has no outcome");
}

/// One of several addresses, of which another may answer.
pub fn address_failed(address: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, %address, %error, "an address cannot be connected to");
}

/// A connect that the program asked for has failed.
pub fn connect_failed(error: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %error, "connect failed");
}

/// An attempt has failed, and the next one comes after `delay`.
pub fn retry(error: impl Display, attempt: u32, delay: Duration) {
    #[cfg(feature = "tracing")]
    {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(target: TARGET, %error, attempt, delay_ms, "retry");
    }
}
