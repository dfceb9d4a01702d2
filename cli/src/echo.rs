//! `wharf echo`.

use crate::args::Echo;
use crate::framing::FramingKind;
use crate::record::Files;
use crate::replay::note_of;
use crate::runner::{self, Control, Listen, RunError};
use crate::{server, signals, tls};
use serde::Serialize;
use serde::de::IgnoredAny;
use std::sync::Arc;
use wharf::base::{Chunk, CloseCode, Message, SendError};
use wharf::framed::json;
use wharf::link::{Config, ConnId, Context, Recorder, Service};
use wharf::{framed, ws};

/// Sends each message back as it came.
///
/// ```
/// use wharf_cli::echo::EchoService;
/// use wharf_cli::framing::FramingKind;
///
/// let service = EchoService::new(FramingKind::Lines);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoService {
    /// Messages are to be JSON.
    json: bool,
}

/// What is sent for a message that is no JSON.
#[derive(Serialize)]
struct Complaint {
    error: String,
}

impl EchoService {
    /// An echo of messages in this framing. In JSON, a message that is none is answered by `{"error": "…"}`: one bad message
    /// is no reason to end a connection.
    #[must_use]
    pub fn new(framing: FramingKind) -> Self {
        Self { json: framing == FramingKind::Json }
    }

    /// What is sent for a message that is to be JSON.
    fn answer<'m>(message: Message<'m>) -> Message<'m> {
        match json::decode::<IgnoredAny>(&message) {
            Ok(_) => message,
            Err(e) => json::encode(&Complaint { error: e.reason() }).unwrap_or(message),
        }
    }
}

impl Service for EchoService {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // Room for one answer a message is a promise of the marks; a connection that is closing wants none.
        let sent = if self.json { cx.send(conn, Self::answer(message)) } else { cx.send(conn, message) };
        // A line that ended with two CR would come back as another one. Better no answer than a wrong one.
        if let Err(SendError::ContainsDelimiter | SendError::Unframeable(_)) = sent {
            let _ = cx.close(conn, CloseCode::UNSUPPORTED_DATA, "it cannot be sent back");
        }
    }

    fn chunk(&mut self, _: &mut Context<'_>, _: ConnId, _: Chunk<'_>) {}
}

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &Echo) -> Result<(), RunError> {
    let mut config = config(args)?;
    let files = match &args.record {
        Some(folder) => Some(Arc::new(Files::new(folder, note_of(args)).map_err(RunError::Record)?)),
        None => None,
    };
    config.recorder = files.clone().map(|files| files as Arc<dyn Recorder>);
    let listen: Vec<Listen> = args
        .listen
        .iter()
        .map(|address| Listen {
            address: address.clone(),
            unix_mode: args.unix_mode,
            reuse_port: args.common.reuse_port,
            speaking: None,
        })
        .collect();
    let (control, controls) = async_channel::bounded(16);
    signals::on_termination(move || drop(control.try_send(Control::Drain)))?;
    let service = args.common.limits.around(EchoService::new(args.framing));
    let ran = runner::run(args.common.runtime, &listen, service, &Arc::new(config), &controls);
    if let Some(files) = files {
        files.finish();
    }
    ran
}

pub(crate) fn config(args: &Echo) -> Result<Config, RunError> {
    if args.deflate && !args.framing.is_websocket() {
        return Err(RunError::Use(
            "--deflate compresses WebSocket messages, and --framing says that there are none",
        ));
    }
    let mut config = server::config(&args.common);
    let queue_limit = args.max_message.saturating_add(1 << 20);
    let mut ws = ws::Config::default();
    ws.idle_timeout = args.idle.or(server::WEBSOCKET_IDLE);
    ws.max_message = args.max_message;
    ws.max_frame = args.max_message;
    ws.queue_limit = ws.queue_limit.max(queue_limit);
    ws.deflate = args.deflate.then(Default::default);
    config.ws = Arc::new(ws);
    let mut framed = framed::Config::default();
    framed.idle_timeout = args.idle.or(server::FRAMED_IDLE);
    // Without messages there is none that could be too big, and its marks bound what is held.
    if args.framing != FramingKind::Raw {
        framed.max_message = args.max_message;
        framed.queue_limit = framed.queue_limit.max(queue_limit);
    }
    config.framed = Arc::new(framed);
    config.framing = args.framing.framing();
    config.tls = match &args.tls[..] {
        [] => None,
        [chain, key] => Some(tls::showing(chain, key)?),
        _ => return Err(RunError::Use("--tls can be given once")),
    };
    config.policy.accept_first_subprotocol = true;
    Ok(config)
}
