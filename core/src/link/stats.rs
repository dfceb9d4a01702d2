//! What a hub counts.

/// Counters of a hub, since its begin.
///
/// ```
/// let stats = wharf::link::HubStats::default();
/// assert_eq!(stats.accepted, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused: too many, too many in their handshake, or draining.
    pub refused: u64,
    /// WebSockets opened.
    pub opened: u64,
    /// WebSockets closed.
    pub closed: u64,
    /// Calls of the service that panicked.
    pub panics: u64,
    /// Jobs given back because too many were in flight.
    pub jobs_refused: u64,
    /// Dials refused because too many were in flight, or draining.
    pub dials_refused: u64,
    /// Dials that failed.
    pub dials_failed: u64,
    /// Connections that a drain closed in time.
    pub drained: u64,
    /// Connections that a drain had to reset.
    pub drain_resets: u64,
}
