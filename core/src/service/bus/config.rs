//! What a broker is told once.

use super::Tokens;
use core::time::Duration;

/// Times and limits of a [`Broker`](super::Broker).
///
/// ```
/// use std::time::Duration;
/// use wharf::service::bus::BusConfig;
///
/// let mut config = BusConfig::default();
/// config.ack_timeout = Duration::from_secs(5);
/// assert_eq!(config.attempts, 3);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BusConfig {
    /// Within this a delivery is to be acknowledged. Default 30 s; less than 1 ms counts as that, as everywhere where a time must
    /// not be zero.
    pub ack_timeout: Duration,
    /// How often the bus says that it lives. Default 30 s; at least 1 ms.
    pub heartbeat: Duration,
    /// After so long without a frame a service is gone. Default 60 s; at least 1 ms.
    pub gone_after: Duration,
    /// Within this a connection is to register. Default 10 s; at least 1 ms.
    pub register_timeout: Duration,
    /// Deliveries that may end in an ack timeout or a nack before a message is dead. Default 3, at least 1.
    pub attempts: u32,
    /// Deliveries of any kind, the last of which is the end of a message that is neither acknowledged nor refused. Default 10, at
    /// least 1.
    pub max_deliveries: u32,
    /// How long a message rests after a nack, times the attempts that it has had, at most the ack timeout. Default 1 s.
    pub nack_delay: Duration,
    /// Most messages that a service may have unacknowledged; more wait. Default 1,000, at least 1.
    pub window: usize,
    /// Most messages of a service that are neither acknowledged nor dead; more are refused. Default 10,000.
    pub max_pending: usize,
    /// Most bytes of them, as frames; more are refused. Default 64 MiB.
    pub max_pending_bytes: usize,
    /// Most services that are registered, or have messages or dead letters; more are refused. Default 10,000.
    pub max_services: usize,
    /// Most dead letters of a service; from then on messages for it are refused. Default 10,000.
    pub max_dead: usize,
    /// Most bytes of them; from then on messages for it are refused. Default 64 MiB.
    pub max_dead_bytes: usize,
    /// Longest frame that is taken, in bytes. Default 1 MiB.
    pub max_message: usize,
    /// Most ids, prefixes and gaps that are remembered, of all senders; past it the oldest are forgotten and counted. Default
    /// 4,000,000.
    pub max_dedupe: usize,
    /// Most ids of a sender that are remembered one by one; past it the oldest is forgotten. Default 100,000.
    pub max_ids: usize,
    /// Most prefixes of a sender whose numbers are remembered; past it the least recently used is forgotten. Default 64.
    pub max_prefixes: usize,
    /// Most gaps in the numbers of a prefix; a number that would make one more is remembered as an id of its own. Default 1,024.
    pub max_gaps: usize,
    /// How long an accepted message may wait for others to be stored with it, while the store has nothing to do. Default none:
    /// those that come while a batch is under way are the next one.
    pub accept_wait: Duration,
    /// How long changes that nobody waits for may wait for others, such as acknowledgements. Default 5 ms.
    pub batch_wait: Duration,
    /// How long it may take until it is written down that a message was handed out, so that one that is acknowledged soon costs
    /// nothing. Default 100 ms; at least 1 ms.
    pub mark_wait: Duration,
    /// Who may register. Default `None`: anyone.
    pub tokens: Option<Tokens>,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(30),
            gone_after: Duration::from_secs(60),
            register_timeout: Duration::from_secs(10),
            attempts: 3,
            max_deliveries: 10,
            nack_delay: Duration::from_secs(1),
            window: 1000,
            max_pending: 10_000,
            max_pending_bytes: 64 << 20,
            max_services: 10_000,
            max_dead: 10_000,
            max_dead_bytes: 64 << 20,
            max_message: 1 << 20,
            max_dedupe: 4_000_000,
            max_ids: 100_000,
            max_prefixes: 64,
            max_gaps: 1024,
            accept_wait: Duration::ZERO,
            batch_wait: Duration::from_millis(5),
            mark_wait: Duration::from_millis(100),
            tokens: None,
        }
    }
}

impl BusConfig {
    /// The same, with nothing that could make time stand still or a message impossible to deliver.
    pub(super) fn settled(mut self) -> Self {
        const LEAST: Duration = Duration::from_millis(1);
        let Self { ack_timeout, heartbeat, gone_after, register_timeout, mark_wait, .. } = &mut self;
        for time in [ack_timeout, heartbeat, gone_after, register_timeout, mark_wait] {
            *time = (*time).max(LEAST);
        }
        self.attempts = self.attempts.max(1);
        self.max_deliveries = self.max_deliveries.max(1);
        self.window = self.window.max(1);
        self
    }
}
