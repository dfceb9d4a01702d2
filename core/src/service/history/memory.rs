//! A store that forgets when it is dropped.

use super::{Answer, Ask, Batch, Draft, Entry, Key, Page, PageAsk, Session, Span, Stored, TokenHash};
use crate::base::Wall;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Most sessions that are kept.
const MAX_SESSIONS: usize = 65_536;

/// A store in memory. For tests, and for a chat that is to keep nothing: beyond its limit the oldest entries go.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::history::{Answer, Ask, Batch, Draft, Key, Memory, Stored};
///
/// let mut memory = Memory::new(1000);
/// let mut batch = Batch::default();
/// batch.drafts.push(Draft::new(Key([7; 16]), "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5)));
/// let ask = Ask::Write(batch);
/// assert_eq!(memory.carry_out(&ask), Answer::Written(vec![Stored::New(1)]));
/// // Tried again since nobody heard of it, it is still stored once.
/// assert_eq!(memory.carry_out(&ask), Answer::Written(vec![Stored::New(1)]));
/// assert_eq!(memory.entries().count(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    limit: usize,
    last: u64,
    entries: BTreeMap<u64, (Key, Entry)>,
    keys: BTreeMap<Key, u64>,
    references: BTreeMap<(Arc<str>, Arc<str>), u64>,
    sessions: BTreeMap<TokenHash, Session>,
    /// One entry a session.
    expiries: BTreeSet<(Wall, TokenHash)>,
    max_sessions: usize,
    sessions_forgotten: u64,
    /// Sessions looked up.
    epoch: u64,
}

impl Memory {
    /// One that keeps so many entries, at least one. Sessions it keeps until they expire, 65,536 at most: of too many the one goes that
    /// expires first, and is [counted](Self::sessions_forgotten).
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit: if limit == 0 { 1 } else { limit },
            last: 0,
            entries: BTreeMap::new(),
            keys: BTreeMap::new(),
            references: BTreeMap::new(),
            sessions: BTreeMap::new(),
            expiries: BTreeSet::new(),
            max_sessions: MAX_SESSIONS,
            sessions_forgotten: 0,
            epoch: 0,
        }
    }

    /// Does what it is asked.
    pub fn carry_out(&mut self, ask: &Ask) -> Answer {
        match ask {
            Ask::Write(batch) => Answer::Written(self.write(batch)),
            Ask::Page(page) => Answer::Page(self.page(page)),
            Ask::Session(token, now) => {
                let found = self.sessions.get(token).filter(|session| session.expires > *now);
                self.epoch += u64::from(found.is_some());
                Answer::Session(found.map(|session| Session { epoch: self.epoch, ..session.clone() }))
            }
            Ask::Last => Answer::Last(self.entries.keys().next_back().copied().unwrap_or(0)),
        }
    }

    /// All that is stored, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.values().map(|(_, entry)| entry)
    }

    /// Sessions that went before their time, as there were too many.
    #[must_use]
    pub const fn sessions_forgotten(&self) -> u64 {
        self.sessions_forgotten
    }

    fn write(&mut self, batch: &Batch) -> Vec<Stored> {
        for id in batch.withdraw.iter().filter_map(|key| self.keys.get(key).copied()).collect::<Vec<_>>() {
            let entry = self.entries.remove(&id);
            self.forget(entry);
        }
        let stored = batch.drafts.iter().map(|draft| self.store(draft)).collect();
        batch.sessions.iter().for_each(|session| self.keep(session));
        while let Some((expires, _)) = self.expiries.first()
            && batch.expire.is_some_and(|now| *expires <= now)
        {
            self.forget_session();
        }
        stored
    }

    fn keep(&mut self, session: &Session) {
        let before = self.sessions.insert(session.token, session.clone());
        if let Some(before) = before {
            self.expiries.remove(&(before.expires, before.token));
        }
        self.expiries.insert((session.expires, session.token));
        if self.sessions.len() > self.max_sessions {
            self.forget_session();
            self.sessions_forgotten += 1;
        }
    }

    /// The one that expires first.
    fn forget_session(&mut self) {
        if let Some((_, token)) = self.expiries.pop_first() {
            self.sessions.remove(&token);
        }
    }

    fn store(&mut self, draft: &Draft) -> Stored {
        if let Some(id) = self.keys.get(&draft.key) {
            return Stored::New(*id);
        }
        let reference = draft.reference.clone().map(|reference| (draft.user.clone(), reference));
        let before = reference.as_ref().and_then(|reference| self.references.get(reference));
        if let Some((_, entry)) = before.and_then(|id| self.entries.get(id)) {
            return Stored::Before(entry.clone());
        }
        self.last += 1;
        self.keys.insert(draft.key, self.last);
        if let Some(reference) = reference {
            self.references.insert(reference, self.last);
        }
        self.entries.insert(self.last, (draft.key, draft.clone().into_entry(self.last)));
        if self.entries.len() > self.limit {
            let oldest = self.entries.pop_first();
            self.forget(oldest.map(|(_, entry)| entry));
        }
        Stored::New(self.last)
    }

    /// All else that is known of what is no entry any more.
    fn forget(&mut self, entry: Option<(Key, Entry)>) {
        let Some((key, entry)) = entry else { return };
        self.keys.remove(&key);
        if let Some(reference) = entry.reference {
            self.references.remove(&(entry.user, reference));
        }
    }

    fn page(&self, ask: &PageAsk) -> Page {
        let of_rooms = |(_, (_, entry)): &(&u64, &(Key, Entry))| ask.rooms.contains(&entry.room);
        let entry = |(_, (_, entry)): (&u64, &(Key, Entry))| entry.clone();
        // One more than asked for tells whether there are more.
        let limit = ask.limit + 1;
        let mut entries: Vec<Entry> = match ask.span {
            Span::After(id) => {
                self.entries.range(id.saturating_add(1)..).filter(of_rooms).map(entry).take(limit).collect()
            }
            Span::Newest { below } => {
                let range = self.entries.range(..below.unwrap_or(u64::MAX));
                range.rev().filter(of_rooms).map(entry).take(limit).collect()
            }
        };
        let more = entries.len() > ask.limit;
        entries.truncate(ask.limit);
        if matches!(ask.span, Span::Newest { .. }) {
            entries.reverse();
        }
        Page::new(entries, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn draft(key: u8, room: &str, reference: Option<&str>) -> Draft {
        let mut draft =
            Draft::new(Key([key; 16]), room.into(), "u".into(), "U".into(), "x".into(), Wall::default());
        draft.reference = reference.map(Into::into);
        draft
    }

    fn write(memory: &mut Memory, drafts: Vec<Draft>) -> Vec<Stored> {
        match memory.carry_out(&Ask::Write(Batch { drafts, ..Batch::default() })) {
            Answer::Written(stored) => stored,
            other => panic!("{other:?}"),
        }
    }

    fn ids(memory: &mut Memory, rooms: &[&str], span: Span, limit: usize) -> (Vec<u64>, bool) {
        let rooms = rooms.iter().map(|room| (*room).into()).collect();
        match memory.carry_out(&Ask::Page(PageAsk::new(rooms, span, limit))) {
            Answer::Page(page) => (page.entries.iter().map(|entry| entry.id).collect(), page.more),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_draft_is_stored_once_by_its_key_and_by_its_reference() {
        let mut memory = Memory::new(100);
        assert_eq!(write(&mut memory, vec![draft(1, "a", Some("r"))]), [Stored::New(1)]);
        let again =
            write(&mut memory, vec![draft(1, "a", Some("r")), draft(2, "a", Some("r")), draft(3, "a", None)]);
        let first = draft(1, "a", Some("r")).into_entry(1);
        assert_eq!(again, [Stored::New(1), Stored::Before(first), Stored::New(2)]);
    }

    #[test]
    fn pages_are_oldest_first_and_say_whether_there_is_more() {
        let mut memory = Memory::new(100);
        write(&mut memory, (1..=9).map(|key| draft(key, ["a", "b", "c"][key as usize % 3], None)).collect());
        for (span, limit, expected) in [
            (Span::Newest { below: None }, 2, (vec![7, 9], true)),
            (Span::Newest { below: Some(7) }, 9, (vec![1, 3, 4, 6], false)),
            (Span::After(0), 4, (vec![1, 3, 4, 6], true)),
            (Span::After(6), 2, (vec![7, 9], false)),
            (Span::After(u64::MAX), 2, (vec![], false)),
            (Span::Newest { below: Some(0) }, 2, (vec![], false)),
        ] {
            assert_eq!(ids(&mut memory, &["a", "b"], span, limit), expected, "{span:?}");
        }
    }

    #[test]
    fn the_oldest_go_beyond_the_limit_with_all_that_was_known_of_them() {
        let mut memory = Memory::new(2);
        write(&mut memory, (1..=3).map(|key| draft(key, "a", Some(&"r".repeat(key.into())))).collect());
        assert_eq!(ids(&mut memory, &["a"], Span::After(0), 9), (vec![2, 3], false));
        assert_eq!((memory.keys.len(), memory.references.len()), (2, 2));
        assert_eq!(write(&mut memory, vec![draft(1, "a", Some("r"))]), [Stored::New(4)]);
    }

    #[test]
    fn what_is_withdrawn_was_never_there() {
        let mut memory = Memory::new(9);
        write(&mut memory, vec![draft(1, "a", Some("r")), draft(2, "a", None)]);
        let withdraw = vec![Key([1; 16]), Key([7; 16])];
        let batch = Batch { withdraw, drafts: vec![draft(3, "a", Some("r"))], ..Batch::default() };
        assert_eq!(memory.carry_out(&Ask::Write(batch)), Answer::Written(vec![Stored::New(3)]));
        assert_eq!(ids(&mut memory, &["a"], Span::After(0), 9), (vec![2, 3], false));
        assert_eq!((memory.keys.len(), memory.references.len()), (2, 1));
    }

    #[test]
    fn sessions_end_at_their_time() {
        let mut memory = Memory::new(1);
        let token = TokenHash([1; 32]);
        let session = Session::new(token, "u".into(), "U".into(), vec![], Wall::from_millis(10));
        let batch = Batch { sessions: vec![session.clone()], ..Batch::default() };
        memory.carry_out(&Ask::Write(batch));
        let mut at = |millis| memory.carry_out(&Ask::Session(token, Wall::from_millis(millis)));
        assert_eq!(at(9), Answer::Session(Some(Session { epoch: 1, ..session.clone() })));
        assert_eq!(at(9), Answer::Session(Some(Session { epoch: 2, ..session })));
        assert_eq!(at(10), Answer::Session(None));
        let expire = Some(Wall::from_millis(10));
        memory.carry_out(&Ask::Write(Batch { expire, ..Batch::default() }));
        assert!(memory.sessions.is_empty());
    }

    #[test]
    fn of_too_many_sessions_the_first_to_expire_goes_and_is_counted() {
        let mut memory = Memory { max_sessions: 3, ..Memory::new(1) };
        let mut keep = |n: u8, expires| {
            let expires = Wall::from_millis(expires);
            let sessions = vec![Session::new(TokenHash([n; 32]), "u".into(), "U".into(), vec![], expires)];
            memory.carry_out(&Ask::Write(Batch { sessions, ..Batch::default() }));
            let kept: Vec<u8> = memory.sessions.keys().map(|token| token.0[0]).collect();
            assert_eq!(memory.expiries.len(), kept.len());
            (kept, memory.sessions_forgotten())
        };
        for (n, expires) in [(1, 30), (2, 20), (3, 40)] {
            assert_eq!(keep(n, expires).1, 0);
        }
        // One that is kept again is not one more.
        assert_eq!(keep(2, 50), (vec![1, 2, 3], 0));
        assert_eq!(keep(4, 60), (vec![2, 3, 4], 1));
        // Nor does a new one stay that expires before all others.
        assert_eq!(keep(5, 10), (vec![2, 3, 4], 2));
    }
}
