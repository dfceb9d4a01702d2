//! What is known to everybody, whatever is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;
use wharf_tests::adapter::PATIENCE;

/// Person and number.
pub(crate) type Named = (u32, u32);

/// What a message says: like no other one.
pub(crate) fn content(named: Named) -> String {
    format!("{} says {}", named.0, named.1)
}

#[derive(Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    news: Condvar,
    scene: watch::Sender<Scene>,
}

#[derive(Default)]
pub(crate) struct Books {
    /// How many are in the room.
    pub(crate) joined: usize,
    pub(crate) sent: BTreeSet<Named>,
    /// By what id each was acknowledged.
    pub(crate) acknowledged: BTreeMap<Named, u64>,
    /// How often somebody was told that a message is not stored.
    pub(crate) unavailable: usize,
    /// How many have heard the answer to what all were to ask last.
    pub(crate) answered: usize,
    /// Nothing more is sent.
    is_over: bool,
}

/// What people act by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scene {
    /// How often the chat was started.
    pub(crate) starts: u32,
    /// Whether all are there and may talk.
    pub(crate) is_open: bool,
    /// How often all were to ask who is there.
    pub(crate) asks: u32,
    /// The last message of all: whoever has heard it may go.
    pub(crate) last: Option<u64>,
}

impl Ledger {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(crate) fn scene(&self) -> watch::Receiver<Scene> {
        self.scene.subscribe()
    }

    pub(crate) fn play(&self, change: impl FnOnce(&mut Scene)) {
        self.scene.send_modify(change);
    }

    /// Writes down what a person tells.
    pub(crate) fn write(&self, change: impl FnOnce(&mut Books)) {
        change(&mut self.books());
        self.news.notify_all();
    }

    /// Whether a person may send a message, which is written down.
    pub(crate) fn may_send(&self, named: Named) -> bool {
        let mut books = self.books();
        !books.is_over && books.sent.insert(named)
    }

    pub(crate) fn acknowledge(&self, named: Named, id: u64) {
        let other = self.books().acknowledged.insert(named, id).filter(|other| *other != id);
        assert_eq!(other, None, "{named:?} is there twice: by {id} as well");
        self.news.notify_all();
    }

    /// All that was sent is acknowledged, and nothing more is sent.
    pub(crate) fn finish(&self) {
        self.books().is_over = true;
        self.until("all that was sent is acknowledged", |books| books.acknowledged.len() == books.sent.len());
    }

    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Books) -> bool) {
        let (books, waited) =
            self.news.wait_timeout_while(self.books(), PATIENCE, |books| !holds(books)).unwrap();
        let missing: Vec<_> =
            books.sent.iter().filter(|named| !books.acknowledged.contains_key(named)).take(9).collect();
        let (sent, acknowledged) = (books.sent.len(), books.acknowledged.len());
        assert!(!waited.timed_out(), "{what}: {sent} sent, {acknowledged} acknowledged, not {missing:?}");
    }
}
