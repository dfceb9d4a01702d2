//! What is known to everybody, whatever is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;
use tokio::sync::watch;
use wharf_tests::adapter::PATIENCE;

/// Person and number.
pub(crate) type Named = (u32, u32);

/// What a message says: like no other one.
pub(crate) fn content((person, number): Named) -> String {
    format!("{person} says {number}")
}

#[derive(Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    news: Condvar,
    scene: watch::Sender<Scene>,
}

#[derive(Default)]
pub(crate) struct Books {
    /// Who is in the room: person, and its user.
    pub(crate) users: BTreeMap<u32, String>,
    /// At which node each is.
    pub(crate) nodes: BTreeMap<u32, usize>,
    /// Who is there, as each knows.
    pub(crate) lists: BTreeMap<u32, BTreeSet<String>>,
    pub(crate) sent: BTreeSet<Named>,
    /// By what id each was acknowledged.
    pub(crate) acknowledged: BTreeMap<Named, u64>,
    /// What each has heard: content by id.
    pub(crate) heard: BTreeMap<u32, BTreeMap<u64, String>>,
    /// When somebody came, came back or went last.
    moved: Option<Instant>,
    is_over: bool,
    /// Why somebody cannot go on.
    failure: Option<String>,
}

impl Books {
    /// Somebody is there from now on, or is not any more.
    pub(crate) fn move_now(&mut self) {
        self.moved = Some(Instant::now());
    }
}

/// What people act by.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    /// Where the nodes are that run.
    pub(crate) nodes: Vec<Option<SocketAddr>>,
    /// Whether all are there and may talk.
    pub(crate) is_open: bool,
    /// Who is to go.
    pub(crate) gone: BTreeSet<u32>,
    /// Who does not come back once the connection is lost.
    pub(crate) lost: BTreeSet<u32>,
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

    /// Somebody cannot go on, and the test has failed.
    pub(crate) fn fail(&self, why: String) {
        self.write(|books| _ = books.failure.get_or_insert(why));
    }

    /// When somebody came, came back or went last.
    pub(crate) fn moved(&self) -> Option<Instant> {
        self.books().moved
    }

    /// Whether a person may send a message, which is written down.
    pub(crate) fn may_send(&self, named: Named) -> bool {
        let mut books = self.books();
        !books.is_over && books.sent.insert(named)
    }

    /// Nothing more is sent, and all that was is acknowledged.
    pub(crate) fn finish(&self) {
        self.books().is_over = true;
        self.until("all that was sent is acknowledged", |books| books.acknowledged.len() == books.sent.len());
    }

    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Books) -> bool) {
        let is_awaited = |books: &mut Books| books.failure.is_none() && !holds(books);
        let (books, waited) = self.news.wait_timeout_while(self.books(), PATIENCE, is_awaited).unwrap();
        if let Some(failure) = &books.failure {
            panic!("{what}: {failure}");
        }
        if waited.timed_out() {
            let heard: Vec<usize> = books.heard.values().map(BTreeMap::len).collect();
            let (sent, acknowledged) = (books.sent.len(), books.acknowledged.len());
            panic!("{what}: {sent} sent, {acknowledged} acknowledged, heard {heard:?}, {:?}", books.lists);
        }
    }
}
