//! `echo-bench`: echo servers in turn, round after round, each against the raw socket of the same round.
#![forbid(unsafe_code)]

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_benches::echo::grid::{Cell, GRID};
use wharf_benches::echo::run::Plan;
use wharf_benches::echo::servers::{Server, folder, select};
use wharf_benches::echo::{syscalls, table};

/// Compares echo servers on loopback by CPU time, throughput and round trip.
#[derive(Debug, Parser)]
struct Args {
    /// How often all is measured. [default: 15, with --syscalls 3]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Only these loads, CONNECTIONSxBYTESxDEPTH, such as 64x1KiBx4. [default: the whole grid]
    #[arg(long, value_delimiter = ',', value_name = "CELL,…")]
    cells: Vec<Cell>,
    /// Only these servers, and raw-mio; `wharf-*` are all whose names begin so, `*-batched` all whose end
    /// so. [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    servers: Vec<String>,
    /// One more server, as NAME=COMMAND; it takes `--listen ADDR` and prints `listening on ADDR`. It speaks no
    /// WebSocket if its name begins with `raw-`. Repeatable.
    #[arg(long, value_name = "NAME=COMMAND")]
    server: Vec<Server>,
    /// Measure each so many seconds.
    #[arg(long, default_value_t = 0.3, value_name = "SECS")]
    seconds: f64,
    /// Run each so many seconds before it counts.
    #[arg(long, default_value_t = 0.1, value_name = "SECS")]
    warmup: f64,
    /// The core of the servers.
    #[arg(long, default_value_t = 0, value_name = "N")]
    server_core: usize,
    /// The core of the load.
    #[arg(long, default_value_t = 1, value_name = "N")]
    load_core: usize,
    /// Where wharf, raw-echo and peer-echo are. [default: beside this program]
    #[arg(long, value_name = "FOLDER")]
    bin: Option<PathBuf>,
    /// Put all measurements into this file, as JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "syscalls")]
    out: Option<PathBuf>,
    /// Count system calls a message instead, by strace, at 64x16x16 unless --cells says otherwise.
    #[arg(long)]
    syscalls: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("echo-bench: {e}");
            ExitCode::from(2)
        }
    }
}

/// Whether no measurement failed.
fn run(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    let bin = args.bin.clone().map_or_else(folder, Ok)?;
    let mut servers = select(Server::all(&bin)?, &args.servers)?;
    servers.extend(args.server.iter().cloned());
    let cells = if args.syscalls { vec![syscalls::CELL] } else { GRID.to_vec() };
    let rounds = args.rounds.unwrap_or(if args.syscalls { 3 } else { 15 });
    let plan = Plan {
        servers,
        cells: if args.cells.is_empty() { cells } else { args.cells.clone() },
        rounds,
        warmup: args.warmup,
        seconds: args.seconds,
        server_core: args.server_core,
        load_core: args.load_core,
        wharf: bin.join("wharf"),
    };
    if args.syscalls {
        print!("{}", syscalls::table(&plan)?);
        return Ok(true);
    }
    // What there is after each round, so that a long run that is broken off is not lost.
    let results = plan.run(|results| {
        eprintln!("round {} of {rounds}", results.rounds());
        args.out.as_ref().map_or(Ok(()), |file| std::fs::write(file, serde_json::to_string(results)?))
    })?;
    print!("{}", table::all(&results));
    Ok(results.failures.is_empty())
}
