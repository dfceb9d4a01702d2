//! Servers in turn, round after round.

use super::grid::Cell;
use super::results::{Failure, Figures, Results, Sample};
use super::servers::Server;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How it is measured.
///
/// ```
/// # use wharf_benches::echo::run::Plan;
/// let time = |plan: &Plan| plan.rounds as f64 * (plan.warmup + plan.seconds);
/// # let _ = time;
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    /// The servers.
    pub servers: Vec<Server>,
    /// The loads.
    pub cells: Vec<Cell>,
    /// How often all of it is done.
    pub rounds: usize,
    /// Seconds that a measurement runs before it counts.
    pub warmup: f64,
    /// Seconds that count.
    pub seconds: f64,
    /// The server's core.
    pub server_core: usize,
    /// The load's core.
    pub load_core: usize,
    /// The program whose `bench` is the load.
    pub wharf: PathBuf,
}

impl Plan {
    /// Measures all. Each measurement has a server of its own, fresh, so that none inherits what another load left, and no
    /// layout of memory that chance has given stays for a whole run. Within a cell the servers come directly one behind the
    /// other, and each round begins with another of them. Tells `progress` what there is after
    /// each round.
    ///
    /// # Errors
    /// If a server or the load cannot be started. A measurement that fails is among the [`Results`].
    pub fn run(&self, mut progress: impl FnMut(&Results) -> io::Result<()>) -> io::Result<Results> {
        let servers = self.servers.iter().map(|server| (server.name.clone(), server.kind)).collect();
        let mut results = Results { servers, cells: self.cells.clone(), ..Results::default() };
        for round in 0..self.rounds {
            for &cell in &self.cells {
                for turn in 0..self.servers.len() {
                    let server = &self.servers[(turn + round) % self.servers.len()];
                    match self.measure(server, cell)? {
                        Ok(figures) => {
                            let server = server.name.clone();
                            results.samples.push(Sample { server, cell, round, figures });
                        }
                        Err(what) => {
                            results.failures.push(Failure { server: server.name.clone(), cell, what });
                        }
                    }
                }
            }
            progress(&results)?;
        }
        Ok(results)
    }

    /// One server in one cell; what the load generator complains of is the inner error.
    fn measure(&self, server: &Server, cell: Cell) -> io::Result<Result<Figures, String>> {
        let running = server.start(self.server_core, &[])?;
        let mut load = self.load(server, &running.address, cell);
        load.args(["--pid", &running.pid().to_string()]);
        let out = load.output()?;
        if !out.status.success() {
            return Ok(Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&out.stdout).map(Ok).map_err(io::Error::other)
    }

    /// The load for a server in a cell.
    pub(crate) fn load(&self, server: &Server, address: &str, cell: Cell) -> Command {
        let mut load = Command::new(&self.wharf);
        load.args(["bench", "--json", &format!("ws://{address}/")]);
        if server.kind.is_raw() {
            load.arg("--raw");
        }
        let numbers = [
            ("--connections", cell.connections.to_string()),
            ("--size", cell.size.to_string()),
            ("--depth", cell.depth.to_string()),
            ("--cpu", self.load_core.to_string()),
            ("--warmup", self.warmup.to_string()),
            ("--seconds", self.seconds.to_string()),
        ];
        load.args(numbers.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        load.stdin(Stdio::null());
        load
    }
}
