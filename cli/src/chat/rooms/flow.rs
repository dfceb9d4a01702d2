//! Users to whom something older comes first: what they have missed, also as they took too little, or the history of a room that they
//! have joined.
//!
//! Each goes from id to id, whatever it is told: all messages of its rooms up to one, then the histories of those that it joined
//! there, and so on until it is where all are. What is said meanwhile waits for it: where it is among the last messages it comes
//! from there, else it is read.

use super::Rooms;
use super::history;
use super::reading::{Reader, Want};
use crate::chat::protocol::{Code, Refusal, Reply};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use wharf::service::history::{Ask, MAX_PAGE, Page, PageAsk, Span};

/// What is told at once to a user who has missed something, in bytes, before it is seen whether it takes that.
pub(super) const CHUNK: usize = 64 << 10;
/// How many messages are read at once for it. Over several nodes it goes on reading until there is no more, so it is to be quick.
const PAGE: usize = 50;

/// One who is behind.
#[derive(Debug)]
pub(super) struct Behind {
    /// All messages of its rooms up to this id were told.
    pub(super) seen: u64,
    /// What comes next is to be read, wherever else it may be.
    pub(super) must_read: bool,
    /// The rooms of which it is to be told who is there. Until then it is not told who comes and goes.
    lists: VecDeque<Arc<str>>,
    /// The rooms whose history is to come, in the order of joining.
    pub(super) rooms: VecDeque<Arc<str>>,
    /// It waits to read, or reads.
    is_reading: bool,
    /// Tells it from what the same connection waited for before.
    turn: u64,
    /// Over several nodes: how many messages had been told here when it fell behind, or was asked last for what it has missed. Those told
    /// since come to it, as far as it has not read them.
    pub(super) at: u64,
    /// As much of that as was true when it was asked for what it has missed.
    pub(super) asked_at: u64,
    /// It was told all that there was then.
    pub(super) has_read: bool,
    /// All messages of its rooms up to this id were told, as is said in a history.
    pub(super) settled: Option<u64>,
    /// What is told behind all that. At most [`Limits::max_held`](crate::chat::Limits).
    pub(super) owed: Vec<Bytes>,
}

/// What is next for one who is behind.
pub(super) enum Step {
    /// Nothing: it is where all are.
    Live,
    /// A history.
    History(Arc<str>),
    /// What it has missed, to be read.
    Missed,
    /// What it has missed, at hand, once it has taken what it was told of that.
    More,
    /// What it has missed can be neither read nor had: too much was told since.
    Lost,
}

impl<K: Copy + Ord> Rooms<K> {
    /// A user has joined a room, and is told its history before anything else is said.
    pub(super) fn await_history(&mut self, conn: K, room: Arc<str>) {
        self.begin_at_end(conn);
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.rooms.push_back(room);
        }
        self.ready.insert(conn);
    }

    /// A user has left a room.
    pub(super) fn await_nothing(&mut self, conn: K, room: &str) {
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.rooms.retain(|other| &**other != room);
        }
        self.await_no_list(conn, room);
    }

    /// A user is told who is in a room when it takes that, and until then not who comes and goes there.
    pub(super) fn await_list(&mut self, conn: K, room: Arc<str>) {
        self.begin_at_end(conn);
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.lists.push_back(room);
        }
        self.ready.insert(conn);
    }

    /// A user is told who is in a room.
    pub(super) fn await_no_list(&mut self, conn: K, room: &str) {
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.lists.retain(|other| &**other != room);
        }
    }

    /// A user is told who is in its rooms, then all messages there with a greater id.
    pub(super) fn fall_behind(&mut self, conn: K, after: u64, rooms: Vec<Arc<str>>) {
        self.begin(conn, after, true);
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.lists = rooms.into();
        }
        self.ready.insert(conn);
    }

    /// Whether a user in a room is told who comes and goes there.
    pub(super) fn knows(&self, conn: K, room: &str) -> bool {
        self.behind.get(&conn).is_none_or(|behind| behind.lists.iter().all(|other| &**other != room))
    }

    /// A message is about to be told: those in its room who take less than they are sent have missed it.
    pub(super) fn leave_behind(&mut self, id: u64, conns: &[K], bytes: usize) {
        if self.congested.is_empty() {
            return;
        }
        self.weigh(conns, bytes);
        for conn in conns {
            if self.congested.has(*conn) && !self.behind.contains_key(conn) {
                self.begin(*conn, id.saturating_sub(1), false);
            }
        }
    }

    /// All that was told until now was told to it, unless it is behind already.
    fn begin_at_end(&mut self, conn: K) {
        if !self.behind.contains_key(&conn) {
            self.begin(conn, self.told, false);
        }
    }

    fn begin(&mut self, conn: K, seen: u64, must_read: bool) {
        self.turn += 1;
        let (turn, at) = (self.turn, self.recent.count());
        let settled = self.nodes.as_ref().filter(|_| !must_read).and_then(|nodes| nodes.settled());
        let (lists, rooms, owed) = (VecDeque::new(), VecDeque::new(), Vec::new());
        let (is_reading, has_read, asked_at) = (false, false, at);
        let behind =
            Behind { seen, must_read, lists, rooms, is_reading, turn, at, asked_at, has_read, settled, owed };
        self.behind.insert(conn, behind);
    }

    /// The first message of all is about to be told: whoever is here came before it, and that is known only now.
    pub(super) fn place_all_before(&mut self, id: u64) {
        let before = id.saturating_sub(1);
        for place in self.users.values_mut().flat_map(|user| &mut user.places) {
            place.from.get_or_insert(before);
        }
        for behind in self.behind.values_mut().filter(|behind| !behind.must_read) {
            behind.seen = before;
        }
        self.recent.begin(before);
    }

    /// Whether a message of that id is told to a user in that room, rather than being a part of the room's history.
    pub(super) fn comes_to(&self, conn: K, room: &str, id: u64) -> bool {
        let place =
            self.users.get(&conn).and_then(|user| user.places.iter().find(|place| &*place.room == room));
        place.is_some_and(|place| match (place.from, place.first) {
            _ if place.earlier.contains(&id) => true,
            (Some(from), _) => id > from,
            (None, first) => first.is_some_and(|first| id >= first),
        })
    }

    pub(super) fn go_on_later(&mut self, conn: K) {
        if self.behind.contains_key(&conn) {
            self.ready.insert(conn);
        }
    }

    /// Goes on with one who is behind, as far as nothing has to be read for it.
    pub(super) fn go_on(&mut self, conn: K) {
        if self.congested.has(conn) || self.behind.get(&conn).is_none_or(|behind| behind.is_reading) {
            return;
        }
        if let Some(room) = self.behind.get(&conn).and_then(|behind| behind.lists.front()).cloned() {
            self.tell_list(conn, &room);
            self.ready.insert(conn);
            return;
        }
        match self.step(conn) {
            Step::Live => {
                let owed = self.behind.remove(&conn).map(|behind| behind.owed);
                owed.into_iter().flatten().for_each(|text| self.send(conn, text));
            }
            Step::More => {
                self.ready.insert(conn);
            }
            Step::Lost => self.give_up_lost(conn),
            Step::History(_) | Step::Missed => {
                let Some(behind) = self.behind.get_mut(&conn) else { return };
                behind.is_reading = true;
                let (due, turn) = (self.now + self.limits.max_wait, behind.turn);
                self.readers.push_back(Reader { due, want: Want::Missed(conn, turn) });
            }
        }
    }

    /// Tells one who is behind what is still at hand, as far as that goes.
    fn step(&mut self, conn: K) -> Step {
        if self.nodes.is_some() {
            return self.step_among_nodes(conn);
        }
        loop {
            let Some(behind) = self.behind.get(&conn) else { return Step::Live };
            let until = match behind.rooms.front() {
                None => u64::MAX,
                Some(room) => match self.joined_at(conn, room) {
                    Some(from) if behind.seen < from => from,
                    // Its other rooms first, or it would seem to have seen all that is older than what this room has.
                    None if behind.must_read => u64::MAX,
                    _ => return Step::History(room.clone()),
                },
            };
            match self.catch_up(conn, until) {
                None => return Step::Missed,
                Some(false) => return Step::More,
                Some(true) if until == u64::MAX => return Step::Live,
                Some(true) => {}
            }
        }
    }

    /// Below which id a room's history ends for a user.
    fn history_ends(&self, conn: K, room: &str) -> Option<u64> {
        if self.nodes.is_some() {
            return self.own_first(conn, room);
        }
        self.joined_at(conn, room).map(|from| from.saturating_add(1))
    }

    /// The greatest id of a room when the user joined it, if any was known.
    fn joined_at(&self, conn: K, room: &str) -> Option<u64> {
        self.users.get(&conn)?.places.iter().find(|place| &*place.room == room)?.from
    }

    /// Tells what is at hand up to that id, or as much of it as is told at once, and whether that is all. `None` if it is to be read.
    fn catch_up(&mut self, conn: K, until: u64) -> Option<bool> {
        let behind = self.behind.get(&conn).filter(|behind| !behind.must_read)?;
        let (mut bytes, mut seen, mut texts) = (0, until.min(self.told), Vec::new());
        let mut last = behind.seen;
        for (id, room, text) in self.recent.after(last)?.take_while(|(id, _, _)| *id <= until) {
            if bytes > CHUNK {
                seen = last;
                break;
            }
            last = *id;
            if self.comes_to(conn, room, *id) {
                bytes += text.len();
                texts.push(text.clone());
            }
        }
        texts.into_iter().for_each(|text| self.send(conn, text));
        self.behind.get_mut(&conn)?.seen = seen;
        Some(seen == until.min(self.told))
    }

    /// What is to be read next for one who is behind, and the room if it is its history. `None` if nothing is, or not now.
    pub(super) fn ask_missed(&mut self, conn: K) -> Option<(Ask, Option<Arc<str>>)> {
        if self.congested.has(conn) {
            return None;
        }
        match self.step(conn) {
            Step::Live | Step::More | Step::Lost => None,
            Step::History(room) => {
                let below = self.history_ends(conn, &room);
                let ask = PageAsk::new(vec![room.clone()], Span::Newest { below }, self.limits.history);
                Some((Ask::Page(ask), Some(room)))
            }
            Step::Missed => {
                self.note_asked(conn);
                let (user, behind) = (self.users.get(&conn)?, self.behind.get(&conn)?);
                let rooms = user.rooms().filter(|room| !behind.rooms.contains(room)).cloned().collect();
                let limit = if self.nodes.is_some() { MAX_PAGE } else { PAGE };
                Some((Ask::Page(PageAsk::new(rooms, Span::After(behind.seen), limit)), None))
            }
        }
    }

    /// Whether it is still the same one who waits, and for the same.
    pub(super) fn is_turn(&self, conn: K, turn: u64) -> bool {
        self.behind.get(&conn).is_some_and(|behind| behind.turn == turn)
    }

    /// It reads no more; it goes on when it can.
    pub(super) fn end_reading(&mut self, conn: K) {
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.is_reading = false;
            self.ready.insert(conn);
        }
    }

    /// What was missed is read. Of a page that is more than is told at once the rest is read again.
    pub(super) fn tell_missed(&mut self, conn: K, page: &Page) {
        let Some(behind) = self.behind.get(&conn) else { return };
        let mut seen = behind.seen;
        let until = behind.rooms.front().and_then(|room| self.joined_at(conn, room)).unwrap_or(u64::MAX);
        let (mut bytes, mut is_all) = (0, !page.more);
        // Pages are in the order of ids, so all of its rooms was told up to each message, but for a room whose history is to come.
        let settles = self.nodes.is_some() && behind.rooms.is_empty();
        for entry in &page.entries {
            if bytes > CHUNK || entry.id > until {
                is_all = false;
                break;
            }
            seen = entry.id;
            if self.comes_to(conn, &entry.room, entry.id) {
                let mut reply = Reply::message(entry);
                reply.settle(settles.then_some(entry.id));
                let text = reply.to_bytes();
                bytes += text.len();
                self.send(conn, text);
            }
        }
        if page.entries.iter().any(|entry| entry.id > until) && bytes <= CHUNK {
            seen = until;
        }
        let told = self.told;
        if self.nodes.is_some() {
            self.note_read(conn, seen, page.entries.last().map_or(0, |entry| entry.id), is_all);
        } else if let Some(behind) = self.behind.get_mut(&conn) {
            // Nothing was told since it was asked for, so that was all there is.
            behind.must_read &= !is_all;
            behind.seen = if is_all { until.min(told) } else { seen };
        }
        self.end_reading(conn);
    }

    /// A history is read, unless the user has left the room.
    pub(super) fn tell_history(&mut self, conn: K, room: &Arc<str>, page: &Page) {
        let Some(behind) = self.behind.get_mut(&conn) else { return };
        if behind.rooms.front() == Some(room) {
            behind.rooms.pop_front();
            let settled = behind.settled;
            self.place_behind_history(conn, room, page.entries.last().map_or(0, |entry| entry.id));
            let place = self.users.get(&conn).and_then(|user| user.places.iter().find(|p| p.room == *room));
            let text = history::text(room, page, settled, place.map_or(&[], |place| &place.earlier));
            self.send(conn, text);
        }
        self.end_reading(conn);
    }

    /// A user has waited for too long, or in vain. What it has missed it goes on waiting for.
    pub(super) fn give_up_history(&mut self, conn: K) {
        let Some(behind) = self.behind.get_mut(&conn) else { return };
        let rooms = if behind.must_read { VecDeque::new() } else { std::mem::take(&mut behind.rooms) };
        for room in rooms {
            let confirmed = self.nodes.as_ref().map_or(0, |nodes| nodes.confirmed());
            self.place_behind_history(conn, &room, confirmed);
            let refusal = Refusal::new(Code::Unavailable, "the database is away: there is no history now");
            self.refuse(conn, &refusal, None);
        }
        self.end_reading(conn);
    }
}
