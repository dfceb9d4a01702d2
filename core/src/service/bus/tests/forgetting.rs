//! What is remembered and is not to be.

use super::{Bus, name};
use crate::base::Instant;
use crate::service::bus::dedupe::{Dedupe, Into};
use crate::service::bus::gather::Gather;
use crate::service::bus::{BusConfig, Change, Record, Seq};
use alloc::vec::Vec;
use core::slice;

/// Ids of one sender, and what is to be written of them.
struct Ids {
    dedupe: Dedupe,
    gather: Gather<()>,
    config: BusConfig,
    changes: Vec<Change>,
}

impl Ids {
    fn with(set: impl FnOnce(&mut BusConfig)) -> Self {
        let mut config = BusConfig::default();
        set(&mut config);
        Self { dedupe: Dedupe::default(), gather: Gather::new(), config, changes: Vec::new() }
    }

    fn add(&mut self, ids: &[(&str, u64)]) {
        ids.iter().for_each(|(id, seq)| self.add_of("a", id, *seq));
    }

    fn add_of(&mut self, from: &str, id: &str, seq: u64) {
        let into = Into { gather: &mut self.gather, by: Instant::ORIGIN };
        self.dedupe.add(&self.config, &name(from), &name(id), Seq(seq), into);
    }

    /// All that is to be written is on its way.
    fn put_out(&mut self) {
        let dirty = core::mem::take(&mut self.gather.dirty);
        let numbers: Vec<_> = dirty.iter().filter_map(|(a, prefix)| self.dedupe.written(a, prefix)).collect();
        self.gather.close(numbers.into_iter());
        self.changes = self.gather.put_out().map(|batch| batch.into_changes()).unwrap_or_default();
    }

    /// The store has no room for the message at that place.
    fn take_back(&mut self, id: &str, seq: u64) {
        let lists = slice::from_mut(&mut self.changes).iter_mut();
        self.dedupe.take_back((&name("a"), &name(id)), Seq(seq), lists);
    }

    fn has(&self, id: &str) -> bool {
        self.dedupe.has(&name("a"), &name(id))
    }
}

#[test]
fn a_message_that_was_not_taken_uses_its_id_up() {
    let mut ids = Ids::with(|_| {});
    ids.add(&[("x", 1), ("y", 2), ("p-0", 3), ("p-1", 4), ("p-2", 5), ("q-7", 6)]);
    // Those of another sender are others.
    ids.add_of("b", "x", 20);
    ids.add_of("b", "p-1", 21);
    ids.put_out();
    let size = ids.dedupe.size();
    for (id, seq) in [("x", 1), ("p-1", 4), ("q-7", 6)] {
        assert!(ids.has(id));
        ids.take_back(id, seq);
        ids.take_back(id, seq);
        assert!(!ids.has(id), "{id}");
    }
    assert!(["y", "p-0", "p-2"].iter().all(|id| ids.has(id)));
    // An id and a prefix with the gap below its only number are gone, and one gap has come.
    assert_eq!(ids.dedupe.size(), size - 3 + 1);
    // Nor is it written down.
    let numbers = ids.changes.iter().filter_map(|change| match change {
        Change::RememberNumbers(numbers) => Some((&*numbers.from, numbers.high, &*numbers.gaps)),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [("a", 2, &[(1, 1)][..]), ("b", 1, &[(0, 0)])]);
    let others = ids.changes.iter().filter(|change| matches!(change, Change::RememberId { .. }));
    assert_eq!(others.count(), 2);
    assert!(["x", "p-1"].iter().all(|id| ids.dedupe.has(&name("b"), &name(id))));
    // It is taken when it comes again.
    ids.add(&[("q-0", 7), ("x", 8)]);
    assert!(ids.has("q-0") && ids.has("x") && !ids.has("q-7"));
}

#[test]
fn taking_back_what_is_forgotten_forgets_something_else() {
    let mut ids = Ids::with(|config| (config.max_ids, config.max_prefixes) = (1, 1));
    ids.add(&[("x", 1), ("y", 2), ("p-0", 3), ("p-1", 4), ("q-0", 5), ("q-1", 6)]);
    ids.put_out();
    let size = ids.dedupe.size();
    for (id, seq) in [("x", 1), ("p-1", 4)] {
        assert!(!ids.has(id), "{id} had to go");
        ids.take_back(id, seq);
    }
    assert!(ids.has("y") && ids.has("q-0") && ids.has("q-1"));
    assert_eq!((ids.dedupe.size(), size), (2, 2));
    // Nor of a sender of whom nothing is known.
    ids.dedupe.unload(&name("a"));
    ids.take_back("y", 2);
    assert_eq!(ids.dedupe.size(), 0);
}

#[test]
fn a_prefix_that_was_never_written_is_taken_out_of_the_store() {
    let mut bus = Bus::with(|config| config.max_prefixes = 1);
    bus.register_all(&["a"]);
    bus.is_quick = false;
    // While the first one is being written, a prefix comes and goes.
    for id in ["x", "p-5", "q-5"] {
        bus.send("a", "b", id);
    }
    while bus.batch.is_some() {
        bus.store();
    }
    assert_eq!(bus.heard("a"), ["accepted x", "accepted p-5", "accepted q-5"]);
    let forgets = |change: &&Change| matches!(change, Change::ForgetNumbers { .. });
    assert_eq!(bus.batches.iter().flat_map(|batch| batch.changes()).filter(forgets).count(), 0);
    let remembered = bus.memory.records().filter(|r| matches!(r, Record::Id { .. } | Record::Numbers(_)));
    assert_eq!(remembered.count(), 3);
}

#[test]
fn a_prefix_that_had_several_numbers_is_kept_as_one_id() {
    let mut bus = Bus::with(|config| config.max_prefixes = 1);
    bus.register_all(&["a"]);
    for id in ["p-0", "p-1", "q-0"] {
        bus.send("a", "b", id);
    }
    // A prefix, and none of the numbers of the one that had to go.
    assert_eq!(bus.broker.stats().remembered, 1);
    bus.send("a", "b", "p-1");
    assert_eq!(bus.broker.stats().deduplicated, 0);
}

#[test]
fn numbers_for_which_there_is_no_room_are_forgotten() {
    for (max_gaps, max_prefixes) in [(0, 64), (1024, 0)] {
        let mut ids = Ids::with(|config| (config.max_gaps, config.max_prefixes) = (max_gaps, max_prefixes));
        ids.add(&[("p-5", 1), ("p-0", 2), ("p-2", 3), ("p-1", 4)]);
        for id in ["p-5", "p-0", "p-2", "p-1"] {
            assert!(ids.has(id), "{id}");
        }
        assert!(!ids.has("p-3") && !ids.has("p-4"));
    }
}
