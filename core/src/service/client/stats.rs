//! What a client counts.

/// Counters of a [`Client`](super::Client), since its begin. Each message that was taken is among those that wait, or in one of
/// `written`, `acknowledged`, `unsent`, `unknown` and `cancelled`.
///
/// ```
/// let stats = wharf::service::client::ClientStats::default();
/// assert_eq!(stats.dials, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct ClientStats {
    /// Attempts to connect.
    pub dials: u64,
    /// Attempts that failed.
    pub dials_failed: u64,
    /// Connections that were lost.
    pub lost: u64,
    /// Of these, those that gave no sign of life.
    pub silent: u64,
    /// Heartbeats sent, or tried.
    pub heartbeats: u64,
    /// Heartbeats that could not be sent.
    pub heartbeats_failed: u64,
    /// Messages taken.
    pub accepted: u64,
    /// Messages refused.
    pub refused: u64,
    /// Messages whose fate is that they were written.
    pub written: u64,
    /// Messages whose fate is that they were acknowledged.
    pub acknowledged: u64,
    /// Messages whose fate is that they were not sent.
    pub unsent: u64,
    /// Of these, those that were dropped because the outbox was full.
    pub dropped: u64,
    /// Messages whose fate is unknown.
    pub unknown: u64,
    /// Messages taken back by the program.
    pub cancelled: u64,
    /// How often a message was given to another connection, since not a byte of it had been written.
    pub resent: u64,
    /// Acknowledgements of nothing that waits for one.
    pub stray_acknowledgements: u64,
    /// Calls about an attempt that is over.
    pub late: u64,
}
