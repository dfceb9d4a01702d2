//! How a server is connected to, and how much may wait.

use std::path::PathBuf;
use std::time::Duration;
use wharf::service::schedule::Schedule;

/// How a server is connected to, and how much may wait on either side.
///
/// ```
/// let mut config = wharf_nats::NatsConfig::default();
/// config.max_subscriptions = 100;
/// assert_eq!((config.connect_timeout.as_secs(), config.ping_interval.as_secs()), (5, 2));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NatsConfig {
    /// How long dialing an address and logging in may take: 5 s.
    pub connect_timeout: Duration,
    /// After so long without a byte a ping goes out, and with the third that is not answered the connection is lost: 2 s.
    pub ping_interval: Duration,
    /// When a lost server is dialed again: at once, if the connection had lasted 5 s, then as this says: after 50 ms and twice as long
    /// each time up to 2 s, jittered. One that ends goes on as it began.
    pub retry: Schedule,
    /// How long closing may take: 2 s. By then what was published before has reached the server, or it is given up.
    pub close_timeout: Duration,
    /// The most subjects that are subscribed to: 65,536. More are refused.
    pub max_subscriptions: usize,
    /// The most messages that wait for the server: 16,384, which is more than a mesh lets go at once when the server is back. More are
    /// refused.
    pub max_outgoing: usize,
    /// The most bytes of them: 64 MiB.
    pub max_outgoing_bytes: usize,
    /// The most messages that wait here to be taken: 65,536. What comes then is dropped, and told as [`Notice::Slow`](crate::Notice::Slow).
    pub max_incoming: usize,
    /// The most bytes of them: 16 MiB. One message is taken however large it is.
    pub max_incoming_bytes: usize,
    /// Subjects that speak about messages of other subjects: of what came together theirs is told last, so that it is never told before what it
    /// speaks about. `nodes`, as the mesh has it.
    pub told_last: Vec<Box<str>>,
    /// A file of certificates in PEM that the server's is judged by, in place of the operating system's: none.
    pub certificates: Option<PathBuf>,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(2),
            retry: Schedule::exponential(Duration::from_millis(50), 2.0)
                .cap(Duration::from_secs(2))
                .jittered(),
            close_timeout: Duration::from_secs(2),
            max_subscriptions: 65_536,
            max_outgoing: 16_384,
            max_outgoing_bytes: 64 << 20,
            max_incoming: 65_536,
            max_incoming_bytes: 16 << 20,
            told_last: vec!["nodes".into()],
            certificates: None,
        }
    }
}
