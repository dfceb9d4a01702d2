//! The flags that hold a server's clients to limits, and say whose word about their addresses counts.

use clap::Args;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Cidr, CidrError};
use wharf::link::Forwarding;
use wharf::service::limiter::{Attempt, Config, Limited, Limits, Why};

/// What every server takes to limit its clients.
#[derive(Args, Debug, Clone)]
pub struct LimitArgs {
    /// Connections of one address in any such time, as `10/60s`; the next one is refused (429), and the address with it for
    /// --block. IPv6 is counted by /64. [default: any number]
    #[arg(long, value_name = "N/TIME", value_parser = rate)]
    pub rate_limit: Option<RateLimit>,
    /// How long an address is refused that went over --rate-limit, as `300s` or `5m`.
    #[arg(long, default_value = "300s", value_name = "TIME", value_parser = time, requires = "rate_limit")]
    pub block: Duration,
    /// Believe these proxies whom they stand for (X-Forwarded-For, Forwarded): an address or a block such as `10.0.0.0/8`,
    /// or `unix` for the peers of Unix sockets. Repeatable. [default: nobody]
    #[arg(long, value_name = "CIDR", value_parser = hop)]
    pub trusted_proxy: Vec<TrustedProxy>,
    /// Connections of trusted proxies begin with a PROXY header, of version 1 or 2.
    #[arg(long, requires = "trusted_proxy")]
    pub proxy_protocol: bool,
}

/// So many connections in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Connections of one address.
    pub limit: usize,
    /// In any window of this length.
    pub window: Duration,
}

/// A proxy that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// All of these addresses.
    Block(Cidr),
    /// All that connect by a Unix socket.
    Unix,
}

impl LimitArgs {
    /// `service` within the limits, with an event for each connection that is refused.
    #[must_use]
    pub fn around<S>(&self, service: S) -> Limited<S> {
        let mut limits = Limits::default();
        limits.connections = self.rate_limit.map(|RateLimit { limit, window }| {
            let mut config = Config::default();
            (config.limit, config.window, config.block) = (limit, window, self.block);
            config
        });
        let block = self.block.as_secs_f64();
        Limited::new(service, limits).on_refused(move |attempt| log(attempt, block))
    }

    /// Whose word about a client's address counts.
    #[must_use]
    pub fn forwarding(&self) -> Option<Arc<Forwarding>> {
        let blocks = self.trusted_proxy.iter().filter_map(|hop| match hop {
            TrustedProxy::Block(block) => Some(*block),
            TrustedProxy::Unix => None,
        });
        let mut forwarding = Forwarding::trusting(blocks);
        forwarding.trust_unix = self.trusted_proxy.contains(&TrustedProxy::Unix);
        forwarding.proxy_protocol = self.proxy_protocol;
        (!self.trusted_proxy.is_empty()).then(|| Arc::new(forwarding))
    }
}

fn log(attempt: &Attempt, block: f64) {
    let Attempt { conn, address, refusal, .. } = attempt;
    if refusal.why == Why::Rate && block > 0.0 {
        tracing::warn!(%conn, %address, seconds = block, "address blocked");
    } else {
        tracing::warn!(%conn, %address, reason = %refusal, "address refused");
    }
}

fn rate(text: &str) -> Result<RateLimit, String> {
    let (limit, window) = text.split_once('/').ok_or("not a number and a time, as 10/60s")?;
    let limit = limit.parse().ok().filter(|limit| *limit > 0).ok_or("the number must be at least 1")?;
    match time(window)? {
        Duration::ZERO => Err("the time must be longer than that".to_owned()),
        window => Ok(RateLimit { limit, window }),
    }
}

/// A number of seconds, or one with its unit: ms, s, m, h.
fn time(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("the unit is not ms, s, m or h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "not a time, as 60s or 5m".to_owned())?;
    Duration::try_from_secs_f64(number * unit).map_err(|e| e.to_string())
}

fn hop(text: &str) -> Result<TrustedProxy, CidrError> {
    if text == "unix" { Ok(TrustedProxy::Unix) } else { text.parse().map(TrustedProxy::Block) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use clap::error::ErrorKind;
    use wharf::link::Address;

    fn parse(flags: &str) -> Result<LimitArgs, clap::Error> {
        let args = ["wharf", "echo"].into_iter().chain(flags.split_whitespace());
        let Command::Echo(echo) = Cli::try_parse_from(args)?.command else { panic!("not an echo") };
        Ok(echo.common.limits)
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(rate("10/60s"), Ok(RateLimit { limit: 10, window: Duration::from_secs(60) }));
        assert_eq!(rate("1/0.5m").unwrap().window, Duration::from_secs(30));
        for bad in ["10", "0/60s", "-1/60s", "10/0s", "10/", "10/60x", "/60s", "10/-60s", "10/60s/1"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        for (text, millis) in
            [("300s", 300_000), ("5m", 300_000), ("1h", 3_600_000), ("250ms", 250), ("7", 7000)]
        {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(hop("unix"), Ok(TrustedProxy::Unix));
        assert!(hop("10.0.0.0/8").is_ok() && hop("::1").is_ok() && hop("proxy").is_err());
    }

    #[test]
    fn flags_that_make_no_sense_alone() {
        for (flags, kind) in [
            ("--block 5m", ErrorKind::MissingRequiredArgument),
            ("--proxy-protocol", ErrorKind::MissingRequiredArgument),
            ("--rate-limit ten", ErrorKind::ValueValidation),
            ("--trusted-proxy 10.0.0.0/33", ErrorKind::ValueValidation),
        ] {
            assert_eq!(parse(flags).unwrap_err().kind(), kind, "{flags}");
        }
    }

    #[test]
    fn what_they_amount_to() {
        let none = parse("").unwrap();
        assert!(none.forwarding().is_none() && none.around(()).limiter().is_none());
        let all =
            "--rate-limit 3/30s --block 5m --trusted-proxy 10.0.0.0/8 --trusted-proxy unix --proxy-protocol";
        let all = parse(all).unwrap();
        let forwarding = all.forwarding().unwrap();
        assert!(forwarding.trusts(&Address::Unix(String::new())) && forwarding.proxy_protocol);
        assert!(
            forwarding.trusts(&([10, 1, 1, 1], 1).into()) && !forwarding.trusts(&([11, 1, 1, 1], 1).into())
        );
        let limited = all.around(());
        let config = limited.limiter().unwrap().config();
        let minutes = Duration::from_secs(300);
        assert_eq!((config.limit, config.window, config.block), (3, Duration::from_secs(30), minutes));
    }
}
