//! The store in memory: a batch is carried out whole or not at all.

use super::name;
use crate::base::Wall;
use crate::service::bus::{
    Accepted, Batch, Change, DeadReason, Death, Memory, Misfit, Numbers, Progress, Record, Seq,
};
use alloc::vec;
use alloc::vec::Vec;

fn accepted(seq: u64) -> Accepted {
    Accepted::new(Seq(seq), name("m"), name("a"), name("b"), "t", b"{}"[..].into(), Wall::default())
}

fn death() -> Death {
    Death::new(DeadReason::AckTimeout, Wall::default(), Progress::default())
}

fn id(id: &str, seq: u64) -> Change {
    Change::RememberId { from: name("a"), id: name(id), seq: Seq(seq) }
}

fn numbers(prefix: &str, high: u64) -> Change {
    Change::RememberNumbers(Numbers::new(name("a"), name(prefix), Seq(high), high, vec![]))
}

/// Messages at 1 and 2, a dead letter at 3, an id and numbers.
fn stored() -> Memory {
    let mut memory = Memory::default();
    let messages = [1, 2, 3].map(|seq| Change::Accept(accepted(seq)));
    let others = [Change::Bury(Seq(3), death()), id("x", 4), numbers("p", 5)];
    memory.carry_out(&Batch::new(messages.into_iter().chain(others).collect())).unwrap();
    memory
}

/// Of each kind one that fits.
fn fitting() -> Vec<Change> {
    let forgotten = || (name("a"), name("x"));
    vec![
        Change::Accept(accepted(9)),
        Change::Progress(Seq(1), Progress { deliveries: 1, is_out: true, ..Progress::default() }),
        Change::Remove(Seq(1)),
        Change::Bury(Seq(2), death()),
        Change::Requeue { dead: Seq(3), seq: Seq(8) },
        Change::Requeue { dead: Seq(3), seq: Seq(3) },
        Change::Purge(Seq(3)),
        id("y", 7),
        Change::ForgetId { from: forgotten().0, id: forgotten().1 },
        numbers("p", 6),
        numbers("q", 6),
        Change::ForgetNumbers { from: name("a"), prefix: name("p") },
    ]
}

#[test]
fn a_batch_that_fails_late_leaves_half_of_itself() {
    for change in fitting() {
        let (mut memory, before) = (stored(), stored());
        let batch = Batch::new(vec![change.clone(), Change::Remove(Seq(77))]);
        assert_eq!(memory.carry_out(&batch), Err(Misfit { at: 1 }), "{change:?}");
        assert_eq!(memory, before, "{change:?}");
        memory.carry_out(&Batch::new(vec![change.clone()])).unwrap();
        assert_ne!(memory, before, "{change:?}");
    }
    // All of them, one behind the other.
    let (mut memory, before) = (stored(), stored());
    let both = |change: &Change| matches!(change, Change::Requeue { seq: Seq(3), .. } | Change::Purge(_));
    let mut changes: Vec<_> = fitting().into_iter().filter(|change| !both(change)).collect();
    let last = changes.len();
    changes.push(Change::Purge(Seq(3)));
    assert_eq!(memory.carry_out(&Batch::new(changes.clone())), Err(Misfit { at: last }));
    assert_eq!(memory, before);
    changes.pop();
    memory.carry_out(&Batch::new(changes)).unwrap();
    assert_eq!(memory.records().filter(|record| matches!(record, Record::Message(..))).count(), 2);
}

#[test]
fn what_is_there_is_put_in_again_and_what_is_not_is_taken_out() {
    let misfits = vec![
        Change::Accept(accepted(1)),
        Change::Accept(accepted(3)),
        Change::Progress(Seq(3), Progress::default()),
        Change::Remove(Seq(3)),
        Change::Bury(Seq(3), death()),
        Change::Requeue { dead: Seq(1), seq: Seq(9) },
        Change::Requeue { dead: Seq(3), seq: Seq(1) },
        Change::Purge(Seq(1)),
        id("x", 9),
        Change::ForgetId { from: name("a"), id: name("y") },
        Change::ForgetNumbers { from: name("a"), prefix: name("q") },
    ];
    for change in misfits {
        let mut memory = stored();
        let batch = Batch::new(vec![change.clone()]);
        assert_eq!((memory.carry_out(&batch), memory), (Err(Misfit { at: 0 }), stored()), "{change:?}");
    }
    // A dead letter does not come back to life at the place of another one.
    let mut memory = stored();
    memory.carry_out(&Batch::new(vec![Change::Bury(Seq(2), death())])).unwrap();
    let requeue = Batch::new(vec![Change::Requeue { dead: Seq(3), seq: Seq(2) }]);
    assert_eq!(memory.carry_out(&requeue), Err(Misfit { at: 0 }));
}
