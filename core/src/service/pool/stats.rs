//! What a pool counts.

/// What a pool holds, and what became of all it had. `checkouts` is the sum of those who wait, are served and were refused one way or
/// another.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::Pool;
///
/// let pool = Pool::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// let stats = pool.stats();
/// assert_eq!((stats.size, stats.free, stats.running, stats.waiting), (2, 0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct PoolStats {
    /// Connections: being opened, idle, checked, lent, or not yet closed.
    pub size: usize,
    /// Connections that are idle.
    pub free: usize,
    /// Connections that are lent.
    pub running: usize,
    /// Those who wait for a connection.
    pub waiting: usize,
    /// Connections that are being opened.
    pub opening: usize,
    /// Connections that are to be closed and are not yet.
    pub closing: usize,
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that could not be opened, those that took too long among them.
    pub failed: u64,
    /// Connections that were thrown away since they were sound no more, when they were checked, when they came back or by their
    /// users.
    pub broken: u64,
    /// Connections that ended by themselves, or that their users kept.
    pub lost: u64,
    /// Connections that were closed for having been idle.
    pub idled: u64,
    /// Connections that were closed for their age.
    pub aged: u64,
    /// How often a connection was asked for.
    pub checkouts: u64,
    /// Those who got one.
    pub served: u64,
    /// Those who gave up.
    pub cancelled: u64,
    /// Those who waited for too long.
    pub timed_out: u64,
    /// Those who were refused since none could be opened, or in a drain.
    pub refused: u64,
    /// Those who were not let wait, since too many did or in a drain.
    pub rejected: u64,
}
