//! What the measurements amount to.

use super::grid::Cell;
use super::results::{Figures, Results};
use super::servers::{BASELINE, Kind};
use crate::statistics::{Estimate, mean_of_medians, median, middle};

/// A figure that is compared.
///
/// ```
/// use wharf_benches::echo::summary::Measure;
///
/// assert_ne!(Measure::Cpu.title(), Measure::Throughput.title());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The server's CPU time a message.
    Cpu,
    /// Messages a second.
    Throughput,
}

impl Measure {
    /// What it is called above a table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU time a message",
            Self::Throughput => "Messages a second",
        }
    }

    fn figure(self) -> fn(&Figures) -> f64 {
        match self {
            Self::Cpu => |figures| figures.server_cpu_ns,
            Self::Throughput => |figures| figures.messages_per_second,
        }
    }
}

impl Results {
    /// A server over another in one cell: the median of the rounds' ratios.
    #[must_use]
    pub fn ratio(&self, server: &str, to: &str, cell: Cell, measure: Measure) -> Option<Estimate> {
        middle(&self.ratios(server, to, cell, measure.figure()))
    }

    /// A server over the raw one: the geometric mean of all cells' medians. `None` if a cell lacks.
    #[must_use]
    pub fn mean(&self, server: &str, measure: Measure) -> Option<Estimate> {
        self.mean_to(server, BASELINE, measure)
    }

    /// A server over another: the geometric mean of all cells' medians. `None` if a cell lacks.
    #[must_use]
    pub fn mean_to(&self, server: &str, to: &str, measure: Measure) -> Option<Estimate> {
        let rows: Vec<_> =
            self.cells.iter().map(|&cell| self.ratios(server, to, cell, measure.figure())).collect();
        mean_of_medians(&rows)
    }

    /// The median of a figure over the rounds; not a number without any.
    #[must_use]
    pub fn middle(&self, server: &str, cell: Cell, figure: fn(&Figures) -> f64) -> f64 {
        median(&self.of(server, cell).map(|(_, figures)| figure(&figures)).collect::<Vec<_>>())
    }

    /// The peer that needs the least CPU time in a cell, by the median of its ratios.
    #[must_use]
    pub fn thriftiest_peer(&self, cell: Cell) -> Option<&str> {
        let peers = self.servers.iter().filter(|(_, kind)| *kind == Kind::Peer);
        let measured = peers.filter_map(|(name, _)| {
            let ratio = self.ratio(name, BASELINE, cell, Measure::Cpu)?;
            Some((name.as_str(), ratio.value))
        });
        measured.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::grid::GRID;
    use crate::echo::results::tests::results;

    #[test]
    fn the_mean_is_over_cells() {
        let mut all = results(&[("raw-mio", Kind::Raw, 1.0, 1.0), ("a", Kind::Wharf, 1.0, 1.0)], &GRID[..2]);
        for sample in all.samples.iter_mut().filter(|s| s.server == "a" && s.cell == GRID[1]) {
            sample.figures.server_cpu_ns *= 4.0;
        }
        let mean = all.mean("a", Measure::Cpu).unwrap();
        assert!((mean.value - 2.0).abs() < 1e-9);
        assert!((all.mean("a", Measure::Throughput).unwrap().value - 1.0).abs() < 1e-9);
        all.samples.retain(|s| s.server != "a" || s.cell != GRID[1]);
        assert_eq!(all.mean("a", Measure::Cpu), None);
    }

    #[test]
    fn the_thriftiest_peer_is_no_server_of_ours() {
        let all = results(
            &[
                ("raw-mio", Kind::Raw, 1.0, 1.0),
                ("wharf-mio", Kind::Wharf, 1.1, 1.0),
                ("slow", Kind::Peer, 3.0, 1.0),
                ("fast", Kind::Peer, 2.0, 1.0),
            ],
            &GRID[..1],
        );
        assert_eq!(all.thriftiest_peer(GRID[0]), Some("fast"));
        assert_eq!(all.thriftiest_peer(GRID[1]), None);
    }
}
