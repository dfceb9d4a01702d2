//! What a store hands back.

use super::{Bus, name, secs};
use crate::base::{Instant, Wall};
use crate::service::bus::{
    Accepted, BusConfig, DeadReason, Death, End, Ended, Envelope, Numbers, Progress, Record, RestoreError,
    Restoring, Seq,
};
use alloc::format;
use alloc::vec;

fn accepted(seq: u64, id: &str) -> Accepted {
    let envelope = Envelope::new(name(id), name("a"), name("b"), "t", "x", 0).unwrap();
    let body = envelope.into_body().into();
    Accepted::new(Seq(seq), name(id), name("a"), name("b"), "t", body, Wall::default())
}

fn progress(attempts: u32, deliveries: u32, is_out: bool) -> Progress {
    Progress { attempts, deliveries, is_out, ..Progress::default() }
}

fn restored(records: impl IntoIterator<Item = Record>) -> Result<Bus, RestoreError> {
    let mut bus = Bus::new();
    let mut restoring = Restoring::new(BusConfig::default());
    for record in records {
        restoring.record(record)?;
    }
    bus.broker = restoring.finish(Instant::ORIGIN, Wall::default());
    Ok(bus)
}

#[test]
fn records_in_any_order_give_messages_in_theirs() {
    let mut bus = restored([
        Record::Message(accepted(9, "m9"), progress(0, 0, false)),
        Record::Message(accepted(2, "m2"), progress(0, 0, false)),
        Record::Message(accepted(7, "m7"), progress(2, 3, true)),
        Record::Message(accepted(5, "m5"), progress(0, 10, true)),
        Record::Message(accepted(8, "m8"), progress(1, 1, false)),
        Record::Id { from: name("a"), id: name("old"), seq: Seq(30) },
    ])
    .unwrap();
    bus.memory = {
        // As a store would have them.
        let changes = [9, 2, 7, 5, 8].map(|i| super::super::Change::Accept(accepted(i, &format!("m{i}"))));
        let mut memory = super::Memory::default();
        memory.carry_out(&super::Batch::new(changes.into())).unwrap();
        memory
    };
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 4", "m7#2", "m8#1", "m2#0", "m9#0"]);
    assert_eq!(bus.broker.stats().dead_letters, 1, "it had its tenth delivery");
    bus.register("a", "a");
    bus.send("a", "b", "new");
    assert!(
        bus.batches
            .iter()
            .flat_map(|b| b.changes())
            .any(|c| { matches!(c, super::super::Change::Accept(accepted) if accepted.seq == Seq(31)) })
    );
}

#[test]
fn an_ack_of_what_was_handed_out_before_the_restart_counts() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.pass(secs(1));
    bus.restart();
    bus.register("b", "b");
    bus.ack("b", "m");
    assert_eq!(bus.broker.stats().acknowledged, 1);
}

#[test]
fn what_no_broker_wrote_is_refused_and_nothing_panics() {
    let message = |accepted| Record::Message(accepted, Progress::default());
    let bad = |accepted: Accepted| restored([message(accepted)]).err();
    assert_eq!(bad(accepted(1, "m")), None);
    assert_eq!(bad(Accepted { id: name("n"), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    assert_eq!(bad(Accepted { from: name("c"), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    assert_eq!(bad(Accepted { to: name("c"), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    assert_eq!(bad(Accepted { kind: "u".into(), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    for body in [&b""[..], b"{}", b"\xff", b"{\"id\":\"m\"}"] {
        assert_eq!(bad(Accepted { body: body.into(), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    }
    let spaced = [b" ", &accepted(1, "m").body[..]].concat();
    assert_eq!(bad(Accepted { body: spaced.into(), ..accepted(1, "m") }), Some(RestoreError::Body(Seq(1))));
    assert_eq!(bad(accepted(u64::MAX, "m")), Some(RestoreError::SeqTooHigh(Seq(u64::MAX))));
    let twice = [
        message(accepted(1, "m")),
        Record::Dead(
            accepted(1, "n"),
            Death::new(DeadReason::AckTimeout, Wall::default(), Progress::default()),
        ),
    ];
    let [alive, dead] = twice.clone();
    assert_eq!(restored(twice).err(), Some(RestoreError::SeqTwice(Seq(1))));
    assert_eq!(restored([dead, alive]).err(), Some(RestoreError::SeqTwice(Seq(1))));
    let twice = [message(accepted(1, "m")), message(accepted(1, "n"))];
    assert_eq!(restored(twice).err(), Some(RestoreError::SeqTwice(Seq(1))));
    let ends = |count| vec![Ended::new(Wall::default(), End::Lost); count];
    let many = Progress { history: ends(Progress::MAX_HISTORY + 1), ..progress(0, 20, false) };
    let more = Progress { history: ends(2), ..progress(0, 2, true) };
    for progress in
        [progress(1, 0, false), progress(1, 1, true), progress(0, 0, true), many.clone(), more.clone()]
    {
        let record = Record::Message(accepted(1, "m"), progress);
        assert_eq!(restored([record]).err(), Some(RestoreError::Progress(Seq(1))));
    }
    // A dead letter is not out.
    for progress in [many, progress(0, 1, true)] {
        let death = Death::new(DeadReason::AckTimeout, Wall::default(), progress);
        let record = Record::Dead(accepted(1, "m"), death);
        assert_eq!(restored([record]).err(), Some(RestoreError::Progress(Seq(1))));
    }
    let id = |id: &str, seq| Record::Id { from: name("a"), id: name(id), seq: Seq(seq) };
    let numbers =
        |high, gaps, used| Record::Numbers(Numbers::new(name("a"), name("p"), Seq(used), high, gaps));
    assert!(matches!(restored([id("m", 1), id("m", 2)]).err(), Some(RestoreError::IdTwice { .. })));
    assert_eq!(restored([id("m", 1), id("n", 1)]).err(), Some(RestoreError::AgeTwice(Seq(1))));
    assert_eq!(restored([id("m", 1), numbers(1, vec![], 1)]).err(), Some(RestoreError::AgeTwice(Seq(1))));
    for records in [vec![numbers(1, vec![(1, 1)], 1)], vec![numbers(1, vec![], 1), numbers(1, vec![], 2)]] {
        assert!(matches!(restored(records).err(), Some(RestoreError::Numbers { .. })));
    }
}

#[test]
fn a_store_with_more_than_may_be_is_taken_and_shrinks() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    for i in 0..3000 {
        bus.send("a", "b", &format!("m{i}"));
    }
    bus.pass(secs(1));
    (bus.config.max_dedupe, bus.config.max_pending) = (5, 10);
    bus.restart();
    bus.pass(secs(1));
    let stats = bus.broker.stats();
    assert_eq!((stats.remembered, stats.forgotten, stats.pending), (5, 2995, 3000));
    assert_eq!(bus.memory.records().filter(|r| matches!(r, Record::Id { .. })).count(), 5);
    bus.register_all(&["a"]);
    bus.send("a", "b", "n");
    assert_eq!(bus.heard("a"), ["rejected n: full"]);
}
