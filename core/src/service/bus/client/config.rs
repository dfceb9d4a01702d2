//! What a client of the bus is told once.

use super::Seen;
use crate::base::Message;
use crate::service::bus::{Name, ToBus};
use crate::service::client::{ClientConfig, Failure, Fatal, WhenFull};
use crate::service::schedule::Schedule;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

/// Who a client of the bus is, its schedule, limits and deadlines. How long an attempt to connect may take is said where it is dialed
/// ([`link::Config::open_timeout`](crate::link::Config::open_timeout), 10 s).
///
/// ```
/// use std::time::Duration;
/// use wharf::service::bus::{Name, client::BusClientConfig};
///
/// let mut config = BusClientConfig::new(Name::new("order-service")?);
/// config.token = Some("a secret".into());
/// config.heartbeat = Some(Duration::from_secs(10));
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct BusClientConfig {
    /// Who it is.
    pub service_id: Name,
    /// What shows that it may be. Default `None`.
    pub token: Option<Box<str>>,
    /// What the ids of its messages begin with, before `-` and a number. It must be another one in each life of the process, or
    /// the bus takes new messages for those of an earlier life. Default `None`: 20 digits of the client's entropy. Of a longer one than
    /// 107 characters the rest is cut off.
    pub prefix: Option<Name>,
    /// What was applied in earlier lives of the process, as its program stored it. Default: nothing.
    pub seen: Seen,
    /// When it connects again. Default [`Schedule::reconnect`]: after 1 s, 2 s, 4 s, 8 s and 16 s, then every 30 s for ever,
    /// jittered.
    pub schedule: Schedule,
    /// A connection that was registered for so long starts the schedule afresh. Default 5 s.
    pub steady_after: Duration,
    /// How long the answer to the registration may take. Default 10 s.
    pub register_timeout: Duration,
    /// How often a heartbeat is sent. Default 30 s; `None` never.
    pub heartbeat: Option<Duration>,
    /// Without a byte from the bus for so long after a heartbeat, the connection is given up. The bus sends heartbeats of its own,
    /// and does not answer; so it must be longer than theirs are apart. Default 60 s; `None` never.
    pub silent_after: Option<Duration>,
    /// Without an answer for so long after a message was written, the connection is given up, and the message is sent over the
    /// next one. Default 30 s; `None` never.
    pub accept_timeout: Option<Duration>,
    /// When a message is tried again that the bus rejected for a reason that may [pass](super::is_temporary). Meanwhile messages for the
    /// same receiver wait behind it, and those for others do not. Default [`Schedule::backoff`]: after 1 s, and twice as long
    /// each time up to 30 s, for ever; one that is over gives the message back.
    pub retry: Schedule,
    /// Most messages whose outcome is open; as many outcomes may wait to be told, and then nothing is taken. Default 1,024.
    pub max_messages: usize,
    /// Most bytes of their frames, and as many of messages that are given back. Default 16 MiB.
    pub max_bytes: usize,
    /// What happens past either, by default [`WhenFull::Reject`]. Dropping the oldest drops one that was given to no connection yet.
    pub when_full: WhenFull,
    /// Most messages that were given to the connection and are not answered. Default 256.
    pub max_in_flight: usize,
    /// Longest frame of a message, as the bus has it (`--max-message`). Default 1 MiB.
    pub max_frame: usize,
    /// Most deliveries that wait for the program or are worked on. Default 1,024, more than a bus hands out unacknowledged. What
    /// comes past it is dropped, and the bus delivers it again after its ack timeout.
    pub max_deliveries: usize,
    /// Most bytes of those that wait for the program. Default 80 MiB, more than a bus keeps for a service.
    pub max_delivery_bytes: usize,
}

/// So that a hyphen and a number of any length fit behind it.
const MAX_PREFIX: usize = 107;

impl BusClientConfig {
    /// That of a service, with the defaults.
    #[must_use]
    pub fn new(service_id: Name) -> Self {
        Self {
            service_id,
            token: None,
            prefix: None,
            seen: Seen::default(),
            schedule: Schedule::reconnect(),
            steady_after: Duration::from_secs(5),
            register_timeout: Duration::from_secs(10),
            heartbeat: Some(Duration::from_secs(30)),
            silent_after: Some(Duration::from_secs(60)),
            accept_timeout: Some(Duration::from_secs(30)),
            retry: Schedule::backoff(),
            max_messages: 1024,
            max_bytes: 16 << 20,
            when_full: WhenFull::Reject,
            max_in_flight: 256,
            max_frame: 1 << 20,
            max_deliveries: 1024,
            max_delivery_bytes: 80 << 20,
        }
    }

    pub(super) fn register(&self) -> Message<'static> {
        let (service_id, token) = (self.service_id.clone(), self.token.as_deref().map(Into::into));
        ToBus::Register { service_id, token }.encode().into()
    }

    pub(super) fn prefix(&self, digits: &str) -> Box<str> {
        // Of ASCII alone, a name can be cut anywhere.
        self.prefix.as_deref().map_or(digits, |prefix| &prefix[..prefix.len().min(MAX_PREFIX)]).into()
    }

    /// Nothing that the client below has outlives its connection: what is to be sent again waits here.
    pub(super) fn client(&self) -> ClientConfig {
        ClientConfig {
            schedule: self.schedule.clone(),
            steady_after: self.steady_after,
            fatal: Fatal::Function(ends),
            ready_timeout: self.register_timeout,
            heartbeat: self.heartbeat,
            heartbeat_message: Some(ToBus::Heartbeat.encode().into()),
            reply_timeout: self.silent_after,
            ack_timeout: self.accept_timeout,
            buffer: false,
            ..ClientConfig::default()
        }
    }
}

/// What the bus closes a connection for it has said before: how it is closed says nothing more.
fn ends(failure: &Failure) -> bool {
    matches!(failure, Failure::Dial(_)) && failure.is_fatal()
}

impl fmt::Debug for BusClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is nobody's business in a log.
        f.debug_struct("BusClientConfig").field("service_id", &self.service_id).finish_non_exhaustive()
    }
}
