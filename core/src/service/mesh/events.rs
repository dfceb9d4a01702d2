//! What waits to be told.

use super::{Event, NodeId, Subject};
use alloc::collections::VecDeque;
use bytes::Bytes;

/// Events, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Events {
    queue: VecDeque<Event>,
    pub(super) delivered: u64,
    pub(super) gaps: u64,
    pub(super) missed: u64,
}

impl Events {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn push(&mut self, event: Event) {
        self.queue.push_back(event);
    }

    pub(super) fn deliver(&mut self, subject: &Subject, origin: NodeId, sequence: u64, payload: Bytes) {
        self.delivered += 1;
        self.push(Event::Deliver { subject: subject.clone(), origin, sequence, payload });
    }

    pub(super) fn gap(&mut self, subject: &Subject, origin: NodeId, first: u64, last: u64) {
        self.gaps += 1;
        self.missed = self.missed.saturating_add(last - first + 1);
        self.push(Event::Gap { subject: subject.clone(), origin, first, last });
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }
}
