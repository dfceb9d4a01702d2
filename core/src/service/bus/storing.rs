//! What comes of a batch, and the end of it all.

use super::broker::{After, Broker, Out};
use super::held::Place;
use super::{Action, BusEvent, CommandError, FromBus, Name, Reason, Refusal, Seq};
use crate::base::{Instant, Wall};
use alloc::vec::Vec;

impl<C: Ord + Copy> Broker<C> {
    /// The batch is on disk.
    pub fn stored(&mut self, now: Instant, wall: Wall) {
        self.begin(now, wall);
        self.carried_out(&[]);
    }

    /// The batch under way is on disk; these messages of it are not ours to deliver.
    pub(super) fn carried_out(&mut self, left: &[Seq]) {
        let Some(after) = self.gather.stored() else { return };
        self.stats.batches += 1;
        for after in after {
            match after {
                After::Accept(seq) => {
                    self.accepted(seq, left.binary_search(&seq).is_ok());
                }
                After::Bury { from, id, to, reason } => {
                    self.stats.dead += 1;
                    if let Some(conn) = self.conn_of(&from) {
                        self.say(conn, &FromBus::Dead { message_id: id.clone(), reason: reason.clone() });
                    }
                    self.out_event(BusEvent::Died { from, id, to, reason });
                }
                After::Tell { ticket, changed } => {
                    self.out.push_back(Out::Action(Action::Told { ticket, outcome: Ok(changed) }));
                }
            }
        }
    }

    /// The batch is not on disk, or may not be: nothing is tried again. What waited for it is rejected, and so is all that comes;
    /// nothing more is delivered, since what becomes of it could not be written down.
    pub fn store_failed(&mut self, now: Instant, wall: Wall) {
        self.begin(now, wall);
        if core::mem::replace(&mut self.has_failed, true) {
            return;
        }
        self.out_event(BusEvent::StoreFailed);
        for after in self.gather.give_up() {
            match after {
                After::Accept(seq) => {
                    self.reject(seq, Reason::Store, "the store has failed");
                }
                After::Bury { .. } => {}
                After::Tell { ticket, .. } => {
                    let outcome = Err(CommandError::Store);
                    self.out.push_back(Out::Action(Action::Told { ticket, outcome }));
                }
            }
        }
    }

    /// Begins to end: nothing more is accepted or delivered, and what was taken is stored at once.
    pub fn drain(&mut self, now: Instant, wall: Wall) {
        let now = self.begin(now, wall);
        if core::mem::replace(&mut self.is_draining, true) || self.has_failed {
            return;
        }
        while let Some((_, seq)) = self.marks.pop_first() {
            self.write_progress(now, seq);
        }
        self.drain_node(now);
    }

    /// Whether it [drains](Self::drain), all that was taken is stored, and all actions that came of it are taken.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining && self.gather.is_empty() && self.out.is_empty() && self.has_left()
    }

    /// The batch that is open is put out next.
    pub(super) fn close_batch(&mut self) {
        let dirty = core::mem::take(&mut self.gather.dirty);
        let numbers: Vec<_> =
            dirty.iter().filter_map(|(from, prefix)| self.dedupe.written(from, prefix)).collect();
        self.gather.close(numbers.into_iter());
    }

    /// Keeps batches within their bound: after all that one call changes.
    pub(super) fn settle(&mut self) {
        if self.gather.is_full() {
            self.close_batch();
        }
    }

    pub(super) fn out_event(&mut self, event: BusEvent<C>) {
        self.out.push_back(Out::Action(Action::Event(event)));
    }

    /// An answer is owed that has to wait.
    pub(super) fn owe(&mut self, conn: C) {
        if self.peers.owe(conn) {
            self.out.push_back(Out::Action(Action::Owe { conn, owes: true }));
        }
    }

    /// So many of them are given.
    pub(super) fn answered_to(&mut self, conn: C, times: u32) {
        if self.peers.answer(conn, times) {
            self.out.push_back(Out::Action(Action::Owe { conn, owes: false }));
        }
    }

    /// A message is on disk. `None` if it was not on its way there.
    fn accepted(&mut self, seq: Seq, is_left: bool) -> Option<()> {
        let (asker, times) = self.no_longer_unstored(seq)?;
        let held = self.held.get(&seq)?;
        let (id, service) = (held.accepted.id.clone(), held.service);
        if is_left || !self.is_claimed(service) {
            self.remove(seq);
        } else {
            self.queues.get_mut(service)?.waiting.push_back(seq);
            self.weigh(service);
            self.wake(service);
        }
        if let Some(conn) = asker {
            self.stats.accepted += 1;
            if self.is_listening(conn) {
                self.out.push_back(Out::Accepted { conn, id, times });
                self.answered_to(conn, times);
            }
        }
        Some(())
    }

    /// A message does not come to the disk: it is no more, and whoever asks is told. `None` if it was not on its way there.
    pub(super) fn reject(&mut self, seq: Seq, reason: Reason, detail: &'static str) -> Option<()> {
        let (asker, times) = self.no_longer_unstored(seq)?;
        let id = self.held.get(&seq)?.accepted.id.as_str().into();
        if let Some(conn) = asker.filter(|conn| self.is_listening(*conn)) {
            self.stats.rejected.count(reason);
            if reason != Reason::Store {
                // That the store failed is told once for all.
                self.out_event(BusEvent::Refused { conn, reason });
            }
            let refusal = Refusal::new(reason, detail).for_id(Some(id));
            for _ in 0..times {
                self.say(conn, &refusal.frame());
            }
            self.answered_to(conn, times);
        }
        self.remove(seq)
    }

    /// Who asked for it and how often; it waits from here on.
    fn no_longer_unstored(&mut self, seq: Seq) -> Option<(Option<C>, u32)> {
        let held = self.held.get_mut(&seq)?;
        let (asker, times) = held.place.unstored()?;
        held.place = Place::Waiting;
        self.queues.get_mut(held.service)?.unstored -= 1;
        if asker.is_some() {
            self.unstored.remove(&(held.accepted.from.clone(), held.accepted.id.clone()));
            if self.is_node {
                self.node.unstored_bytes -= held.accepted.size();
            }
        }
        Some((asker, times))
    }

    fn is_listening(&self, conn: C) -> bool {
        self.peers.get(conn).is_some_and(|peer| !peer.is_closing)
    }

    pub(super) fn conn_of(&self, name: &Name) -> Option<C> {
        self.queues.get(*self.by_name.get(name)?)?.conn
    }
}
