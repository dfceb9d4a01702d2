//! What a pool is told once.

use crate::service::schedule::Schedule;
use core::time::Duration;

/// How many connections a pool keeps, and how long.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::pool::PoolConfig;
///
/// let mut config = PoolConfig::default();
/// assert_eq!((config.min, config.max), (2, 10));
/// config.max_age = Some(Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Connections that are kept open whether anybody wants one or not, at most [`max`](Self::max). Default 2.
    pub min: usize,
    /// Connections at most: that are being opened, idle, lent, and those that are not yet closed. Default 10; 0 counts as 1.
    pub max: usize,
    /// How long opening a connection may take, a millisecond at least. Default 5 s.
    pub connect_timeout: Duration,
    /// How long the answer to a check may take until it counts as no, a millisecond at least. Default 5 s.
    pub check_timeout: Duration,
    /// How long a connection beyond [`min`](Self::min) may be idle before it is closed. Default 5 min; `None`: for ever.
    pub idle_timeout: Option<Duration>,
    /// How old a connection may become, a second at least. One that is lent is closed when it comes back. Each has between 0.8 of it and
    /// all of it, so that those that were opened together are not all closed together. Default `None`: any age.
    pub max_age: Option<Duration>,
    /// How long one may wait for a connection. Default 30 s.
    pub wait_timeout: Duration,
    /// How many may wait for a connection; whoever comes then is refused at once. Default 1024. Those who are still to
    /// be told what came of it count too.
    pub max_waiters: usize,
    /// When it is tried again to open a connection after that has failed; meanwhile one at a time is tried. When it is over, or the error
    /// says that it is of no use, those who wait are refused, and it begins again with the next who comes. Default
    /// [`Schedule::backoff`].
    pub retry: Schedule,
}

impl PoolConfig {
    /// What a shorter timeout counts as.
    pub(super) const SHORTEST: Duration = Duration::from_millis(1);

    /// What a shorter life counts as.
    pub(super) const YOUNGEST: Duration = Duration::from_secs(1);
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min: 2,
            max: 10,
            connect_timeout: Duration::from_secs(5),
            check_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(300)),
            max_age: None,
            wait_timeout: Duration::from_secs(30),
            max_waiters: 1024,
            retry: Schedule::backoff(),
        }
    }
}
