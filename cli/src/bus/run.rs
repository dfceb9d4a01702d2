//! `wharf bus`.

use super::args::{BusArgs, BusCommand as Sub, JournalAt};
use super::commands::Commands;
use super::journal::Kept;
use super::{dead, read_tokens};
use crate::program::complain;
use crate::runner::{self, Control, Listen, RunError};
use crate::signals;
use async_channel::Sender;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Address, Config, Framing};
use wharf::service::bus::{BusCommand, BusConfig, BusEvent, BusNotice, BusService, StoreFailure};

/// How long what was taken may need to get onto the disk at the end, and connections to be closed.
const STORING: Duration = Duration::from_secs(3);
const CLOSING: Duration = Duration::from_secs(2);

/// Serves until SIGINT or SIGTERM, then drains; or does something with dead letters.
///
/// # Errors
/// [`RunError`] if it cannot be started, or the journal failed.
pub fn run(args: &BusArgs) -> Result<(), RunError> {
    match &args.command {
        Some(Sub::Dead(command)) => Ok(dead::run(command)?),
        None => serve(args),
    }
}

fn serve(args: &BusArgs) -> Result<(), RunError> {
    let mut config = args.config();
    config.tokens = args.token_file.as_deref().map(read_tokens).transpose()?;
    let (kept, broker) = Kept::open(&args.journal, config.clone())?;
    if args.journal == JournalAt::Nowhere {
        complain("--journal none: nothing survives the end of this bus");
    }
    let (control, controls) = async_channel::bounded(16);
    let commands = Commands::default();
    let ask = control.clone();
    let take = move |command| ask.send_blocking(Control::Command(command)).is_ok();
    let _socket = kept.take_commands(&commands, take)?;
    let (drained, is_drained) = sync_channel(1);
    let is_drained = Mutex::new(is_drained);
    let failed = Arc::new(AtomicBool::new(false));
    let service = BusService::new(broker).on_notice(noticing(commands, drained, failed.clone()));
    signals::on_termination(move || {
        let is_drained = is_drained.lock().unwrap_or_else(PoisonError::into_inner);
        end(&control, || {
            let _ = is_drained.recv_timeout(STORING);
        });
    })?;
    let listen = listeners(args, &config);
    let next = Cell::new(0);
    let listening = |address: &Address| {
        let scheme = if args.listen[next.replace(next.get() + 1)].is_websocket { "ws" } else { "tcp" };
        println!("listening on {scheme}://{address}");
    };
    let limits = Arc::new(limits(args, &config));
    let store = kept.clone();
    let carry_out = move |batch| store.carry_out(&batch);
    let ran = runner::run_with(args.runtime, &listen, service, &limits, &controls, listening, carry_out);
    let closed = kept.close();
    ran?;
    closed?;
    if failed.load(Ordering::Relaxed) {
        Err(StoreFailure::new("the journal has failed").into())
    } else {
        Ok(())
    }
}

/// Has the broker store and answer what it has taken, then the hub close what is left.
fn end(control: &Sender<Control<BusCommand>>, until_drained: impl FnOnce()) {
    if control.send_blocking(Control::Command(BusCommand::Drain)).is_ok() {
        until_drained();
        drop(control.send_blocking(Control::Drain));
    }
}

fn limits(args: &BusArgs, config: &BusConfig) -> Config {
    let mut limits = BusService::config(config);
    limits.max_connections = args.max_connections;
    limits.drain_timeout = CLOSING;
    limits
}

fn listeners(args: &BusArgs, config: &BusConfig) -> Vec<Listen> {
    let mut lines = limits(args, config);
    lines.framing = Framing::codec(Lines::new());
    let lines = Arc::new(lines);
    let each = args.listen.iter().map(|listen| Listen {
        speaking: (!listen.is_websocket).then(|| lines.clone()),
        ..listen.address.clone().into()
    });
    each.collect()
}

fn noticing(
    commands: Commands,
    drained: SyncSender<()>,
    failed: Arc<AtomicBool>,
) -> impl FnMut(&BusNotice) + Send + 'static {
    move |notice| match notice {
        BusNotice::Event(event) => log(event),
        BusNotice::Told { ticket, outcome } => commands.told(*ticket, *outcome),
        BusNotice::StoreFailed(cause) => {
            failed.store(true, Ordering::Relaxed);
            tracing::error!(cause, "the journal has failed; nothing is accepted any more");
        }
        BusNotice::Drained => drop(drained.try_send(())),
        _ => {}
    }
}

fn log<C: std::fmt::Display>(event: &BusEvent<C>) {
    match event {
        BusEvent::Registered { conn, service } => tracing::info!(%conn, %service, "registered"),
        BusEvent::Unregistered { conn, service, reason: None } => tracing::info!(%conn, %service, "gone"),
        BusEvent::Unregistered { conn, service, reason: Some(reason) } => {
            tracing::warn!(%conn, %service, %reason, "closed");
        }
        BusEvent::Refused { conn, reason } => tracing::debug!(%conn, %reason, "refused"),
        BusEvent::Retried { from, id, to, attempts } => {
            tracing::warn!(%from, %id, %to, attempts, "retry");
        }
        BusEvent::Died { from, id, to, reason } => tracing::warn!(%from, %id, %to, %reason, "dead letter"),
        _ => {}
    }
}
