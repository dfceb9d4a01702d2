//! Four senders and four receivers, and what comes of them.

use crate::ledger::{Ledger, RECEIVERS, SENDERS};
use crate::party::{receive, send};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::Runtime;
use wharf_tests::adapter::PATIENCE;

pub(crate) struct Crowd {
    ledger: Arc<Ledger>,
    url: String,
    dice: u64,
    senders: Vec<Runtime>,
    receivers: Vec<Runtime>,
}

impl Crowd {
    /// All of them, who connect to one URL.
    pub(crate) fn gather(url: &str, seed: u64) -> Self {
        let ledger = Arc::<Ledger>::default();
        let senders = (0..SENDERS).map(|sender| send(&ledger, url, sender)).collect();
        let receivers = (0..RECEIVERS).map(|receiver| receive(&ledger, url, receiver)).collect();
        Self { ledger, url: url.to_owned(), dice: seed, senders, receivers }
    }

    pub(crate) fn throw(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % below
    }

    /// So many more are accepted, at most.
    pub(crate) fn until_more(&mut self, most: u64) {
        let more = 1 + self.throw(most) as usize;
        let goal = self.ledger.books().accepted.len() + more;
        self.ledger.until("the bus accepts nothing", |books| books.accepted.len() >= goal);
    }

    pub(crate) fn kill_a_receiver(&mut self) {
        let receiver = self.throw(u64::from(RECEIVERS)) as usize;
        // It is dead before the next one asks what it has done.
        self.receivers.remove(receiver).shutdown_timeout(PATIENCE);
        let again = receive(&self.ledger, &self.url, receiver as u32);
        self.receivers.insert(receiver, again);
    }

    /// Nothing more is sent, and all that was accepted is applied.
    pub(crate) fn finish(self) {
        self.ledger.is_over.store(true, Ordering::SeqCst);
        self.ledger.until("all that was sent is accepted", |books| books.accepted.len() == books.sent.len());
        self.ledger.until("all that was accepted is applied", |books| {
            books.accepted.iter().all(|named| books.applied.contains_key(named))
        });
        self.ledger.check();
        self.senders.into_iter().chain(self.receivers).for_each(Runtime::shutdown_background);
    }
}
