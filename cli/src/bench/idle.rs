//! `wharf bench idle`: what a server keeps for connections that say nothing.

use super::args::{Bench, Idle};
use super::load::Load;
use super::ring::{Ring, Wire};
use super::{BenchError, LAST, dial, resident};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What each connection echoes between the second and the third look, in bytes.
const BURST: u32 = 16 << 10;

/// The server's resident memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    connections: u32,
    /// With one connection, which has been used.
    before: u64,
    /// With all of them, which have shaken hands and said nothing.
    idle: u64,
    /// When each has echoed a message.
    after: u64,
    idle_a_connection: f64,
    more_a_connection: f64,
}

impl Report {
    fn new(connections: u32, before: u64, idle: u64, after: u64) -> Self {
        let each = |from: u64, to: u64| (to as f64 - from as f64) / f64::from(connections);
        let (idle_a_connection, more_a_connection) = (each(before, idle), each(idle, after));
        Self { connections, before, idle, after, idle_a_connection, more_a_connection }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |bytes: u64| bytes >> 10;
        writeln!(f, "{} connections, resident memory of the server", self.connections)?;
        writeln!(f, "before      {} KiB", kib(self.before))?;
        writeln!(f, "idle        {} KiB, {:.0} B a connection", kib(self.idle), self.idle_a_connection)?;
        let more = self.more_a_connection;
        writeln!(f, "after 16 KiB each  {} KiB, {more:.0} B a connection more", kib(self.after))
    }
}

/// Measures. A first connection is used before anything is looked at, so that what is spent once falls out, and is asked
/// again before each look: a server of one thread that has answered it has done what it was asked before.
///
/// # Errors
/// As the load, and where the process is not to be seen.
pub(super) fn measure(args: &Idle) -> Result<Report, BenchError> {
    let load = Bench {
        url: args.url.clone(),
        connections: args.connections,
        size: BURST,
        depth: 1,
        rate: None,
        warmup: Duration::ZERO,
        seconds: Duration::ZERO,
        text: false,
        raw: false,
        pid: Some(args.pid),
        cpu: None,
        json: args.json,
    };
    let mut aim = dial::Aim::new(&load)?;
    if aim.wire == Wire::Raw {
        return Err(BenchError::Use(
            "idle connections are those that have shaken hands: take ws://".to_owned(),
        ));
    }
    let ring = || Ring::new(aim.wire, BURST as usize, 1);
    let (first, all) = (ring(), ring());
    let mut first = Load::open(&mut aim, 1, first)?;
    let mut look = || {
        first.keep(1, Duration::ZERO, LAST)?;
        resident::of(args.pid).map_err(|e| BenchError::Memory(args.pid, e))
    };
    let before = look()?;
    let mut all = Load::open(&mut aim, args.connections as usize, all)?;
    let idle = look()?;
    all.keep(1, Duration::ZERO, LAST)?;
    Ok(Report::new(args.connections, before, idle, look()?))
}

#[cfg(test)]
mod tests {
    use super::super::args::Other;
    use super::super::tests::echo;
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn idle(url: &str, pid: u32) -> Result<Report, BenchError> {
        let words = ["wharf", "bench", "idle", url, "--connections", "20", "--pid", &pid.to_string()];
        let Command::Bench(args) = Cli::parse_from(words).command else { panic!() };
        let Some(Other::Idle(args)) = args.other else { panic!() };
        measure(&args)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_server_is_weighed() {
        let (url, stop) = echo();
        let report = idle(&url, std::process::id()).unwrap();
        assert_eq!(report.connections, 20);
        assert!(report.before.min(report.idle).min(report.after) > 100 << 10, "{report:?}");
        assert!(matches!(idle(&url, u32::MAX), Err(BenchError::Memory(..))));
        stop();
    }

    #[test]
    fn plain_sockets_shake_no_hands() {
        assert!(matches!(idle("tcp://127.0.0.1:1", 1), Err(BenchError::Use(_))));
    }

    #[test]
    fn a_report_divides_by_the_connections() {
        let report = Report::new(100, 1 << 20, 2 << 20, 1 << 20);
        assert_eq!((report.idle_a_connection, report.more_a_connection), (10485.76, -10485.76));
        let said = report.to_string();
        assert!(said.contains("idle        2048 KiB, 10486 B a connection\n"), "{said}");
        assert!(said.contains("1024 KiB, -10486 B a connection more\n"), "{said}");
    }
}
