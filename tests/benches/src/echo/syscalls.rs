//! System calls a message, counted by strace.

use super::grid::Cell;
use super::run::Plan;
use super::servers::Server;
use crate::statistics::median;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

/// The load in which they are counted, unless others are asked for.
pub const CELL: Cell = Cell::new(64, 16, 16);
/// The most of ours on mio and tokio in that load.
const MOST: f64 = 0.14;

/// How often each call was made.
type Calls = BTreeMap<String, f64>;

/// What the load generator says of a run.
#[derive(Deserialize)]
struct Answered {
    answered: f64,
}

/// A table of the calls a message, by server and cell.
///
/// Each count is the difference of a longer and a shorter run, so what a server does to start, to open connections and to end is
/// in neither.
///
/// # Errors
/// If strace, a server or the load cannot be started, or an answer is wrong.
pub fn table(plan: &Plan) -> io::Result<String> {
    let mut out =
        "| server | load | calls a message | of which | bar | |\n|---|---|---|---|---|---|\n".to_owned();
    for &cell in &plan.cells {
        for server in &plan.servers {
            let rounds: Vec<Calls> =
                (0..plan.rounds.max(1)).map(|_| per_message(plan, server, cell)).collect::<Result<_, _>>()?;
            let _ = writeln!(out, "{}", row(server, cell, &rounds));
        }
    }
    Ok(out)
}

fn row(server: &Server, cell: Cell, rounds: &[Calls]) -> String {
    let total = median(&rounds.iter().map(|calls| calls.values().sum()).collect::<Vec<f64>>());
    let mut names: Vec<(&str, f64)> = rounds[0]
        .keys()
        .map(|name| {
            let counts: Vec<f64> = rounds.iter().map(|calls| *calls.get(name).unwrap_or(&0.0)).collect();
            (name.as_str(), median(&counts))
        })
        .filter(|(_, count)| *count >= 0.0005)
        .collect();
    names.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = names.iter().map(|(name, count)| format!("{name} {count:.3}")).collect();
    let barred = cell == CELL && ["wharf-mio", "wharf-tokio"].contains(&server.name.as_str());
    let verdict = match barred {
        false => "– | ".to_owned(),
        true => format!("≤ {MOST} | {}", if total <= MOST { "holds" } else { "**falls**" }),
    };
    format!("| {server} | {cell} | {total:.3} | {} | {verdict} |", parts.join(", "))
}

fn per_message(plan: &Plan, server: &Server, cell: Cell) -> io::Result<Calls> {
    let (few, short) = count(plan, server, cell, plan.seconds)?;
    let (many, long) = count(plan, server, cell, 4.0 * plan.seconds)?;
    let messages = long - short;
    if messages <= 0.0 {
        return Err(io::Error::other(format!("{server} answers too few messages; take longer --seconds")));
    }
    Ok(many
        .into_iter()
        .map(|(name, calls)| {
            let before = few.get(&name).copied().unwrap_or(0.0);
            (name, (calls - before).max(0.0) / messages)
        })
        .collect())
}

/// All calls of a server for one run, and how many messages it answered.
fn count(plan: &Plan, server: &Server, cell: Cell, seconds: f64) -> io::Result<(Calls, f64)> {
    let file = std::env::temp_dir().join(format!("echo-bench-{}.strace", std::process::id()));
    let wrapper = ["strace", "-c", "-f", "-o"].map(str::to_owned);
    let wrapper: Vec<String> = wrapper.into_iter().chain([file.display().to_string()]).collect();
    let running = server.start(plan.server_core, &wrapper)?;
    let out = Plan { seconds, warmup: 0.0, ..plan.clone() }.load(server, &running.address, cell).output()?;
    if !out.status.success() {
        return Err(io::Error::other(format!("{server}: {}", String::from_utf8_lossy(&out.stderr).trim())));
    }
    running.end_below()?;
    let counted = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let Answered { answered } = serde_json::from_slice(&out.stdout)?;
    Ok((summary(&counted), answered))
}

/// The table that `strace -c` prints.
fn summary(text: &str) -> Calls {
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter_map(|row| {
        let name = row.last().filter(|name| **name != "total")?;
        let calls = row.get(3).filter(|_| row.len() >= 5)?.parse().ok()?;
        Some((String::from(*name), calls))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRACE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.012000           1      1200           recvfrom
 40.00    0.008000           1      1100       100 sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.020000           1      2300       100 total
";

    #[test]
    fn a_summary_is_read() {
        let calls = summary(STRACE);
        assert_eq!(calls.len(), 2);
        assert!((calls["recvfrom"] - 1200.0).abs() < 1e-9 && (calls["sendto"] - 1100.0).abs() < 1e-9);
        assert!(summary("strace: no").is_empty());
    }

    #[test]
    fn only_ours_have_a_bar() {
        let rounds = [Calls::from([("recvfrom".to_owned(), 0.1), ("sendto".to_owned(), 0.06)])];
        let ours: Server = "wharf-mio=x".parse().unwrap();
        let shown = row(&ours, CELL, &rounds);
        assert_eq!(
            shown,
            "| wharf-mio | 64×16 B×16 | 0.160 | recvfrom 0.100, sendto 0.060 | ≤ 0.14 | **falls** |"
        );
        let other: Server = "raw-mio=x".parse().unwrap();
        assert!(row(&other, CELL, &rounds).ends_with("| – |  |"));
    }
}
