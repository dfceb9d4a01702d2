//! `wharf health`.

use super::Settings;
use super::args::HealthArgs;
use crate::runner::{self, Control, Listen, RunError};
use crate::{server, signals};
use std::sync::Arc;
use wharf::link::Address;
use wharf::service::health::{Flip, HealthService};
use wharf::ws;

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &HealthArgs) -> Result<(), RunError> {
    let settings = Settings::new(args)?;
    let health = settings.health().map_err(super::SettingsError::from)?;
    let service = args.common.limits.around(HealthService::new(health).on_flip(log_flip));
    let own = HealthService::config();
    let mut ws = ws::Config::clone(&own.ws);
    ws.idle_timeout = args.idle.or(server::WEBSOCKET_IDLE);
    let mut config = server::config(&args.common);
    (config.ws, config.policy) = (Arc::new(ws), own.policy);
    let (control, controls) = async_channel::bounded(16);
    signals::on_termination(move || drop(control.try_send(Control::Drain)))?;
    // Its port is known once it is bound.
    let span = tracing::info_span!("health.server", port = tracing::field::Empty);
    let listening = |address: &Address| {
        span.record("port", address.tcp().map(|address| address.port()));
        println!("listening on {address}");
    };
    let listen = [Listen { reuse_port: args.common.reuse_port, ..settings.listen.into() }];
    span.in_scope(|| {
        runner::run_telling(args.common.runtime, &listen, service, &Arc::new(config), &controls, listening)
    })
}

/// One event for a state that flipped.
fn log_flip(flip: &Flip) {
    let Flip { endpoint, is_healthy, failure, response_time, consecutive_failures: failures, .. } = flip;
    let (id, host, port, protocol) =
        (endpoint.id(), endpoint.host(), endpoint.port(), tracing::field::display(endpoint.protocol()));
    let cause = failure.map(tracing::field::display);
    let took = response_time.as_millis();
    if *is_healthy {
        tracing::info!(id, host, port, protocol, took_ms = took, "endpoint is up");
    } else {
        tracing::info!(id, host, port, protocol, cause, failures, took_ms = took, "endpoint is down");
    }
}
