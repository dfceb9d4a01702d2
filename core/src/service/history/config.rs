//! What a desk is held to.

use core::time::Duration;

/// How a [`Desk`](super::Desk) deals with a store that is slow or away.
///
/// ```
/// let mut config = wharf::service::history::DeskConfig::default();
/// config.max_waiting = 100;
/// assert_eq!((config.max_waiting_away, config.max_wait.as_secs()), (500, 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeskConfig {
    /// Most drafts that wait while the store is well, those of the write under way among them. Default 8,192.
    pub max_waiting: usize,
    /// Most drafts that wait while it is away, beside those of a write that was under way. Default 500.
    pub max_waiting_away: usize,
    /// How long a draft waits at most. Default 10 s.
    pub max_wait: Duration,
    /// From a failure until the next try. Less than 1 ms counts as that. Default 500 ms.
    pub retry: Duration,
    /// After so long without an answer a store counts as away. Default 5 s.
    pub slow_after: Duration,
    /// After so long in which nothing was asked it is asked whether it is there. Less than 1 ms counts as that. Default 5 s.
    pub probe_after: Duration,
    /// How long a session waits at most for whoever wants to read, unless drafts are written meanwhile: it goes with them. Default 1 s.
    pub session_wait: Duration,
    /// Whether a draft whose time is over is handed back though a write of it may have been carried out, and withdrawn. Where others read
    /// the same store it must not be: they may have told it by then. It waits then until the store says what became of it. Default true.
    pub withdraws: bool,
    /// Most sessions that wait to be stored; of too many one is forgotten, and counted. Default 16,384.
    pub max_sessions: usize,
}

impl Default for DeskConfig {
    fn default() -> Self {
        Self {
            max_waiting: 8192,
            max_waiting_away: 500,
            max_wait: Duration::from_secs(10),
            retry: Duration::from_millis(500),
            slow_after: Duration::from_secs(5),
            probe_after: Duration::from_secs(5),
            session_wait: Duration::from_secs(1),
            withdraws: true,
            max_sessions: 16_384,
        }
    }
}
