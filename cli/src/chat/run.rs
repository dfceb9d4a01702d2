//! `wharf chat`.

use super::access::Access;
use super::database::{Database, DatabaseAt};
use super::mesh::Carrier;
use super::{ChatCommand, ChatListen, ChatService, Limits};
use crate::args::Chat;
use crate::runner::{self, Control, Listen, RunError};
use crate::{server, signals};
use async_channel::Sender;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Address, Config, Framing};
use wharf::ws::handshake::OriginPolicy;

/// How long what was accepted may need to be stored and told at the end, connections to be closed, and the database to have done what
/// it was asked last: 10 s in all.
const STORING: Duration = Duration::from_secs(6);
const CLOSING: Duration = Duration::from_secs(3);
const ENDING: Duration = Duration::from_secs(1);

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &Chat) -> Result<(), RunError> {
    let listens = listens(args);
    let at = args.database.clone().unwrap_or_else(DatabaseAt::usual);
    let mut carrier = args.mesh.as_ref().map(|mesh| Carrier::connect(mesh, &at)).transpose()?;
    let mut database = Database::open(&at)?;
    let is_loopback = |listen: &ChatListen| listen.address.ip().is_some_and(|ip| ip.is_loopback());
    let mut web = listens.iter().filter(|listen| !listen.is_lines);
    let origins = OriginPolicy::SameHostOr(args.allow_origin.clone());
    let access = Access { origins, loopback: web.all(is_loopback) };
    let entropy = wharf_async_std::entropy().map_err(RunError::Entropy)?;
    let (drained, is_drained) = sync_channel(1);
    let service = match &carrier {
        None => ChatService::new(access, limits(args), entropy),
        Some(carrier) => ChatService::among_nodes(access, limits(args), entropy, carrier.carry()),
    };
    let service = service.on_drained(move || {
        let _ = drained.try_send(());
    });
    let service = service.within(&args.common.limits);
    let config = config(args);
    // What comes by the mesh waits here, too.
    let (control, controls) = async_channel::bounded(if carrier.is_some() { 1024 } else { 16 });
    if let Some(carrier) = &mut carrier {
        carrier.hear(control.clone())?;
    }
    let (running, has_ended) = sync_channel::<()>(0);
    signals::on_termination(move || {
        if !end(&control, &is_drained, &has_ended, [STORING, CLOSING + ENDING]) {
            // A thread waits for it, and for that thread whoever ends in order.
            tracing::error!("the database does not answer: the program ends without it");
            std::process::exit(0);
        }
    })?;
    // Its port is known once it is bound.
    let span = tracing::info_span!("chat.server", port = tracing::field::Empty);
    let next = Cell::new(0);
    let listening = |address: &Address| {
        let nth = next.replace(next.get() + 1);
        if nth == 0 {
            tracing::info!(database = %at, "messages are kept");
        }
        let is_lines = listens[nth].is_lines;
        if !is_lines {
            span.record("port", address.tcp().map(|address| address.port()));
        }
        println!("listening on {}", ChatListen { is_lines, address: address.clone() });
    };
    let listen = listeners(args, &listens, &config);
    let carry_out = move |ask| database.carry_out(&ask);
    let ran = span.in_scope(|| {
        let config = Arc::new(config);
        runner::run_with(args.common.runtime, &listen, service, &config, &controls, listening, carry_out)
    });
    // Nobody takes what the mesh still has to tell.
    drop(controls);
    if let Some(carrier) = carrier {
        carrier.finish();
    }
    drop(running);
    ran
}

/// Where to listen: always for browsers too.
fn listens(args: &Chat) -> Vec<ChatListen> {
    let mut listens = args.listen.clone();
    if listens.iter().all(|listen| listen.is_lines) {
        let address = ([127, 0, 0, 1], 8080).into();
        listens.insert(0, ChatListen { is_lines: false, address });
    }
    listens
}

fn limits(args: &Chat) -> Limits {
    let mut limits = Limits::default();
    if args.mesh.is_none() {
        limits.max_remote_users = 0;
    }
    limits
}

fn config(args: &Chat) -> Config {
    let own = ChatService::config(&limits(args), args.idle.or(server::WEBSOCKET_IDLE));
    let mut config = server::config(&args.common);
    (config.ws, config.framed) = (own.ws, own.framed);
    Arc::make_mut(&mut config.framed).idle_timeout = args.idle.or(server::FRAMED_IDLE);
    config.drain_timeout = CLOSING;
    config
}

fn listeners(args: &Chat, listens: &[ChatListen], config: &Config) -> Vec<Listen> {
    let mut lines = config.clone();
    lines.framing = Framing::codec(Lines::new());
    let lines = Arc::new(lines);
    let each = listens.iter().map(|listen| Listen {
        reuse_port: args.common.reuse_port,
        speaking: listen.is_lines.then(|| lines.clone()),
        ..listen.address.clone().into()
    });
    each.collect()
}

/// Has what was accepted stored and told, then the hub close what is left; false if that has not come to its end in time. Other nodes are told
/// of the end also while the database is away. `has_ended` loses its sender then.
fn end(
    control: &Sender<Control<ChatCommand>>,
    is_drained: &Receiver<()>,
    has_ended: &Receiver<()>,
    [storing, closing]: [Duration; 2],
) -> bool {
    if control.send_blocking(Control::Command(ChatCommand::Drain)).is_ok() {
        if is_drained.recv_timeout(storing).is_err() {
            drop(control.send_blocking(Control::Command(ChatCommand::Leave)));
        }
        drop(control.send_blocking(Control::Drain));
    }
    has_ended.recv_timeout(closing) != Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn idle(flags: &str) -> [Option<u64>; 2] {
        let args =
            ["wharf", "chat", "--listen", "tcp://127.0.0.1:0"].into_iter().chain(flags.split_whitespace());
        let Command::Chat(chat) = Cli::parse_from(args).command else { panic!("no chat") };
        let (listens, config) = (listens(&chat), config(&chat));
        let listeners = listeners(&chat, &listens, &config);
        let lines = listeners.iter().find_map(|listen| listen.speaking.clone()).expect("lines are spoken");
        [config.ws.idle_timeout, lines.framed.idle_timeout].map(|idle| idle.map(|idle| idle.as_secs()))
    }

    #[test]
    fn the_end_waits_for_nobody_for_ever() {
        let (control, controls) = async_channel::bounded(16);
        // The database answers nothing: what was accepted is never stored, and its thread never ends.
        let (drained, is_drained) = sync_channel(1);
        let (running, has_ended) = sync_channel::<()>(0);
        assert!(!end(&control, &is_drained, &has_ended, [Duration::ZERO; 2]));
        let controlled = [controls.try_recv(), controls.try_recv(), controls.try_recv()];
        assert!(matches!(
            controlled,
            [
                Ok(Control::Command(ChatCommand::Drain)),
                Ok(Control::Command(ChatCommand::Leave)),
                Ok(Control::Drain)
            ]
        ));
        // It does.
        drained.send(()).unwrap();
        drop(running);
        assert!(end(&control, &is_drained, &has_ended, [Duration::MAX; 2]));
        let controlled = [controls.try_recv(), controls.try_recv()];
        assert!(matches!(controlled, [Ok(Control::Command(ChatCommand::Drain)), Ok(Control::Drain)]));
    }

    #[test]
    fn silence_is_as_long_as_the_flag_says_for_lines_as_well() {
        assert_eq!(idle(""), [Some(30), Some(300)]);
        assert_eq!(idle("--idle-timeout 7"), [Some(7), Some(7)]);
        assert_eq!(idle("--idle-timeout 0"), [None, None]);
    }

    #[test]
    fn the_page_is_on_port_8080_where_nobody_says_otherwise() {
        let told = |flags: &[&str]| {
            let cli = Cli::parse_from(["wharf", "chat"].iter().chain(flags));
            let Command::Chat(args) = cli.command else { panic!("not the chat") };
            listens(&args).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(&[]), ["127.0.0.1:8080"]);
        assert_eq!(told(&["--listen", "tcp://[::1]:7000"]), ["127.0.0.1:8080", "tcp://[::1]:7000"]);
        assert_eq!(told(&["--listen", "[::1]:7001"]), ["[::1]:7001"]);
    }
}
