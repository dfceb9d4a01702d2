//! What came of a drain.

/// What came of a drain.
///
/// ```
/// let drained = wharf_std::Drained { closed: 3, reset: 0 };
/// assert_eq!(drained.reset, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that ended in time.
    pub closed: u64,
    /// Connections that had to be reset.
    pub reset: u64,
}

impl From<wharf::link::HubStats> for Drained {
    fn from(stats: wharf::link::HubStats) -> Self {
        Self { closed: stats.drained, reset: stats.drain_resets }
    }
}
