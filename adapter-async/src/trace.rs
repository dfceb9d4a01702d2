//! What is told as `tracing` events and spans: all of it is here, and without the feature `tracing` none of it is there.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]

use std::fmt::Display;
use std::future::Future;
#[cfg(feature = "tracing")]
use std::sync::Arc;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
#[cfg(feature = "tracing")]
use tracing::Instrument;
use wharf::base::{CloseCode, Closed, Origin};
use wharf::link::{Address, ConnId};
use wharf::service::client::Failure;
use wharf_std::Drained;

#[cfg(feature = "tracing")]
const TARGET: &str = "wharf";

/// A future in its connection's span.
#[cfg(feature = "tracing")]
pub(crate) type InConnection<F> = tracing::instrument::Instrumented<F>;
#[cfg(not(feature = "tracing"))]
pub(crate) type InConnection<F> = F;

/// The accepting loop, in its span `tcp.server{port}`, or `{path}` for a Unix socket.
pub(crate) fn in_server<F: Future>(address: &Address, future: F) -> impl Future<Output = F::Output> + use<F> {
    #[cfg(feature = "tracing")]
    let future = {
        let span = tracing::info_span!(target: TARGET, "tcp.server", port = tracing::field::Empty, path = tracing::field::Empty);
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
            tracing::error!(target: TARGET, %error, "connect failed");
        }
        out
    };
    #[cfg(feature = "tracing")]
    let telling = telling.instrument(tracing::info_span!(target: TARGET, "tcp.client.connect", host, port));
    telling.await
}

/// A dial of a service, in the same span. Its service is told what comes of it.
pub(crate) fn in_dial<F: Future>(host: &str, port: u16, dial: F) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    let dial = dial.instrument(tracing::info_span!(target: TARGET, "tcp.client.connect", host, port));
    dial
}

/// One of several addresses, of which another may answer.
pub(crate) fn address_failed(address: impl Display, error: &std::io::Error) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, %address, %error, "an address cannot be connected to");
}

/// One connection's task, in its span `connection{id, peer}`, which is there for who asks for the level `DEBUG`: that it
/// opened and closed is told with the same fields anyway, and a span costs memory a connection and time a turn.
pub(crate) fn in_connection<F: Future>(id: impl Display, peer: impl Display, future: F) -> InConnection<F> {
    #[cfg(feature = "tracing")]
    let future = future.instrument(tracing::debug_span!(target: TARGET, "connection", %id, %peer));
    future
}

pub(crate) fn listening(address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %address, "listening");
}

pub(crate) fn accept_failed(address: impl Display, error: &std::io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %address, %error, "accepting failed; it is tried every 100 ms");
}

pub(crate) fn listener_lost(address: impl Display, error: &std::io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %address, %error, "listener lost");
}

pub(crate) fn drained(address: Option<&Address>, drained: Drained) {
    #[cfg(feature = "tracing")]
    {
        let Drained { closed, reset } = drained;
        tracing::info!(target: TARGET, address = address.map(tracing::field::display), closed, reset, "drained");
    }
}

pub(crate) fn refused(address: impl Display, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %address, %reason, "connection refused");
}

/// A client that stays up is connected.
pub(crate) fn client_connected(target: impl Display, again: bool) {
    #[cfg(feature = "tracing")]
    if again {
        tracing::warn!(target: TARGET, %target, "reconnected");
    } else {
        tracing::info!(target: TARGET, %target, "connected");
    }
}

/// A client that stays up has lost its connection, or did not get one; it is tried again.
pub(crate) fn client_failed(target: impl Display, failure: &Failure, was_connected: bool) {
    #[cfg(feature = "tracing")]
    match failure {
        Failure::Silent(_) => tracing::warn!(target: TARGET, %target, %failure, "heartbeat timeout"),
        _ if was_connected => tracing::warn!(target: TARGET, %target, %failure, "connection lost"),
        // The failed connect itself is told where it failed.
        _ => tracing::warn!(target: TARGET, %target, %failure, "retry"),
    }
}

/// It has stopped for good.
pub(crate) fn client_stopped(target: impl Display, was_asked: bool, reason: impl Display) {
    #[cfg(feature = "tracing")]
    if was_asked {
        tracing::info!(target: TARGET, %target, "client stopped");
    } else {
        tracing::error!(target: TARGET, %target, %reason, "client stopped");
    }
}

/// A client of a bus is registered.
#[cfg(feature = "json")]
pub(crate) fn bus_registered(target: impl Display, pending: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %target, pending, "registered");
}

/// A message of this service has become a dead letter.
#[cfg(feature = "json")]
pub(crate) fn bus_dead(target: impl Display, id: impl Display, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %target, %id, %reason, "dead letter");
}

/// The bus takes a message later, or gives up something else.
#[cfg(feature = "json")]
pub(crate) fn bus_refused(target: impl Display, id: Option<&str>, reason: impl Display) {
    #[cfg(feature = "tracing")]
    match id {
        Some(id) => tracing::warn!(target: TARGET, %target, id, %reason, "rejected; it is tried again"),
        None => tracing::warn!(target: TARGET, %target, %reason, "refused by the bus"),
    }
}

/// A message was given up, and whoever sent it did not want to know.
#[cfg(feature = "json")]
pub(crate) fn bus_undelivered(target: impl Display, id: impl Display, why: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %target, %id, %why, "message not accepted");
}

/// What is done on connect failed.
pub(crate) fn hook_failed(target: impl Display, cause: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %target, %cause, "what is done on connect failed");
}

/// An attempt has failed, and the next one comes after `delay`.
pub(crate) fn retry(error: impl Display, attempt: u32, delay: Duration) {
    #[cfg(feature = "tracing")]
    {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(target: TARGET, %error, attempt, delay_ms, "retry");
    }
}

/// A request for a WebSocket was, behind an HTTP server that may not tell whose it is.
pub(crate) fn request_refused(address: Option<&Address>, reason: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, address = address.map(tracing::field::display), %reason, "connection refused");
}

pub(crate) fn not_sent(error: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %error, "a sender's message was not sent");
}

/// The service panicked, in a call for this connection if there is one.
pub(crate) fn service_failed(connection: Option<ConnId>, address: Option<&Address>, cause: &str) {
    #[cfg(feature = "tracing")]
    {
        let connection = connection.map(tracing::field::display);
        let address = address.map(tracing::field::display);
        tracing::error!(target: TARGET, connection, address, cause, "handler failed");
    }
}

pub(crate) fn job_failed(job: impl Display, cause: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, %job, cause, "a job has no outcome");
}

pub(crate) fn opened(id: impl Display, address: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, "connection opened");
}

pub(crate) fn closed(id: impl Display, address: impl Display, code: CloseCode, origin: Origin) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, %id, %address, code = code.as_u16(), ?origin, "connection closed");
}

/// What a socket's connection is called where it is told of: by the next number of the process.
#[derive(Clone, Default)]
pub(crate) struct Name {
    #[cfg(feature = "tracing")]
    id: u64,
    #[cfg(feature = "tracing")]
    peer: Arc<str>,
}

impl Name {
    pub(crate) fn new(peer: impl Display) -> Self {
        #[cfg(feature = "tracing")]
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            #[cfg(feature = "tracing")]
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            #[cfg(feature = "tracing")]
            peer: peer.to_string().into(),
        }
    }

    pub(crate) fn in_connection<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        #[cfg(feature = "tracing")]
        let future = in_connection(self.id, self.peer.clone(), future);
        future
    }

    pub(crate) fn handler_failed(&self, cause: &str) {
        #[cfg(feature = "tracing")]
        tracing::error!(target: TARGET, connection = self.id, address = %self.peer, cause, "handler failed");
    }
}

/// What is told of one socket: that it opened, that it closed, each once. A socket that is let go before its end tells so.
#[derive(Default)]
pub(crate) struct Told {
    name: Name,
    #[cfg(feature = "tracing")]
    is_open: bool,
}

impl Told {
    /// Of one that has not opened yet.
    pub(crate) fn of(name: Name) -> Self {
        Self {
            name,
            #[cfg(feature = "tracing")]
            is_open: false,
        }
    }

    /// Of one that opens now.
    pub(crate) fn opened(peer: impl Display) -> Self {
        let mut told = Self::of(Name::new(peer));
        told.open();
        told
    }

    pub(crate) fn open(&mut self) {
        #[cfg(feature = "tracing")]
        {
            self.is_open = true;
            opened(self.name.id, &self.name.peer);
        }
    }

    pub(crate) fn name(&self) -> Name {
        self.name.clone()
    }

    pub(crate) fn closed(&mut self, report: &Closed) {
        self.tell(report.code, report.origin);
    }

    fn tell(&mut self, code: CloseCode, origin: Origin) {
        #[cfg(feature = "tracing")]
        if std::mem::take(&mut self.is_open) {
            closed(self.name.id, &self.name.peer, code, origin);
        }
    }
}

#[cfg(feature = "tracing")]
impl Drop for Told {
    fn drop(&mut self) {
        self.tell(CloseCode::GOING_AWAY, Origin::Local);
    }
}
