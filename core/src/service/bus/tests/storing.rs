//! Batches, the failure of the store, and draining.

use super::{Bus, secs};
use crate::base::Instant;
use crate::service::bus::{BusEvent, Change, Changed, CommandError, Letters, MAX_BATCH, Record};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;

#[test]
fn nothing_is_said_or_delivered_before_it_is_stored() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.is_quick = false;
    bus.send("a", "b", "m");
    bus.pass(secs(1));
    assert_eq!((bus.heard("a").len(), bus.heard("b").len()), (0, 0));
    bus.store();
    assert_eq!((bus.heard("a"), bus.heard("b")), (["accepted m".into()].into(), ["m#0".into()].into()));
}

/// Only a node has deadlines that stand at the end of time while there are none.
#[test]
fn the_end_of_time_takes_what_waits_for_the_store() {
    let mut bus = Bus::new();
    bus.register_all(&["a"]);
    bus.is_quick = false;
    bus.send("a", "b", "m1");
    bus.send("a", "b", "m2");
    bus.now = Instant::NEVER;
    bus.broker.handle_timeout(bus.now, bus.wall());
    bus.act();
    while bus.batch.is_some() {
        bus.store();
    }
    let changes = bus.batches.iter().flat_map(|batch| batch.changes());
    assert_eq!(changes.filter(|change| matches!(change, Change::Accept(_))).count(), 2);
}

#[test]
fn what_comes_while_a_batch_is_under_way_is_the_next_one() {
    let mut bus = Bus::new();
    bus.register_all(&["a"]);
    bus.is_quick = false;
    for i in 0..3000 {
        bus.send("a", "b", &format!("m{i}"));
    }
    assert_eq!(bus.batches.len(), 1);
    while bus.batch.is_some() {
        bus.store();
    }
    let sizes: vec::Vec<usize> = bus.batches.iter().map(|batch| batch.changes().len()).collect();
    // A message and its id.
    assert_eq!((sizes[0], sizes.iter().sum::<usize>()), (2, 6000));
    assert!(sizes[1..sizes.len() - 1].iter().all(|size| (MAX_BATCH - 32..=MAX_BATCH).contains(size)));
    let told: vec::Vec<String> = (0..3000).map(|i| format!("accepted m{i}")).collect();
    assert_eq!(bus.heard("a"), told);
}

#[test]
fn what_nobody_waits_for_waits_for_others() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m0");
    bus.send("a", "b", "m1");
    bus.batches.clear();
    bus.ack("b", "m0");
    bus.pass(Duration::from_millis(4));
    bus.ack("b", "m1");
    assert_eq!(bus.batches.len(), 0);
    bus.pass(Duration::from_millis(1));
    assert_eq!(bus.batches.len(), 1);
    assert!(bus.batches[0].changes().iter().all(|change| matches!(change, Change::Remove(_))));
    bus.pass(secs(1));
    assert_eq!(bus.batches.len(), 1, "that they were handed out is not worth a word any more");
}

#[test]
fn that_a_message_was_handed_out_is_written_down_soon() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.pass(Duration::from_millis(105));
    let Some(Change::Progress(_, progress)) = bus.batches.last().and_then(|b| b.changes().last()) else {
        panic!()
    };
    assert_eq!((progress.deliveries, progress.is_out, progress.attempts), (1, true, 0));
}

#[test]
fn a_store_that_failed_is_not_tried_again() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m0");
    bus.heard("a");
    bus.heard("b");
    bus.is_quick = false;
    for id in ["m1", "m2", "m2"] {
        bus.send("a", "b", id);
    }
    bus.fail_store();
    let store = |id: &str| format!("rejected {id}: store");
    assert_eq!(bus.heard("a"), [store("m1"), store("m2"), store("m2")]);
    for id in ["m0", "m1", "m3"] {
        bus.send("a", "b", id);
        assert_eq!(bus.heard("a"), [store(id)]);
    }
    bus.ack("b", "m0");
    bus.broker.requeue(bus.now, bus.wall(), &Letters::All, 1);
    bus.act();
    assert_eq!(bus.told, [(1, Err(CommandError::Store))]);
    bus.pass(secs(59));
    assert_eq!(bus.heard("b"), ["heartbeat"]);
    assert!(bus.batch.is_none() && bus.events.contains(&BusEvent::StoreFailed));
    assert!(bus.broker.has_failed() && bus.broker.stats().has_failed && !bus.owed["a"]);
    bus.broker.drain(bus.now, bus.wall());
    assert!({
        bus.act();
        bus.broker.is_drained()
    });
    // What was on disk before is there again, with the next one.
    bus.restart();
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 1", "m0#0"]);
}

#[test]
fn a_drain_stores_and_answers_what_was_taken() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m0");
    bus.is_quick = false;
    bus.send("a", "b", "m1");
    bus.send("a", "b", "m2");
    bus.heard("a");
    bus.heard("b");
    bus.broker.drain(bus.now, bus.wall());
    assert!(!bus.broker.is_drained());
    bus.act();
    bus.send("a", "b", "m3");
    bus.send("a", "b", "m0");
    bus.send("a", "b", "m2");
    bus.register("c", "c");
    assert_eq!(bus.heard("a"), ["rejected m3: closing", "accepted m0"]);
    assert_eq!(bus.heard("c"), ["error: closing"]);
    assert!(!bus.broker.is_drained());
    while bus.batch.is_some() {
        bus.store();
    }
    assert!(bus.broker.is_drained());
    assert_eq!(bus.heard("a"), ["accepted m1", "accepted m2", "accepted m2"]);
    assert_eq!(bus.heard("b").len(), 0);
    bus.is_quick = true;
    bus.restart();
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 3", "m0#0", "m1#0", "m2#0"]);
}

#[test]
fn what_the_store_says_unasked_or_twice_has_an_effect() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.broker.stored(bus.now, bus.wall());
    bus.act();
    assert_eq!(bus.broker.stats().batches, 0);
    bus.is_quick = false;
    bus.send("a", "b", "m");
    bus.fail_store();
    bus.fail_store();
    bus.broker.stored(bus.now, bus.wall());
    bus.act();
    assert_eq!((bus.heard("a"), bus.heard("b").len()), (["rejected m: store".into()].into(), 0));
    assert_eq!(bus.events.iter().filter(|event| **event == BusEvent::StoreFailed).count(), 1);
    assert_eq!(bus.broker.stats().batches, 0);
}

#[test]
fn a_drain_that_is_asked_for_twice_is_two() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.batches.clear();
    bus.is_quick = false;
    for _ in 0..2 {
        bus.broker.drain(bus.now, bus.wall());
        bus.act();
    }
    assert!(!bus.broker.is_drained(), "that it was handed out is being written");
    bus.broker.requeue(bus.now, bus.wall(), &Letters::All, 1);
    bus.broker.purge(bus.now, bus.wall(), &Letters::All, 2);
    bus.act();
    assert_eq!(bus.told, [1, 2].map(|ticket| (ticket, Err(CommandError::Closing))));
    bus.store();
    assert!(bus.broker.is_drained());
    bus.broker.receive(bus.now, bus.wall(), "a", "nonsense");
    assert!(!bus.broker.is_drained(), "it is to be answered");
    bus.act();
    assert!(bus.broker.is_drained());
    let changes: vec::Vec<_> = bus.batches.iter().flat_map(|batch| batch.changes()).collect();
    assert!(matches!(changes[..], [Change::Progress(..)]), "{changes:?}");
}

#[test]
fn a_store_that_fails_over_the_dead_and_over_a_command_says_that_it_did_both() {
    let mut bus = Bus::with(|config| config.attempts = 1);
    bus.register_all(&["a", "b"]);
    for id in ["x", "y"] {
        bus.send("a", "b", id);
    }
    bus.nack("b", "x");
    bus.pass(secs(1));
    bus.heard("b");
    assert_eq!(bus.heard("a").last().unwrap(), "dead x: nack: busy");
    bus.is_quick = false;
    bus.nack("b", "y");
    bus.broker.requeue(bus.now, bus.wall(), &Letters::Id(super::name("x")), 1);
    bus.act();
    assert!(bus.batch.is_some());
    bus.fail_store();
    assert_eq!(bus.told, [(1, Err(CommandError::Store))]);
    assert_eq!((bus.heard("a").len(), bus.heard("b").len(), bus.broker.stats().dead), (0, 0, 1));
    bus.restart();
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 1", "y#0"]);
}

#[test]
fn what_dies_when_the_store_has_failed_is_told_as_if_it_were_written() {
    let mut bus = Bus::with(|config| config.max_deliveries = 1);
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.heard("a");
    bus.is_quick = false;
    bus.send("a", "b", "n");
    bus.fail_store();
    bus.close("b");
    assert_eq!((bus.heard("a"), bus.broker.stats().dead), (["rejected n: store".into()].into(), 0));
}

#[test]
fn a_command_is_never_told_where_its_last_change_is_the_last_of_a_batch() {
    for letters in MAX_BATCH - 20..MAX_BATCH - 10 {
        let mut bus = Bus::with(|config| config.attempts = 1);
        bus.register_all(&["a", "b"]);
        for i in 0..letters {
            bus.send("a", "b", &format!("m{i}"));
            bus.nack("b", &format!("m{i}"));
        }
        bus.pass(secs(1));
        bus.is_quick = false;
        bus.broker.purge(bus.now, bus.wall(), &Letters::All, 1);
        bus.act();
        while bus.batch.is_some() {
            assert_eq!(bus.told, [], "not all of it is stored");
            bus.store();
        }
        let changed = Changed { letters: letters as u64, full: 0 };
        assert_eq!(bus.told, [(1, Ok(changed))], "{letters}");
        assert!(!bus.memory.records().any(|record| matches!(record, Record::Dead(..))));
    }
}

#[test]
fn what_waits_when_the_store_fails_is_delivered() {
    let mut bus = Bus::new();
    bus.register_all(&["a"]);
    bus.send("a", "b", "m");
    bus.is_quick = false;
    bus.send("a", "b", "n");
    bus.fail_store();
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 1"]);
}
