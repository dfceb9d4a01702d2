//! Messages from their being taken to their outcome's being told.

use super::deferrals::Deferrals;
use super::{BusClientConfig, BusClientStats, Outcome, Undelivered, WhyRefused};
use crate::base::{Entropy, Instant};
use crate::service::bus::wire::{submission, submission_len};
use crate::service::bus::{Envelope, Name, Reason};
use crate::service::client::{Fate, Ticket, Unsent, WhenFull};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use bytes::Bytes;

/// A message that is not answered.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: Name,
    pub(super) to: Name,
    /// Without, its outcome was told: here it only waits for the connection to be done with it.
    envelope: Option<Box<Envelope>>,
    /// Bytes of its frame.
    len: usize,
    /// By which name the connection has it, if it does; else it waits here, or is held back.
    ticket: Option<Ticket>,
    deadline: Option<Instant>,
    may_be_accepted: bool,
    was_given: bool,
    /// Why it was rejected last.
    last: Option<Reason>,
}

/// Messages are named by their place in the order of their being taken, in which they are sent, and sent again.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    next: u64,
    pub(super) items: BTreeMap<u64, Item>,
    by_id: BTreeMap<Name, u64>,
    waiting: BTreeSet<u64>,
    /// Those that the connection has.
    flight: BTreeMap<Ticket, u64>,
    deferrals: Deferrals,
    deadlines: BTreeSet<(Instant, u64)>,
    bytes: usize,
    /// They are to be told.
    settled: VecDeque<(Name, Outcome)>,
    settled_bytes: usize,
}

/// What its sender says of a message that is to be taken.
pub(super) struct New {
    pub(super) envelope: Envelope,
    pub(super) deadline: Option<Instant>,
}

impl Outbox {
    /// Messages whose outcome is open.
    pub(super) fn open(&self) -> usize {
        self.items.len()
    }

    /// Messages that the connection has.
    pub(super) fn in_flight(&self) -> usize {
        self.flight.len()
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Takes a message.
    pub(super) fn push(
        &mut self,
        config: &BusClientConfig,
        stats: &mut BusClientStats,
        new: New,
    ) -> Result<Name, WhyRefused> {
        let New { envelope, deadline } = new;
        let (id, to) = (envelope.id.clone(), envelope.to.clone());
        let len = submission_len(envelope.body());
        if len > config.max_frame.min(config.max_bytes) {
            return Err(WhyRefused::TooBig);
        }
        // Whoever takes no outcomes cannot have more of them.
        let is_clogged = self.settled.len() >= config.max_messages || self.settled_bytes >= config.max_bytes;
        while is_clogged || !self.has_room(config, len) {
            match config.when_full {
                WhenFull::DropOldest if !is_clogged && self.drop_oldest(stats) => {}
                WhenFull::DropNewest if !is_clogged => {
                    stats.taken += 1;
                    stats.undelivered += 1;
                    self.settle(id.clone(), undelivered(envelope.into(), Undelivered::Full, false));
                    return Ok(id);
                }
                _ => return Err(WhyRefused::Full),
            }
        }
        stats.taken += 1;
        self.next += 1;
        self.bytes += len;
        let number = self.next;
        self.by_id.insert(id.clone(), number);
        self.waiting.insert(number);
        self.deadlines.extend(deadline.map(|at| (at, number)));
        let item = Item {
            id: id.clone(),
            to,
            envelope: Some(envelope.into()),
            len,
            ticket: None,
            deadline,
            may_be_accepted: false,
            was_given: false,
            last: None,
        };
        self.items.insert(number, item);
        Ok(id)
    }

    fn has_room(&self, config: &BusClientConfig, len: usize) -> bool {
        self.items.len() < config.max_messages && self.bytes.saturating_add(len) <= config.max_bytes
    }

    fn drop_oldest(&mut self, stats: &mut BusClientStats) -> bool {
        let untouched = |number: &&u64| self.items.get(number).is_some_and(|item| !item.was_given);
        let Some(oldest) = self.waiting.iter().find(untouched).copied() else { return false };
        self.give_up(stats, oldest, Undelivered::Full);
        true
    }

    /// Gives the next message to the connection, which names it; `None` if there is none, or the connection takes none.
    pub(super) fn give(
        &mut self,
        stats: &mut BusClientStats,
        take: impl FnOnce(Bytes) -> Option<Ticket>,
    ) -> Option<()> {
        while let Some(number) = self.waiting.first().copied() {
            let item = self.items.get_mut(&number)?;
            if self.deferrals.holds_back(&item.to, number) {
                self.waiting.remove(&number);
                continue;
            }
            let ticket = take(submission(item.envelope.as_ref()?.body()).into())?;
            stats.resent += u64::from(item.was_given);
            (item.was_given, item.ticket) = (true, Some(ticket));
            self.waiting.remove(&number);
            self.flight.insert(ticket, number);
            return Some(());
        }
        None
    }

    /// The bus has it; whether that was to be expected, and by which name the connection has it.
    pub(super) fn handle_accepted(&mut self, stats: &mut BusClientStats, id: &str) -> (bool, Option<Ticket>) {
        let Some(number) = self.by_id.get(id).copied() else { return (false, None) };
        let item = self.take(number, true);
        let ticket = item.as_ref().and_then(|item| item.ticket);
        if let Some(Item { id, envelope: Some(_), .. }) = item {
            stats.accepted += 1;
            self.settle(id, Outcome::Accepted);
        }
        (true, ticket)
    }

    /// The bus does not take it, as it says on the connection that has it; its id if it is tried again.
    pub(super) fn handle_rejected(
        &mut self,
        now: Instant,
        config: &BusClientConfig,
        stats: &mut BusClientStats,
        entropy: &mut Entropy,
        (id, reason, detail): (&str, Reason, Option<&str>),
    ) -> Option<(Ticket, Option<Name>)> {
        let number = self.by_id.get(id).copied()?;
        let item = self.items.get_mut(&number)?;
        let ticket = item.ticket?;
        item.last = Some(reason);
        // What a store failed to write may be there all the same, and come to life with the next start of the bus.
        item.may_be_accepted |= reason == Reason::Store;
        let is_kept = super::is_temporary(reason)
            && item.envelope.is_some()
            && self.deferrals.defer(now, &config.retry, entropy, &item.to, number);
        if is_kept {
            stats.deferred += 1;
            item.ticket = None;
            self.flight.remove(&ticket);
            return Some((ticket, Some(item.id.clone())));
        }
        // What it was before, it is not accepted on this connection; on an earlier one it may have been.
        let detail = detail.map(Into::into);
        self.give_up_for_good(stats, number, Undelivered::Rejected { reason, detail });
        Some((ticket, None))
    }

    /// One of those that the connection has is longer than the bus takes: surely the longest, and all that are as long. Each would
    /// end a connection.
    pub(super) fn handle_too_big(&mut self, stats: &mut BusClientStats, detail: Option<&str>) {
        let len = |number: &u64| self.items.get(number).map_or(0, |item| item.len);
        let Some(longest) = self.flight.values().map(len).max() else { return };
        let too_big = self.items.iter().filter(|(_, item)| item.len >= longest);
        for number in too_big.map(|(number, _)| *number).collect::<alloc::vec::Vec<_>>() {
            let detail = detail.map(Into::into);
            self.give_up_for_good(stats, number, Undelivered::Rejected { reason: Reason::TooBig, detail });
        }
    }

    /// What the connection did with a message; whether the bus owes an answer that does not come.
    pub(super) fn handle_fate(&mut self, stats: &mut BusClientStats, ticket: Ticket, fate: &Fate) -> bool {
        let given = self.flight.remove(&ticket);
        let given = given.and_then(|number| Some((number, self.items.get_mut(&number)?)));
        let Some((number, item)) = given else { return false };
        item.may_be_accepted |= fate.may_have_arrived();
        item.ticket = None;
        self.waiting.insert(number);
        if item.envelope.is_none() {
            self.take(number, false);
        } else if let Fate::Unsent { why: Unsent::Unfit(error), .. } = fate {
            self.give_up(stats, number, Undelivered::Unfit(*error));
        }
        matches!(fate, Fate::Unknown { .. })
    }

    /// The connection is gone: the next one begins with all that is not answered, in order.
    pub(super) fn handle_gone(&mut self) {
        self.waiting.extend(self.deferrals.clear());
    }

    /// Takes a message back.
    pub(super) fn cancel(&mut self, stats: &mut BusClientStats, id: &str) -> Option<Outcome> {
        let number = self.by_id.get(id).copied()?;
        let item = self.items.get_mut(&number)?;
        let envelope = item.envelope.take()?;
        let is_in_flight = item.ticket.is_some();
        let may_be_accepted = item.may_be_accepted || is_in_flight;
        if !is_in_flight {
            self.take(number, false);
        }
        stats.cancelled += 1;
        Some(undelivered(envelope, Undelivered::Cancelled, may_be_accepted))
    }

    /// No answer comes any more.
    pub(super) fn stop(&mut self, stats: &mut BusClientStats) {
        for number in self.items.keys().copied().collect::<alloc::vec::Vec<_>>() {
            self.give_up_for_good(stats, number, Undelivered::Stopped);
        }
        self.deferrals.clear();
    }

    pub(super) fn poll_outcome(&mut self) -> Option<(Name, Outcome)> {
        let (id, outcome) = self.settled.pop_front()?;
        self.settled_bytes -= given_back(&outcome);
        Some((id, outcome))
    }

    fn settle(&mut self, id: Name, outcome: Outcome) {
        self.settled_bytes += given_back(&outcome);
        self.settled.push_back((id, outcome));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        [deadline, self.deferrals.poll_timeout()].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, stats: &mut BusClientStats) {
        while let Some((at, number)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, number));
            let last = self.items.get(&number).and_then(|item| item.last);
            self.give_up(stats, number, Undelivered::Expired(last));
        }
        while let Some(number) = self.deferrals.poll_due(now) {
            self.waiting.insert(number);
        }
    }

    /// Gives it up; if the connection has it, its place is kept until that is done with it. `None` if its outcome was told before.
    fn give_up(&mut self, stats: &mut BusClientStats, number: u64, why: Undelivered) -> Option<()> {
        let item = self.items.get_mut(&number)?;
        if item.ticket.is_none() {
            self.give_up_for_good(stats, number, why);
            return Some(());
        }
        let id = item.id.clone();
        let envelope = item.envelope.take()?;
        stats.undelivered += 1;
        self.settle(id, undelivered(envelope, why, true));
        Some(())
    }

    /// Gives it up, wherever it is.
    fn give_up_for_good(&mut self, stats: &mut BusClientStats, number: u64, why: Undelivered) {
        let item = self.take(number, false);
        let Some(Item { id, envelope: Some(envelope), ticket, may_be_accepted, .. }) = item else { return };
        let is_in_doubt = ticket.is_some() && matches!(why, Undelivered::Stopped);
        stats.undelivered += 1;
        self.settle(id, undelivered(envelope, why, may_be_accepted || is_in_doubt));
    }

    /// It has come to its end.
    fn take(&mut self, number: u64, was_accepted: bool) -> Option<Item> {
        let item = self.items.remove(&number)?;
        self.bytes -= item.len;
        self.by_id.remove(&item.id);
        self.waiting.remove(&number);
        if let Some(ticket) = item.ticket {
            self.flight.remove(&ticket);
        }
        if let Some(at) = item.deadline {
            self.deadlines.remove(&(at, number));
        }
        self.waiting.extend(self.deferrals.handle_settled(&item.to, number, was_accepted));
        Some(item)
    }
}

fn undelivered(message: Box<Envelope>, why: Undelivered, may_be_accepted: bool) -> Outcome {
    Outcome::Undelivered { message, why, may_be_accepted }
}

/// Bytes of the message that is in an outcome.
fn given_back(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Accepted => 0,
        Outcome::Undelivered { message, .. } => message.body().len(),
    }
}
