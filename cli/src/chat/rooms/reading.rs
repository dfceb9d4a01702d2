//! Who waits to read from the store, and what is read.

use super::{Action, Paged, Rooms};
use std::sync::Arc;
use wharf::base::{CloseCode, Instant, Wall};
use wharf::service::history::{Answer, Ask, Failure, Page, PageAsk, Span};

/// One who waits.
#[derive(Debug)]
pub(super) struct Reader<K> {
    /// When it has waited for too long.
    pub(super) due: Instant,
    pub(super) want: Want<K>,
}

/// What for.
#[derive(Debug)]
pub(super) enum Want<K> {
    /// Whose token that is.
    Session(K),
    /// What a user has missed, or a history, as it is when it is the user's turn, of that number.
    Missed(K, u64),
    /// A page. With `is_about_room` it is known to be empty, and what is asked is whether the room has any message.
    Page { conn: K, ask: PageAsk, is_about_room: bool },
    /// What was said at other nodes. It does not wait with the others.
    Sweep,
}

/// One who reads.
#[derive(Debug)]
pub(super) struct Reading<K> {
    reader: Reader<K>,
    /// It is this room's history.
    room: Option<Arc<str>>,
}

impl<K> Reading<K> {
    pub(super) const fn new(reader: Reader<K>, room: Option<Arc<str>>) -> Self {
        Self { reader, room }
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// Somebody asks for a page of one room, who is no user. [`Action::Page`] tells what came of it, once.
    pub fn handle_page(&mut self, now: Instant, wall: Wall, conn: K, ask: PageAsk) {
        let now = self.advance(now, wall);
        let busy = if self.desk.is_away() {
            "it did not answer last"
        } else if self.pages >= self.limits.max_pages {
            "too many wait for it"
        } else {
            let want = Want::Page { conn, ask, is_about_room: false };
            self.pages += 1;
            self.readers.push_back(Reader { due: now + self.limits.max_wait, want });
            return;
        };
        self.push(Action::Page { conn, paged: Paged::Failed(Failure::Away(busy.into())) });
    }

    /// What the store said to the last [`Action::Ask`].
    pub fn handle_answer(&mut self, now: Instant, wall: Wall, answer: Result<Answer, Failure>) {
        let now = self.advance(now, wall);
        let Some(answer) = self.desk.handle_answer(now, answer) else { return };
        // It may have waited for too long.
        let Some(Reading { reader, room }) = self.reading.take() else { return };
        if let Want::Missed(conn, turn) = reader.want
            && !self.is_turn(conn, turn)
        {
            return;
        }
        match (reader.want, answer, room) {
            (Want::Sweep, answer, _) => self.handle_swept(answer),
            (Want::Session(conn), Ok(Answer::Session(session)), _) => {
                self.settle_resume(conn, Ok(session));
            }
            (Want::Missed(conn, _), Ok(Answer::Page(page)), Some(room)) => {
                self.tell_history(conn, &room, &page)
            }
            (Want::Missed(conn, _), Ok(Answer::Page(page)), None) => self.tell_missed(conn, &page),
            (want @ Want::Page { .. }, Ok(Answer::Page(page)), _) => self.tell_page(want, reader.due, page),
            (Want::Session(conn), Err(Failure::Away(_)), _) if self.is_known(conn) => {
                self.settle_resume(conn, Err(()));
            }
            (want @ (Want::Session(_) | Want::Missed(..)), Err(Failure::Away(_)), _) => {
                self.readers.push_front(Reader { due: reader.due, want });
            }
            (Want::Session(conn), _, _) => self.settle_resume(conn, Err(())),
            (Want::Missed(conn, _), _, Some(_)) => self.give_up_history(conn),
            (Want::Missed(conn, _), _, None) => self.fail(conn),
            (Want::Page { conn, .. }, answer, _) => {
                let failure = answer.err().unwrap_or_else(|| Failure::Refused("another answer".into()));
                self.end_page(conn, Paged::Failed(failure));
            }
        }
    }

    pub(super) fn await_session(&mut self, conn: K) {
        let due = self.now + self.limits.max_wait;
        self.readers.push_back(Reader { due, want: Want::Session(conn) });
    }

    /// Has the next one read who wants to, if there is any.
    pub(super) fn read_next(&mut self) {
        let Some(reader) = self.readers.pop_front() else { return };
        let (ask, room) = match &reader.want {
            Want::Session(conn) => match self.ask_session(*conn) {
                Some(ask) => (ask, None),
                None => return,
            },
            Want::Missed(conn, turn) if !self.is_turn(*conn, *turn) => return,
            Want::Missed(conn, _) => match self.ask_missed(*conn) {
                Some(asked) => asked,
                None => return self.end_reading(*conn),
            },
            Want::Page { ask, .. } => (Ask::Page(ask.clone()), None),
            Want::Sweep => return,
        };
        self.yield_to_readers();
        if self.desk.read(self.now, ask).is_ok() {
            self.reading = Some(Reading::new(reader, room));
        } else {
            self.readers.push_front(reader);
        }
    }

    pub(super) fn reading_due(&self) -> Option<Instant> {
        let reading = self.reading.as_ref().map(|reading| reading.reader.due);
        self.readers.front().map(|reader| reader.due).into_iter().chain(reading).min()
    }

    /// Gives those up who have waited for too long.
    pub(super) fn give_up_reading(&mut self) {
        let now = self.now;
        if let Some(reading) = self.reading.take_if(|reading| reading.reader.due <= now) {
            self.give_up(&reading.reader.want);
        }
        // One that is behind waits anew, at the end.
        for _ in 0..self.readers.len() {
            if self.readers.front().is_none_or(|reader| reader.due > now) {
                break;
            }
            if let Some(reader) = self.readers.pop_front() {
                self.give_up(&reader.want);
            }
        }
    }

    fn give_up(&mut self, want: &Want<K>) {
        match *want {
            Want::Sweep => self.give_up_sweep(),
            Want::Session(conn) => self.settle_resume(conn, Err(())),
            Want::Missed(conn, turn) if !self.is_turn(conn, turn) => {}
            Want::Missed(conn, _) => self.give_up_history(conn),
            Want::Page { conn, .. } => {
                self.end_page(conn, Paged::Failed(Failure::Away("it does not answer".into())));
            }
        }
    }

    /// What one has missed can never be read.
    fn fail(&mut self, conn: K) {
        self.part(conn);
        self.close(conn, CloseCode::INTERNAL_ERROR, "what was missed cannot be read");
    }

    fn tell_page(&mut self, want: Want<K>, due: Instant, page: Page) {
        let Want::Page { conn, ask, is_about_room } = want else { return };
        let Some(room) = ask.rooms.first().cloned() else { return self.end_page(conn, Paged::NoRoom) };
        let is_below = matches!(ask.span, Span::Newest { below: Some(_) });
        match () {
            () if is_about_room && page.entries.is_empty() => self.end_page(conn, Paged::NoRoom),
            // There are newer ones.
            () if is_about_room => self.end_page(conn, Paged::Found(Page::default())),
            () if !page.entries.is_empty() || self.has_members(&room) => {
                self.end_page(conn, Paged::Found(page));
            }
            () if is_below => {
                let ask = PageAsk::new(vec![room], Span::Newest { below: None }, 1);
                let want = Want::Page { conn, ask, is_about_room: true };
                self.readers.push_front(Reader { due, want });
            }
            () => self.end_page(conn, Paged::NoRoom),
        }
    }

    fn has_members(&self, room: &str) -> bool {
        self.rooms.contains_key(room) || self.has_remote_members(room)
    }

    fn end_page(&mut self, conn: K, paged: Paged) {
        self.pages -= 1;
        self.push(Action::Page { conn, paged });
    }
}
