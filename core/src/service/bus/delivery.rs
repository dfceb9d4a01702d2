//! Messages on their way to their services, and how deliveries end.

use super::broker::{After, Broker};
use super::held::Place;
use super::{BusEvent, Change, DeadReason, Death, End, Name, Progress, Reason, Seq};
use crate::base::Instant;
use alloc::boxed::Box;
use alloc::format;
use slotmap::DefaultKey;

impl<C: Ord + Copy> Broker<C> {
    pub(super) fn ack(&mut self, now: Instant, conn: C, id: &Name, from: Option<&Name>) {
        if let Some(seq) = self.holding(conn, id, from) {
            self.leave(seq);
            self.record(now, Change::Remove(seq));
            self.stats.acknowledged += 1;
            self.remove(seq);
        }
    }

    pub(super) fn nack(&mut self, now: Instant, conn: C, id: &Name, from: Option<&Name>, reason: &str) {
        let Some(seq) = self.holding(conn, id, from) else { return };
        if !matches!(self.held[&seq].place, Place::Out { .. }) {
            // That delivery has come to its end, and another one is to come.
            self.unknown(conn, Reason::UnknownMessage, id);
            return;
        }
        let DeadReason::Nack(reason) = DeadReason::nack(reason) else { return };
        self.end(now, seq, &End::Nack(reason));
    }

    /// What the services of the line are handed, one by one: the connection and the message. `None` if there is nothing for this one.
    pub(super) fn hand_out(&mut self, service: DefaultKey) -> Option<(C, Seq)> {
        let is_able = self.is_able(service);
        let queue = self.queues.get_mut(service)?;
        queue.is_in_line = false;
        let conn = queue.conn.filter(|_| is_able)?;
        let seq = queue.next()?;
        // What waits is held.
        let held = self.held.get_mut(&seq)?;
        let now = self.clock.last();
        let until = now + self.config.ack_timeout;
        held.place = Place::Out { until };
        held.progress.deliveries = held.progress.deliveries.saturating_add(1);
        held.progress.is_out = true;
        self.due.insert((until, seq));
        let mark = now + self.config.mark_wait;
        held.mark = Some(mark);
        self.marks.insert((mark, seq));
        queue.out.insert(seq);
        queue.hold(&held.accepted.id, &held.accepted.from, seq);
        self.unacknowledged += 1;
        self.stats.delivered += 1;
        self.stats.redelivered += u64::from(held.progress.deliveries > 1);
        self.wake(service);
        Some((conn, seq))
    }

    /// Puts a service in line if it can be handed something.
    pub(super) fn wake(&mut self, service: DefaultKey) {
        if self.is_able(service)
            && let Some(queue) = self.queues.get_mut(service).filter(|queue| !queue.is_in_line)
        {
            queue.is_in_line = true;
            self.line.push_back(service);
        }
    }

    /// Acts on deliveries and rests that end now.
    pub(super) fn handle_due(&mut self, now: Instant) {
        while let Some((at, seq)) = self.marks.first().copied().filter(|(at, _)| *at <= now) {
            self.marks.remove(&(at, seq));
            self.write_progress(now, seq);
        }
        while let Some((at, seq)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, seq));
            match self.held.get(&seq).map(|held| &held.place) {
                Some(Place::Out { .. }) => self.end(now, seq, &End::AckTimeout),
                Some(Place::Resting { .. }) => self.again(seq),
                _ => {}
            }
        }
    }

    /// The service's connection is no more.
    pub(super) fn detach(&mut self, conn: C, service: DefaultKey, reason: Option<Reason>) {
        let now = self.clock.last();
        let Some(queue) = self.queues.get_mut(service).filter(|queue| queue.conn == Some(conn)) else {
            return;
        };
        queue.conn = None;
        let name = queue.name.clone();
        self.out_event(BusEvent::Unregistered { conn, service: name.clone(), reason });
        while let Some(seq) = self.queues.get(service).and_then(|queue| queue.out.first().copied()) {
            self.end(now, seq, &End::Lost);
        }
        self.give_up_claim(&name, service);
        self.forget_if_idle(service);
    }

    /// Writes down how often a message was handed out.
    pub(super) fn write_progress(&mut self, now: Instant, seq: Seq) {
        let Some(held) = self.held.get_mut(&seq) else { return };
        held.mark = None;
        let progress = held.progress.clone();
        self.record(now, Change::Progress(seq, progress));
    }

    /// A delivery has ended otherwise than by an acknowledgement.
    pub(super) fn end(&mut self, now: Instant, seq: Seq, how: &End) {
        self.leave(seq);
        let Some(held) = self.held.get_mut(&seq) else { return };
        let progress = &mut held.progress;
        progress.attempts = progress.attempts.saturating_add(u32::from(*how != End::Lost));
        progress.end(self.wall, how.clone());
        let is_spent = progress.attempts >= self.config.attempts;
        let is_worn = progress.deliveries >= self.config.max_deliveries;
        let reason = match how {
            End::AckTimeout if is_spent => Some(DeadReason::AckTimeout),
            End::Nack(reason) if is_spent => Some(DeadReason::Nack(reason.clone())),
            End::AckTimeout | End::Lost if is_worn => Some(DeadReason::MaxDeliveries),
            _ => None,
        };
        if let Some(reason) = reason {
            self.bury(now, seq, reason);
            return;
        }
        let attempts = progress.attempts;
        let accepted = &held.accepted;
        let retried = BusEvent::Retried {
            from: accepted.from.clone(),
            id: accepted.id.clone(),
            to: accepted.to.clone(),
            attempts,
        };
        if matches!(how, End::Nack(_)) {
            let rest = self.config.nack_delay.saturating_mul(attempts).min(self.config.ack_timeout);
            let until = now + rest;
            held.place = Place::Resting { until };
            self.due.insert((until, seq));
            let service = held.service;
            self.wake(service);
        } else {
            self.again(seq);
        }
        self.write_progress(now, seq);
        if *how != End::Lost {
            self.out_event(retried);
        }
    }

    /// A message is to be handed out again, as soon as can be.
    pub(super) fn again(&mut self, seq: Seq) {
        let Some(held) = self.held.get_mut(&seq) else { return };
        held.place = Place::Again;
        let service = held.service;
        if let Some(queue) = self.queues.get_mut(service) {
            queue.again.insert(seq);
        }
        self.wake(service);
    }

    /// All that is out is as if it had never been: that it comes back is no doing of the service's, nor of the message's.
    pub(super) fn take_back_out(&mut self, now: Instant, service: DefaultKey) {
        while let Some(seq) = self.queues.get(service).and_then(|queue| queue.out.first().copied()) {
            self.leave(seq);
            if let Some(held) = self.held.get_mut(&seq) {
                held.progress.deliveries = held.progress.deliveries.saturating_sub(1);
                held.progress.is_out = false;
            }
            self.again(seq);
            self.write_progress(now, seq);
        }
    }

    fn bury(&mut self, now: Instant, seq: Seq, reason: DeadReason) {
        let Some(held) = self.held.get(&seq) else { return };
        let (accepted, progress) = (held.accepted.clone(), held.progress.clone());
        let (service, bytes) = (held.service, held.bytes());
        let death = Death::new(reason.clone(), self.wall, progress);
        self.record(now, Change::Bury(seq, death.clone()));
        let (from, id, to) = (accepted.from.clone(), accepted.id.clone(), accepted.to.clone());
        self.gather.after(After::Bury { from, id, to, reason });
        if self.is_node {
            // A node leaves dead letters to the store.
            self.remove(seq);
            self.settle();
            return;
        }
        self.dead_by_id.insert((accepted.id.clone(), Some(accepted.from.clone()), seq));
        self.dead.insert(seq, Box::new((accepted, death)));
        if let Some(queue) = self.queues.get_mut(service) {
            queue.dead += 1;
            queue.dead_bytes += bytes;
        }
        self.remove(seq);
        self.settle();
    }

    /// Takes a message out of wherever it is.
    pub(super) fn leave(&mut self, seq: Seq) {
        let Some(held) = self.held.get_mut(&seq) else { return };
        if let Some(mark) = held.mark.take() {
            self.marks.remove(&(mark, seq));
        }
        let Some(queue) = self.queues.get_mut(held.service) else { return };
        match held.place {
            Place::Out { until } => {
                self.due.remove(&(until, seq));
                self.unacknowledged -= 1;
                queue.out.remove(&seq);
            }
            Place::Resting { until } => {
                self.due.remove(&(until, seq));
            }
            Place::Again => {
                queue.again.remove(&seq);
            }
            Place::Waiting | Place::Unstored { .. } => {}
        }
    }

    /// A message that was taken out of its place is no more.
    pub(super) fn remove(&mut self, seq: Seq) {
        let Some(held) = self.held.remove(&seq) else { return };
        if let Some(queue) = self.queues.get_mut(held.service) {
            queue.pending -= 1;
            queue.pending_bytes -= held.bytes();
            queue.let_go(&held.accepted.id, &held.accepted.from, seq);
        }
        self.unload(held.bytes() as u64);
        self.weigh(held.service);
        self.wake(held.service);
        self.forget_if_idle(held.service);
    }

    /// A change that nobody waits for. The store that has failed is told of none, and one that was left is not.
    pub(super) fn record(&mut self, now: Instant, change: Change) {
        if !self.has_failed && !self.node.has_left {
            self.gather.push(change, now + self.config.batch_wait);
            self.settle();
        }
    }

    fn is_able(&self, service: DefaultKey) -> bool {
        let Some(queue) = self.queues.get(service) else { return false };
        let is_open = |conn| self.peers.get(conn).is_some_and(|peer| !peer.is_congested && !peer.is_closing);
        queue.has_next()
            && queue.out.len() < self.config.window
            && !self.is_draining
            && !self.has_failed
            && self.is_in_force()
            && queue.conn.is_some_and(is_open)
    }

    /// The message that a connection's acknowledgement is for. It is told if there is none.
    fn holding(&mut self, conn: C, id: &Name, from: Option<&Name>) -> Option<Seq> {
        let Some(service) = self.service_of(conn) else {
            self.error(conn, Reason::Unregistered, "the connection has not registered");
            return None;
        };
        match self.queues[service].held(id, from) {
            Ok(seq) => Some(seq),
            Err(reason) => {
                self.unknown(conn, reason, id);
                None
            }
        }
    }

    fn unknown(&mut self, conn: C, reason: Reason, id: &Name) {
        let detail = match reason {
            Reason::From => format!("several senders have a message {id}"),
            _ => format!("there is no message {id} to be acknowledged"),
        };
        self.error(conn, reason, &detail);
    }
}

/// What is known of a message that a store hands back contradicts itself.
pub(super) fn is_contradiction(progress: &Progress) -> bool {
    let ended = progress.deliveries.saturating_sub(u32::from(progress.is_out));
    progress.attempts > ended
        || progress.history.len() > Progress::MAX_HISTORY
        || progress.history.len() > ended as usize
        || (progress.is_out && progress.deliveries == 0)
}
