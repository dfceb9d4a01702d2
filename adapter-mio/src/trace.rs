//! What is told as `tracing` events and spans: all of it is here, and without the feature `tracing` none of it is there.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]

use std::fmt::{Debug, Display};
use std::io;
use std::time::Duration;
use wharf::base::{CloseCode, Origin};
use wharf::link::Address;
use wharf_std::Drained;

#[cfg(feature = "tracing")]
const TARGET: &str = "wharf";

/// Something that work goes on in. One that nobody watches is nothing but that.
#[derive(Debug)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    watched: Option<Box<tracing::Span>>,
}

impl Span {
    /// `tcp.server{port}`, around the loop; `{path}` for a Unix socket.
    pub(crate) fn server(address: &Address) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(match address {
            Address::Tcp(address) => tracing::info_span!(target: TARGET, "tcp.server", port = address.port()),
            other => tracing::info_span!(target: TARGET, "tcp.server", path = %other),
        });
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// `tcp.client.connect{host,port}`, around a connect.
    pub(crate) fn connect(host: &str, port: u16) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(tracing::info_span!(target: TARGET, "tcp.client.connect", host, port));
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// `connection{id, peer}`, around a connection's turns. Below the level of the events that name a connection themselves: it
    /// is entered for each read, and a subscriber keeps more of it than the connection itself takes.
    pub(crate) fn connection(id: impl Display, peer: impl Display) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(tracing::debug_span!(target: TARGET, "connection", %id, %peer));
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    #[cfg(feature = "tracing")]
    fn new(span: tracing::Span) -> Self {
        Self { watched: (!span.is_disabled()).then(|| Box::new(span)) }
    }

    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        if let Some(span) = &self.watched {
            return span.in_scope(work);
        }
        work()
    }
}

pub(crate) fn listening(address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %address, "listening");
}

pub(crate) fn refused(address: impl Display, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %address, %reason, "connection refused");
}

pub(crate) fn accept_failed(address: impl Display, error: &io::Error, pause: impl Debug) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %address, %error, ?pause, "accepting failed; it is tried again");
}

pub(crate) fn listener_lost(address: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %address, %error, "listener lost");
}

pub(crate) fn drained(drained: Drained) {
    #[cfg(feature = "tracing")]
    {
        let Drained { closed, reset } = drained;
        tracing::info!(target: TARGET, closed, reset, "drained");
    }
}

pub(crate) fn not_polled(id: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %id, %error, "a socket cannot be polled; it is closed");
}

pub(crate) fn opened(id: impl Display, address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, "connection opened");
}

pub(crate) fn closed(id: impl Display, address: impl Display, code: CloseCode, origin: Origin) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, code = code.as_u16(), ?origin, "connection closed");
}

pub(crate) fn connect_failed(error: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %error, "connect failed");
}

/// An attempt has failed, and the next one comes after `delay`.
pub(crate) fn retry(error: impl Display, attempt: u32, delay: Duration) {
    #[cfg(feature = "tracing")]
    {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(target: TARGET, %error, attempt, delay_ms, "retry");
    }
}

/// The service panicked, in a call for this connection if there is one.
pub(crate) fn handler_failed(connection: Option<&dyn Display>, address: Option<&dyn Display>, cause: &str) {
    #[cfg(feature = "tracing")]
    {
        let connection = connection.map(tracing::field::display);
        tracing::error!(target: TARGET, connection, address = address.map(tracing::field::display), cause, "handler failed");
    }
}

pub(crate) fn job_failed(job: impl Display, cause: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %job, cause, "a job has no outcome");
}

/// A fault of the loop itself.
pub(crate) fn loop_failed(error: &io::Error, what: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %error, "{what}");
}

/// What only costs something, or is told by other ways too.
pub(crate) fn minor(error: impl Debug, what: &str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, ?error, "{what}");
}
