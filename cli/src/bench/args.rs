//! The flags of `wharf bench`.

use clap::{Args, Subcommand};
use std::time::Duration;

/// `wharf bench`: load, or what stands in its place.
#[derive(Args, Debug, Clone)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_long_help = NOTES)]
pub struct BenchArgs {
    /// Another measurement than that of load.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// Load.
    #[command(flatten)]
    pub load: Option<Bench>,
}

/// What is measured beside load.
#[derive(Debug, Clone, Subcommand)]
pub enum Other {
    /// Memory a connection: idle after its handshake, and after it has echoed 16 KiB.
    Idle(Idle),
}

/// `wharf bench idle`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = IDLE_NOTES)]
pub struct Idle {
    /// The echo server: `ws://HOST[:PORT][/PATH]`.
    pub url: String,
    /// Connections, at most 65,536; both sides need as many open files (`ulimit -n`).
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub connections: u32,
    /// The server's process (Linux).
    #[arg(long, value_name = "PID")]
    pub pid: u32,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The load of `wharf bench`.
#[derive(Args, Debug, Clone)]
pub struct Bench {
    /// The echo server: `ws://HOST[:PORT][/PATH]`, or `tcp://HOST:PORT` for one that echoes plain bytes.
    pub url: String,
    /// Connections at once, at most 65,536.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub connections: u32,
    /// Bytes of payload a message, at most 64 MiB.
    #[arg(long, default_value_t = 16, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=0x400_0000))]
    pub size: u32,
    /// Messages in flight a connection, at most 65,536.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub depth: u32,
    /// Messages a second of all connections together, which go out when they are due, whatever came back; --depth bounds those in
    /// flight. [default: as fast as answers come]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// Run so many seconds before anything is measured.
    #[arg(long, default_value = "0.5", value_name = "SECS", value_parser = crate::args::seconds)]
    pub warmup: Duration,
    /// Measure so many seconds.
    #[arg(long, visible_alias = "duration", default_value = "5", value_name = "SECS", value_parser = crate::args::seconds)]
    pub seconds: Duration,
    /// Send text and not binary.
    #[arg(long)]
    pub text: bool,
    /// Send the same bytes without a handshake, and expect them back as they are; `tcp://` does the same.
    #[arg(long)]
    pub raw: bool,
    /// The server's process, whose CPU time is to be told (Linux).
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Run on this core only (Linux).
    #[arg(long, value_name = "N")]
    pub cpu: Option<usize>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// What the flags do not say.
const NOTES: &str = "\
Every connection keeps --depth messages in flight: each read is answered by as many messages as it completed, in one
write. The frames are encoded before the start. Each byte that comes back is compared with what was sent: a wrong,
swapped, missing or additional one ends the run with exit code 1 and its place. Servers that split a message into
several frames or ping in between cannot be measured.

With --rate messages go out at their times, one connection after the other. A round trip begins when its message was due, so that a server
that stalls is seen to delay all that should have gone out meanwhile; the load waits for those times on a core of its own.

The round trip of a message ends with the read that completed it. The window begins and ends with nothing in flight: so
CPU time, that of all threads of --pid and of the kernel's work on their behalf, is exact.

Exit code 0: measured, and every answer was right. 1: it was not, or the server could not be reached. 2: bad use.";

/// What the flags of `idle` do not say.
const IDLE_NOTES: &str = "\
A connection is used before the first look at the server's memory. Then all others shake hands and say nothing, for the
second look, and each sends 16 KiB and checks what comes back, all at once, for the third. What is told is resident memory
(VmRSS), which grows by pages and seldom shrinks: take thousands of connections and a fresh server. It should not
ping within the few seconds that this takes.

Exit code 0: measured. 1: the server could not be reached, or answered wrongly. 2: bad use.";
