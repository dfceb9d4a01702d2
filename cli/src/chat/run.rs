//! `wharf chat`.

use super::access::Access;
use super::database::{Database, DatabaseAt};
use super::{ChatCommand, ChatListen, ChatService, Limits};
use crate::args::Chat;
use crate::runner::{self, Control, Listen, RunError};
use crate::{echo, signals};
use async_channel::Sender;
use std::cell::Cell;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Address, Config, Framing};

/// How long what was accepted may need to be stored and told at the end, and connections to be closed: 10 s in all.
const STORING: Duration = Duration::from_secs(7);
const CLOSING: Duration = Duration::from_secs(3);

/// Serves until SIGINT or SIGTERM, then drains.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run(args: &Chat) -> Result<(), RunError> {
    let listens = listens(args);
    let at = args.database.clone().unwrap_or_else(DatabaseAt::usual);
    let mut database = Database::open(&at)?;
    tracing::info!(database = %at, "messages are kept");
    let is_loopback = |listen: &ChatListen| listen.address.ip().is_some_and(|ip| ip.is_loopback());
    let mut web = listens.iter().filter(|listen| !listen.is_lines);
    let access = Access { origins: args.allow_origin.clone(), loopback: web.all(is_loopback) };
    let entropy = wharf_async_std::entropy().map_err(RunError::Entropy)?;
    let (drained, is_drained) = sync_channel(1);
    let service = ChatService::new(access, Limits::default(), entropy);
    let service = service.on_drained(move || {
        let _ = drained.try_send(());
    });
    let service = args.common.limits.around(service);
    let config = config(args);
    let (control, controls) = async_channel::bounded(16);
    let is_drained = Mutex::new(is_drained);
    signals::on_termination(move || {
        end(&control, &is_drained.lock().unwrap_or_else(PoisonError::into_inner));
    })?;
    // Its port is known once it is bound.
    let span = tracing::info_span!("chat.server", port = tracing::field::Empty);
    let next = Cell::new(0);
    let listening = |address: &Address| {
        let is_lines = listens[next.replace(next.get() + 1)].is_lines;
        if !is_lines {
            span.record("port", address.tcp().map(|address| address.port()));
        }
        println!("listening on {}", ChatListen { is_lines, address: address.clone() });
    };
    let listen = listeners(args, &listens, &config);
    let carry_out = move |ask| database.carry_out(&ask);
    span.in_scope(|| {
        let config = Arc::new(config);
        runner::run_with(args.common.runtime, &listen, service, &config, &controls, listening, carry_out)
    })
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

fn config(args: &Chat) -> Config {
    let common = echo::server_config(&args.common);
    let mut config = ChatService::config(args.common.idle_or(echo::WEBSOCKET_IDLE));
    config.http = common.http;
    config.max_connections = common.max_connections;
    config.max_connections_per_address = common.max_connections_per_address;
    config.proxies = common.proxies;
    config.forwarding = common.forwarding;
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

/// Has what was accepted stored and told, then the hub close what is left.
fn end(control: &Sender<Control<ChatCommand>>, is_drained: &Receiver<()>) {
    if control.send_blocking(Control::Command(ChatCommand::Drain)).is_ok() {
        let _ = is_drained.recv_timeout(STORING);
        drop(control.send_blocking(Control::Drain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

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
