//! A server of groups on any runtime and any wire, from one source. Clients subscribe and broadcast in JSON; each line of the
//! standard input is announced to all members, and its end ends the server.
//!
//! `cargo run -p wharf-tests --example groups -- --runtime mio --framing json --listen 127.0.0.1:9002`, then
//! `nc 127.0.0.1 9002` and `{"type":"subscribe","groupId":"news"}`

use async_channel::{Receiver, bounded};
use clap::Parser;
use std::sync::Arc;
use std::time::Duration;
use wharf::link::{Address, Config};
use wharf::service::groups::{self, Announcement, GroupServer, SlowPolicy};
use wharf_cli::framing::FramingKind;
use wharf_cli::runner::{self, Control, RunError, RuntimeKind};

/// What the program is told.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The runtime that drives the sockets.
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) runtime: RuntimeKind,
    /// What is spoken: ws, json (a line each) or typed.
    #[arg(long, value_enum, default_value = "ws")]
    pub(crate) framing: FramingKind,
    /// Where to listen; port 0 picks a port.
    #[arg(long, default_value = "127.0.0.1:9002")]
    pub(crate) listen: Address,
}

/// Serves until it is told to drain; tells `listening` the real address.
pub(crate) fn serve(
    args: &Args,
    controls: &Receiver<Control<Announcement>>,
    listening: impl Fn(&Address),
) -> Result<(), RunError> {
    let mut limits = groups::Config::default();
    limits.max_groups_per_member = 8;
    // Whoever reads too slowly has five seconds to catch up, and slows nobody down meanwhile.
    limits.slow = SlowPolicy::Wait(Duration::from_secs(5));
    let mut config = Config::default();
    config.framing = args.framing.framing();
    let listen = [args.listen.clone().into()];
    runner::run_telling(
        args.runtime,
        &listen,
        GroupServer::new(limits).except_sender(),
        &Arc::new(config),
        controls,
        listening,
    )
}

fn main() -> Result<(), RunError> {
    let args = Args::parse();
    let (control, controls) = bounded(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let announcement = Announcement::to_all(&line).expect("a line is JSON");
            if control.send_blocking(Control::Command(announcement)).is_err() {
                return;
            }
        }
        // Else the server has ended by itself.
        let _ = control.send_blocking(Control::Drain);
    });
    serve(&args, &controls, |address| println!("listening on {address}"))
}
