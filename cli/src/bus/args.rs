//! The flags of `wharf bus`.

use super::listen::BusListen;
use crate::args::{Common, at_least_one, positive_seconds};
use crate::database::DatabaseUrl;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use wharf::service::bus::{BusConfig, Letters};

/// `wharf bus`.
#[derive(Args, Debug, Clone)]
#[command(args_conflicts_with_subcommands = true, after_long_help = NOTES)]
pub struct BusArgs {
    /// What to do with dead letters; without it the bus is run.
    #[command(subcommand)]
    pub command: Option<BusCommand>,
    /// Where to listen: `tcp://ADDR` for lines, `ws://ADDR` for a WebSocket, at any path, with /status and /metrics beside it. ADDR is
    /// `HOST:PORT`, `[V6]:PORT` or `unix:PATH`; port 0 picks one. Repeatable.
    #[arg(long, default_value = "tcp://127.0.0.1:9090", value_name = "URL")]
    pub listen: Vec<BusListen>,
    /// Where messages are kept: a file, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, which several buses may share, or `none`: nothing
    /// survives the end of the bus then.
    #[arg(long, default_value = "wharf-bus.db", value_name = "FILE|URL")]
    pub journal: JournalAt,
    /// Of several buses on one database, after so many seconds without a word of it one is gone, and its services are taken over by
    /// others. [default: 10]
    #[arg(long, value_name = "SECS", value_parser = positive_seconds)]
    pub lease: Option<Duration>,
    /// Within so many seconds a delivery is to be acknowledged.
    #[arg(long, default_value = "30", value_name = "SECS", value_parser = positive_seconds)]
    pub ack_timeout: Duration,
    /// How often the bus says that it lives, in seconds.
    #[arg(long, default_value = "30", value_name = "SECS", value_parser = positive_seconds)]
    pub heartbeat: Duration,
    /// After so many seconds without a frame a service is gone.
    #[arg(long, default_value = "60", value_name = "SECS", value_parser = positive_seconds)]
    pub gone_after: Duration,
    /// Deliveries without acknowledgement after which a message is dead.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts: u32,
    /// Most messages of a service that are neither acknowledged nor dead.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = at_least_one)]
    pub max_pending: usize,
    /// Most bytes of them.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_pending_bytes: usize,
    /// Most services that are registered, or have messages or dead letters.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = at_least_one)]
    pub max_services: usize,
    /// Most dead letters of a service.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = at_least_one)]
    pub max_dead: usize,
    /// Most bytes of them.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_dead_bytes: usize,
    /// Longest frame that is taken, in bytes.
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_message: usize,
    /// Most ids, prefixes and gaps that are remembered, of all senders.
    #[arg(long, default_value_t = 4_000_000, value_name = "N", value_parser = at_least_one)]
    pub max_dedupe: usize,
    /// Who may register: a file of lines `SERVICEID TOKEN`, `*` for any other id, `#` for comments. [default: anyone]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

/// What the binary can do with dead letters.
#[derive(Subcommand, Debug, Clone)]
pub enum BusCommand {
    /// Dead letters: messages that were not acknowledged in time, or refused, too often.
    #[command(subcommand)]
    Dead(DeadCommand),
}

/// `wharf bus dead`.
#[derive(Subcommand, Debug, Clone)]
pub enum DeadCommand {
    /// Print one JSON object a line: `{from, id, to, type, reason, attempts, diedAt}`.
    List(DeadList),
    /// Print what was sent, and what became of each delivery.
    Show(DeadSome),
    /// Make messages of them again, as if they had never been delivered.
    Requeue(DeadSome),
    /// Throw them away.
    Purge(DeadSome),
}

/// Where dead letters are.
#[derive(Args, Debug, Clone)]
pub struct DeadList {
    /// The journal of the bus, running or not.
    #[arg(long, default_value = "wharf-bus.db", value_name = "FILE|URL")]
    pub journal: JournalAt,
}

/// Which dead letters, and where.
#[derive(Args, Debug, Clone)]
pub struct DeadSome {
    /// Which: `ID`, or `FROM/ID` where several senders have that id.
    #[arg(required_unless_present = "all", value_name = "ID")]
    pub which: Vec<Letters>,
    /// All of them.
    #[arg(long, conflicts_with = "which")]
    pub all: bool,
    /// The journal of the bus, running or not.
    #[arg(long, default_value = "wharf-bus.db", value_name = "FILE|URL")]
    pub journal: JournalAt,
}

/// Where messages are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalAt {
    /// In memory alone.
    Nowhere,
    /// In this file.
    File(PathBuf),
    /// In a PostgreSQL server.
    Postgres(DatabaseUrl),
}

impl FromStr for JournalAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("a file's name, or none"),
            "none" => Ok(Self::Nowhere),
            _ => Ok(DatabaseUrl::of(text).map_or_else(|| Self::File(text.into()), Self::Postgres)),
        }
    }
}

impl BusArgs {
    /// What the broker is told, but for tokens.
    #[must_use]
    pub fn config(&self) -> BusConfig {
        let mut config = BusConfig::default();
        config.ack_timeout = self.ack_timeout;
        config.heartbeat = self.heartbeat;
        config.gone_after = self.gone_after;
        config.attempts = self.attempts;
        config.max_pending = self.max_pending;
        config.max_pending_bytes = self.max_pending_bytes;
        config.max_services = self.max_services;
        config.max_dead = self.max_dead;
        config.max_dead_bytes = self.max_dead_bytes;
        config.max_message = self.max_message;
        config.max_dedupe = self.max_dedupe;
        config
    }
}

impl DeadSome {
    /// Which letters, each thing that was said by itself.
    #[must_use]
    pub fn letters(&self) -> Vec<Letters> {
        if self.all { vec![Letters::All] } else { self.which.clone() }
    }
}

/// What the flags do not say.
const NOTES: &str = "\
A message that was answered by `accepted` is on disk, and is delivered until it is acknowledged, or dead after --attempts.

Buses on one database are one bus: a service may register at either, and comes to another one when its own is gone. While the database
is away nothing is accepted: messages wait for some seconds, then are rejected with `store`.

A journal that is damaged or another program's is refused and left as it is. To start afresh, without all that was accepted: rm
wharf-bus.db*, while no bus runs.

GET /status at a ws:// address: the counters as JSON. GET /metrics: for Prometheus.

SIGINT and SIGTERM: no more connections, what was taken is stored and answered, 1001 to all, at most 5 s, exit code 0. Exit code 1: the
journal is in use, damaged or foreign, or could not be written to. 2: bad use, or a port in use.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_may_be_none() {
        assert_eq!("none".parse(), Ok(JournalAt::Nowhere));
        assert_eq!("./none".parse(), Ok(JournalAt::File("./none".into())));
        assert!("".parse::<JournalAt>().is_err());
    }

    #[test]
    fn a_database_does_not_tell_its_password() {
        let journal: JournalAt = "postgres://ada:secret@localhost/bus".parse().unwrap();
        assert_eq!(format!("{journal:?}"), "Postgres(DatabaseUrl(postgres://ada@localhost/bus))");
        assert_eq!("POSTGRES://ada:secret@localhost/bus".parse(), Ok(journal));
    }
}
