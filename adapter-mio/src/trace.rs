//! What is told as `tracing` events and spans: what every adapter tells is in [`wharf_std::events`], what is of a loop alone here, and
//! without the feature `tracing` none of it is there.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables))]

use std::fmt::{Debug, Display};
use std::io;
use wharf::link::Address;
#[cfg(feature = "tracing")]
use wharf_std::events::{TARGET, connect_span, connection_span, server_span};

pub(crate) use wharf_std::events::{
    Told, accept_failed, address_failed, closed, connect_failed, drained, handler_failed, job_failed,
    listener_lost, listening, opened, refused, retry,
};

/// Something that work goes on in. One that nobody watches is nothing but that.
#[derive(Debug)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    watched: Option<Box<tracing::Span>>,
}

impl Span {
    /// Around the loop.
    pub(crate) fn server(address: &Address) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(server_span(address));
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// Around a connect.
    pub(crate) fn connect(host: &str, port: u16) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(connect_span(host, port));
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// Around a connection's turns: it is entered for each read.
    pub(crate) fn connection(id: impl Display, peer: impl Display) -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(connection_span(id, peer));
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

pub(crate) fn not_polled(id: impl Display, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %id, %error, "a socket cannot be polled; it is closed");
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
