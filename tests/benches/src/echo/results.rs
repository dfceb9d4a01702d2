//! What was measured, as it is kept in a file.

use super::grid::Cell;
use super::servers::Kind;
use serde::{Deserialize, Serialize};

/// One server in one cell and round.
///
/// ```
/// use wharf_benches::echo::results::Figures;
///
/// let line = r#"{"messages_per_second": 1e6, "p50_us": 30.5, "p99_us": 41, "p999_us": 55, "server_cpu_ns": 310}"#;
/// let figures: Figures = serde_json::from_str(line).unwrap();
/// assert_eq!(figures.server_cpu_ns, 310.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Messages that came back in a second.
    pub messages_per_second: f64,
    /// The round trip that half of the messages did not exceed, in microseconds.
    pub p50_us: f64,
    /// The same for 99 in 100.
    pub p99_us: f64,
    /// The same for 999 in 1,000.
    pub p999_us: f64,
    /// The server's CPU time a message, in nanoseconds.
    pub server_cpu_ns: f64,
    /// What share of the time the server was on its core.
    #[serde(default)]
    pub server_busy: f64,
    /// What share of it the load was.
    #[serde(default)]
    pub load_busy: f64,
}

/// One measurement.
///
/// ```
/// # use wharf_benches::echo::results::Sample;
/// let fields = |sample: Sample| (sample.server, sample.cell, sample.round, sample.figures);
/// # let _ = fields;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which server.
    pub server: String,
    /// Which load.
    pub cell: Cell,
    /// In which round, from 0.
    pub round: usize,
    /// What was found.
    pub figures: Figures,
}

/// A measurement that failed.
///
/// ```
/// # use wharf_benches::echo::results::Failure;
/// let fields = |failure: Failure| (failure.server, failure.cell, failure.what);
/// # let _ = fields;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which server.
    pub server: String,
    /// Which load.
    pub cell: Cell,
    /// What the load generator said.
    pub what: String,
}

/// All of a run.
///
/// ```
/// use wharf_benches::echo::results::Results;
///
/// let mut all = Results::default();
/// all.append(Results::default());
/// assert_eq!(all.rounds(), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The servers, in the order of the tables, and what they are.
    pub servers: Vec<(String, Kind)>,
    /// The loads, in the order of the tables.
    pub cells: Vec<Cell>,
    /// The measurements.
    pub samples: Vec<Sample>,
    /// Those that failed.
    pub failures: Vec<Failure>,
}

impl Results {
    /// How many rounds there are.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.samples.iter().map(|sample| sample.round + 1).max().unwrap_or(0)
    }

    /// Adds another run, whose rounds come behind these. A server that only one of them has is in its rounds only.
    pub fn append(&mut self, other: Self) {
        let before = self.rounds();
        for server in other.servers {
            if !self.servers.contains(&server) {
                self.servers.push(server);
            }
        }
        for cell in other.cells {
            if !self.cells.contains(&cell) {
                self.cells.push(cell);
            }
        }
        self.samples.extend(
            other.samples.into_iter().map(|sample| Sample { round: before + sample.round, ..sample }),
        );
        self.failures.extend(other.failures);
    }

    /// One server in one cell, a figure a round.
    pub fn of<'r>(&'r self, server: &'r str, cell: Cell) -> impl Iterator<Item = (usize, Figures)> + 'r {
        let samples = self.samples.iter().filter(move |s| s.server == server && s.cell == cell);
        samples.map(|sample| (sample.round, sample.figures))
    }

    /// A server's figure over that of another of the same round, for each round that has both.
    #[must_use]
    pub fn ratios(&self, server: &str, to: &str, cell: Cell, figure: fn(&Figures) -> f64) -> Vec<f64> {
        let ratios = self.of(server, cell).filter_map(|(round, figures)| {
            let (_, other) = self.of(to, cell).find(|(other, _)| *other == round)?;
            Some(figure(&figures) / figure(&other)).filter(|ratio| ratio.is_finite())
        });
        ratios.collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::echo::grid::GRID;

    pub(crate) fn figures(cpu: f64, rate: f64) -> Figures {
        let (p50_us, p99_us, p999_us) = (1.0, 2.0, 3.0);
        Figures {
            messages_per_second: rate,
            p50_us,
            p99_us,
            p999_us,
            server_cpu_ns: cpu,
            server_busy: 0.9,
            load_busy: 0.8,
        }
    }

    /// Each server in each cell and 15 rounds, with a CPU time that differs from round to round alike for all.
    pub(crate) fn results(servers: &[(&str, Kind, f64, f64)], cells: &[Cell]) -> Results {
        let mut results = Results { cells: cells.to_vec(), ..Results::default() };
        for &(server, kind, cpu, rate) in servers {
            results.servers.push((server.to_owned(), kind));
            for &cell in cells {
                results.samples.extend((0..15).map(|round| Sample {
                    server: server.to_owned(),
                    cell,
                    round,
                    figures: figures(cpu * (100.0 + (round * 7 % 15) as f64), rate * 1000.0),
                }));
            }
        }
        results
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let all = results(&[("raw-mio", Kind::Raw, 1.0, 1.0), ("a", Kind::Wharf, 1.5, 0.5)], &GRID[..1]);
        let ratios = all.ratios("a", "raw-mio", GRID[0], |f| f.server_cpu_ns);
        assert_eq!(ratios.len(), 15);
        assert!(ratios.iter().all(|ratio| (ratio - 1.5).abs() < 1e-9));
        assert!(all.ratios("a", "raw-mio", GRID[1], |f| f.server_cpu_ns).is_empty());
    }

    #[test]
    fn runs_are_added_round_behind_round() {
        let mut all = results(&[("raw-mio", Kind::Raw, 1.0, 1.0)], &GRID[..1]);
        let other = results(&[("raw-mio", Kind::Raw, 9.0, 1.0), ("a", Kind::Wharf, 18.0, 0.5)], &GRID[..2]);
        all.append(other);
        assert_eq!((all.rounds(), all.servers.len(), all.cells.len()), (30, 2, 2));
        let ratios = all.ratios("a", "raw-mio", GRID[0], |f| f.server_cpu_ns);
        assert!(ratios.len() == 15 && ratios.iter().all(|ratio| (ratio - 2.0).abs() < 1e-9));
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let all = results(&[("raw-mio", Kind::Raw, 1.0, 1.0)], &GRID);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), all);
    }
}
