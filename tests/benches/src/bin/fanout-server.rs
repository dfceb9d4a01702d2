//! `fanout-server --runtime mio|tokio|… --listen ADDR [--groups]`, or `--raw`: what one member says goes to all.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use wharf::link::Address;
use wharf_benches::fanout::{grouped::Grouped, raw, service::FanOut};
use wharf_cli::args::Common;
use wharf_cli::{runner, server};

/// Sends what one member says to all.
#[derive(Debug, Parser)]
struct Args {
    /// By plain writes on mio, without frames.
    #[arg(long)]
    raw: bool,
    /// By a group, with a policy for slow members, and not by a broadcast alone.
    #[arg(long, conflicts_with = "raw")]
    groups: bool,
    /// Where to listen; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:9200", value_name = "ADDR")]
    listen: SocketAddr,
    /// What every server takes.
    #[command(flatten)]
    common: Common,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    if args.raw {
        let listener = TcpListener::bind(args.listen)?;
        listener.set_nonblocking(true)?;
        println!("listening on {}", listener.local_addr()?);
        return raw::serve(listener);
    }
    // Nobody tells it to end but whoever ends the process.
    let (_control, controls) = async_channel::bounded(1);
    let listen = [runner::Listen::from(Address::from(args.listen))];
    let config = Arc::new(server::config(&args.common));
    let runtime = args.common.runtime;
    let ran = if args.groups {
        runner::run(runtime, &listen, Grouped::default(), &config, &controls)
    } else {
        runner::run(runtime, &listen, FanOut::default(), &config, &controls)
    };
    ran.map_err(io::Error::other)
}
