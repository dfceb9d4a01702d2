//! `wharf bench`: load whose every answer is checked.

pub mod args;
mod check;
pub mod cpu;
mod dial;
mod lane;
mod load;
mod report;
mod ring;
mod tally;

use crate::program::complain;
use args::Bench;
use lane::LaneError;
use load::Load;
use report::{Report, Spent};
use ring::Ring;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// Flags that make no sense.
    #[error("{0}")]
    Use(String),
    /// A connection could not be opened.
    #[error("cannot open a connection to {address}: {error}")]
    Open {
        /// The address.
        address: String,
        /// What happened.
        error: io::Error,
    },
    /// A connection failed, or was answered wrongly.
    #[error("connection {connection}: {error}")]
    Lane {
        /// Which, from 0.
        connection: usize,
        /// What happened.
        error: LaneError,
    },
    /// The server's CPU time.
    #[error("cannot tell the CPU time of process {0}: {1}")]
    Process(u32, io::Error),
    /// The operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl BenchError {
    fn on(connection: usize, error: LaneError) -> Self {
        Self::Lane { connection, error }
    }
}

/// Most bytes of payload in flight on one connection.
const IN_FLIGHT: u64 = 256 << 20;
/// How long the last answers may take.
const LAST: Duration = Duration::from_secs(10);

/// Measures an echo server: 0 if all answers were right, 1 if not, 2 for bad use.
#[must_use]
pub fn run(args: &Bench) -> ExitCode {
    match measure(args) {
        Ok(report) if args.json => match serde_json::to_string(&report) {
            Ok(line) => println!("{line}"),
            Err(e) => complain(e),
        },
        Ok(report) => print!("{report}"),
        Err(e) => {
            complain(&e);
            return ExitCode::from(if matches!(e, BenchError::Use(_)) { 2 } else { 1 });
        }
    }
    ExitCode::SUCCESS
}

fn measure(args: &Bench) -> Result<Report, BenchError> {
    if u64::from(args.size) * u64::from(args.depth) > IN_FLIGHT {
        return Err(BenchError::Use("--size times --depth is more than 256 MiB".to_owned()));
    }
    if let Some(core) = args.cpu {
        cpu::pin(core).map_err(|e| BenchError::Use(format!("--cpu {core}: {e}")))?;
    }
    let mut aim = dial::Aim::new(args)?;
    let depth = args.depth as usize;
    let ring = Ring::new(aim.wire, args.size as usize, depth);
    let mut load = Load::open(&mut aim, args.connections as usize, ring)?;
    load.keep(depth, args.warmup, LAST)?;

    let before = Spent::now(args)?;
    load.tally.measure();
    let begin = Instant::now();
    load.keep(depth, args.seconds, LAST)?;
    let window = begin.elapsed();
    let after = Spent::now(args)?;
    Ok(Report::new(args, &load.tally, window, &before, &after))
}
