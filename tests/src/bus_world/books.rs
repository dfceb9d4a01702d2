//! What a service keeps on a disk of its own.

use std::collections::BTreeMap;
use wharf::service::bus::Name;
use wharf::service::bus::client::{Outgoing, Seen};

/// The database of a service, which all of its processes share.
#[derive(Debug, Default)]
pub struct Books {
    /// What was applied, stored along with each effect.
    pub seen: Seen,
    /// Messages that are to be sent until they are accepted, in order.
    pub outbox: BTreeMap<u64, Outgoing>,
    last: u64,
}

impl Books {
    /// One transaction: whether it is to be applied, and that it is.
    pub fn apply(&mut self, from: &Name, id: &Name) -> bool {
        self.seen.insert(from, id)
    }

    /// A number that no message had.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}
