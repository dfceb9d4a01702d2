//! The command line.

use crate::chat::access::Origin;
use crate::runner::RuntimeKind;
use clap::{Args, Parser, Subcommand};
use std::time::Duration;
use tracing::Level;
use wharf::link::{Address, AddressError};

/// Sans-IO sockets: an echo server, a client, a chat.
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
    /// Connect to a WebSocket server; lines of stdin go out as messages, what comes back is printed one a line.
    Connect(Connect),
    /// Serve a chat with its page at / and its WebSocket at /ws.
    Chat(Chat),
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
    /// End a connection that has not opened a WebSocket after so many seconds.
    #[arg(long, default_value = "10", value_name = "SECS", value_parser = seconds)]
    pub open_timeout: Duration,
    /// Ping after so many seconds without a byte; end the connection after as many more.
    #[arg(long, default_value = "30", value_name = "SECS", value_parser = seconds)]
    pub idle_timeout: Duration,
    /// Most connections at once.
    #[arg(long, default_value_t = 16_384, value_name = "N", value_parser = at_least_one)]
    pub max_connections: usize,
}

/// `wharf echo`.
#[derive(Args, Debug, Clone)]
pub struct Echo {
    /// Where to listen: `HOST:PORT`, `[V6]:PORT` or `unix:PATH`; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDR", value_parser = address)]
    pub listen: Address,
    /// Largest message taken, in bytes.
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_message: usize,
    /// Compress messages where the client offers it (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

/// `wharf chat`.
#[derive(Args, Debug, Clone)]
pub struct Chat {
    /// Where to listen: `HOST:PORT`, `[V6]:PORT` or `unix:PATH`; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR", value_parser = address)]
    pub listen: Address,
    /// A further origin whose pages may connect, such as `https://example.org`. Repeatable.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

/// `wharf connect`.
///
/// Each line of stdin is a text message; each message that comes is one line on stdout, text as it is, binary as
/// `binary ` and hex. At the end of stdin the connection is closed with 1000. Exit code 0: closed with 1000 by either
/// side; 1: anything else, with one line on stderr that says when and what; 2: bad use.
#[derive(Args, Debug, Clone)]
pub struct Connect {
    /// Where to: `ws://HOST[:PORT]/PATH`
    pub url: String,
    /// Send this message; repeatable. Without a terminal on stdin the last one ends the input.
    #[arg(long, value_name = "TEXT")]
    pub send: Vec<String>,
    /// A header of the request, as 'K: V'; repeatable.
    #[arg(long, value_name = "K: V")]
    pub header: Vec<String>,
    /// A subprotocol to offer; repeatable, the preferred one first.
    #[arg(long, value_name = "P")]
    pub subprotocol: Vec<String>,
    /// Offer to compress messages (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
    /// Stay so many seconds after the end of the input before closing.
    #[arg(long, default_value = "0", value_name = "SECS", value_parser = seconds)]
    pub wait: Duration,
    /// Give up when the connection is not open after so many seconds.
    #[arg(long, default_value = "10", value_name = "SECS", value_parser = seconds)]
    pub open_timeout: Duration,
    /// The runtime that drives the socket.
    #[arg(long, value_enum, default_value_t = RuntimeKind::Tokio)]
    pub runtime: RuntimeKind,
    /// Log from this level on, to stderr.
    #[arg(long, default_value = "warn", value_name = "LEVEL")]
    pub log: Level,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

/// `localhost`, numeric addresses and paths; a server should not depend on a name server.
fn address(text: &str) -> Result<Address, AddressError> {
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
        assert_eq!(address("localhost:80"), Ok(([127, 0, 0, 1], 80).into()));
        assert_eq!(address("unix:a b"), Ok(Address::Unix("a b".into())));
        assert!(address("[::1]:0").is_ok() && address("nowhere").is_err());
        assert!(at_least_one("0").is_err());
    }
}
