//! `wharf chat`.

use super::access::Access;
use super::{ChatService, Limits};
use crate::args::Chat;
use crate::runner::{self, Control, Listen, RunError};
use crate::{echo, signals};
use std::sync::Arc;
use wharf::link::Address;

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &Chat) -> Result<(), RunError> {
    let access = Access {
        origins: args.allow_origin.clone(),
        loopback: args.listen.ip().is_some_and(|ip| ip.is_loopback()),
    };
    let entropy = wharf_async_std::entropy().map_err(RunError::Entropy)?;
    let service = args.common.limits.around(ChatService::new(access, Limits::default(), entropy));
    let common = echo::server_config(&args.common);
    let mut config = ChatService::config(args.common.idle_timeout.unwrap_or(echo::WEBSOCKET_IDLE));
    config.http = common.http;
    config.max_connections = common.max_connections;
    config.max_connections_per_address = common.max_connections_per_address;
    config.proxies = common.proxies;
    config.forwarding = common.forwarding;
    let (control, controls) = async_channel::bounded(16);
    signals::on_termination(move || drop(control.try_send(Control::Drain)))?;
    // Its port is known once it is bound.
    let span = tracing::info_span!("chat.server", port = tracing::field::Empty);
    let listening = |address: &Address| {
        span.record("port", address.tcp().map(|address| address.port()));
        println!("listening on {address}");
    };
    let listen = [Listen { reuse_port: args.common.reuse_port, ..args.listen.clone().into() }];
    span.in_scope(|| {
        runner::run_telling(args.common.runtime, &listen, service, &Arc::new(config), &controls, listening)
    })
}
