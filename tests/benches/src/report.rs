//! What criterion measured, as tables.

use crate::engine::{LIMIT, OURS};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The table that it belongs to.
    pub group: String,
    /// The row.
    pub row: String,
    /// Whose it is.
    pub subject: String,
    /// The median, in nanoseconds for one message or what else is counted.
    pub nanos: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
struct Throughput {
    #[serde(rename = "Elements")]
    elements: Option<f64>,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// All that stands in a folder of criterion's: the newest of each.
///
/// # Errors
/// A file cannot be read, or is not what criterion writes.
pub fn measured(folder: &Path) -> io::Result<Vec<Measured>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if !path.ends_with("new") {
            found.extend(measured(&path)?);
        } else if path.join("benchmark.json").is_file() {
            let benchmark = fs::read_to_string(path.join("benchmark.json"))?;
            let estimates = fs::read_to_string(path.join("estimates.json"))?;
            found.push(parse(&benchmark, &estimates)?);
        }
    }
    Ok(found)
}

fn parse(benchmark: &str, estimates: &str) -> io::Result<Measured> {
    let benchmark: Benchmark = serde_json::from_str(benchmark)?;
    let estimates: Estimates = serde_json::from_str(estimates)?;
    let count = benchmark.throughput.and_then(|throughput| throughput.elements).unwrap_or(1.0);
    Ok(Measured {
        group: benchmark.group_id,
        row: benchmark.value_str.unwrap_or_default(),
        subject: benchmark.function_id.unwrap_or_default(),
        nanos: estimates.median.point_estimate / count,
    })
}

/// A table a group: a row a size, a column for each of them, then the fastest of the others and how long ours takes beside
/// it.
#[must_use]
pub fn tables(measured: &[Measured]) -> String {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for one in measured {
        groups.entry(&one.group).or_default().push(one);
    }
    groups.into_iter().map(|(group, all)| table(group, &all)).collect()
}

fn table(group: &str, all: &[&Measured]) -> String {
    let mut rows: Vec<&str> = all.iter().map(|one| &*one.row).collect();
    rows.sort_by_key(|row| (bytes(row), *row));
    rows.dedup();
    let mut subjects: Vec<&str> = all.iter().map(|one| &*one.subject).collect();
    subjects.sort_by_key(|subject| (place(subject), *subject));
    subjects.dedup();
    let mut out = format!("### {group}\n\n| |");
    for subject in &subjects {
        let _ = write!(out, " {subject} |");
    }
    let _ = write!(out, " best peer | ours / best |\n|---|{}---|--:|\n", "--:|".repeat(subjects.len()));
    for row in rows {
        let nanos = |subject: &str| {
            all.iter().find(|one| one.row == row && one.subject == subject).map(|one| one.nanos)
        };
        let _ = write!(out, "| {row} |");
        for subject in &subjects {
            let _ = write!(out, " {} |", nanos(subject).map_or("–".into(), shown));
        }
        let peers = subjects.iter().filter(|subject| place(subject) == Place::Peer);
        let best = peers.filter_map(|peer| Some((nanos(peer)?, *peer))).min_by(|a, b| a.0.total_cmp(&b.0));
        match (best, nanos(OURS)) {
            (Some((best, peer)), Some(ours)) => {
                let _ = writeln!(out, " {peer} | {:.2} |", ours / best);
            }
            _ => out.push_str(" – | – |\n"),
        }
    }
    out.push('\n');
    out
}

/// Where a column stands: ours first, limits last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Ours,
    Beside,
    Peer,
    Limit,
}

fn place(subject: &str) -> Place {
    match subject {
        OURS => Place::Ours,
        _ if subject.starts_with(OURS) => Place::Beside,
        _ if subject.starts_with(LIMIT) => Place::Limit,
        _ => Place::Peer,
    }
}

/// A row's size in bytes, to sort by; one that is no size stands as it is.
fn bytes(row: &str) -> u64 {
    let (number, unit) = row.split_once(' ').unwrap_or((row, ""));
    let factor = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => 1,
    };
    number.parse::<u64>().map_or(0, |number| number * factor)
}

/// Nanoseconds as people read them.
fn shown(nanos: f64) -> String {
    match nanos {
        ..100.0 => format!("{nanos:.1} ns"),
        ..10_000.0 => format!("{nanos:.0} ns"),
        _ => format!("{:.1} µs", nanos / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(row: &str, subject: &str, nanos: f64) -> Measured {
        Measured { group: "receive".into(), row: row.into(), subject: subject.into(), nanos }
    }

    #[test]
    fn what_criterion_writes_is_read() {
        let benchmark = r#"{"group_id":"receive","function_id":"wharf","value_str":"16 B","throughput":{"Elements":64},
            "full_id":"receive/wharf/16 B","directory_name":"receive/wharf/16 B","title":"receive/wharf/16 B"}"#;
        let estimates =
            r#"{"mean":{"point_estimate":1.0},"median":{"confidence_interval":{},"point_estimate":640.0}}"#;
        assert_eq!(parse(benchmark, estimates).expect("both"), one("16 B", "wharf", 10.0));
        assert!(parse("{}", estimates).is_err());
    }

    #[test]
    fn limits_are_no_peers_and_sizes_stand_in_order() {
        let all = [
            one("1 KiB", "wharf", 50.0),
            one("1 KiB", "slow", 100.0),
            one("125 B", "wharf", 20.0),
            one("125 B", "limit: copy", 1.0),
            one("125 B", "wharf's Offer", 2.0),
            one("125 B", "slow", 25_000.0),
            one("125 B", "quick", 10.0),
            one("plain", "wharf", 1.0),
            one("a row", "wharf", 1.0),
            one("plain", "slow", 2.0),
        ];
        let expected = "### receive\n\n\
            | | wharf | wharf's Offer | quick | slow | limit: copy | best peer | ours / best |\n\
            |---|--:|--:|--:|--:|--:|---|--:|\n\
            | a row | 1.0 ns | – | – | – | – | – | – |\n\
            | plain | 1.0 ns | – | – | 2.0 ns | – | slow | 0.50 |\n\
            | 125 B | 20.0 ns | 2.0 ns | 10.0 ns | 25.0 µs | 1.0 ns | quick | 2.00 |\n\
            | 1 KiB | 50.0 ns | – | – | 100 ns | – | slow | 0.50 |\n\n";
        assert_eq!(tables(&all), expected);
    }
}
