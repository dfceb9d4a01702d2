//! Bytes a connection: idle, and after a burst.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_benches::descriptors;
use wharf_benches::memory::measure::{Candidate, measure};

/// Bytes that servers keep a connection: idle after its handshake, and after it echoed a message of 16 KiB.
///
/// The heap decides, counted by the server's allocator; resident memory stands beside. Exit code 1: a bar is missed.
#[derive(Debug, Parser)]
struct Args {
    /// How many connections.
    #[arg(long, default_value_t = 5000)]
    connections: usize,
    /// Only the servers whose name has one of these in it; repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The binary of the servers. [default: memory-server beside this one]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("idle-memory: {e}");
            ExitCode::from(2)
        }
    }
}

/// Whether all bars hold.
fn run(args: &Args) -> io::Result<bool> {
    let beside = || std::env::current_exe().map(|own| own.with_file_name("memory-server"));
    let program = args.server.clone().map_or_else(beside, Ok)?;
    descriptors::allow(args.connections as u64 + 64)?;
    println!("{} connections; bytes a connection", args.connections);
    println!("| server | heap, idle | more after 16 KiB | RSS, idle | more after 16 KiB | bars |");
    println!("|---|---:|---:|---:|---:|---|");
    let mut all_hold = true;
    let asked =
        |name: &str| args.only.is_empty() || args.only.iter().any(|part| name.contains(part.as_str()));
    for candidate in Candidate::all().iter().filter(|candidate| asked(&candidate.name)) {
        let cost = measure(&program, candidate, args.connections.max(1))
            .map_err(|e| io::Error::other(format!("{}: {e}", candidate.name)))?;
        let bars = candidate.bars.map_or_else(String::new, |(idle, more)| {
            let holds = cost.keeps_to((idle, more));
            all_hold &= holds;
            format!("{idle} + {more}: {}", if holds { "held" } else { "MISSED" })
        });
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {bars} |",
            candidate.name, cost.idle, cost.more, cost.idle_rss, cost.more_rss
        );
    }
    Ok(all_hold)
}
