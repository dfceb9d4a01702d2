//! What is told as `tracing` events and spans: all of it is here, and without the feature `tracing` none of it is there.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]

use std::fmt::Display;
use std::future::Future;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "tracing")]
use tracing::Instrument;
use wharf::base::{CloseCode, Closed, Origin};
use wharf::link::Address;

/// The accepting loop, in its span `tcp.server{port}`, or `{path}` for a Unix socket.
pub(crate) fn in_server<F: Future>(address: Address, future: F) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    let future = {
        let span =
            tracing::info_span!("tcp.server", port = tracing::field::Empty, path = tracing::field::Empty);
        match address {
            Address::Tcp(address) => span.record("port", address.port()),
            other => span.record("path", tracing::field::display(other)),
        };
        future.instrument(span)
    };
    future
}

/// A connect, in its span `tcp.client.connect{host,port}`. A failure is an event.
pub(crate) async fn in_connect<T, E: Display>(
    host: &str,
    port: u16,
    connect: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let telling = async {
        let out = connect.await;
        if let Err(error) = &out {
            #[cfg(feature = "tracing")]
            tracing::error!(%error, "connect failed");
        }
        out
    };
    #[cfg(feature = "tracing")]
    let telling = telling.instrument(tracing::info_span!("tcp.client.connect", host, port));
    telling.await
}

/// One connection's task, in its span `connection{id, peer}`.
pub(crate) fn in_connection<F: Future>(
    id: impl Display,
    peer: impl Display,
    future: F,
) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    let future = future.instrument(tracing::info_span!("connection", %id, %peer));
    future
}

pub(crate) fn listening(address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(%address, "listening");
}

pub(crate) fn accept_failed(address: impl Display, error: &std::io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(%address, %error, "accepting failed; trying again in 100 ms");
}

pub(crate) fn refused(address: impl Display, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(%address, %reason, "connection refused");
}

pub(crate) fn not_sent(error: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(%error, "a sender's message was not sent");
}

pub(crate) fn service_panicked(cause: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(cause, "the service panicked; its connection is closed");
}

pub(crate) fn opened(id: impl Display, address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(%id, %address, "connection opened");
}

pub(crate) fn closed(id: impl Display, address: impl Display, code: CloseCode, origin: Origin) {
    #[cfg(feature = "tracing")]
    tracing::info!(%id, %address, code = code.as_u16(), ?origin, "connection closed");
}

/// What is told of one socket: that it opened, that it closed, each once. A socket that is let go before its end tells so.
#[derive(Default)]
pub(crate) struct Told {
    #[cfg(feature = "tracing")]
    open: Option<(u64, String)>,
}

impl Told {
    /// A socket that is about to open, by the next number of the process.
    pub(crate) fn opened(peer: impl Display) -> Self {
        #[cfg(feature = "tracing")]
        {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            let open = (NEXT.fetch_add(1, Ordering::Relaxed), peer.to_string());
            opened(open.0, &open.1);
            Self { open: Some(open) }
        }
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// Its number; 0 without the feature, or where it was not opened here.
    pub(crate) fn id(&self) -> u64 {
        #[cfg(feature = "tracing")]
        return self.open.as_ref().map_or(0, |(id, _)| *id);
        #[cfg(not(feature = "tracing"))]
        0
    }

    pub(crate) fn closed(&mut self, report: &Closed) {
        #[cfg(feature = "tracing")]
        if let Some((id, peer)) = self.open.take() {
            closed(id, peer, report.code, report.origin);
        }
    }
}

pub(crate) fn handler_failed(connection: u64, address: impl Display, cause: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(connection, %address, cause, "handler failed");
}

#[cfg(feature = "tracing")]
impl Drop for Told {
    fn drop(&mut self) {
        if let Some((id, peer)) = self.open.take() {
            closed(id, peer, CloseCode::GOING_AWAY, Origin::Local);
        }
    }
}
