//! What a service does with what comes.

use super::{Key, Manner, Party};
use std::time::Duration;
use wharf::base::{Instant, Message};
use wharf::link::Context;
use wharf::service::bus::FromBus;
use wharf::service::bus::client::{BusClient, Delivery, DeliveryId};
use wharf::service::client::Kept;

/// What is done with a delivery in the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    Apply,
    Ack,
    Refuse,
}

impl Party {
    pub(super) fn take(&mut self, cx: &mut Context<'_>, delivery: &Delivery) {
        let envelope = &delivery.envelope;
        let (id, key) = (delivery.id, (envelope.from.clone(), envelope.id.clone()));
        let manner = if self.is_good { Manner::Apply } else { Manner::any(&envelope.kind, &mut self.dice) };
        let now = cx.now();
        match manner {
            Manner::Apply => self.end(cx, id, &key, Then::Apply),
            Manner::AckLate(after) => {
                self.apply(&key);
                self.put_off(now + after, id, key, Then::Ack);
            }
            Manner::ApplyLate(after) => self.put_off(now + after, id, key, Then::Apply),
            Manner::Refuse => self.end(cx, id, &key, Then::Refuse),
            Manner::RefuseLate(after) => self.put_off(now + after, id, key, Then::Refuse),
            Manner::Die { is_applied } => {
                if is_applied {
                    self.apply(&key);
                }
                let down = Duration::from_millis(self.dice.pick(&[10, 1000, 20_000]));
                self.die(cx, Some(now + down));
            }
        }
    }

    fn put_off(&mut self, at: Instant, id: DeliveryId, key: Key, then: Then) {
        self.drawn += 1;
        self.works.insert((at, self.drawn), (id, key, then));
    }

    /// One transaction: the effect, and that it is there.
    fn apply(&mut self, key: &Key) {
        if self.books.borrow_mut().apply(&key.0, &key.1) {
            self.ledger.borrow_mut().applied(key, &self.me);
        } else {
            self.count("books: applied before");
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, id: DeliveryId, key: &Key, then: Then) {
        self.hand.end(key);
        let reason = format!("busy {}", self.dice.below(1000));
        match then {
            Then::Apply => self.apply(key),
            Then::Ack => {}
            Then::Refuse => self.ledger.borrow_mut().nacked(key, &reason),
        }
        let Some(kept) = &mut self.kept else { return };
        let was_worked_on = kept.act(cx, |bus, now| match then {
            Then::Apply | Then::Ack => bus.ack(now, id),
            Then::Refuse => bus.nack(now, id, &reason),
        });
        assert!(was_worked_on, "{key:?} was not worked on");
    }

    pub(super) fn end_due(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        while self.works.keys().next().is_some_and(|(at, _)| *at <= now || self.is_good) {
            let Some((_, (id, key, then))) = self.works.pop_first() else { return };
            self.end(cx, id, &key, then);
        }
    }

    /// A frame came; it is looked at before the client has it.
    pub(super) fn look(&mut self, now: Instant, message: &Message<'_>) {
        let frame = message.as_text().map(FromBus::decode).expect("the bus says text");
        let FromBus::Message(envelope) = frame.expect("the bus says frames") else { return };
        let is_original = self.ledger.borrow_mut().arrived(&self.me, &envelope);
        let key = (envelope.from.clone(), envelope.id.clone());
        self.hand.take(now, key.clone(), is_original.then_some(envelope.retry_count));
        let was_applied = |kept: &Kept<BusClient>| kept.machine().seen().contains(&key.0, &key.1);
        if self.kept.as_ref().is_some_and(was_applied) {
            self.hand.end(&key);
        }
        if let Some(window) = self.window {
            let recent = self.hand.recent(now);
            assert!(recent <= window, "{} has {recent} in hand", self.me);
        }
    }
}
