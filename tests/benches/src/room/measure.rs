//! One server under load.

use super::crowd::{Crowd, Talk};
use crate::echo::servers::{Server, pinned};
use std::io;
use std::process;
use std::time::Instant;
use wharf_cli::bench::{cpu, resident};

/// How it is measured.
///
/// ```
/// # use wharf_benches::room::measure::Plan;
/// let deliveries = |plan: &Plan| plan.messages * (plan.people - plan.idlers);
/// # let _ = deliveries;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connections in the room.
    pub people: usize,
    /// How many of them never read.
    pub idlers: usize,
    /// Who says what, and how often.
    pub talk: Talk,
    /// Messages before those that are measured.
    pub warmup: usize,
    /// Messages that are measured.
    pub messages: usize,
    /// The server's core.
    pub server_core: usize,
    /// The load's.
    pub load_core: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Messages that came to somebody, a second.
    pub delivered: f64,
    /// From when a message was due to when it was heard, in milliseconds: half of them took at most this.
    pub p50: f64,
    /// The same, 99 of a hundred.
    pub p99: f64,
    /// The same, all.
    pub most: f64,
    /// CPU time of the server, as a share of one core.
    pub cpu: f64,
    /// CPU time of the server for each delivery, in microseconds.
    pub each: f64,
    /// Resident memory of the server at the end, in MiB.
    pub resident: f64,
    /// The most that it ever had, in MiB.
    pub peak: f64,
    /// People who left while it was measured: those who were shown out.
    pub left: f64,
    /// CPU time of the load, as a share of one core.
    pub load: f64,
}

impl Plan {
    /// Starts the server, fills the room and measures.
    ///
    /// # Errors
    /// If the server does not do its part, or a reader does not hear each message once, in the order in which all do.
    pub fn measure(&self, server: &Server) -> io::Result<Figures> {
        let running = server.start(self.server_core, &[])?;
        let address = running.address.parse().map_err(io::Error::other)?;
        pinned(self.load_core, || {
            let mut crowd = Crowd::gather(address, self.people, self.idlers, self.talk)?;
            crowd.talk(self.warmup)?;
            crowd.begin_measuring(self.messages);
            let before = [cpu::time_of(running.pid())?, cpu::time_of(process::id())?];
            let begin = Instant::now();
            crowd.talk(self.messages)?;
            let window = begin.elapsed().as_secs_f64();
            let spent = |process, before| cpu::time_of(process).map(|after| (after - before).as_secs_f64());
            let server = spent(running.pid(), before[0])?;
            let load = spent(process::id(), before[1])?;
            let delivered = crowd.heard().measured() as f64;
            let memory = [resident::of(running.pid())?, resident::peak_of(running.pid())?];
            crowd.hear_all()?;
            let left = crowd.heard().left() as f64;
            let delays = crowd.into_delays();
            let at = |percent: usize| {
                let index = (delays.len() * percent / 100).min(delays.len().saturating_sub(1));
                delays.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
            };
            let [resident, peak] = memory.map(|bytes| bytes as f64 / f64::from(1 << 20));
            Ok(Figures {
                delivered: delivered / window,
                p50: at(50),
                p99: at(99),
                most: at(100),
                cpu: server / window,
                each: server / delivered * 1e6,
                resident,
                peak,
                left,
                load: load / window,
            })
        })
    }
}
