//! `wharf bus`.

use super::args::{BusArgs, BusCommand as Sub, JournalAt};
use super::commands::Commands;
use super::journal::Kept;
use super::{dead, read_tokens};
use crate::program::complain;
use crate::runner::{self, Control, Listen, RunError};
use crate::{server, signals};
use async_channel::{Receiver, Sender};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Address, Config, Framing};
use wharf::service::bus::{BusCommand, BusConfig, BusEvent, BusNotice, BusService, Keeping, StoreFailure};

/// How long the end may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// Until what was taken is stored.
    pub(super) storing: Duration,
    /// Until connections are closed.
    pub(super) closing: Duration,
    /// Until the store has done what it was asked last; then the program ends without it. `None`: however long that is.
    pub(super) lasting: Option<Duration>,
}

/// That of a bus on a file, which is waited for.
const FILE: Ending =
    Ending { storing: Duration::from_secs(3), closing: Duration::from_secs(2), lasting: None };

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
    let serving = Serving::new(args);
    let path = match &args.journal {
        JournalAt::Postgres(database) => {
            return database.serve(serving, &config, args.lease);
        }
        JournalAt::File(path) => Some(path.as_path()),
        JournalAt::Nowhere => None,
    };
    if args.lease.is_some() {
        return Err(RunError::Use("--lease is for a journal in PostgreSQL, which several buses share"));
    }
    let (kept, broker) = Kept::open(path, config.clone())?;
    if path.is_none() {
        complain("--journal none: nothing survives the end of this bus");
    }
    let _socket = kept.take_commands(&serving.commands, serving.waiting_commander())?;
    let store = kept.clone();
    let ran = serving.run(BusService::new(broker), &config, FILE, move |batch| store.carry_out(&batch));
    let closed = kept.close();
    ran?;
    Ok(closed?)
}

/// A bus that is about to be run.
pub(super) struct Serving<'a> {
    args: &'a BusArgs,
    control: Sender<Control<BusCommand>>,
    controls: Receiver<Control<BusCommand>>,
    commands: Commands,
}

impl<'a> Serving<'a> {
    fn new(args: &'a BusArgs) -> Self {
        let (control, controls) = async_channel::bounded(16);
        Self { args, control, controls, commands: Commands::default() }
    }

    /// Hands commands to the bus, where there is room. False if it takes none.
    pub(super) fn commander(&self) -> impl Fn(BusCommand) -> bool + Send + Sync + use<> {
        let control = self.control.clone();
        move |command| control.try_send(Control::Command(command)).is_ok()
    }

    /// The same, and waits for room.
    fn waiting_commander(&self) -> impl Fn(BusCommand) -> bool + Send + use<> {
        let control = self.control.clone();
        move |command| control.send_blocking(Control::Command(command)).is_ok()
    }

    /// Runs it until it is told to end.
    pub(super) fn run<K: Keeping>(
        self,
        service: BusService<K>,
        config: &BusConfig,
        ending: Ending,
        carry_out: impl FnMut(K::Job) -> Result<K::Answer, StoreFailure> + Send + 'static,
    ) -> Result<(), RunError> {
        let Self { args, control, controls, commands } = self;
        let (drained, is_drained) = sync_channel(1);
        let failed = Arc::new(AtomicBool::new(false));
        let service = service.on_notice(noticing(commands, drained, failed.clone()));
        let (running, has_ended) = sync_channel::<()>(0);
        signals::on_termination(move || {
            end(&control, || {
                let _ = is_drained.recv_timeout(ending.storing);
            });
            let Some(lasting) = ending.lasting else { return };
            if has_ended.recv_timeout(ending.closing + lasting) == Err(RecvTimeoutError::Timeout) {
                // A thread waits for it. What was not stored was not accepted.
                tracing::error!("the database does not answer: the bus ends without it");
                std::process::exit(0);
            }
        })?;
        let listen = listeners(args, config, ending.closing);
        let next = Cell::new(0);
        let listening = |address: &Address| {
            let scheme = if args.listen[next.replace(next.get() + 1)].is_websocket { "ws" } else { "tcp" };
            println!("listening on {scheme}://{address}");
        };
        let limits = Arc::new(limits(args, config, ending.closing));
        let service = args.common.limits.around(service);
        let runtime = args.common.runtime;
        let ran = runner::run_with(runtime, &listen, service, &limits, &controls, listening, carry_out);
        drop(running);
        ran?;
        match failed.load(Ordering::Relaxed) {
            true => Err(StoreFailure::new("the journal has failed").into()),
            false => Ok(()),
        }
    }
}

/// Has the broker store and answer what it has taken, then the hub close what is left.
fn end(control: &Sender<Control<BusCommand>>, until_drained: impl FnOnce()) {
    if control.send_blocking(Control::Command(BusCommand::Drain)).is_ok() {
        until_drained();
        drop(control.send_blocking(Control::Drain));
    }
}

/// What is spoken, and how long silence may last there, is the bus's own.
fn limits(args: &BusArgs, config: &BusConfig, closing: Duration) -> Config {
    let own = BusService::config(config);
    let mut limits = server::config(&args.common);
    (limits.ws, limits.framed) = (own.ws, own.framed);
    limits.drain_timeout = closing;
    limits
}

fn listeners(args: &BusArgs, config: &BusConfig, closing: Duration) -> Vec<Listen> {
    let mut lines = limits(args, config, closing);
    lines.framing = Framing::codec(Lines::new());
    let lines = Arc::new(lines);
    let each = args.listen.iter().map(|listen| Listen {
        reuse_port: args.common.reuse_port,
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
        BusNotice::Event(event) => {
            // It need not be an ask that failed: what was read may contradict itself.
            if matches!(event, BusEvent::StoreFailed) {
                failed.store(true, Ordering::Relaxed);
            }
            log(event);
        }
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
        BusEvent::Joined { slot } => tracing::info!(slot, "joined"),
        BusEvent::Fenced => tracing::warn!("another bus has taken the place of this one, which joins again"),
        BusEvent::Crowded => tracing::error!("there are as many buses on the database as there may be"),
        BusEvent::Damaged { service, what } => {
            tracing::error!(%service, what, "what is stored of it is damaged: it is not served");
        }
        BusEvent::Away { is_away: true } => tracing::error!("the database is away"),
        BusEvent::Away { is_away: false } => tracing::info!("the database is back"),
        _ => {}
    }
}
