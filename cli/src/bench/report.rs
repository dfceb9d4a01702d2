//! What a run is told as.

use super::args::Bench;
use super::tally::Tally;
use super::{BenchError, cpu};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    connections: u32,
    size: u32,
    depth: u32,
    /// Messages a second that were to go out, if they had their times.
    rate: Option<u32>,
    /// The measured window, in seconds.
    seconds: f64,
    messages: u64,
    /// All messages of the run, those of the warm-up too.
    answered: u64,
    messages_per_second: f64,
    /// Round trips, in microseconds.
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    /// The server's CPU time a message, in nanoseconds.
    server_cpu_ns: Option<f64>,
    /// What share of the window the server was on a core.
    server_busy: Option<f64>,
    /// What share of it the load was.
    load_busy: Option<f64>,
}

/// CPU time up to a moment.
#[derive(Debug)]
pub(crate) struct Spent {
    server: Option<Duration>,
    load: Option<Duration>,
}

impl Spent {
    /// How long both rest before they are asked. What a running thread has spent since the kernel last looked, up to 4 ms, is in no
    /// figure yet; of one that waits all is known.
    const REST: Duration = Duration::from_millis(2);

    /// What has been spent until now, when nothing is in flight.
    ///
    /// # Errors
    /// If the server's process is not there.
    pub(crate) fn now(args: &Bench) -> Result<Self, BenchError> {
        std::thread::sleep(Self::REST);
        let server = |pid| cpu::time_of(pid).map_err(|e| BenchError::Process(pid, e));
        let load = cpu::time_of(std::process::id()).ok();
        Ok(Self { server: args.pid.map(server).transpose()?, load })
    }
}

impl Report {
    /// Sums up a window: what came back, and what server and load spent.
    pub(crate) fn new(args: &Bench, tally: &Tally, window: Duration, before: &Spent, after: &Spent) -> Self {
        let seconds = window.as_secs_f64();
        let messages = tally.messages();
        let spent = |after: Option<Duration>, before: Option<Duration>| Some(after?.saturating_sub(before?));
        let server = spent(after.server, before.server);
        let load = spent(after.load, before.load);
        let share = |spent: Duration| spent.as_secs_f64() / seconds;
        Self {
            connections: args.connections,
            size: args.size,
            depth: args.depth,
            rate: args.rate,
            seconds,
            messages,
            answered: tally.answered(),
            messages_per_second: messages as f64 / seconds,
            p50_us: tally.micros(0.5),
            p90_us: tally.micros(0.9),
            p99_us: tally.micros(0.99),
            p999_us: tally.micros(0.999),
            max_us: tally.micros(1.0),
            server_cpu_ns: server.map(|spent| spent.as_nanos() as f64 / messages as f64),
            server_busy: server.map(share),
            load_busy: load.map(share),
        }
    }
}

#[cfg(test)]
impl Report {
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn p50_us(&self) -> f64 {
        self.p50_us
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, size, depth, seconds, messages, .. } = self;
        writeln!(
            f,
            "{connections} × {size} B × {depth}: {messages} messages in {seconds:.3} s, all answers right"
        )?;
        write!(f, "messages/s  {:.0}", self.messages_per_second)?;
        match self.rate {
            Some(rate) => writeln!(f, " of {rate} that were due")?,
            None => writeln!(f)?,
        }
        write!(
            f,
            "round trip  p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs",
            self.p50_us, self.p90_us, self.p99_us, self.p999_us
        )?;
        writeln!(f, ", longest {:.1} µs", self.max_us)?;
        if let (Some(nanos), Some(busy)) = (self.server_cpu_ns, self.server_busy) {
            writeln!(f, "server      {nanos:.0} ns of CPU a message, {:.0} % of a core", busy * 100.0)?;
        }
        if let Some(busy) = self.load_busy {
            writeln!(f, "load        {:.0} % of a core", busy * 100.0)?;
        }
        Ok(())
    }
}
