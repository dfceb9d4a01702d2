//! What is told as `tracing` events and spans: what every adapter tells is in [`wharf_std::events`], what is of the async ones alone here, and
//! without the feature `tracing` none of it is there.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables))]

use std::fmt::Display;
use std::future::Future;
#[cfg(feature = "tracing")]
use tracing::Instrument;
use wharf::link::Address;
use wharf::service::client::Failure;
#[cfg(feature = "tracing")]
use wharf_std::events::{TARGET, connect_span, connection_span, server_span};

pub(crate) use wharf_std::events::{
    Name, Told, accept_failed, address_failed, closed, drained, handler_failed, job_failed, listener_lost,
    listening, opened, refused, retry,
};

/// A future in its connection's span.
#[cfg(feature = "tracing")]
pub(crate) type InConnection<F> = tracing::instrument::Instrumented<F>;
#[cfg(not(feature = "tracing"))]
pub(crate) type InConnection<F> = F;

/// The accepting loop, in its span.
pub(crate) fn in_server<F: Future>(address: &Address, future: F) -> impl Future<Output = F::Output> + use<F> {
    #[cfg(feature = "tracing")]
    let future = future.instrument(server_span(address));
    future
}

/// A connect, in its span. A failure is an event.
pub(crate) async fn in_connect<T, E: Display>(
    host: &str,
    port: u16,
    connect: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let telling = async {
        let out = connect.await;
        if let Err(error) = &out {
            wharf_std::events::connect_failed(error);
        }
        out
    };
    in_dial(host, port, telling).await
}

/// A dial of a service, in the same span. Its service is told what comes of it.
pub(crate) fn in_dial<F: Future>(host: &str, port: u16, dial: F) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    let dial = dial.instrument(connect_span(host, port));
    dial
}

/// One connection's task, in its span.
pub(crate) fn in_connection<F: Future>(id: impl Display, peer: impl Display, future: F) -> InConnection<F> {
    #[cfg(feature = "tracing")]
    let future = future.instrument(connection_span(id, peer));
    future
}

/// As [`in_connection`], of a socket.
pub(crate) fn in_named<F: Future>(name: &Name, future: F) -> impl Future<Output = F::Output> + use<F> {
    #[cfg(feature = "tracing")]
    let future = future.instrument(name.span());
    future
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

pub(crate) fn not_sent(error: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, %error, "a sender's message was not sent");
}
