//! `peer-echo --peer NAME --listen ADDR`: an echo server of another library, on one thread. `peer-echo --list` names them.
#![forbid(unsafe_code)]

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use wharf_benches::peers::{PEERS, Peer};

/// Echoes as another library does it, on one thread of tokio.
#[derive(Debug, Parser)]
struct Args {
    /// Prints the names of the peers, one a line, and ends.
    #[arg(long)]
    list: bool,
    /// Which one serves.
    #[arg(long, required_unless_present = "list")]
    peer: Option<String>,
    /// Where it listens: host:port. Port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for peer in PEERS {
            println!("{}", peer.name);
        }
        return ExitCode::SUCCESS;
    }
    match serve(&args.peer.unwrap_or_default(), &args.listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("peer-echo: {e}");
            ExitCode::from(2)
        }
    }
}

fn serve(name: &str, address: &str) -> Result<(), Box<dyn Error>> {
    let peer = Peer::named(name).ok_or_else(|| format!("no peer is called {name:?}; --list names them"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        Ok(peer.serve(listener).await?)
    })
}
