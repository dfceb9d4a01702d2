//! The command line.

use crate::bench::args::BenchArgs;
use crate::bus::args::BusArgs;
use crate::chat::access::origin;
use crate::chat::{ChatListen, DatabaseAt, MeshAt};
use crate::connect::args::Connect;
use crate::framing::FramingKind;
use crate::health::args::HealthArgs;
use crate::limits::LimitArgs;
use crate::runner::RuntimeKind;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use std::time::Duration;
use tracing::Level;
use wharf::link::{Address, AddressError};

/// Sans-IO sockets: an echo server, a client, a chat, a message bus, a health checker.
#[derive(Debug, Parser)]
#[command(name = "wharf", version)]
pub struct Cli {
    /// What to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve an echo: each message comes back as it was sent.
    Echo(Echo),
    /// Connect to a server, or be one for a single client: lines of stdin go out as messages, what comes is printed.
    Connect(Box<Connect>),
    /// Serve a chat with its page at / and its WebSocket at /ws.
    Chat(Chat),
    /// Run a message bus: what it has accepted is on disk, and delivered until it is acknowledged or a dead letter.
    Bus(BusArgs),
    /// Check whether endpoints are up, and serve what is known: as JSON at /health, as a page at /.
    Health(HealthArgs),
    /// Run recorded connections again, and say whether they come out the same.
    Replay(Replay),
    /// Load an echo server, check each answer, and tell messages a second, round trips and the server's CPU time.
    Bench(BenchArgs),
    /// Print what makes a shell complete subcommands and flags.
    Completions(Completions),
    /// Print a manual page, or write them all into a folder.
    Man(Man),
}

/// What every server takes.
#[derive(Args, Debug, Clone)]
pub struct Common {
    /// The runtime that drives the sockets.
    #[arg(long, value_enum, default_value_t = RuntimeKind::Tokio)]
    pub runtime: RuntimeKind,
    /// Log from this level on, to stderr: error, warn, info, debug or trace.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub log: Level,
    /// End a connection that is not open after so many seconds, its TLS handshake included.
    #[arg(long, default_value = "10", value_name = "SECS", value_parser = seconds)]
    pub open_timeout: Duration,
    /// Most connections at once.
    #[arg(long, default_value_t = 16_384, value_name = "N", value_parser = at_least_one)]
    pub max_connections: usize,
    /// What clients are held to.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Most connections at once from one address; an IPv6 network of 64 bits counts as one, and --trusted-proxy has no limit.
    /// [default: no limit]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_connections_per_address: Option<usize>,
    /// Share the TCP port with other processes that do the same (SO_REUSEPORT): the kernel hands each its part of the connections.
    #[arg(long)]
    pub reuse_port: bool,
}

/// What a server takes whose protocol does not say how long silence may last.
#[derive(Args, Debug, Clone)]
pub struct Idle {
    /// Ping a WebSocket after so many seconds without a byte, and end it after as many more. Other framings have no ping:
    /// they are ended after the first. 0: never. [default: 30 for WebSockets, 300 for others]
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub idle_timeout: Option<Duration>,
}

/// `wharf echo`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = ECHO_NOTES)]
pub struct Echo {
    /// Where to listen: `HOST:PORT`, `[V6]:PORT` or `unix:PATH`; port 0 picks one. Repeatable.
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDR", value_parser = address)]
    pub listen: Vec<Address>,
    /// The permissions of Unix sockets, in octal, such as 660. [default: what the umask leaves]
    #[arg(long, value_name = "OCTAL", value_parser = mode)]
    pub unix_mode: Option<u32>,
    /// What is spoken.
    #[arg(long, value_enum, default_value_t)]
    pub framing: FramingKind,
    /// Speak TLS, with this certificate chain and private key (PEM files).
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    pub tls: Vec<PathBuf>,
    /// Largest message taken, in bytes.
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_message: usize,
    /// Compress WebSocket messages where the client offers it (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
    /// Write what each connection was fed and what came of it into a file of its own in this folder, readable by its owner
    /// alone. Of each the first 16 MiB are recorded, and held in memory until it has ended.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How long silence may last.
    #[command(flatten)]
    pub idle: Idle,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

/// `wharf replay`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = REPLAY_NOTES)]
pub struct Replay {
    /// What `wharf echo --record` wrote.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `wharf completions`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = COMPLETIONS_NOTES)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `wharf man`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = MAN_NOTES)]
pub struct Man {
    /// The page of this subcommand. [default: the one that lists them]
    #[arg(value_name = "SUBCOMMAND", conflicts_with = "dir")]
    pub page: Vec<String>,
    /// Write all pages into this folder, as `wharf.1`, `wharf-connect.1` and so on.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `wharf chat`.
#[derive(Args, Debug, Clone)]
pub struct Chat {
    /// Where to listen: ADDR is `HOST:PORT`, `[V6]:PORT` or `unix:PATH`, port 0 picks one. `tcp://ADDR`, beside the page and its
    /// WebSocket: the same messages as lines of JSON. Repeatable. [default: 127.0.0.1:8080, unless another one for the page is given]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<ChatListen>,
    /// Where messages are kept: `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/NAME`, or `memory`, where the last 10,000 are kept
    /// until the end. [default: an SQLite file, wharf/chat.db in the folder for the user's data]
    #[arg(long, value_name = "URL")]
    pub database: Option<DatabaseAt>,
    /// Be one of several nodes with one conversation, over a NATS server: `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]/NAME` or `tls://…`, where
    /// NAME is the chat's. They share a database, which must be a PostgreSQL one.
    #[arg(long, value_name = "URL")]
    pub mesh: Option<MeshAt>,
    /// A further origin whose pages may connect, such as `https://example.org`. Repeatable.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// How long silence may last.
    #[command(flatten)]
    pub idle: Idle,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

impl Idle {
    /// The idle timeout that was asked for, or `default`; `None` is never.
    #[must_use]
    pub fn or(&self, default: Duration) -> Option<Duration> {
        Some(self.idle_timeout.unwrap_or(default)).filter(|timeout| !timeout.is_zero())
    }
}

/// What the flags of `wharf echo` do not say.
const ECHO_NOTES: &str = "\
With --framing json a line that is no JSON is answered by {\"error\":\"…\"}, and the connection stays.
A message over the limit ends its connection; raw has no messages, and is held back by what its peer takes.
SIGINT and SIGTERM: no more connections, 1001 to all, a bounded wait, exit code 0. Bad use: exit code 2.";

/// What `wharf replay` does not say before.
const REPLAY_NOTES: &str = "\
Exit code 0: all come out the same. 1: one comes out otherwise, and the first place is named. 2: one is no recording, is damaged or
cut off, or was made by another version.";

/// Where `wharf completions` goes.
const COMPLETIONS_NOTES: &str = "\
  bash   wharf completions bash > ~/.local/share/bash-completion/completions/wharf
  zsh    wharf completions zsh > DIR/_wharf, where DIR is one of $fpath
  fish   wharf completions fish > ~/.config/fish/completions/wharf.fish";

/// Where `wharf man` goes.
const MAN_NOTES: &str = "\
  wharf man connect | man -l -                           # read one
  wharf man --dir ~/.local/share/man/man1                # keep them all";

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// A number of seconds above zero.
pub(crate) fn positive_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("must be more than 0".to_owned()),
        time => Ok(time),
    }
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("not an octal number up to 777".to_owned()),
    }
}

/// `localhost`, numeric addresses and paths; a server should not depend on a name server.
pub(crate) fn address(text: &str) -> Result<Address, AddressError> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(seconds("-1").is_err() && seconds("x").is_err());
        assert!(positive_seconds("0").is_err() && positive_seconds("-1").is_err());
        assert_eq!(positive_seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(address("localhost:80"), Ok(([127, 0, 0, 1], 80).into()));
        assert_eq!(address("unix:a b"), Ok(Address::Unix("a b".into())));
        assert!(address("[::1]:0").is_ok() && address("nowhere").is_err());
        assert!(at_least_one("0").is_err());
        assert_eq!((mode("660"), mode("0600")), (Ok(0o660), Ok(0o600)));
        assert!(mode("888").is_err() && mode("1777").is_err() && mode("rw").is_err());
    }
}
