//! A broker out of what its store hands back.

use super::broker::Broker;
use super::delivery::is_contradiction;
use super::held::{Held, Place, size_of_body};
use super::queue::Queue;
use super::{Accepted, BusConfig, Death, End, Envelope, Name, Numbers, Progress, Record, RestoreError, Seq};
use crate::base::{Instant, Wall};
use alloc::boxed::Box;
use alloc::vec::Vec;
use slotmap::DefaultKey;

/// No broker comes that far, and all that count places by a sign and 63 bits do.
const LAST: Seq = Seq(1 << 62);

/// A broker that is being built record by record: each goes to where it stays, and none is kept twice.
///
/// What was handed out when the bus ended is handed out again, before what waits; what waits comes in the order of acceptance. That
/// there is more than the limits allow is no error: no more is accepted until there is less.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::bus::{BusConfig, Memory, Restoring};
///
/// let memory = Memory::default();
/// let mut restoring = Restoring::<u32>::new(BusConfig::default());
/// for record in memory.records() {
///     restoring.record(record)?;
/// }
/// let broker = restoring.finish(Instant::ORIGIN, Wall::default());
/// assert_eq!(broker.stats().pending, 0);
/// # Ok::<(), wharf::service::bus::RestoreError>(())
/// ```
#[derive(Debug)]
pub struct Restoring<C> {
    broker: Broker<C>,
}

impl<C: Ord + Copy> Restoring<C> {
    /// Nothing yet.
    #[must_use]
    pub fn new(config: BusConfig) -> Self {
        Self { broker: Broker::new(config) }
    }

    /// Takes a record.
    ///
    /// # Errors
    /// No broker wrote it, or it contradicts another one: nothing is to be made of such a store.
    pub fn record(&mut self, record: Record) -> Result<(), RestoreError> {
        let (Record::Message(Accepted { seq, .. }, _)
        | Record::Dead(Accepted { seq, .. }, _)
        | Record::Id { seq, .. }
        | Record::Numbers(Numbers { used: seq, .. })) = &record;
        if *seq > LAST {
            return Err(RestoreError::SeqTooHigh(*seq));
        }
        match record {
            Record::Message(accepted, progress) => self.message(accepted, progress),
            Record::Dead(accepted, death) => self.dead(accepted, death),
            Record::Id { from, id, seq } => self.broker.dedupe.restore_id(&from, &id, seq),
            Record::Numbers(numbers) => self.broker.dedupe.restore_numbers(&numbers),
        }
    }

    /// All records were taken.
    #[must_use]
    pub fn finish(self, now: Instant, wall: Wall) -> Broker<C> {
        let mut broker = self.broker;
        let now = broker.begin(now, wall);
        let last = |last: Option<Seq>| last.map_or(0, |seq| seq.0);
        let next = last(broker.held.keys().next_back().copied())
            .max(last(broker.dead.keys().next_back().copied()))
            .max(last(broker.dedupe.last_age()));
        broker.next = Seq(next + 1);
        let all: Vec<Seq> = broker.held.keys().copied().collect();
        for seq in all {
            broker.put_back(now, seq);
        }
        while broker.dedupe.size() > broker.config.max_dedupe {
            broker.forget_some(now);
        }
        broker
    }

    fn message(&mut self, accepted: Accepted, progress: Progress) -> Result<(), RestoreError> {
        self.check(&accepted)?;
        if is_contradiction(&progress) {
            return Err(RestoreError::Progress(accepted.seq));
        }
        let service = self.service(&accepted.to);
        let queue = &mut self.broker.queues[service];
        queue.pending += 1;
        queue.pending_bytes += size_of_body(accepted.body.len());
        let held = Held { progress, place: Place::Waiting, service, mark: None, accepted };
        self.broker.held.insert(held.accepted.seq, Box::new(held));
        Ok(())
    }

    fn dead(&mut self, accepted: Accepted, death: Death) -> Result<(), RestoreError> {
        self.check(&accepted)?;
        let seq = accepted.seq;
        if is_contradiction(&death.progress) || death.progress.is_out {
            return Err(RestoreError::Progress(seq));
        }
        let service = self.service(&accepted.to);
        let queue = &mut self.broker.queues[service];
        queue.dead += 1;
        queue.dead_bytes += size_of_body(accepted.body.len());
        self.broker.dead_by_id.insert((accepted.id.clone(), Some(accepted.from.clone()), seq));
        self.broker.dead.insert(seq, Box::new((accepted, death)));
        Ok(())
    }

    /// Its queue, however many there are.
    fn service(&mut self, name: &Name) -> DefaultKey {
        if let Some(service) = self.broker.by_name.get(name) {
            return *service;
        }
        let service = self.broker.queues.insert(Queue::new(name.clone()));
        self.broker.by_name.insert(name.clone(), service);
        service
    }

    fn check(&self, accepted: &Accepted) -> Result<(), RestoreError> {
        let Accepted { seq, id, from, to, kind, body, .. } = accepted;
        if self.broker.held.contains_key(seq) || self.broker.dead.contains_key(seq) {
            return Err(RestoreError::SeqTwice(*seq));
        }
        let text = core::str::from_utf8(body).map_err(|_| RestoreError::Body(*seq))?;
        let envelope = Envelope::decode(text).map_err(|_| RestoreError::Body(*seq))?;
        let is_it = envelope.id == *id
            && envelope.from == *from
            && envelope.to == *to
            && envelope.kind == *kind
            && envelope.body() == text;
        if is_it { Ok(()) } else { Err(RestoreError::Body(*seq)) }
    }
}

impl<C: Ord + Copy> Broker<C> {
    /// A message that was stored is where it was; `None` if it is not there.
    fn put_back(&mut self, now: Instant, seq: Seq) -> Option<()> {
        let (held, queue) = self.message(seq)?;
        if held.progress.deliveries == 0 {
            queue.waiting.push_back(seq);
            return Some(());
        }
        queue.hold(&held.accepted.id, &held.accepted.from, seq);
        if held.progress.is_out {
            self.end(now, seq, &End::Lost);
        } else {
            self.again(seq);
        }
        Some(())
    }

    /// Forgets a few of the oldest ids, where a store had more than may be.
    pub(super) fn forget_some(&mut self, now: Instant) {
        let target = self.config.max_dedupe.max(self.dedupe.size().saturating_sub(8));
        let by = now + self.config.batch_wait;
        self.dedupe.shrink(target, super::dedupe::Into { gather: &mut self.gather, by });
        self.settle();
    }
}
