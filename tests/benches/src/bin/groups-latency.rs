//! How long members wait for a message while others do not read.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use wharf::service::groups::{Config, SlowPolicy};
use wharf_benches::fanout::latency::Plan;
use wharf_benches::statistics::median;
use wharf_cli::runner::RuntimeKind;

/// The time from the sending of a message to its arrival at each member, with all reading and with some that never do, under
/// each policy.
///
/// A round measures the calm crowd and then each policy with a fresh server, so the ratio is that of a round. Exit code 1: the
/// median ratio of the 99th percentiles is over the bar.
#[derive(Debug, Parser)]
struct Args {
    /// Members of each broadcast.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    members: usize,
    /// How many of them never read; they are not measured in the calm crowd either.
    #[arg(long, default_value_t = 10, value_name = "N")]
    idlers: usize,
    /// Bytes of payload.
    #[arg(long, default_value_t = 4096, value_name = "BYTES")]
    size: usize,
    /// Broadcasts that are measured in each round.
    #[arg(long, default_value_t = 200, value_name = "N")]
    broadcasts: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// The runtimes; repeatable.
    #[arg(long, value_enum, default_values = ["mio", "tokio"], value_name = "RUNTIME")]
    runtime: Vec<RuntimeKind>,
    /// Most that the 99th percentile may be, as a multiple of the calm one.
    #[arg(long, default_value_t = 2.0, value_name = "RATIO")]
    bar: f64,
    /// The server's core.
    #[arg(long, default_value_t = 0, value_name = "N")]
    server_core: usize,
    /// The driver's core.
    #[arg(long, default_value_t = 1, value_name = "N")]
    driver_core: usize,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("groups-latency: {e}");
            ExitCode::from(2)
        }
    }
}

/// The policies, with backlogs that are full from the begin on where something is dropped, and large ones where it is not.
fn policies(broadcasts: usize) -> [(&'static str, Config); 4] {
    let config = |slow, max_behind| {
        let mut config = Config::default();
        (config.slow, config.max_behind, config.max_behind_bytes) = (slow, max_behind, usize::MAX);
        config.max_bytes = usize::MAX;
        config
    };
    let all = 2 * broadcasts + 1000;
    [
        ("drop newest", config(SlowPolicy::DropNewest, 8)),
        ("drop oldest", config(SlowPolicy::DropOldest, 8)),
        // In the middle of what is measured they are shown out.
        ("disconnect", config(SlowPolicy::Disconnect, 20 + broadcasts / 2)),
        ("wait", config(SlowPolicy::Wait(Duration::from_secs(600)), all)),
    ]
}

/// Whether the bar holds for all.
fn run(args: &Args) -> io::Result<bool> {
    let mut all_hold = true;
    println!(
        "{} bytes to {} members, {} of whom never read, {} rounds of {}",
        args.size, args.members, args.idlers, args.rounds, args.broadcasts
    );
    println!("| runtime | crowd | p50, ms | p99, ms | p99 over calm: median (least, most) | bar |");
    println!("|---|---|---:|---:|---:|---|");
    for runtime in &args.runtime {
        let plan = Plan {
            runtime: *runtime,
            members: args.members,
            idlers: args.idlers,
            size: args.size,
            broadcasts: args.broadcasts.max(1),
            server_core: args.server_core,
            driver_core: args.driver_core,
        };
        let crowds: Vec<_> =
            [("calm", Config::default())].into_iter().chain(policies(plan.broadcasts)).collect();
        // By crowd, then by round; in milliseconds.
        let mut halves = vec![Vec::new(); crowds.len()];
        let mut tails = vec![Vec::new(); crowds.len()];
        for round in 0..args.rounds {
            for (index, (name, config)) in crowds.iter().enumerate() {
                eprintln!("{runtime:?}, round {} of {}: {name}", round + 1, args.rounds);
                let times = plan.measure(*config, index > 0)?;
                let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
                halves[index].push(at(50));
                tails[index].push(at(99));
            }
        }
        for (index, (name, _)) in crowds.iter().enumerate() {
            let ratios: Vec<f64> = tails[index].iter().zip(&tails[0]).map(|(own, calm)| own / calm).collect();
            let holds = median(&ratios) <= args.bar;
            all_hold &= holds;
            let most = ratios.iter().copied().fold(f64::MIN, f64::max);
            let least = ratios.iter().copied().fold(f64::MAX, f64::min);
            println!(
                "| {runtime:?} | {name} | {:.2} | {:.2} | {:.2} ({least:.2}, {most:.2}) | {}: {} |",
                median(&halves[index]),
                median(&tails[index]),
                median(&ratios),
                args.bar,
                if holds { "held" } else { "MISSED" },
            );
        }
    }
    Ok(all_hold)
}
