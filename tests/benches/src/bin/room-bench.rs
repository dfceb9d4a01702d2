//! `wharf chat` under the load of a large room, beside other servers.
#![forbid(unsafe_code)]

use clap::Parser;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use wharf_benches::descriptors;
use wharf_benches::echo::servers::{Server, folder};
use wharf_benches::room::crowd::Talk;
use wharf_benches::room::measure::{Figures, Plan};
use wharf_benches::statistics::{median, middle};

/// Many people in one room of a chat, some of whom never read: deliveries a second, how long they take, CPU time and memory.
///
/// Servers are measured in turn, each time fresh; each has one core and the load has the other. Each reader is checked to hear every
/// message once, in the order in which all hear them. With SQLite a message is synced to the disk before anybody hears it.
#[derive(Debug, Parser)]
struct Args {
    /// People in the room.
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    people: u32,
    /// How many of them never read once all are there.
    #[arg(long, default_value_t = 100, value_name = "N")]
    idlers: u32,
    /// How many of the others say something, in turn.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    senders: u32,
    /// Messages a second, of all senders together.
    #[arg(long, default_value_t = 10.0, value_name = "N")]
    rate: f64,
    /// Bytes of a message's content; 64 at least.
    #[arg(long, default_value_t = 100, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(64..=4096))]
    size: u32,
    /// Seconds that are measured each time.
    #[arg(long, default_value_t = 30.0, value_name = "SECS")]
    seconds: f64,
    /// Seconds before those.
    #[arg(long, default_value_t = 3.0, value_name = "SECS")]
    warmup: f64,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// The runtimes of `wharf chat`; repeatable.
    #[arg(long, default_values = ["tokio"], value_name = "RUNTIME")]
    runtime: Vec<String>,
    /// Another server to be measured beside, as NAME=COMMAND; it is given `--listen ADDR`. The first is the one that all are compared with.
    /// Repeatable.
    #[arg(long, value_name = "NAME=COMMAND")]
    also: Vec<Server>,
    /// Only the servers whose name has one of these in it; repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The server's core.
    #[arg(long, default_value_t = 0, value_name = "N")]
    server_core: usize,
    /// The load's core.
    #[arg(long, default_value_t = 1, value_name = "N")]
    load_core: usize,
    /// Where databases are, while they are used. [default: beside this program]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The program whose `chat` is measured. [default: wharf beside this one]
    #[arg(long, value_name = "PATH")]
    wharf: Option<PathBuf>,
}

/// A server of the comparison, and whether it wants a database's file.
struct Row {
    server: Server,
    has_file: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("room-bench: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    descriptors::allow(u64::from(args.people) + 64)?;
    let scratch = args.folder.clone().map_or_else(folder, Ok)?;
    let scratch = scratch.join(format!("room-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let measured = measure(args, &scratch);
    fs::remove_dir_all(&scratch)?;
    let (names, figures) = measured?;
    report(args, &names, &figures);
    Ok(())
}

/// The names of the servers, and the figures of each by round.
fn measure(args: &Args, scratch: &Path) -> io::Result<(Vec<String>, Vec<Vec<Figures>>)> {
    let file = scratch.join("chat.db");
    let rows = rows(args, &file)?;
    let plan = plan(args);
    let mut figures = vec![Vec::with_capacity(args.rounds); rows.len()];
    for round in 0..args.rounds.max(1) {
        for turn in 0..rows.len() {
            let index = (turn + round) % rows.len();
            let Row { server, has_file } = &rows[index];
            eprintln!("round {} of {}: {server}", round + 1, args.rounds);
            let found = plan.measure(server).map_err(|e| io::Error::other(format!("{server}: {e}")))?;
            eprintln!("{}", line(server, &found));
            figures[index].push(found);
            if *has_file {
                // What belongs to it stands beside it, as far as it is there.
                for entry in fs::read_dir(scratch)? {
                    fs::remove_file(entry?.path())?;
                }
            }
        }
    }
    Ok((rows.into_iter().map(|row| row.server.name).collect(), figures))
}

fn rows(args: &Args, file: &Path) -> io::Result<Vec<Row>> {
    let wharf = args.wharf.clone().map_or_else(|| Ok(folder()?.join("wharf")), io::Result::Ok)?;
    let file = format!("sqlite:{}", file.display());
    let mut rows: Vec<Row> =
        args.also.iter().map(|server| Row { server: server.clone(), has_file: false }).collect();
    for runtime in &args.runtime {
        for (database, name) in [(&*file, "SQLite"), ("memory", "in memory")] {
            let name = format!("wharf chat, {runtime}, {name}");
            let arguments = ["chat", "--log", "error", "--runtime", runtime, "--database", database];
            let server = Server::added(&name, &wharf, &arguments);
            rows.push(Row { server, has_file: database != "memory" });
        }
    }
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|part| name.contains(&**part));
    rows.retain(|row| is_wanted(&row.server.name));
    Ok(rows)
}

fn plan(args: &Args) -> Plan {
    let messages = |seconds: f64| (seconds * args.rate).round() as usize;
    Plan {
        people: args.people as usize,
        idlers: args.idlers.min(args.people - 1) as usize,
        talk: Talk {
            senders: args.senders as usize,
            interval: Duration::from_secs_f64(1.0 / args.rate.clamp(0.1, 1e4)),
            size: args.size as usize,
        },
        warmup: messages(args.warmup),
        messages: messages(args.seconds).max(1),
        server_core: args.server_core,
        load_core: args.load_core,
    }
}

fn line(name: impl std::fmt::Display, figures: &Figures) -> String {
    let Figures { delivered, p50, p99, most, cpu, each, resident, peak, left, load } = *figures;
    let [cpu, load] = [cpu, load].map(|share| share * 100.0);
    format!(
        "| {name} | {delivered:.0} | {p50:.1} | {p99:.1} | {most:.1} | {cpu:.1} % | {each:.2} | {resident:.1} | {peak:.1} | {left:.0} | {load:.0} % |"
    )
}

/// The median of each figure, by itself.
fn medians(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
    Figures {
        delivered: of(|f| f.delivered),
        p50: of(|f| f.p50),
        p99: of(|f| f.p99),
        most: of(|f| f.most),
        cpu: of(|f| f.cpu),
        each: of(|f| f.each),
        resident: of(|f| f.resident),
        peak: of(|f| f.peak),
        left: of(|f| f.left),
        load: of(|f| f.load),
    }
}

fn report(args: &Args, names: &[String], figures: &[Vec<Figures>]) {
    println!(
        "{} people, {} of whom never read, {} messages a second of {} bytes from {} of the others, {} rounds of {} s",
        args.people, args.idlers, args.rate, args.size, args.senders, args.rounds, args.seconds
    );
    println!(
        "| server | delivered a second | p50, ms | p99, ms | most, ms | CPU of a core | µs a delivery | memory, MiB | its peak | shown out | load's CPU |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (name, rounds) in names.iter().zip(figures) {
        println!("{}", line(name, &medians(rounds)));
    }
    let Some((first, others)) = names.split_first() else { return };
    if others.is_empty() {
        return;
    }
    println!(
        "\n| over {first}, in the same round (95 %) | p50 | p99 | CPU | memory |\n|---|--:|--:|--:|--:|"
    );
    for (name, rounds) in others.iter().zip(&figures[1..]) {
        let ratio = |figure: fn(&Figures) -> f64| {
            let ratios: Vec<f64> =
                rounds.iter().zip(&figures[0]).map(|(own, first)| figure(own) / figure(first)).collect();
            middle(&ratios).map(|ratio| ratio.to_string()).unwrap_or_default()
        };
        let cells = [ratio(|f| f.p50), ratio(|f| f.p99), ratio(|f| f.cpu), ratio(|f| f.resident)];
        println!("| {name} | {} |", cells.join(" | "));
    }
}
