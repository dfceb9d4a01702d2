//! The results as Markdown.

use super::bars::{Verdict, judge};
use super::results::{Figures, Results};
use super::servers::BASELINE;
use super::summary::Measure;
use std::fmt::Write;

/// Every table of some results, one below the other.
#[must_use]
pub fn all(results: &Results) -> String {
    let mut out = String::new();
    for measure in [Measure::Cpu, Measure::Throughput] {
        let _ = writeln!(out, "{}", ratios(results, measure));
    }
    let _ = writeln!(out, "{}\n{}", absolute(results), round_trips(results));
    out.push_str(&bars(&judge(results)));
    for failure in &results.failures {
        let _ = writeln!(out, "\nFailed: {} in {}: {}", failure.server, failure.cell, failure.what);
    }
    out
}

/// A server a row, a cell a column: its ratio to the raw socket with the interval, and the geometric mean.
#[must_use]
pub fn ratios(results: &Results, measure: Measure) -> String {
    let title = format!("{} over {BASELINE}, median of {} rounds", measure.title(), results.rounds());
    table(results, &title, &["mean"], |server| {
        let cells = results.cells.iter().map(|&cell| results.ratio(server, BASELINE, cell, measure));
        let all = cells.chain([results.mean(server, measure)]);
        all.map(|ratio| ratio.map_or("–".to_owned(), |ratio| ratio.to_string())).collect()
    })
}

/// What a message costs and how many a second there are, in figures of this machine.
fn absolute(results: &Results) -> String {
    table(results, "CPU ns a message · messages a second · busy server and load, in %", &[], |server| {
        let cell = |&cell| {
            let middle = |figure: fn(&Figures) -> f64| results.middle(server, cell, figure);
            format!(
                "{:.0} · {:.0} · {:.0}/{:.0}",
                middle(|f| f.server_cpu_ns),
                middle(|f| f.messages_per_second),
                middle(|f| f.server_busy * 100.0),
                middle(|f| f.load_busy * 100.0)
            )
        };
        results.cells.iter().map(cell).collect()
    })
}

fn round_trips(results: &Results) -> String {
    table(results, "Round trip in µs: p50 · p99 · p99.9", &[], |server| {
        let cell = |&cell| {
            let middle = |figure: fn(&Figures) -> f64| results.middle(server, cell, figure);
            format!(
                "{:.0} · {:.0} · {:.0}",
                middle(|f| f.p50_us),
                middle(|f| f.p99_us),
                middle(|f| f.p999_us)
            )
        };
        results.cells.iter().map(cell).collect()
    })
}

fn table(results: &Results, title: &str, more: &[&str], row: impl Fn(&str) -> Vec<String>) -> String {
    let columns: Vec<String> =
        results.cells.iter().map(ToString::to_string).chain(more.iter().map(|&m| m.to_owned())).collect();
    let mut out = format!("{title}\n\n| server | {} |\n|---|", columns.join(" | "));
    out.push_str(&"---|".repeat(columns.len()));
    out.push('\n');
    for (server, _) in &results.servers {
        let _ = writeln!(out, "| {server} | {} |", row(server).join(" | "));
    }
    out
}

/// The promises, one a row.
#[must_use]
pub fn bars(verdicts: &[Verdict]) -> String {
    let mut out = "| server | what | bar | found | |\n|---|---|---|---|---|\n".to_owned();
    for verdict in verdicts {
        let sign = if verdict.most { '≤' } else { '≥' };
        let holds = if verdict.holds() { "holds" } else { "**falls**" };
        let Verdict { of, what, bar, found, .. } = verdict;
        let _ = writeln!(out, "| {of} | {what} | {sign} {bar:.2} | {found} | {holds} |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::grid::GRID;
    use crate::echo::results::tests::results;
    use crate::echo::servers::Kind;

    #[test]
    fn tables_have_a_row_a_server_and_a_column_a_cell() {
        let servers = [("raw-mio", Kind::Raw, 1.0, 1.0), ("wharf-mio", Kind::Wharf, 1.5, 0.5)];
        let all = results(&servers, &GRID[5..7]);
        let table = ratios(&all, Measure::Cpu);
        assert!(
            table.contains("| server | 64×1 KiB×4 | 16×64 KiB×2 | mean |\n|---|---|---|---|\n"),
            "{table}"
        );
        let same = "1.50 (1.50–1.50)";
        assert!(table.contains(&format!("| wharf-mio | {same} | {same} | {same} |\n")), "{table}");
        let whole = super::all(&all);
        assert!(whole.contains("| wharf-mio | CPU, 16×64 KiB×2 | ≤ 1.25 | 1.50 (1.50–1.50) | **falls** |"));
        assert!(whole.contains("| raw-mio | 1 · 2 · 3 | 1 · 2 · 3 |"), "{whole}");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut all = results(&[("raw-mio", Kind::Raw, 1.0, 1.0)], &GRID[..1]);
        all.servers.push(("gone".to_owned(), Kind::Peer));
        assert!(ratios(&all, Measure::Throughput).contains("| gone | – | – |"));
    }
}
