//! What is known to everybody, as in a database that is never lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Condvar, Mutex, MutexGuard};
use wharf::service::bus::client::Seen;
use wharf_tests::adapter::PATIENCE;

pub(crate) const SENDERS: u32 = 4;
pub(crate) const RECEIVERS: u32 = 4;
/// Greater by this are the numbers of senders in what they send one by one.
pub(crate) const IN_ORDER: u32 = 100;

/// Sender and number.
pub(crate) type Named = (u32, u32);

#[derive(Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    pub(crate) news: Condvar,
    pub(crate) is_over: AtomicBool,
    /// Numbers given out, by sender.
    pub(crate) numbers: [AtomicU32; SENDERS as usize],
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) sent: BTreeSet<Named>,
    pub(crate) accepted: BTreeSet<Named>,
    pub(crate) applied: BTreeMap<Named, u32>,
    /// Of what was sent one by one, how much was applied in its order, by sender; and what was not.
    in_order: BTreeMap<u32, u32>,
    out_of_order: Vec<Named>,
    /// What each receiver has applied, stored together with that.
    pub(crate) seen: BTreeMap<u32, Seen>,
}

impl Books {
    pub(crate) fn apply(&mut self, named: Named) {
        *self.applied.entry(named).or_default() += 1;
        if named.0 >= IN_ORDER {
            let next = self.in_order.entry(named.0).or_default();
            if named.1 == *next {
                *next += 1;
            } else {
                self.out_of_order.push(named);
            }
        }
    }
}

impl Ledger {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Books) -> bool) {
        let (books, waited) =
            self.news.wait_timeout_while(self.books(), PATIENCE, |books| !holds(books)).unwrap();
        let missing: Vec<_> =
            books.accepted.iter().filter(|named| !books.applied.contains_key(named)).take(9).collect();
        let (accepted, applied) = (books.accepted.len(), books.applied.len());
        assert!(!waited.timed_out(), "{what}: {accepted} accepted, {applied} applied, not {missing:?}");
    }

    pub(crate) fn check(&self) {
        let books = self.books();
        for (named, times) in &books.applied {
            assert!(books.sent.contains(named), "{named:?} was never sent");
            assert_eq!(*times, 1, "{named:?} was applied {times} times");
        }
        assert_eq!(books.out_of_order, [], "in another order than accepted");
        assert!(books.in_order.len() == SENDERS as usize, "{:?}", books.in_order);
        println!("{} accepted, {} applied", books.accepted.len(), books.applied.len());
    }
}
