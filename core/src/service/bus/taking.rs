//! Registrations, and messages that are taken or not.

use super::broker::{After, Broker, Out};
use super::dedupe;
use super::held::{Held, Place, size_of_body};
use super::queue::Queue;
use super::{Accepted, BusEvent, Change, Envelope, FromBus, Name, Progress, Reason, Refusal, Seq};
use crate::base::Instant;
use alloc::boxed::Box;
use bytes::Bytes;
use slotmap::DefaultKey;

impl<C: Ord + Copy> Broker<C> {
    pub(super) fn register(&mut self, now: Instant, conn: C, service_id: Name, token: Option<&str>) {
        if let Some(service) = self.service_of(conn) {
            if self.queues[service].name == service_id {
                self.tell_registered(conn, service);
            } else {
                self.error(conn, Reason::Id, "the connection has registered another id");
            }
            return;
        }
        if self.config.tokens.as_ref().is_some_and(|tokens| !tokens.admits(&service_id, token)) {
            self.turn_out(conn, Reason::Token, "the token is wrong or missing");
            return;
        }
        if self.is_draining {
            self.error(conn, Reason::Closing, "the bus is shutting down");
            return;
        }
        if self.is_node {
            self.wait_for_claim(now, conn, service_id);
            return;
        }
        if let Some(other) = self.conn_of(&service_id) {
            self.turn_out(other, Reason::Replaced, "another connection has registered the id");
        }
        // What the other one left may have died of it, and the service was gone then.
        let Some(service) = self.queue_for(&service_id) else {
            self.error(conn, Reason::Full, "there are too many services");
            return;
        };
        self.tell_registered(conn, service);
        self.attach(now, conn, service);
    }

    /// The connection is the service's from here on.
    pub(super) fn attach(&mut self, now: Instant, conn: C, service: DefaultKey) {
        self.queues[service].conn = Some(conn);
        self.peers.registered(now, conn, service, &self.config);
        let name = self.queues[service].name.clone();
        self.out_event(BusEvent::Registered { conn, service: name });
        self.wake(service);
    }

    /// Takes a message, or says why not.
    pub(super) fn take(&mut self, now: Instant, conn: C, envelope: &Envelope) {
        if let Err((reason, detail)) = self.judge(now, conn, envelope) {
            let refusal = Refusal::new(reason, detail).for_id(Some(envelope.id.as_str().into()));
            self.stats.rejected.count(reason);
            self.out_event(BusEvent::Refused { conn, reason });
            self.say(conn, &refusal.frame());
        }
    }

    fn judge(&mut self, now: Instant, conn: C, envelope: &Envelope) -> Result<(), (Reason, &'static str)> {
        let sender =
            self.service_of(conn).ok_or((Reason::Unregistered, "the connection has not registered"))?;
        if self.queues[sender].name != envelope.from {
            return Err((Reason::From, "message.from is not the registered id"));
        }
        if self.has_failed {
            return Err((Reason::Store, "the store has failed"));
        }
        if self.is_known(conn, envelope) {
            return Ok(());
        }
        if self.is_draining {
            return Err((Reason::Closing, "the bus is shutting down"));
        }
        let bytes = size_of_body(envelope.body().len());
        if self.is_node {
            self.judge_as_node(now, &envelope.to, bytes as u64)?;
            let service =
                self.queue_for(&envelope.to).ok_or((Reason::Full, "there are too many services"))?;
            self.accept(now, conn, service, envelope);
            return Ok(());
        }
        let service = self.queue_for(&envelope.to).ok_or((Reason::Full, "there are too many services"))?;
        let queue = &self.queues[service];
        if queue.dead >= self.config.max_dead || queue.dead_bytes > self.config.max_dead_bytes {
            self.forget_if_idle(service);
            return Err((Reason::Full, "the service has too many dead letters"));
        }
        let fits = queue.pending < self.config.max_pending
            && bytes <= self.config.max_pending_bytes.saturating_sub(queue.pending_bytes);
        if !fits {
            self.forget_if_idle(service);
            return Err((Reason::Full, "too much waits for the service"));
        }
        self.accept(now, conn, service, envelope);
        Ok(())
    }

    /// Whether it was accepted before, or is about to be; whoever repeats it is told when it is.
    fn is_known(&mut self, conn: C, envelope: &Envelope) -> bool {
        let Envelope { from, id, .. } = envelope;
        let first = self.unstored.get(&(from.clone(), id.clone())).and_then(|seq| self.held.get_mut(seq));
        if let Some(Place::Unstored { asker, times }) = first.map(|held| &mut held.place) {
            // Those who asked on an earlier connection are gone.
            *times = if *asker == Some(conn) { times.saturating_add(1) } else { 1 };
            *asker = Some(conn);
            self.owe(conn);
        } else if self.dedupe.has(from, id) {
            self.out.push_back(Out::Accepted { conn, id: id.clone(), times: 1 });
        } else {
            return false;
        }
        self.stats.deduplicated += 1;
        true
    }

    fn accept(&mut self, now: Instant, conn: C, service: DefaultKey, envelope: &Envelope) {
        let Envelope { id, from, to, kind, .. } = envelope;
        let seq = self.next;
        self.next = Seq(seq.0 + self.step());
        let body = Bytes::copy_from_slice(envelope.body().as_bytes());
        let accepted = Accepted::new(seq, id.clone(), from.clone(), to.clone(), kind, body, self.wall);
        let by = now + self.config.accept_wait;
        self.gather.push(Change::Accept(accepted.clone()), by);
        self.gather.after(After::Accept(seq));
        let into = dedupe::Into { gather: &mut self.gather, by };
        self.dedupe.add(&self.config, from, id, seq, into);
        self.unstored.insert((from.clone(), id.clone()), seq);
        let place = Place::Unstored { asker: Some(conn), times: 1 };
        let held = Held { accepted, progress: Progress::default(), place, service, mark: None };
        let queue = &mut self.queues[service];
        queue.pending += 1;
        queue.unstored += 1;
        queue.pending_bytes += held.bytes();
        if self.is_node {
            self.node.unstored_bytes += held.bytes() as u64;
            self.node.loaded_bytes += held.bytes() as u64;
        }
        self.held.insert(seq, Box::new(held));
        self.owe(conn);
        self.settle();
    }

    pub(super) fn service_of(&self, conn: C) -> Option<DefaultKey> {
        self.peers.get(conn)?.service
    }

    /// The queue of a service, a new one if need be; `None` if there are too many.
    pub(super) fn queue_for(&mut self, name: &Name) -> Option<DefaultKey> {
        if let Some(service) = self.by_name.get(name) {
            return Some(*service);
        }
        if self.queues.len() >= self.config.max_services {
            return None;
        }
        let service = self.queues.insert(Queue::new(name.clone()));
        self.by_name.insert(name.clone(), service);
        Some(service)
    }

    pub(super) fn forget_if_idle(&mut self, service: DefaultKey) {
        let Some(queue) = self.queues.get(service).filter(|queue| queue.is_idle()) else { return };
        self.by_name.remove(&queue.name);
        self.queues.remove(service);
    }

    pub(super) fn tell_registered(&mut self, conn: C, service: DefaultKey) {
        let queue = &self.queues[service];
        let pending = (queue.pending - queue.unstored) as u64 + self.rest(&queue.name);
        let service_id = queue.name.clone();
        self.say(conn, &FromBus::Registered { service_id, pending });
    }
}
