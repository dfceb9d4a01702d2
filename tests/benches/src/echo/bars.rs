//! What the project promises of its echo, and whether it holds.

use super::grid::GRID;
use super::results::Results;
use super::servers::{BASELINE, Kind};
use super::summary::Measure;
use crate::statistics::Estimate;

/// One promise, and what was found.
///
/// ```
/// use wharf_benches::echo::bars::Verdict;
/// use wharf_benches::statistics::Estimate;
///
/// let found = Estimate { value: 1.10, low: 1.07, high: 1.12 };
/// let verdict = Verdict { of: "wharf-mio".into(), what: "CPU, mean".into(), most: true, bar: 1.08, found };
/// assert!(verdict.holds());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which server.
    pub of: String,
    /// What is compared with what.
    pub what: String,
    /// Whether the bar is the most, and not the least.
    pub most: bool,
    /// The bar.
    pub bar: f64,
    /// The ratio.
    pub found: Estimate,
}

/// What is promised of a server over the grid: the most CPU time and the least throughput, over the raw socket.
const MEANS: [(&str, f64, f64); 3] =
    [("wharf-mio", 1.08, 0.95), ("wharf-tokio", 1.14, 0.92), ("wharf-async-std", 1.35, 0.80)];
/// The most CPU time over the raw socket where messages are large.
const LARGE: f64 = 1.25;
/// The most CPU time over the thriftiest peer of each cell.
const PEER: f64 = 1.03;
/// The end of the name of a server by the other door, `Socket`, and its most CPU time over that by the first.
const SOCKET: (&str, f64) = ("-socket", 1.25);
/// The peers with a `Stream` that is a `Sink`, by the begin of their names: what a `Socket` is compared with.
const STREAMS: [&str; 3] = ["tokio-tungstenite", "tokio-websockets", "yawc"];

impl Verdict {
    /// Whether the interval reaches the bar.
    #[must_use]
    pub fn holds(&self) -> bool {
        if self.most { self.found.low <= self.bar } else { self.found.high >= self.bar }
    }
}

/// All promises that these results can tell of. Means need the whole grid.
#[must_use]
pub fn judge(results: &Results) -> Vec<Verdict> {
    let ours = |name: &str| results.servers.iter().any(|(n, kind)| n == name && *kind == Kind::Wharf);
    let mut verdicts = Vec::new();
    let whole = GRID.iter().all(|cell| results.cells.contains(cell));
    for (of, cpu, throughput) in MEANS.into_iter().filter(|(name, ..)| ours(name)) {
        let mut judge = |what: String, most, bar, found: Option<Estimate>| {
            verdicts.extend(found.map(|found| Verdict { of: of.to_owned(), what, most, bar, found }));
        };
        if whole {
            judge("CPU, mean of all cells".to_owned(), true, cpu, results.mean(of, Measure::Cpu));
            let mean = results.mean(of, Measure::Throughput);
            judge("throughput, mean of all cells".to_owned(), false, throughput, mean);
        }
        for &cell in results.cells.iter().filter(|cell| cell.is_large()) {
            judge(format!("CPU, {cell}"), true, LARGE, results.ratio(of, BASELINE, cell, Measure::Cpu));
        }
        for &cell in &results.cells {
            let Some(peer) = results.thriftiest_peer(cell) else { continue };
            let found = results.ratio(of, peer, cell, Measure::Cpu);
            judge(format!("CPU to {peer}, {cell}"), true, PEER, found);
        }
        let socket = format!("{of}{}", SOCKET.0);
        if whole && ours(&socket) {
            verdicts.extend(judge_socket(results, of, &socket));
        }
    }
    verdicts
}

fn judge_socket(results: &Results, service: &str, of: &str) -> Vec<Verdict> {
    let mean = |name: &str| Some(results.mean(name, Measure::Cpu)?.value);
    let streams = results
        .servers
        .iter()
        .filter(|(name, kind)| *kind == Kind::Peer && STREAMS.iter().any(|stream| name.starts_with(stream)));
    let means = streams.filter_map(|(name, _)| Some((name.as_str(), mean(name)?)));
    let thriftiest = means.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| (name, 1.0));
    let others = [Some((service, SOCKET.1)), thriftiest].into_iter().flatten();
    let verdict = |(to, bar)| {
        let found = results.mean_to(of, to, Measure::Cpu)?;
        Some(Verdict {
            of: of.to_owned(),
            what: format!("CPU to {to}, mean of all cells"),
            most: true,
            bar,
            found,
        })
    };
    others.filter_map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::results::tests::results;

    fn judged(cpu: f64, rate: f64) -> Vec<Verdict> {
        let servers = [
            ("raw-mio", Kind::Raw, 1.0, 1.0),
            ("wharf-mio", Kind::Wharf, cpu, rate),
            ("peer", Kind::Peer, 1.2, 1.0),
        ];
        judge(&results(&servers, &GRID))
    }

    #[test]
    fn each_bar_can_hold_and_fall() {
        let good = judged(1.05, 0.96);
        assert_eq!(good.len(), 2 + 2 + GRID.len());
        assert!(good.iter().all(Verdict::holds));
        assert!(judged(1.3, 0.9).iter().all(|verdict| !verdict.holds()));
        let between = judged(1.1, 0.96);
        assert_eq!(between.iter().filter(|verdict| !verdict.holds()).count(), 1);
    }

    #[test]
    fn a_socket_is_compared_with_the_service_and_with_streams() {
        let servers = [
            ("raw-mio", Kind::Raw, 1.0, 1.0),
            ("wharf-tokio", Kind::Wharf, 1.0, 1.0),
            ("wharf-tokio-socket", Kind::Wharf, 1.3, 1.0),
            ("web-socket", Kind::Peer, 1.1, 1.0),
            ("yawc", Kind::Peer, 3.0, 1.0),
            ("yawc-batched", Kind::Peer, 1.4, 1.0),
        ];
        let verdicts = judge(&results(&servers, &GRID));
        let sockets: Vec<_> = verdicts.iter().filter(|v| v.of.ends_with("-socket")).collect();
        let found: Vec<_> = sockets.iter().map(|v| (v.what.as_str(), v.holds())).collect();
        assert_eq!(
            found,
            [
                ("CPU to wharf-tokio, mean of all cells", false),
                ("CPU to yawc-batched, mean of all cells", true)
            ]
        );
    }

    #[test]
    fn a_part_of_the_grid_has_no_mean() {
        let servers = [("raw-mio", Kind::Raw, 1.0, 1.0), ("wharf-tokio", Kind::Wharf, 1.0, 1.0)];
        let verdicts = judge(&results(&servers, &GRID[6..7]));
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].what, "CPU, 16×64 KiB×2");
    }
}
