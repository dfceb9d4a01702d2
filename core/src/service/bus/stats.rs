//! What a broker counts.

use super::Reason;
use crate::base::Wall;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// Counters since the broker was made, and how things stand.
///
/// ```
/// use wharf::service::bus::{Broker, BusConfig};
///
/// let broker = Broker::<u32>::new(BusConfig::default());
/// assert_eq!(broker.stats().accepted, 0);
/// let json = serde_json::to_value(broker.stats()).unwrap();
/// assert_eq!(json["rejected"]["full"], 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BusStats {
    /// Messages accepted: on disk.
    pub accepted: u64,
    /// Deliveries, those included that were not the first of their message.
    pub delivered: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Deliveries that were not the first of their message.
    pub redelivered: u64,
    /// Messages that died.
    pub dead: u64,
    /// Messages rejected, by reason.
    pub rejected: Rejections,
    /// Errors told to connections, by reason.
    pub errors: Rejections,
    /// Messages that had been accepted before.
    pub deduplicated: u64,
    /// Remembered ids and prefixes that were forgotten early, since there were too many of all senders.
    pub forgotten: u64,
    /// Services turned away from a shared store, since what it has of them is damaged.
    pub damaged: u64,
    /// Batches stored.
    pub batches: u64,
    /// Services known now: registered, or with messages or dead letters.
    pub services: usize,
    /// Connections now.
    pub connections: usize,
    /// Messages now that are neither acknowledged nor dead.
    pub pending: usize,
    /// Messages now that are handed out and not acknowledged.
    pub unacknowledged: usize,
    /// Dead letters now.
    pub dead_letters: usize,
    /// Ids, prefixes and gaps remembered now.
    pub remembered: usize,
    /// Whether the store has failed.
    pub has_failed: bool,
    /// Since when a shared store has not been reached, where it is not: nothing is accepted and nothing delivered until it is. In JSON as
    /// in RFC 3339, or `null`.
    #[serde(serialize_with = "as_text")]
    pub away_since: Option<Wall>,
}

fn as_text<S: Serializer>(at: &Option<Wall>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Wall::to_rfc3339).serialize(serializer)
}

/// How often something was refused, by reason.
///
/// ```
/// use wharf::service::bus::{Reason, Rejections};
///
/// assert_eq!(Rejections::default().of(Reason::Full), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections([u64; Reason::ALL.len()]);

impl Rejections {
    /// For this reason.
    #[must_use]
    pub const fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    pub(super) fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }
}

impl Serialize for Rejections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for reason in Reason::ALL {
            map.serialize_entry(&reason, &self.of(reason))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let mut counts = Rejections::default();
        for (i, reason) in Reason::ALL.into_iter().enumerate() {
            (0..=i).for_each(|_| counts.count(reason));
        }
        for (i, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(counts.of(reason), i as u64 + 1);
        }
    }
}
