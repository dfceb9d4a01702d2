//! Dead letters.

use super::{Bus, secs};
use crate::service::bus::{Changed, CommandError, DeadReason, Death, End, Letters, Record};
use alloc::vec::Vec;

/// A bus with dead letters `a/x`, `a/y` and `c/x`, all for `b`.
fn with_dead() -> Bus {
    let mut bus = Bus::with(|config| config.attempts = 1);
    bus.register_all(&["a", "b", "c"]);
    for (from, id) in [("a", "x"), ("a", "y"), ("c", "x")] {
        bus.send(from, "b", id);
        bus.nack("b", id);
    }
    bus.pass(secs(1));
    for conn in ["a", "b", "c"] {
        bus.heard(conn);
    }
    assert_eq!(bus.broker.stats().dead_letters, 3);
    bus
}

fn changed(letters: u64, full: u64) -> Result<Changed, CommandError> {
    Ok(Changed { letters, full })
}

fn requeue(bus: &mut Bus, letters: &str) -> Result<Changed, CommandError> {
    let letters = if letters == "*" { Letters::All } else { letters.parse().unwrap() };
    bus.broker.requeue(bus.now, bus.wall(), &letters, 7);
    bus.act();
    bus.told.pop().map(|(ticket, outcome)| (assert_eq!(ticket, 7), outcome)).unwrap().1
}

#[test]
fn a_dead_letter_keeps_its_reason_and_history() {
    let mut bus = Bus::with(|config| config.gone_after = secs(1000));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    bus.pass(secs(1));
    bus.close("b");
    bus.register("b", "b");
    bus.pass(secs(30));
    bus.nack("b", "m");
    bus.pass(secs(1));
    let busy = || End::Nack("busy".into());
    let Some(Record::Dead(letter, Death { reason, at, progress, .. })) =
        bus.memory.records().find(|r| matches!(r, Record::Dead(..)))
    else {
        panic!()
    };
    assert_eq!((&*letter.id, reason), ("m", DeadReason::Nack("busy".into())));
    let ends: Vec<End> = progress.history.iter().map(|ended| ended.how.clone()).collect();
    assert_eq!(ends, [busy(), End::Lost, End::AckTimeout, busy()]);
    assert_eq!((progress.attempts, progress.deliveries, progress.is_out), (3, 4, false));
    assert_eq!(at, progress.history[3].at);
    assert_eq!(bus.heard("a").last().unwrap(), "dead m: nack: busy");
}

#[test]
fn a_sender_that_is_not_there_is_not_told_later() {
    let mut bus = Bus::with(|config| config.attempts = 1);
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.close("a");
    bus.nack("b", "m");
    bus.pass(secs(1));
    bus.register("a", "a");
    bus.pass(secs(1));
    assert_eq!(bus.heard("a"), ["accepted m", "registered 0"]);
    bus.send("a", "b", "m");
    assert_eq!(bus.heard("a"), ["accepted m"], "it was, once");
    assert_eq!(bus.broker.stats().dead_letters, 1);
}

#[test]
fn the_dead_are_told_once_they_are_on_disk() {
    let mut bus = Bus::with(|config| config.attempts = 1);
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.heard("a");
    bus.is_quick = false;
    bus.nack("b", "m");
    bus.pass(secs(1));
    assert_eq!((bus.heard("a").len(), bus.broker.stats().dead), (0, 0));
    bus.store();
    assert_eq!((bus.heard("a"), bus.broker.stats().dead), (["dead m: nack: busy".into()].into(), 1));
}

#[test]
fn requeued_letters_are_delivered_as_new() {
    let mut bus = with_dead();
    assert_eq!(requeue(&mut bus, "z"), Err(CommandError::Unknown));
    assert_eq!(requeue(&mut bus, "b/x"), Err(CommandError::Unknown));
    assert_eq!(requeue(&mut bus, "a/x"), changed(1, 0));
    assert_eq!(bus.heard("b"), ["x#0"]);
    assert_eq!(requeue(&mut bus, "*"), changed(2, 0));
    assert_eq!(requeue(&mut bus, "*"), changed(0, 0));
    assert_eq!(bus.heard("b"), ["y#0", "x#0"]);
    assert_eq!((bus.broker.stats().accepted, bus.heard("a").len()), (3, 0), "nobody is told");
    bus.ack("b", "y");
    bus.pass(secs(1));
    bus.restart();
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 2", "x#0", "x#0"]);
}

#[test]
fn letters_stay_dead_where_there_is_no_room() {
    let mut bus = with_dead();
    bus.config.max_pending = 1;
    bus.restart();
    assert_eq!(requeue(&mut bus, "x"), changed(1, 1));
    assert_eq!(bus.broker.stats().dead_letters, 2);
    assert_eq!(requeue(&mut bus, "y"), changed(0, 1));
}

#[test]
fn purged_letters_are_gone_once_it_is_told() {
    let mut bus = with_dead();
    bus.is_quick = false;
    bus.broker.purge(bus.now, bus.wall(), &Letters::Id(super::name("x")), 1);
    bus.act();
    assert_eq!(bus.told, []);
    bus.store();
    assert_eq!(bus.told, [(1, changed(2, 0))]);
    bus.restart();
    let left: Vec<_> = bus.broker.dead_letters().map(|(letter, _)| letter.id.clone()).collect();
    assert_eq!(left, [super::name("y")]);
}

#[test]
fn letters_are_named_by_id_and_sender() {
    assert_eq!("a/x".parse(), Ok(Letters::Of { from: super::name("a"), id: super::name("x") }));
    for bad in ["", "/", "a/", "/x", "a/b/c", "a b"] {
        assert!(bad.parse::<Letters>().is_err(), "{bad}");
    }
}

#[test]
fn of_more_deliveries_than_are_kept_the_first_ones_are() {
    let mut bus = Bus::with(|config| config.max_deliveries = 12);
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    bus.pass(secs(1));
    for _ in 0..11 {
        bus.close("b");
        bus.register("b", "b");
    }
    bus.pass(secs(1));
    let Some(Record::Dead(_, Death { progress, .. })) =
        bus.memory.records().find(|r| matches!(r, Record::Dead(..)))
    else {
        panic!()
    };
    let ends: Vec<&End> = progress.history.iter().map(|ended| &ended.how).collect();
    assert_eq!((ends, progress.deliveries), ([&End::Lost; 10].into(), 12));
}
