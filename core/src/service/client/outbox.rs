//! Messages on their way, and the fate of each.

use super::{ClientConfig, ClientStats, Fate, Refused, Ticket, Unsent, WhenFull, WhyRefused};
use crate::base::{Extent, Instant, Kind, Message, Progress, Reach, SendError};
use alloc::collections::VecDeque;
use alloc::string::String;
use bytes::Bytes;
use core::time::Duration;

/// A message whose fate is not known.
#[derive(Debug)]
pub(super) struct Item {
    ticket: u64,
    kind: Kind,
    payload: Bytes,
    /// Its fate is that it was acknowledged, not that it was written.
    acknowledged: bool,
    /// To how many connections it was given that did not touch it.
    tries: u32,
    /// Where it stands in the output; `None` until that was told.
    extent: Option<Extent>,
    /// When its acknowledgement is due.
    due: Instant,
}

/// All messages from their being taken to their fate's being told, in each queue in the order of their tickets: at most
/// [`ClientConfig::max_messages`] whose fate is open, and as many whose fate was not told.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    next: u64,
    /// They are with nobody.
    waiting: VecDeque<Item>,
    /// They are with the connection and not wholly written.
    flight: VecDeque<Item>,
    /// They are written and wait for their acknowledgements.
    unacknowledged: VecDeque<Item>,
    /// Their fate is to be told.
    settled: VecDeque<(u64, Fate)>,
    /// Bytes of payload of those whose fate is open, of those in `flight`, and of those in `settled`.
    bytes: usize,
    flight_bytes: usize,
    settled_bytes: usize,
    /// There was no room in the connection: nothing is given to it until some of its output is written, or this time.
    full: Option<(u64, Instant)>,
}

/// Where there is no room, and none comes about by writing, it is tried again after this.
const AGAIN: Duration = Duration::from_millis(100);

impl Item {
    fn into_message(self) -> Message<'static> {
        match self.kind {
            // It was a text, so it is one.
            Kind::Text => Message::text(
                String::from_utf8(self.payload.into())
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
            ),
            Kind::Binary => Message::binary(alloc::vec::Vec::from(self.payload)),
            Kind::Typed(tag) => Message::typed(tag, alloc::vec::Vec::from(self.payload)),
        }
    }
}

impl Outbox {
    /// Takes a message.
    pub(super) fn push(
        &mut self,
        config: &ClientConfig,
        stats: &mut ClientStats,
        message: Message<'static>,
        acknowledged: bool,
    ) -> Result<Ticket, Refused> {
        let len = message.payload().len();
        let mut why = (len > config.max_bytes).then_some(WhyRefused::TooBig);
        // Whoever takes no fates cannot have more of them.
        let is_clogged = self.settled.len() >= config.max_messages || self.settled_bytes >= config.max_bytes;
        while why.is_none() && (is_clogged || !self.has_room(config, len)) {
            match config.when_full {
                WhenFull::DropOldest if !is_clogged && !self.waiting.is_empty() => self.drop_oldest(stats),
                WhenFull::DropNewest if !is_clogged => return Ok(self.drop_newest(stats, message)),
                _ => why = Some(WhyRefused::Full),
            }
        }
        if let Some(why) = why {
            stats.refused += 1;
            return Err(Refused { why, message });
        }
        Ok(self.put(stats, message.kind(), message.into_bytes(), acknowledged))
    }

    /// Takes one past all limits.
    pub(super) fn put(
        &mut self,
        stats: &mut ClientStats,
        kind: Kind,
        payload: Bytes,
        acknowledged: bool,
    ) -> Ticket {
        stats.accepted += 1;
        self.bytes += payload.len();
        self.next += 1;
        let ticket = self.next;
        let item = Item { ticket, kind, payload, acknowledged, tries: 0, extent: None, due: Instant::NEVER };
        self.waiting.push_back(item);
        Ticket(ticket)
    }

    fn has_room(&self, config: &ClientConfig, len: usize) -> bool {
        let count = self.waiting() + self.unwritten() + self.unacknowledged();
        count < config.max_messages && self.bytes.saturating_add(len) <= config.max_bytes
    }

    fn drop_oldest(&mut self, stats: &mut ClientStats) {
        if let Some(oldest) = self.waiting.pop_front() {
            stats.dropped += 1;
            self.give_back(stats, oldest, Unsent::Full);
        }
    }

    fn drop_newest(&mut self, stats: &mut ClientStats, message: Message<'static>) -> Ticket {
        self.next += 1;
        stats.accepted += 1;
        stats.dropped += 1;
        self.settle(stats, self.next, 0, Fate::Unsent { message, why: Unsent::Full });
        Ticket(self.next)
    }

    /// Messages that wait here.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Messages that are with the connection and not known to be wholly written.
    pub(super) fn unwritten(&self) -> usize {
        self.flight.len()
    }

    /// Messages that are written and wait for their acknowledgement.
    pub(super) fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// The next message for the connection, if that has room for it: it is with the connection from here on.
    pub(super) fn poll_send(&mut self, now: Instant, window: usize) -> Option<(Ticket, Kind, Bytes)> {
        if self.full.is_some_and(|(_, until)| now < until) {
            return None;
        }
        // One whose place is not known yet must be told of first: they go one by one.
        let is_told = self.flight.back().is_none_or(|last| last.extent.is_some());
        if !is_told || (self.flight_bytes >= window && !self.flight.is_empty()) {
            return None;
        }
        self.full = None;
        let item = self.waiting.pop_front()?;
        self.flight_bytes += item.payload.len();
        let out = (Ticket(item.ticket), item.kind, item.payload.clone());
        self.flight.push_back(item);
        Some(out)
    }

    /// The connection took it: here it stands in the output.
    pub(super) fn handle_sent(&mut self, ticket: Ticket, extent: Extent) -> bool {
        match self.flight.back_mut().filter(|last| last.ticket == ticket.0 && last.extent.is_none()) {
            Some(last) => {
                last.extent = Some(extent);
                true
            }
            None => false,
        }
    }

    /// The connection did not take it.
    pub(super) fn handle_not_sent(
        &mut self,
        now: Instant,
        stats: &mut ClientStats,
        ticket: Ticket,
        error: SendError,
        written: u64,
    ) -> bool {
        let is_last = self.flight.back().is_some_and(|l| l.ticket == ticket.0 && l.extent.is_none());
        let Some(item) = (if is_last { self.flight.pop_back() } else { None }) else { return false };
        self.flight_bytes -= item.payload.len();
        match error {
            SendError::Full | SendError::Overload => self.full = Some((written, now + AGAIN)),
            // Its end, which is near, makes it one that was not touched.
            SendError::NotOpen | SendError::Closing | SendError::Closed => {
                self.full = Some((u64::MAX, now + AGAIN));
            }
            error => {
                self.give_back(stats, item, Unsent::Unfit(error));
                return true;
            }
        }
        self.waiting.push_front(item);
        true
    }

    /// Some of the output was written.
    pub(super) fn handle_progress(
        &mut self,
        now: Instant,
        config: &ClientConfig,
        stats: &mut ClientStats,
        progress: &Progress,
    ) {
        if self.full.is_some_and(|(written, _)| progress.written > written) {
            self.full = None;
        }
        let is_whole = |item: &Item| item.extent.is_some_and(|extent| extent.reach(progress) == Reach::Whole);
        while let Some(mut item) = pop_if(&mut self.flight, is_whole) {
            self.flight_bytes -= item.payload.len();
            if item.acknowledged {
                item.due = config.ack_timeout.map_or(Instant::NEVER, |timeout| now + timeout);
                self.unacknowledged.push_back(item);
            } else {
                self.settle_item(stats, &item, Fate::Written);
            }
        }
    }

    /// The peer has acknowledged it; whether that was to be expected.
    pub(super) fn acknowledge(&mut self, stats: &mut ClientStats, ticket: Ticket) -> bool {
        // An acknowledgement may be here before it is known that the last byte was written.
        let item = match take(&mut self.unacknowledged, ticket, |_| true) {
            Some(item) => item,
            None => match take(&mut self.flight, ticket, |item| item.acknowledged) {
                Some(item) => {
                    self.flight_bytes -= item.payload.len();
                    item
                }
                None => return false,
            },
        };
        self.settle_item(stats, &item, Fate::Acknowledged);
        true
    }

    /// Takes a message back that waits here.
    pub(super) fn cancel(&mut self, stats: &mut ClientStats, ticket: Ticket) -> Option<Message<'static>> {
        let item = take(&mut self.waiting, ticket, |_| true)?;
        self.bytes -= item.payload.len();
        stats.cancelled += 1;
        Some(item.into_message())
    }

    /// The connection is gone, and this is how far it came: what it has not touched waits again, unless it is `given_back`.
    pub(super) fn handle_gone(
        &mut self,
        config: &ClientConfig,
        stats: &mut ClientStats,
        progress: &Progress,
        given_back: Option<Unsent>,
    ) {
        self.full = None;
        self.flight_bytes = 0;
        for item in core::mem::take(&mut self.unacknowledged) {
            self.lose(stats, item);
        }
        let mut untouched = VecDeque::new();
        for mut item in core::mem::take(&mut self.flight) {
            // One of which nothing was told may be anywhere.
            match item.extent.take().map_or(Reach::Partly, |extent| extent.reach(progress)) {
                Reach::Whole if !item.acknowledged => self.settle_item(stats, &item, Fate::Written),
                Reach::Whole | Reach::Partly => self.lose(stats, item),
                Reach::Untouched => match given_back {
                    Some(why) => self.give_back(stats, item, why),
                    None if item.tries >= config.retries => self.give_back(stats, item, Unsent::Tries),
                    None => {
                        item.tries += 1;
                        stats.resent += 1;
                        untouched.push_back(item);
                    }
                },
            }
        }
        untouched.append(&mut self.waiting);
        self.waiting = untouched;
        if let Some(why) = given_back {
            self.give_all_back(stats, why);
        }
    }

    /// Gives back all that waits here.
    pub(super) fn give_all_back(&mut self, stats: &mut ClientStats, why: Unsent) {
        for item in core::mem::take(&mut self.waiting) {
            self.give_back(stats, item, why);
        }
    }

    pub(super) fn poll_fate(&mut self) -> Option<(Ticket, Fate)> {
        let (ticket, fate) = self.settled.pop_front()?;
        self.settled_bytes -= given_back(&fate);
        Some((Ticket(ticket), fate))
    }

    /// When something is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let full = self.full.map(|(_, until)| until);
        let due = self.unacknowledged.front().map(|item| item.due).filter(|due| *due != Instant::NEVER);
        [full, due].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, stats: &mut ClientStats) {
        self.full.take_if(|(_, until)| *until <= now);
        while let Some(item) = pop_if(&mut self.unacknowledged, |item| item.due <= now) {
            self.lose(stats, item);
        }
    }

    fn settle_item(&mut self, stats: &mut ClientStats, item: &Item, fate: Fate) {
        self.settle(stats, item.ticket, item.payload.len(), fate);
    }

    fn give_back(&mut self, stats: &mut ClientStats, item: Item, why: Unsent) {
        let (ticket, len) = (item.ticket, item.payload.len());
        self.settle(stats, ticket, len, Fate::Unsent { message: item.into_message(), why });
    }

    fn lose(&mut self, stats: &mut ClientStats, item: Item) {
        let (ticket, len) = (item.ticket, item.payload.len());
        self.settle(stats, ticket, len, Fate::Unknown { message: item.into_message() });
    }

    fn settle(&mut self, stats: &mut ClientStats, ticket: u64, len: usize, fate: Fate) {
        self.bytes -= len;
        self.settled_bytes += given_back(&fate);
        match fate {
            Fate::Written => stats.written += 1,
            Fate::Acknowledged => stats.acknowledged += 1,
            Fate::Unsent { .. } => stats.unsent += 1,
            Fate::Unknown { .. } => stats.unknown += 1,
        }
        self.settled.push_back((ticket, fate));
    }
}

/// Bytes that are in a fate.
fn given_back(fate: &Fate) -> usize {
    match fate {
        Fate::Unsent { message, .. } | Fate::Unknown { message } => message.payload().len(),
        Fate::Written | Fate::Acknowledged => 0,
    }
}

fn pop_if(queue: &mut VecDeque<Item>, is_wanted: impl Fn(&Item) -> bool) -> Option<Item> {
    if queue.front().is_some_and(is_wanted) { queue.pop_front() } else { None }
}

/// Takes one out of a queue that is ordered by tickets.
fn take(queue: &mut VecDeque<Item>, ticket: Ticket, is_wanted: impl Fn(&Item) -> bool) -> Option<Item> {
    let at = queue.binary_search_by_key(&ticket.0, |item| item.ticket).ok()?;
    if is_wanted(&queue[at]) { queue.remove(at) } else { None }
}
