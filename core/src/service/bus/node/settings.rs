//! What a node is told once.

use core::time::Duration;

/// Times and limits of a broker that is one of several [nodes](super::super::Broker::node), beside those of
/// [`BusConfig`](crate::service::bus::BusConfig).
///
/// ```
/// use std::time::Duration;
/// use wharf::service::bus::NodeSettings;
///
/// let mut settings = NodeSettings::default();
/// settings.lease = Duration::from_secs(5);
/// assert!(settings.poll < settings.lease);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// After so long without a word of a node another one may take its place. Default 10 s; at least 10 ms.
    pub lease: Duration,
    /// How often a node looks at the store when nothing wakes it. Default 1 s; at least 1 ms, at most a third of the lease.
    pub poll: Duration,
    /// How long a connection waits for the claim of its service before it is sent away. Default 15 s.
    pub claim_wait: Duration,
    /// Without an answer of the store for so long, new messages are rejected with `store`. Default 5 s.
    pub patience: Duration,
    /// Without one for so long behind the end of the lease, connections are sent to other nodes. Default 20 s.
    pub grace: Duration,
    /// How long an ask that the store did not take rests before it is asked again. Default 200 ms; at least 1 ms.
    pub retry: Duration,
    /// How long what was taken may take to be stored once the bus drains; then it is given up without an answer. Default 4 s.
    pub drain_timeout: Duration,
    /// Most messages on their way to the store; more are rejected with `full`. Default 10,000.
    pub max_unstored: usize,
    /// Most bytes of them. Default 64 MiB.
    pub max_unstored_bytes: u64,
    /// Messages of a service, handed out or not, of which a node takes no more until there are half as many. Default 2,000.
    pub fill: usize,
    /// Bytes of them past which it takes no more. Default 16 MiB.
    pub fill_bytes: u64,
    /// Bytes of all messages in memory past which a node takes only for services of which it has none, some 64 KiB at a time, so that
    /// slow ones starve nobody. Default 256 MiB.
    pub max_loaded_bytes: u64,
    /// Most messages that are taken by one look. Default 1,000.
    pub look_rows: u32,
    /// Most bytes of them. Default 4 MiB.
    pub look_bytes: u64,
    /// Most of them of one service. Default 200.
    pub look_each: u32,
    /// Most remembered ids that are read at once. Default 4,096.
    pub recall_rows: u32,
    /// Most frames that are kept of a connection that waits for its claim; one more, and it is closed. Default 64.
    pub max_held_frames: usize,
    /// Bytes of such frames of all connections past which nothing more is read of those; past twice as many they are closed. Default
    /// 64 MiB.
    pub max_held_bytes: usize,
    /// Most connections that wait; more are told `full`. Default 10,000.
    pub max_waiting: usize,
    /// Most commands about dead letters that wait. Default 64.
    pub max_commands: usize,
    /// How often what is remembered of senders that nobody has claimed is trimmed, and nodes are fenced that have not been heard of for
    /// [long](super::OVERDUE); for the first time so long after the node joined, or was last without a lease. Default 60 s; at least 1 s.
    pub trim: Duration,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            claim_wait: Duration::from_secs(15),
            patience: Duration::from_secs(5),
            grace: Duration::from_secs(20),
            retry: Duration::from_millis(200),
            drain_timeout: Duration::from_secs(4),
            max_unstored: 10_000,
            max_unstored_bytes: 64 << 20,
            fill: 2000,
            fill_bytes: 16 << 20,
            max_loaded_bytes: 256 << 20,
            look_rows: 1000,
            look_bytes: 4 << 20,
            look_each: 200,
            recall_rows: 4096,
            max_held_frames: 64,
            max_held_bytes: 64 << 20,
            max_waiting: 10_000,
            max_commands: 64,
            trim: Duration::from_secs(60),
        }
    }
}

impl NodeSettings {
    /// The same, with nothing that could make time stand still or a message impossible to take.
    pub(super) fn settled(mut self) -> Self {
        const LEAST: Duration = Duration::from_millis(1);
        self.lease = self.lease.max(10 * LEAST);
        self.poll = self.poll.min(self.lease / 3).max(LEAST);
        self.retry = self.retry.max(LEAST);
        self.claim_wait = self.claim_wait.max(LEAST);
        self.trim = self.trim.max(Duration::from_secs(1));
        for least in [&mut self.look_rows, &mut self.look_each, &mut self.recall_rows] {
            *least = (*least).max(1);
        }
        self.fill = self.fill.max(2);
        self
    }
}
