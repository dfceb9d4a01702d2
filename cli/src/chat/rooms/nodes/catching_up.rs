//! Users to whom something older comes first, where messages come in no order.
//!
//! What such a one is told goes by the order in which this node told it, and no message waits for one with a smaller id. What it reads in the
//! database says up to which id of a room it has all: of what is told later, that much does not come to it. A history comes before all
//! else, and ends before the first message that the user itself has said there.

use super::super::flow::{Behind, CHUNK, Step};
use super::Rooms;
use wharf::base::CloseCode;

impl Behind {
    /// All up to that id was told, as is known only now.
    pub(super) fn settle(&mut self, id: u64) {
        if !self.must_read {
            self.settled.get_or_insert(id);
        }
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// Tells one who is behind what is still at hand, as far as that goes.
    pub(in crate::chat::rooms) fn step_among_nodes(&mut self, conn: K) -> Step {
        match self.behind.get(&conn) {
            None => Step::Live,
            Some(behind) => match behind.rooms.front() {
                Some(room) => Step::History(room.clone()),
                None if behind.must_read => Step::Missed,
                None => self.tell_since(conn),
            },
        }
    }

    fn tell_since(&mut self, conn: K) -> Step {
        let Some(mut at) = self.behind.get(&conn).map(|behind| behind.at) else { return Step::Live };
        let Some(since) = self.recent.since(at) else { return self.read_again(conn) };
        let (mut bytes, mut texts, mut step) = (0, Vec::new(), Step::Live);
        for (id, room, text) in since {
            if bytes > CHUNK {
                step = Step::More;
                break;
            }
            at += 1;
            if self.comes_to(conn, room, *id) {
                bytes += text.len();
                texts.push(text.clone());
            }
        }
        texts.into_iter().for_each(|text| self.send(conn, text));
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.at = at;
        }
        step
    }

    /// More was told since than is held. One who has been told nothing of that since it read reads on from there.
    fn read_again(&mut self, conn: K) -> Step {
        match self.behind.get_mut(&conn) {
            Some(behind) if behind.has_read && behind.at == behind.asked_at => {
                behind.must_read = true;
                Step::Missed
            }
            _ => Step::Lost,
        }
    }

    /// More was told since than is held, and what of it was told to this one is not known: it comes back and says so.
    pub(in crate::chat::rooms) fn give_up_lost(&mut self, conn: K) {
        self.handle_slow(self.now, self.wall, conn);
        self.close(conn, CloseCode::TRY_AGAIN_LATER, "too much was said meanwhile");
    }

    /// The id of the first message that a user has said in a room whose history it waits for.
    pub(in crate::chat::rooms) fn own_first(&self, conn: K, room: &str) -> Option<u64> {
        self.users.get(&conn)?.places.iter().find(|place| &*place.room == room)?.first
    }

    /// A user has been told the history of a room up to that id, or up to its own first message. That may not be known yet if it was told
    /// none.
    pub(in crate::chat::rooms) fn place_behind_history(&mut self, conn: K, room: &str, last: u64) {
        let is_among_nodes = self.nodes.as_ref().is_some_and(|nodes| nodes.settled().is_some());
        let Some(user) = self.users.get_mut(&conn).filter(|_| is_among_nodes) else { return };
        if let Some(place) = user.places.iter_mut().find(|place| &*place.room == room) {
            place.from = Some(place.first.map_or(last, |first| first - 1));
        }
    }

    /// What a user has missed is asked for: all that was told until now is there.
    pub(in crate::chat::rooms) fn note_asked(&mut self, conn: K) {
        if let Some(behind) = self.behind.get_mut(&conn) {
            behind.asked_at = self.recent.count();
        }
    }

    /// A user was told all messages of its rooms up to that id, which is all there were when it was asked if `is_all`. The database
    /// has said that there is one with the id `last`.
    ///
    /// It may have come with an id that the database does not have, which is taken for how far the database is.
    pub(in crate::chat::rooms) fn note_read(&mut self, conn: K, seen: u64, last: u64, is_all: bool) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.confirmed = nodes.confirmed.max(last);
        let confirmed = nodes.confirmed;
        let Some(behind) = self.behind.get_mut(&conn) else { return };
        behind.seen = seen;
        if !is_all {
            return;
        }
        (behind.must_read, behind.has_read) = (false, true);
        behind.at = behind.asked_at;
        let Some(user) = self.users.get_mut(&conn) else { return };
        for from in user.places.iter_mut().filter_map(|place| place.from.as_mut()) {
            *from = (*from).max(seen.min(confirmed));
        }
    }
}
