//! What one connection of a service was handed.

use super::Key;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf::base::Instant;

/// The deliveries of a connection. A message comes again over the same one only when its delivery has come to an end that counts.
#[derive(Debug, Default)]
pub struct Hand {
    /// Of each message that came, how often it was tried before.
    retries: BTreeMap<Key, u32>,
    /// Those of which nothing was said, and when they came.
    held: BTreeMap<Key, Instant>,
}

/// So long no delivery is under way, nor is an acknowledgement waited for any less.
const RECENT: Duration = Duration::from_secs(5);

impl Hand {
    /// A message came; how often it was tried before is not known of one that was dead meanwhile.
    pub fn take(&mut self, now: Instant, key: Key, retry_count: Option<u32>) {
        if let Some(retry_count) = retry_count
            && let Some(before) = self.retries.insert(key.clone(), retry_count)
        {
            assert!(before < retry_count, "{key:?} is handed out twice at a time");
        }
        self.held.insert(key, now);
    }

    /// Something was said of it.
    pub fn end(&mut self, key: &Key) {
        self.held.remove(key);
    }

    /// How many came lately and were not answered.
    #[must_use]
    pub fn recent(&self, now: Instant) -> usize {
        self.held.values().filter(|at| now - **at < RECENT).count()
    }
}
