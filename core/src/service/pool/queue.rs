//! What is to be done, in order.

use alloc::collections::BTreeMap;
use slotmap::DefaultKey;

/// Whom an action is about. Each is in the queue at most once, and leaves it when it has nothing to ask any more, so the queue is as
/// long as there are slots and waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    Slot(DefaultKey),
    Ticket(u64),
}

/// A place in the queue; 0 is none.
pub(super) type Place = u64;

#[derive(Debug, Default)]
pub(super) struct Queue {
    last: Place,
    places: BTreeMap<Place, Whom>,
}

impl Queue {
    pub(super) fn push(&mut self, whom: Whom) -> Place {
        self.last += 1;
        self.places.insert(self.last, whom);
        self.last
    }

    pub(super) fn remove(&mut self, place: Place) {
        if place != 0 {
            self.places.remove(&place);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Whom> {
        Some(self.places.pop_first()?.1)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}
