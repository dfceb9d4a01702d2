//! Messages on their way to their services, and how deliveries end.

use super::broker::{After, Broker};
use super::held::{Held, Place};
use super::queue::Queue;
use super::wire::kept;
use super::{Accepted, BusEvent, Change, DeadReason, Death, End, Name, Progress, Reason, Seq};
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
        self.end(now, seq, &End::Nack(kept(reason).into()));
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

    /// The service's connection is no more. `None` if it has another one.
    pub(super) fn detach(&mut self, conn: C, service: DefaultKey, reason: Option<Reason>) -> Option<()> {
        let now = self.clock.last();
        let queue = self.queues.get_mut(service).filter(|queue| queue.conn == Some(conn))?;
        queue.conn = None;
        let name = queue.name.clone();
        self.out_event(BusEvent::Unregistered { conn, service: name.clone(), reason });
        while let Some(seq) = self.queues.get(service).and_then(|queue| queue.out.first().copied()) {
            self.end(now, seq, &End::Lost);
        }
        self.give_up_claim(&name, service);
        self.forget_if_idle(service);
        Some(())
    }

    /// Writes down how often a message was handed out. `None` if it is not there.
    pub(super) fn write_progress(&mut self, now: Instant, seq: Seq) -> Option<()> {
        let held = self.held.get_mut(&seq)?;
        held.mark = None;
        let progress = held.progress.clone();
        self.record(now, Change::Progress(seq, progress));
        Some(())
    }

    /// A delivery has ended otherwise than by an acknowledgement.
    pub(super) fn end(&mut self, now: Instant, seq: Seq, how: &End) {
        self.leave(seq);
        if let Some(reason) = self.died_of(seq, how) {
            self.bury(now, seq, reason);
            return;
        }
        match how {
            End::Nack(_) => self.set_aside(now, seq),
            _ => self.again(seq),
        }
        self.write_progress(now, seq);
        let retried = self.held.get(&seq).map(|held| BusEvent::Retried {
            from: held.accepted.from.clone(),
            id: held.accepted.id.clone(),
            to: held.accepted.to.clone(),
            attempts: held.progress.attempts,
        });
        if let Some(retried) = retried.filter(|_| *how != End::Lost) {
            self.out_event(retried);
        }
    }

    /// Counts the end of a delivery. What the message died of, if it was the last.
    fn died_of(&mut self, seq: Seq, how: &End) -> Option<DeadReason> {
        let progress = &mut self.held.get_mut(&seq)?.progress;
        progress.attempts = progress.attempts.saturating_add(u32::from(*how != End::Lost));
        progress.end(self.wall, how.clone());
        let is_spent = progress.attempts >= self.config.attempts;
        let is_worn = progress.deliveries >= self.config.max_deliveries;
        match how {
            End::AckTimeout if is_spent => Some(DeadReason::AckTimeout),
            End::Nack(reason) if is_spent => Some(DeadReason::Nack(reason.clone())),
            End::AckTimeout | End::Lost if is_worn => Some(DeadReason::MaxDeliveries),
            _ => None,
        }
    }

    /// A message that was refused is to be handed out again later.
    fn set_aside(&mut self, now: Instant, seq: Seq) {
        let (delay, longest) = (self.config.nack_delay, self.config.ack_timeout);
        self.put(seq, |held, _| {
            let until = now + delay.saturating_mul(held.progress.attempts).min(longest);
            held.place = Place::Resting { until };
            Some(until)
        });
    }

    /// A message is to be handed out again, as soon as can be.
    pub(super) fn again(&mut self, seq: Seq) {
        self.put(seq, |held, queue| {
            held.place = Place::Again;
            queue.again.insert(seq);
            None
        });
    }

    /// Puts a message somewhere, until the time that `to` says, if any. `None` if there is no such message.
    fn put(
        &mut self,
        seq: Seq,
        to: impl FnOnce(&mut Held<C>, &mut Queue<C>) -> Option<Instant>,
    ) -> Option<()> {
        let (held, queue) = self.message(seq)?;
        let until = to(held, queue);
        let service = held.service;
        self.due.extend(until.map(|until| (until, seq)));
        self.wake(service);
        Some(())
    }

    /// A message, and what waits for its service.
    pub(super) fn message(&mut self, seq: Seq) -> Option<(&mut Held<C>, &mut Queue<C>)> {
        let held = self.held.get_mut(&seq)?;
        let queue = self.queues.get_mut(held.service)?;
        Some((held, queue))
    }

    /// All that is out is as if it had never been: that it comes back is no doing of the service's, nor of the message's.
    pub(super) fn take_back_out(&mut self, now: Instant, service: DefaultKey) {
        while let Some(seq) = self.queues.get(service).and_then(|queue| queue.out.first().copied()) {
            self.leave(seq);
            self.held.entry(seq).and_modify(|held| {
                held.progress.deliveries = held.progress.deliveries.saturating_sub(1);
                held.progress.is_out = false;
            });
            self.again(seq);
            self.write_progress(now, seq);
        }
    }

    fn bury(&mut self, now: Instant, seq: Seq, reason: DeadReason) -> Option<()> {
        // A node leaves dead letters to the store.
        let (wall, keeps) = (self.wall, !self.is_node);
        let (held, queue) = self.message(seq)?;
        let accepted = held.accepted.clone();
        let death = Death::new(reason.clone(), wall, held.progress.clone());
        if keeps {
            queue.dead += 1;
            queue.dead_bytes += held.bytes();
            self.dead_by_id.insert((accepted.id.clone(), Some(accepted.from.clone()), seq));
            self.dead.insert(seq, Box::new((accepted.clone(), death.clone())));
        }
        if self.record(now, Change::Bury(seq, death)) {
            let Accepted { from, id, to, .. } = accepted;
            self.gather.after(After::Bury { from, id, to, reason });
        }
        self.remove(seq);
        self.settle();
        Some(())
    }

    /// Takes a message out of wherever it is. `None` if it is not there.
    pub(super) fn leave(&mut self, seq: Seq) -> Option<()> {
        let held = self.held.get_mut(&seq)?;
        if let Some(mark) = held.mark.take() {
            self.marks.remove(&(mark, seq));
        }
        let queue = self.queues.get_mut(held.service)?;
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
        Some(())
    }

    /// A message that was taken out of its place is no more. `None` if it was not there.
    pub(super) fn remove(&mut self, seq: Seq) -> Option<()> {
        let held = self.held.remove(&seq)?;
        let queue = self.queues.get_mut(held.service)?;
        queue.pending -= 1;
        queue.pending_bytes -= held.bytes();
        queue.let_go(&held.accepted.id, &held.accepted.from, seq);
        self.unload(held.bytes() as u64);
        self.weigh(held.service);
        self.wake(held.service);
        self.forget_if_idle(held.service);
        Some(())
    }

    /// A change that nobody waits for. The store that has failed is told of none, and one that was left is not; whether it is told.
    pub(super) fn record(&mut self, now: Instant, change: Change) -> bool {
        let is_told = !self.has_failed && !self.node.has_left;
        if is_told {
            self.gather.push(change, now + self.config.batch_wait);
            self.settle();
        }
        is_told
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
