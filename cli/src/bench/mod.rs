//! `wharf bench`: load whose every answer is checked.

pub mod args;
mod check;
pub mod cpu;
mod dial;
mod idle;
mod lane;
mod load;
mod pace;
mod report;
pub mod resident;
mod ring;
mod tally;

use crate::program::complain;
use args::{Bench, BenchArgs, Other};
use lane::LaneError;
use load::Load;
use report::{Report, Spent};
use ring::Ring;
use serde::Serialize;
use std::fmt;
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
    /// The server's memory.
    #[error("cannot tell the memory of process {0}: {1}")]
    Memory(u32, io::Error),
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
pub fn run(args: &BenchArgs) -> ExitCode {
    let told = match (&args.other, &args.load) {
        (Some(Other::Idle(args)), _) => idle::measure(args).and_then(|report| tell(&report, args.json)),
        (None, Some(args)) => measure(args).and_then(|report| tell(&report, args.json)),
        (None, None) => Err(BenchError::Use("a URL is missing; see wharf bench --help".to_owned())),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            complain(&e);
            ExitCode::from(if matches!(e, BenchError::Use(_)) { 2 } else { 1 })
        }
    }
}

fn tell(report: &(impl Serialize + fmt::Display), json: bool) -> Result<(), BenchError> {
    if json {
        println!("{}", serde_json::to_string(report).map_err(io::Error::other)?);
    } else {
        print!("{report}");
    }
    Ok(())
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
    run_load(&mut load, args, args.warmup)?;

    let before = Spent::now(args)?;
    load.tally.measure();
    let begin = Instant::now();
    run_load(&mut load, args, args.seconds)?;
    let window = begin.elapsed();
    let after = Spent::now(args)?;
    Ok(Report::new(args, &load.tally, window, &before, &after))
}

fn run_load(load: &mut Load, args: &Bench, time: Duration) -> Result<(), BenchError> {
    let depth = args.depth as usize;
    match args.rate {
        None => load.keep(depth, time, LAST),
        Some(rate) => load.pace(depth, f64::from(rate), time, LAST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use crate::echo::EchoService;
    use crate::framing::FramingKind;
    use crate::runner::{Control, RuntimeKind, run_telling};
    use check::{Mismatch, What};
    use clap::Parser;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, mpsc};
    use std::thread;

    fn bench(url: &str, more: &[&str]) -> Result<Report, BenchError> {
        let begin = ["wharf", "bench", url, "--warmup", "0", "--seconds", "0.05"];
        let Command::Bench(args) = Cli::parse_from(begin.iter().chain(more)).command else { panic!() };
        measure(&args.load.unwrap())
    }

    /// Echoes on the connections that come, one behind the other, changed by `fault`, which is told the place of the first byte.
    /// What it returns is sent; after `None` the connection is closed.
    fn server(fault: impl Fn(usize, Vec<u8>) -> Option<Vec<u8>> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let (mut buffer, mut place) = ([0; 4096], 0);
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let Some(answer) = fault(place, buffer[..n].to_vec()) else { return };
                place += n;
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        });
        url
    }

    /// `wharf echo` on mio, and what ends it.
    pub(super) fn echo() -> (String, impl FnOnce()) {
        let (control, controls) = async_channel::bounded(1);
        let (tell, told) = mpsc::channel();
        let serving = thread::spawn(move || {
            let listen = ["127.0.0.1:0".parse::<wharf::link::Address>().unwrap().into()];
            let service = EchoService::new(FramingKind::default());
            run_telling(RuntimeKind::Mio, &listen, service, &Arc::default(), &controls, |address| {
                tell.send(address.to_string()).unwrap();
            })
        });
        let stop = move || {
            control.send_blocking(Control::Drain).unwrap();
            serving.join().unwrap().unwrap();
        };
        (format!("ws://{}/", told.recv().unwrap()), stop)
    }

    fn found(result: Result<Report, BenchError>) -> Mismatch {
        match result {
            Err(BenchError::Lane { connection: 0, error: LaneError::Mismatch(mismatch) }) => mismatch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_right_server_is_measured() {
        bench(&server(|_, bytes| Some(bytes)), &["--depth", "9"]).unwrap();
    }

    #[test]
    fn a_wrong_byte_is_found_on_its_connection() {
        let url = server(|place, mut bytes| {
            if let Some(byte) = 1000_usize.checked_sub(place).and_then(|at| bytes.get_mut(at)) {
                *byte ^= 1;
            }
            Some(bytes)
        });
        let mismatch = found(bench(&url, &["--depth", "3"]));
        assert_eq!(mismatch.offset, 1000);
        assert!(matches!(mismatch.what, What::Byte(..)), "{mismatch}");
    }

    #[test]
    fn an_end_with_answers_missing_is_found() {
        let url = server(|place, bytes| (place < 500).then_some(bytes));
        assert!(matches!(found(bench(&url, &[])).what, What::Short(1..)));
    }

    #[test]
    fn echo_is_measured_in_both_kinds_and_all_lengths() {
        let (url, stop) = echo();
        for size in ["0", "1", "125", "126", "70000"] {
            for kind in [&[][..], &["--text"]] {
                let flags = ["--size", size, "--depth", "5", "--connections", "3"];
                bench(&url, &[&flags[..], kind].concat()).unwrap_or_else(|e| panic!("{size} {kind:?}: {e}"));
            }
        }
        stop();
    }

    #[test]
    fn a_rate_is_kept_and_what_is_late_counts_from_when_it_was_due() {
        let (url, stop) = echo();
        let report = bench(&url, &["--rate", "2000", "--connections", "3", "--depth", "64"]).unwrap();
        assert_eq!(report.messages(), 100);
        stop();
        // It keeps the first message of the window back for a while, and with it all that are due meanwhile.
        let url = server(|place, bytes| {
            if place == 0 {
                thread::park_timeout(Duration::from_millis(30));
            }
            Some(bytes)
        });
        let report = bench(&url, &["--rate", "1000"]).unwrap();
        assert_eq!(report.messages(), 50);
        assert!(report.p50_us() > 3_000.0, "{report}");
    }

    #[test]
    fn bad_use_is_told() {
        for (url, flags) in
            [("http://a/", &[][..]), ("wss://a/", &[]), ("ws://a/", &["--size", "8388608", "--depth", "64"])]
        {
            assert!(matches!(bench(url, flags), Err(BenchError::Use(_))), "{url}");
        }
    }
}
