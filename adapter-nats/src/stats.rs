//! What has happened, in numbers.

/// What has happened since the beginning, and what waits now.
///
/// ```
/// # fn main() -> Result<(), wharf_nats::ConnectError> {
/// let (nats, _notices) = wharf_nats::Nats::connect("nats://localhost/chat")?;
/// let stats = nats.stats();
/// assert_eq!((stats.published, stats.received), (0, 0));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Times that a connection was made.
    pub connects: u64,
    /// Subjects that are subscribed to.
    pub subscriptions: usize,
    /// Messages that were handed to the connection. Those of its last moment may be lost with it.
    pub published: u64,
    /// Messages that came and wait or were taken.
    pub received: u64,
    /// Messages to publish that wait for the server.
    pub outgoing: usize,
    /// Messages that came and wait to be taken.
    pub incoming: usize,
    /// Messages that were refused or given up because the server was not there.
    pub dropped_down: u64,
    /// Messages that were refused because too much waited for the server.
    pub dropped_full: u64,
    /// Messages that were refused because the server takes none so large.
    pub dropped_large: u64,
    /// Messages that came and were dropped because nobody took those before them in time.
    pub dropped_slow: u64,
    /// Subscriptions that were refused because there were too many.
    pub refused_subscriptions: u64,
}
