//! What is known of an endpoint.

use super::{Endpoint, Failure};
use crate::base::Wall;
use alloc::sync::Arc;
use core::time::Duration;

/// What is known of an endpoint. With feature `json` it serialises as `{endpoint: {id, host, port, protocol, timeoutMs}, isHealthy,
/// lastCheck, responseTimeMs, consecutiveFailures}`; `lastCheck` is RFC 3339 in UTC with milliseconds.
///
/// ```
/// use wharf::service::health::{Config, Health};
///
/// let health = Health::new(Config::default(), ["db=tcp://database:5432".parse().unwrap()]).unwrap();
/// let status = health.status("db").unwrap();
/// assert!(!status.is_healthy && status.last_check.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// How long a check of it may take.
    pub timeout: Duration,
    /// Whether it is up; not before the first result.
    pub is_healthy: bool,
    /// When the last check ended.
    pub last_check: Option<Wall>,
    /// How long that took; if it failed, until that was known.
    pub response_time: Option<Duration>,
    /// Failures since the last success.
    pub consecutive_failures: u64,
}

/// A state that flipped, or a first result that was a failure.
///
/// ```
/// use wharf::service::health::Flip;
///
/// fn line(flip: &Flip) -> String {
///     format!("{} is {}", flip.endpoint.id(), if flip.is_healthy { "up" } else { "down" })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flip {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// What it is now.
    pub is_healthy: bool,
    /// Why, if it is down.
    pub failure: Option<Failure>,
    /// How long the check took that flipped it.
    pub response_time: Duration,
    /// Failures since the last success.
    pub consecutive_failures: u64,
}

#[cfg(feature = "json")]
mod json {
    use super::{Duration, Status};
    use crate::service::health::Protocol;
    use serde::Serialize;
    use serde::ser::{SerializeStruct, Serializer};

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        id: &'a str,
        host: &'a str,
        port: u16,
        protocol: Protocol,
        timeout_ms: u64,
    }

    impl Serialize for Status<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { endpoint, .. } = self;
            let shown = Shown {
                id: endpoint.id(),
                host: endpoint.host(),
                port: endpoint.port(),
                protocol: endpoint.protocol(),
                timeout_ms: millis(self.timeout),
            };
            let mut out = serializer.serialize_struct("Status", 5)?;
            out.serialize_field("endpoint", &shown)?;
            out.serialize_field("isHealthy", &self.is_healthy)?;
            out.serialize_field("lastCheck", &self.last_check.map(|at| at.to_rfc3339()))?;
            out.serialize_field("responseTimeMs", &self.response_time.map(millis))?;
            out.serialize_field("consecutiveFailures", &self.consecutive_failures)?;
            out.end()
        }
    }

    /// Whole milliseconds, rounded to the nearest.
    fn millis(time: Duration) -> u64 {
        u64::try_from((time.as_nanos() + 500_000) / 1_000_000).unwrap_or(u64::MAX)
    }
}
