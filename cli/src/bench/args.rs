//! The flags of `wharf bench`.

use clap::Args;
use std::time::Duration;

/// `wharf bench`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = NOTES)]
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
    /// Run so many seconds before anything is measured.
    #[arg(long, default_value = "0.5", value_name = "SECS", value_parser = crate::args::seconds)]
    pub warmup: Duration,
    /// Measure so many seconds.
    #[arg(long, default_value = "5", value_name = "SECS", value_parser = crate::args::seconds)]
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

The round trip of a message ends with the read that completed it. The window begins and ends with nothing in flight: so
CPU time, that of all threads of --pid and of the kernel's work on their behalf, is exact.

Exit code 0: measured, and every answer was right. 1: it was not, or the server could not be reached. 2: bad use.";
