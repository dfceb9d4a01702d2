//! Deliveries: those that wait for the program, and those that it works on.

use super::{BusClientConfig, BusClientStats, Delivery, DeliveryId, Seen};
use crate::service::bus::wire::kept;
use crate::service::bus::{Envelope, Name, ToBus};
use crate::service::client::Attempt;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;

/// Each message is here at most once, however often it is delivered.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) seen: Seen,
    next: u64,
    /// They wait for the program; all came over the connection that is there.
    queue: VecDeque<Delivery>,
    queue_bytes: usize,
    /// Of those that wait and those that are worked on, the connection by which they came last.
    held: BTreeMap<(Name, Name), Attempt>,
    /// They are worked on.
    working: BTreeMap<DeliveryId, (Name, Name)>,
    /// Frames for the connection that is there.
    replies: VecDeque<String>,
}

/// Most replies that wait for the connection to take them.
const MAX_REPLIES: usize = 4096;

impl Inbox {
    pub(super) fn new(seen: Seen) -> Self {
        Self {
            seen,
            next: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
            held: BTreeMap::new(),
            working: BTreeMap::new(),
            replies: VecDeque::new(),
        }
    }

    /// Deliveries that wait for the program.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Deliveries that the program works on.
    pub(super) fn working(&self) -> usize {
        self.working.len()
    }

    /// A message is delivered over this connection.
    pub(super) fn take(
        &mut self,
        config: &BusClientConfig,
        stats: &mut BusClientStats,
        attempt: Attempt,
        envelope: Envelope,
    ) {
        stats.deliveries += 1;
        let key = (envelope.from.clone(), envelope.id.clone());
        if let Some(over) = self.held.get_mut(&key) {
            // What is said when the work ends is about this delivery then, on this connection.
            *over = attempt;
            stats.repeated += 1;
            return;
        }
        if self.seen.contains(&key.0, &key.1) {
            stats.duplicates += 1;
            return self.reply(stats, &ToBus::Ack { message_id: key.1, from: Some(key.0) });
        }
        let bytes = envelope.body().len();
        let has_room = self.held.len() < config.max_deliveries
            && self.queue_bytes.saturating_add(bytes) <= config.max_delivery_bytes;
        if !has_room {
            stats.overflowed += 1;
            return;
        }
        self.next += 1;
        self.queue_bytes += bytes;
        self.held.insert(key, attempt);
        self.queue.push_back(Delivery { id: DeliveryId(self.next), envelope });
    }

    /// The next one for the program.
    pub(super) fn poll(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        self.queue_bytes -= delivery.envelope.body().len();
        let Envelope { from, id, .. } = &delivery.envelope;
        self.working.insert(delivery.id, (from.clone(), id.clone()));
        Some(delivery)
    }

    /// The program has applied it, or refuses it for a reason. On a connection by which it did not come, nothing is said of it: it
    /// will come again there, and be known then.
    pub(super) fn end(
        &mut self,
        stats: &mut BusClientStats,
        id: DeliveryId,
        refusal: Option<&str>,
        attempt: Option<Attempt>,
    ) -> bool {
        let Some(key) = self.working.remove(&id) else { return false };
        let over = self.held.remove(&key);
        if refusal.is_some() {
            stats.nacked += 1;
        } else {
            stats.acked += 1;
            self.seen.insert(&key.0, &key.1);
        }
        let (from, message_id) = (Some(key.0), key.1);
        if attempt.is_none() || over != attempt {
            stats.unsaid += 1;
            return true;
        }
        match refusal {
            None => self.reply(stats, &ToBus::Ack { message_id, from }),
            Some(reason) => {
                self.reply(stats, &ToBus::Nack { message_id, from, reason: kept(reason).into() });
            }
        }
        true
    }

    fn reply(&mut self, stats: &mut BusClientStats, frame: &ToBus<'_>) {
        if self.replies.len() < MAX_REPLIES {
            self.replies.push_back(frame.encode());
        } else {
            stats.unsaid += 1;
        }
    }

    /// The next frame for the connection.
    pub(super) fn poll_reply(&mut self) -> Option<String> {
        self.replies.pop_front()
    }

    /// The connection is gone. What was not handed over is let go: it comes again, unless somebody else has had it meanwhile.
    pub(super) fn handle_gone(&mut self, stats: &mut BusClientStats) {
        stats.unsaid += self.replies.len() as u64;
        self.replies.clear();
        self.let_go(stats);
    }

    /// Nothing more is handed over.
    pub(super) fn let_go(&mut self, stats: &mut BusClientStats) {
        for Delivery { envelope, .. } in core::mem::take(&mut self.queue) {
            stats.let_go += 1;
            self.held.remove(&(envelope.from, envelope.id));
        }
        self.queue_bytes = 0;
    }

    /// Whether all that was worked on has ended, and is said.
    pub(super) fn is_done(&self) -> bool {
        self.working.is_empty() && self.replies.is_empty()
    }
}
