//! The flags of `wharf health`.

use crate::args::{Common, Idle, address, positive_seconds};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use wharf::link::Address;
use wharf::service::health::Endpoint;

/// `wharf health`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = NOTES)]
pub struct HealthArgs {
    /// Where to listen: `HOST:PORT`, `[V6]:PORT` or `unix:PATH`; port 0 picks one. [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub listen: Option<Address>,
    /// What to check: `tcp://HOST:PORT` is up if it can be connected to, `http://HOST:PORT/PATH` if a GET is answered by 200 to
    /// 399. The id is any text, cut off at the first `=` that one of these follows. Repeatable; adds to those of --config.
    #[arg(long, value_name = "ID=URL")]
    pub endpoint: Vec<Endpoint>,
    /// A TOML file with the same keys (listen, interval, timeout, rise, fall, fast_interval) and an `[[endpoint]]` for each, with id,
    /// url, and if need be interval, timeout, status, body. A flag wins over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seconds from one check of an endpoint to the next. [default: 30]
    #[arg(long, value_name = "SECS", value_parser = positive_seconds)]
    pub interval: Option<Duration>,
    /// Seconds that a check may take, all of it. [default: 5]
    #[arg(long, value_name = "SECS", value_parser = positive_seconds)]
    pub timeout: Option<Duration>,
    /// Successes in a row by which an endpoint that is down is up again. [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rise: Option<u32>,
    /// Failures in a row by which an endpoint that is up is down. [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub fall: Option<u32>,
    /// Seconds from one check to the next while results contradict the state; never more than the interval. [default: a fifth of
    /// the interval, at least 1]
    #[arg(long, value_name = "SECS", value_parser = positive_seconds)]
    pub fast_interval: Option<Duration>,
    /// How long silence may last.
    #[command(flatten)]
    pub idle: Idle,
    /// What every server takes.
    #[command(flatten)]
    pub common: Common,
}

/// What the flags do not say.
const NOTES: &str = "\
GET /health: a JSON array of all endpoints; ?healthy=true or false: of some. GET /health/ID: one of them. GET /ready: 200, or
503 while nothing is healthy. GET /: a page that keeps itself up to date.

The first result counts at once, a first failure as a flip; after it the state flips by --rise or --fall results in a row. Flips
are logged. At most 64 checks run at once. Redirects are not followed, proxies not used.

An endpoint of the file, whose own interval and timeout go before all others:
  [[endpoint]]
  id = \"api\"
  url = \"http://localhost:3000/ready\"
  timeout = 2.5
  status = 204            # the only status that is up
  body = \"ready\"          # what must stand in the first 64 KiB

SIGINT and SIGTERM: no more connections, 1001 to all, a bounded wait, exit code 0. Bad use, a bad file among it: exit code 2.";
