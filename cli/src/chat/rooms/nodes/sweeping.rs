//! What only the database can tell: messages of other nodes that did not come, and up to where there are none.
//!
//! A sweep asks how far the database is, and reads all between the settled id and that one in the rooms that have members here. All
//! that it finds and that was not told is told. Ids appear in the database in their order, so behind a sweep nothing older can come.

use super::super::reading::{Reader, Reading, Want};
use super::{AFTER_A_GAP, Nodes, Rooms};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::history::{Answer, Ask, Failure, MAX_PAGE, Page, PageAsk, Span};

/// From one sweep to the next: also while the mesh is up, since what it lost at the end of everything may never be found out.
const EVERY: Duration = Duration::from_secs(10);
/// While it is down there is no other way.
const EVERY_WHILE_DOWN: Duration = Duration::from_secs(1);
/// After one that failed, and after what is no hurry.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// Rooms that are read at once.
const MAX_ROOMS: usize = 256;
/// Ids that one sweep goes over at most where rooms are read one part after the other, which bounds what it finds.
const MAX_SPAN: u64 = 20_000;

/// When it is swept, and how far it is.
#[derive(Debug)]
pub(super) struct Sweep {
    due: Instant,
    pass: Option<Pass>,
    /// The first one failed, and nothing is read before that.
    retry_at: Option<Instant>,
    /// The last that was read was for it: others have their turn.
    was_read: bool,
}

/// A sweep that is under way.
#[derive(Debug)]
struct Pass {
    /// How far the database is, once it has said so.
    until: Option<u64>,
    /// What is to be read still.
    parts: VecDeque<Vec<Arc<str>>>,
    /// How far the first of them was read.
    after: u64,
    /// There is no other part, so what was read of it was read for all.
    is_whole: bool,
}

impl Sweep {
    /// The first one is due at once: nothing else is read before it has told how far the database is.
    pub(super) const fn new(now: Instant) -> Self {
        Self { due: now, pass: Some(Pass::new()), retry_at: None, was_read: false }
    }

    /// Has the next one begin by then.
    pub(super) fn hasten(&mut self, at: Instant) {
        self.due = self.due.min(at);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.pass.is_none() { Some(self.due) } else { self.retry_at }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, is_up: bool) {
        self.retry_at.take_if(|at| *at <= now);
        if self.pass.is_none() && self.due <= now {
            self.pass = Some(Pass::new());
            self.due = now + if is_up { EVERY } else { EVERY_WHILE_DOWN };
        }
    }
}

impl Pass {
    const fn new() -> Self {
        Self { until: None, parts: VecDeque::new(), after: 0, is_whole: false }
    }
}

impl Nodes {
    /// All up to that id was told.
    fn settle(&mut self, id: u64) {
        self.settled = Some(id);
        self.fresh = self.fresh.split_off(&id.saturating_add(1));
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// Whether the next to read is a sweep.
    pub(in crate::chat::rooms) fn sweeps_next(&self) -> bool {
        let Some(nodes) = self.nodes.as_ref().filter(|nodes| nodes.sweep.retry_at.is_none()) else {
            return false;
        };
        let is_first = nodes.settled.is_none() || !nodes.sweep.was_read || self.readers.is_empty();
        nodes.sweep.pass.is_some() && is_first
    }

    /// Whether others may read: not before it is known how far the database is.
    pub(in crate::chat::rooms) fn lets_read(&self) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.sweep.retry_at.is_none())
    }

    pub(in crate::chat::rooms) fn sweep(&mut self) {
        let due = self.now + self.limits.max_wait;
        let Some(nodes) = &mut self.nodes else { return };
        let Some(pass) = &nodes.sweep.pass else { return };
        let ask = match pass.parts.front() {
            None => Ask::Last,
            Some(part) => Ask::Page(PageAsk::new(part.clone(), Span::After(pass.after), MAX_PAGE)),
        };
        let is_last = ask == Ask::Last;
        if self.desk.read(self.now, ask).is_ok() {
            nodes.asks += u64::from(is_last);
            nodes.sweep.was_read = true;
            self.reading = Some(Reading::new(Reader { due, want: Want::Sweep }, None));
        }
    }

    /// Somebody else reads.
    pub(in crate::chat::rooms) fn yield_to_readers(&mut self) {
        if let Some(nodes) = &mut self.nodes {
            nodes.sweep.was_read = false;
        }
    }

    /// What the store says to a sweep.
    pub(in crate::chat::rooms) fn handle_swept(&mut self, answer: Result<Answer, Failure>) {
        match answer {
            Ok(Answer::Last(last)) => self.begin_pass(last),
            Ok(Answer::Page(page)) => self.go_on_with_pass(&page),
            _ => self.give_up_sweep(),
        }
    }

    /// It is tried again; until the first has come to its end that is what is read first.
    pub(in crate::chat::rooms) fn give_up_sweep(&mut self) {
        let at = self.now + RETRY;
        let Some(nodes) = &mut self.nodes else { return };
        nodes.sweep.pass = nodes.settled.is_none().then(Pass::new);
        nodes.sweep.retry_at = nodes.settled.is_none().then_some(at);
        nodes.sweep.hasten(at);
    }

    /// It is known how far the database is.
    fn begin_pass(&mut self, last: u64) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.confirmed = last;
        nodes.forget_above(last);
        if nodes.settled > Some(last) {
            self.set_back(last);
        }
        let Some(nodes) = &self.nodes else { return };
        let Some(settled) = nodes.settled else { return self.begin_at(last) };
        let rooms: Vec<Arc<str>> = self
            .rooms
            .iter()
            .filter(|(_, members)| !members.is_empty())
            .map(|(room, _)| room.clone())
            .collect();
        if last == settled || rooms.is_empty() {
            return self.end_pass(last);
        }
        let parts: VecDeque<Vec<Arc<str>>> = rooms.chunks(MAX_ROOMS).map(<[_]>::to_vec).collect();
        let is_whole = parts.len() == 1;
        let until = if is_whole { last } else { last.min(settled.saturating_add(MAX_SPAN)) };
        let Some(nodes) = &mut self.nodes else { return };
        nodes.sweep.pass = Some(Pass { until: Some(until), parts, after: settled, is_whole });
        if until < last {
            nodes.sweep.hasten(self.now);
        }
    }

    /// It is known for the first time how far the database is. What was said before is told by histories, but for what those who are here
    /// have said themselves, and what came behind it.
    fn begin_at(&mut self, last: u64) {
        let places = self.users.values().flat_map(|user| &user.places);
        let firsts = places.filter(|place| place.from.is_none()).filter_map(|place| place.first);
        let settled = firsts.map(|first| first - 1).chain([last]).min().unwrap_or(last);
        for (conn, user) in &mut self.users {
            let awaits =
                |room: &Arc<str>| self.behind.get(conn).is_some_and(|behind| behind.rooms.contains(room));
            for place in user.places.iter_mut().filter(|place| place.from.is_none() && !awaits(&place.room)) {
                // There was no history to be had.
                place.from = Some(place.first.map_or(settled, |first| first - 1));
            }
        }
        self.behind.values_mut().for_each(|behind| behind.settle(settled));
        self.end_pass(settled);
        if settled < last {
            self.sweep_by(self.now + AFTER_A_GAP);
        }
    }

    /// The database has fewer messages than it had: it gives their ids again, to others.
    pub(super) fn set_back(&mut self, last: u64) {
        let Some(nodes) = &mut self.nodes else { return };
        (nodes.settled, nodes.confirmed, nodes.sweep.pass) = (Some(last), last, None);
        nodes.fresh.split_off(&last.saturating_add(1));
        for place in self.users.values_mut().flat_map(|user| &mut user.places) {
            place.from = place.from.map(|from| from.min(last));
        }
        for behind in self.behind.values_mut() {
            behind.settled = behind.settled.map(|settled| settled.min(last));
        }
    }

    fn go_on_with_pass(&mut self, page: &Page) {
        for entry in &page.entries {
            self.tell_swept(entry);
        }
        let Some(nodes) = &mut self.nodes else { return };
        let Some(settled) = nodes.settled else { return };
        let Some(pass) = &mut nodes.sweep.pass else { return };
        let until = pass.until.unwrap_or(settled);
        let last = page.entries.last().map_or(pass.after, |entry| entry.id);
        if page.more && last < until {
            pass.after = last;
            if pass.is_whole {
                nodes.settle(last);
            }
            return;
        }
        pass.parts.pop_front();
        pass.after = settled;
        if pass.parts.is_empty() {
            self.end_pass(until);
        }
    }

    fn end_pass(&mut self, settled: u64) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.sweep.pass = None;
        nodes.stats.sweeps += 1;
        nodes.settle(settled);
    }

    /// Something was left to a sweep.
    pub(super) fn sweep_by(&mut self, at: Instant) {
        if let Some(nodes) = &mut self.nodes {
            nodes.sweep.hasten(at);
        }
    }
}
