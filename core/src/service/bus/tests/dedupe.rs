//! What is remembered, for how long, and what is not.

use super::Bus;
use crate::service::bus::{Change, Record};
use alloc::format;

fn deduplicated(bus: &mut Bus, id: &str) -> bool {
    let before = bus.broker.stats().deduplicated;
    bus.send("a", "b", id);
    assert_eq!(bus.heard("a"), [format!("accepted {id}")]);
    bus.ack("b", id);
    bus.heard("b");
    bus.broker.stats().deduplicated > before
}

#[test]
fn ids_are_remembered_for_each_sender_and_over_restarts() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    for id in ["x", "p-1", "p-2", "p-9", "p-07"] {
        assert!(!deduplicated(&mut bus, id));
        assert!(deduplicated(&mut bus, id));
    }
    bus.send("b", "b", "x");
    assert_eq!(bus.heard("b"), ["accepted x", "x#0"], "of another sender");
    bus.pass(super::secs(1));
    bus.restart();
    bus.register_all(&["a", "b"]);
    for id in ["x", "p-1", "p-2", "p-9", "p-07"] {
        assert!(deduplicated(&mut bus, id), "{id}");
    }
    for id in ["p-0", "p-3", "p-8", "p-10", "p-7", "y"] {
        assert!(!deduplicated(&mut bus, id), "{id}");
    }
}

#[test]
fn rising_numbers_cost_one_record() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    for i in 1..500 {
        assert!(!deduplicated(&mut bus, &format!("p-{i}")));
    }
    bus.pass(super::secs(1));
    assert_eq!(bus.memory.records().count(), 1);
    assert_eq!(bus.broker.stats().remembered, 2, "a prefix and what is below its first number");
}

#[test]
fn the_oldest_ids_of_a_sender_are_forgotten_past_its_limit() {
    let mut bus = Bus::with(|config| config.max_ids = 3);
    bus.register_all(&["a", "b"]);
    for id in ["w", "x", "y", "z"] {
        assert!(!deduplicated(&mut bus, id));
    }
    for id in ["x", "y", "z"] {
        assert!(deduplicated(&mut bus, id));
    }
    assert!(!deduplicated(&mut bus, "w"));
    assert!(!deduplicated(&mut bus, "x"), "it was the oldest then");
    assert_eq!((bus.broker.stats().remembered, bus.broker.stats().forgotten), (3, 0));
    bus.pass(super::secs(1));
    assert_eq!(bus.memory.records().filter(|r| matches!(r, Record::Id { .. })).count(), 3);
}

#[test]
fn numbers_that_jump_about_are_remembered_one_by_one_and_none_is_lost() {
    let mut bus = Bus::with(|config| config.max_gaps = 3);
    bus.register_all(&["a", "b"]);
    let numbers = [900, 100, 500, 300, 700, 200, 901, 101, 5];
    for n in numbers {
        assert!(!deduplicated(&mut bus, &format!("p-{n}")));
        for seen in numbers.iter().take_while(|seen| **seen != n).chain([&n]) {
            assert!(deduplicated(&mut bus, &format!("p-{seen}")), "{seen} after {n}");
        }
    }
}

#[test]
fn ids_that_only_look_like_numbers_are_remembered_as_long_as_others() {
    let mut bus = Bus::with(|config| config.max_prefixes = 2);
    bus.register_all(&["a", "b"]);
    let ids = ["u1-446655440000", "u2-7", "u3-0", "u4-9"];
    for id in ids {
        assert!(!deduplicated(&mut bus, id));
    }
    bus.pass(super::secs(1));
    bus.restart();
    bus.register_all(&["a", "b"]);
    for id in ids {
        assert!(deduplicated(&mut bus, id), "{id}");
    }
    assert!(!deduplicated(&mut bus, "u1-1"), "a number below is another id");
}

#[test]
fn of_all_senders_the_oldest_are_forgotten_and_counted() {
    let mut bus = Bus::with(|config| config.max_dedupe = 3);
    bus.register_all(&["a", "b", "c"]);
    bus.send("c", "b", "w");
    for id in ["p-0", "x", "y"] {
        assert!(!deduplicated(&mut bus, id));
    }
    assert_eq!((bus.broker.stats().remembered, bus.broker.stats().forgotten), (3, 1));
    bus.send("c", "b", "w");
    assert_eq!(bus.broker.stats().deduplicated, 0);
    assert!(!deduplicated(&mut bus, "p-0"), "its prefix was the oldest");
    bus.pass(super::secs(1));
    let records = bus.memory.records().filter(|r| matches!(r, Record::Id { .. } | Record::Numbers(_)));
    assert_eq!(records.count(), 3);
}

#[test]
fn a_duplicate_is_answered_when_the_first_is_stored() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.is_quick = false;
    bus.send("a", "b", "m");
    bus.send("a", "b", "m");
    bus.send("a", "b", "p-1");
    assert_eq!((bus.heard("a").len(), bus.owed["a"]), (0, true));
    bus.store();
    assert_eq!(bus.heard("a"), ["accepted m", "accepted m"]);
    assert_eq!((bus.heard("b"), bus.owed["a"]), (["m#0".into()].into(), true));
    bus.send("a", "b", "p-1");
    assert_eq!(bus.heard("a").len(), 0);
    bus.register("a2", "a");
    bus.send_as("a2", "a", "b", "p-1", "null");
    bus.store();
    assert_eq!(bus.heard("a2"), ["registered 0", "accepted p-1"], "whoever asked before is gone");
    let accepted =
        |batch: &super::Batch| batch.changes().iter().filter(|c| matches!(c, Change::Accept(_))).count();
    assert_eq!(bus.batches.iter().map(accepted).sum::<usize>(), 2);
}

#[test]
fn a_rejected_id_is_not_used_up() {
    let mut bus = Bus::with(|config| config.max_pending = 1);
    bus.register_all(&["a"]);
    bus.send("a", "b", "m");
    bus.send("a", "b", "n");
    assert_eq!(bus.heard("a"), ["accepted m", "rejected n: full"]);
    bus.register("b", "b");
    bus.ack("b", "m");
    bus.send("a", "b", "n");
    assert_eq!((bus.heard("a"), bus.broker.stats().deduplicated), (["accepted n".into()].into(), 0));
}
