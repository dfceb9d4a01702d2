//! What a limiter is told once.

use crate::base::Cidr;
use alloc::vec::Vec;
use core::time::Duration;

/// How often an address may connect, and how much is remembered of all of them.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::limiter::Config;
///
/// let mut config = Config::default();
/// assert_eq!((config.limit, config.window), (10, Duration::from_secs(60)));
/// config.deny.push("192.0.2.0/24".parse().unwrap());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Connections of one address in any [`window`](Self::window); the next one is refused. Default 10; 0 counts as 1.
    pub limit: usize,
    /// The length of the window. Default 60 s.
    pub window: Duration,
    /// How long an address that goes over the limit is refused, from that attempt on; attempts meanwhile do not prolong it.
    /// Default 5 min. Zero: no block, an address is refused until its window has room again.
    pub block: Duration,
    /// How often what is no longer needed is forgotten. No judgement depends on it. Default 60 s.
    pub sweep: Duration,
    /// Addresses that are remembered at most, each in no more than 176 bytes and 8 for each connection up to
    /// [`limit`](Self::limit). Default 65,536, which are 17 MB at the most; 0 counts as 1.
    pub max_addresses: usize,
    /// What becomes of an unknown address while all these are needed. Default [`Full::Forget`].
    pub full: Full,
    /// Who is always admitted, and not counted. Default nobody.
    pub allow: Vec<Cidr>,
    /// Who never is, on the list above or not. Default nobody.
    pub deny: Vec<Cidr>,
}

/// What becomes of an address that is not known while as many are remembered as may be, none of which could be forgotten
/// without harm.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::service::limiter::{Config, Full, Limiter, Why};
///
/// let mut config = Config::default();
/// (config.max_addresses, config.full) = (1, Full::Refuse);
/// let mut limiter = Limiter::new(config);
/// assert!(limiter.admit(Instant::ORIGIN, "192.0.2.7".parse().unwrap()).is_ok());
/// let refusal = limiter.admit(Instant::ORIGIN, "192.0.2.8".parse().unwrap()).unwrap_err();
/// assert_eq!(refusal.why, Why::Full);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Full {
    /// It takes the place of the address that matters least: the one with the fewest connections in its window, of these the
    /// one that was silent for longest. A block ends before its time only if nothing but blocks is remembered; then the one
    /// goes that has the least time left. Whoever has many addresses can so make one forgotten that connected once, but not
    /// one that is near its limit without coming as near with as many addresses as there are places.
    #[default]
    Forget,
    /// It is refused, [`Why::Full`](super::Why::Full), until there is a place.
    Refuse,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limit: 10,
            window: Duration::from_secs(60),
            block: Duration::from_secs(300),
            sweep: Duration::from_secs(60),
            max_addresses: 65_536,
            full: Full::default(),
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }
}
