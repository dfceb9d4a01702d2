//! Stores under one name.

use std::sync::Arc;
use wharf::base::Wall;
use wharf::service::history::{
    Answer, Ask, Batch, Draft, Entry, Failure, Key, Memory, Page, PageAsk, Session, Span, Stored, TokenHash,
};
use wharf_tests::folder::Folder;
use wharf_tests::postgres::Postgres;

/// A store of any kind.
pub(crate) enum Store {
    Memory(Memory),
    Sqlite(wharf_sqlite::History, Folder),
    Postgres(Box<wharf_postgres::History>, String, Arc<Postgres>),
}

impl Store {
    /// One of each kind that is there, all empty.
    pub(crate) fn all(test: &str) -> Vec<Self> {
        let folder = Folder::new();
        let sqlite = wharf_sqlite::History::open(folder.path("chat.db")).expect("it opens");
        let mut all = vec![Self::Memory(Memory::new(1 << 20)), Self::Sqlite(sqlite, folder)];
        if let Some(server) = Postgres::shared(test) {
            let url = server.database();
            let history = wharf_postgres::History::connect(&url).expect("it connects");
            all.push(Self::Postgres(Box::new(history), url, server));
        }
        all
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Sqlite(..) => "SQLite",
            Self::Postgres(..) => "PostgreSQL",
        }
    }

    /// Whether several processes can have it.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::Sqlite(..))
    }

    pub(crate) fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.carry_out(ask)),
            Self::Sqlite(history, _) => history.carry_out(ask),
            Self::Postgres(history, ..) => history.carry_out(ask),
        }
    }

    /// The same store, closed and opened again.
    pub(crate) fn reopened(self) -> Self {
        match self {
            Self::Memory(memory) => Self::Memory(memory),
            Self::Sqlite(history, folder) => {
                drop(history);
                let history = wharf_sqlite::History::open(folder.path("chat.db")).expect("it opens");
                Self::Sqlite(history, folder)
            }
            Self::Postgres(history, url, server) => {
                drop(history);
                let history = wharf_postgres::History::connect(&url).expect("it connects");
                Self::Postgres(Box::new(history), url, server)
            }
        }
    }

    pub(crate) fn write(&mut self, drafts: Vec<Draft>) -> Vec<Stored> {
        let mut batch = Batch::default();
        batch.drafts = drafts;
        match self.carry_out(&Ask::Write(batch)) {
            Ok(Answer::Written(stored)) => stored,
            other => panic!("{}: {other:?}", self.name()),
        }
    }

    /// Ids of what was written.
    pub(crate) fn ids(&mut self, drafts: Vec<Draft>) -> Vec<u64> {
        self.write(drafts).iter().map(Stored::id).collect()
    }

    pub(crate) fn page(&mut self, rooms: &[&str], span: Span, limit: usize) -> Page {
        let rooms = rooms.iter().map(|room| (*room).into()).collect();
        match self.carry_out(&Ask::Page(PageAsk::new(rooms, span, limit))) {
            Ok(Answer::Page(page)) => page,
            other => panic!("{}: {other:?}", self.name()),
        }
    }

    /// All entries of a room, page by page.
    pub(crate) fn all_of(&mut self, room: &str) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.id);
            let page = self.page(&[room], Span::After(after), 200);
            all.extend(page.entries);
            if !page.more {
                return all;
            }
        }
    }

    /// Whose a token is, whichever look-up that is.
    pub(crate) fn session(&mut self, token: TokenHash, now: u64) -> Option<Session> {
        let found = self.look_up(token, now);
        found.map(|mut session| {
            session.epoch = 0;
            session
        })
    }

    pub(crate) fn look_up(&mut self, token: TokenHash, now: u64) -> Option<Session> {
        match self.carry_out(&Ask::Session(token, Wall::from_millis(now))) {
            Ok(Answer::Session(session)) => session,
            other => panic!("{}: {other:?}", self.name()),
        }
    }

    pub(crate) fn put(&mut self, sessions: Vec<Session>, expire: Option<u64>) {
        let mut batch = Batch::default();
        batch.sessions = sessions;
        batch.expire = expire.map(Wall::from_millis);
        assert_eq!(self.carry_out(&Ask::Write(batch)), Ok(Answer::Written(vec![])), "{}", self.name());
    }
}

/// A draft whose key has this number.
pub(crate) fn draft(key: u64, room: &str, content: &str) -> Draft {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&key.to_be_bytes());
    let at = Wall::from_millis(1_700_000_000_000 + key);
    Draft::new(Key(bytes), room.into(), "u1".into(), "Ada".into(), content.into(), at)
}

/// One with a reference of a user.
pub(crate) fn referred(key: u64, user: &str, reference: &str) -> Draft {
    let mut draft = draft(key, "general", "x");
    draft.user = user.into();
    draft.reference = Some(reference.into());
    draft
}
