//! What is counted.

/// What has happened at a desk.
///
/// ```
/// assert_eq!(wharf::service::history::DeskStats::default().stored, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeskStats {
    /// Drafts that wait now, those of the write under way among them.
    pub waiting: usize,
    /// Drafts that were stored, or had been before.
    pub stored: u64,
    /// Drafts that were handed back because they waited for too long, or too many did.
    pub unavailable: u64,
    /// Drafts that the store refused.
    pub refused: u64,
    /// Asks that failed.
    pub failures: u64,
    /// Sessions that had no room.
    pub sessions_forgotten: u64,
}
