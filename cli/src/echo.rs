//! `wharf echo`.

use crate::args::{Common, Echo};
use crate::runner::{self, Control, RunError};
use crate::signals;
use std::sync::Arc;
use wharf::base::{Chunk, Message};
use wharf::link::{Config, ConnId, Context, Service};
use wharf::{http, ws};

/// Sends each message back as it came.
///
/// ```
/// let service = wharf_cli::echo::EchoService;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoService;

impl Service for EchoService {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_, Self>, conn: ConnId, message: Message<'_>) {
        // Room for one answer a message is a promise of the marks; a connection that is closing wants none.
        let _ = cx.send(conn, message);
    }

    fn chunk(&mut self, _: &mut Context<'_, Self>, _: ConnId, _: Chunk<'_>) {}
}

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &Echo) -> Result<(), RunError> {
    let mut config = server_config(&args.common);
    let mut ws = ws::Config::clone(&config.ws);
    ws.max_message = args.max_message;
    ws.max_frame = args.max_message;
    ws.queue_limit = ws.queue_limit.max(args.max_message.saturating_add(1 << 20));
    ws.deflate = args.deflate.then(Default::default);
    config.ws = Arc::new(ws);
    config.policy.accept_first_subprotocol = true;
    let (control, controls) = async_channel::bounded(16);
    signals::on_termination(move || drop(control.try_send(Control::Drain)))?;
    runner::run(
        args.common.runtime,
        std::slice::from_ref(&args.listen),
        EchoService,
        &Arc::new(config),
        &controls,
    )
}

/// What the flags that every server takes amount to.
#[must_use]
pub fn server_config(common: &Common) -> Config {
    let mut http = http::Config::default();
    http.open_timeout = common.open_timeout;
    let mut ws = ws::Config::default();
    ws.idle_timeout = Some(common.idle_timeout).filter(|t| !t.is_zero());
    let mut config = Config::default();
    config.http = Arc::new(http);
    config.ws = Arc::new(ws);
    config.max_connections = common.max_connections;
    config
}
