//! A broadcast beside as many plain writes.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_benches::client::Speech;
use wharf_benches::echo::servers::{Server, folder};
use wharf_benches::fanout::measure::Plan;
use wharf_benches::statistics::{median, middle};

/// The CPU time of a broadcast to many members, beside that of as many plain writes.
///
/// Servers are measured in turn, each time fresh; the ratio is that of a round. Exit code 1: a bar is missed, that is, the
/// interval in which the ratio lies with 95 % does not reach it.
#[derive(Debug, Parser)]
struct Args {
    /// Members of each broadcast, at least two.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    members: usize,
    /// Bytes of payload.
    #[arg(long, default_value_t = 125, value_name = "BYTES")]
    size: usize,
    /// Rounds.
    #[arg(long, default_value_t = 15, value_name = "N")]
    rounds: usize,
    /// Broadcasts that are measured in each round.
    #[arg(long, default_value_t = 100, value_name = "N")]
    broadcasts: usize,
    /// The runtimes; repeatable.
    #[arg(long, default_values = ["mio", "tokio"], value_name = "RUNTIME")]
    runtime: Vec<String>,
    /// Another server to be measured beside, as NAME=COMMAND; it is given `--listen ADDR`. Repeatable.
    #[arg(long, value_name = "NAME=COMMAND")]
    also: Vec<Server>,
    /// Most that a broadcast may take, as a multiple of the plain writes.
    #[arg(long, default_value_t = 1.2, value_name = "RATIO")]
    bar: f64,
    /// The server's core.
    #[arg(long, default_value_t = 0, value_name = "N")]
    server_core: usize,
    /// The driver's core.
    #[arg(long, default_value_t = 1, value_name = "N")]
    driver_core: usize,
    /// The servers' program. [default: fanout-server beside this one]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

/// Broadcasts before those that count.
const WARMUP: usize = 10;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("fanout-bench: {e}");
            ExitCode::from(2)
        }
    }
}

/// Whether the bar holds for all.
fn run(args: &Args) -> io::Result<bool> {
    let program = args.server.clone().map_or_else(|| Ok(folder()?.join("fanout-server")), io::Result::Ok)?;
    let mut servers = vec![(Server::added("raw mio", &program, &["--raw"]), Speech::Raw)];
    for runtime in &args.runtime {
        let server = Server::added(&format!("wharf {runtime}"), &program, &["--runtime", runtime]);
        servers.push((server, Speech::WebSocket));
        let groups = format!("groups {runtime}");
        let server = Server::added(&groups, &program, &["--runtime", runtime, "--groups"]);
        servers.push((server, Speech::WebSocket));
    }
    servers.extend(args.also.iter().map(|server| (server.clone(), Speech::WebSocket)));
    let plan = Plan {
        members: args.members,
        size: args.size,
        broadcasts: args.broadcasts.max(1),
        warmup: WARMUP,
        server_core: args.server_core,
        driver_core: args.driver_core,
    };
    // By server, then by round; in nanoseconds.
    let mut times = vec![Vec::with_capacity(args.rounds); servers.len()];
    for round in 0..args.rounds {
        eprint!("round {} of {}\r", round + 1, args.rounds);
        for turn in 0..servers.len() {
            let index = (turn + round) % servers.len();
            let (server, speech) = &servers[index];
            let time =
                plan.measure(server, *speech).map_err(|e| io::Error::other(format!("{server}: {e}")))?;
            times[index].push(time.as_nanos() as f64);
        }
    }
    Ok(report(args, &servers, &times))
}

/// Prints the table; whether the bar holds for all.
fn report(args: &Args, servers: &[(Server, Speech)], times: &[Vec<f64>]) -> bool {
    println!(
        "{} bytes to {} members, {} rounds of {}",
        args.size, args.members, args.rounds, args.broadcasts
    );
    println!("| server | CPU a broadcast, µs | a member, ns | ratio to raw (95 %) | bar |");
    println!("|---|---:|---:|---:|---|");
    let mut all_hold = true;
    for (index, ((server, _), own)) in servers.iter().zip(times).enumerate() {
        let time = median(own);
        let ratios: Vec<f64> = own.iter().zip(&times[0]).map(|(own, raw)| own / raw).collect();
        let ratio = middle(&ratios);
        let holds = ratio.is_some_and(|ratio| ratio.low <= args.bar);
        all_hold &= index == 0 || holds;
        let verdict = match index {
            0 => String::new(),
            _ => format!("{}: {}", args.bar, if holds { "held" } else { "MISSED" }),
        };
        let ratio = ratio.map(|ratio| ratio.to_string()).unwrap_or_default();
        println!(
            "| {server} | {:.0} | {:.0} | {ratio} | {verdict} |",
            time / 1e3,
            time / args.members as f64
        );
    }
    all_hold
}
