//! What asks of the store come to where no broker of ours would ask so.

use super::{name, secs};
use crate::base::{Instant, Wall};
use crate::service::bus::{
    Accepted, Batch, BusConfig, Change, ClaimOutcome, DeadReason, Death, Fence, MAX_KEPT_NOTICES, MAX_NODES,
    NodeAnswer, NodeAsk, NodeLimits, NodeRequest, NodeRoom, Numbers, Progress, Record, Seq, SharedMemory,
};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

struct Asker {
    fence: Fence,
    number: u64,
}

impl Asker {
    fn join(shared: &mut SharedMemory, now: u64) -> Self {
        let mut asker = Self { fence: Fence::default(), number: 0 };
        let NodeAnswer::Joined { fence, .. } = asker.ask(shared, now, NodeRequest::Join) else { panic!() };
        asker.fence = fence;
        asker
    }

    fn ask(&mut self, shared: &mut SharedMemory, now: u64, request: NodeRequest) -> NodeAnswer {
        self.number += 1;
        let ask = NodeAsk::new(self.fence, self.number, secs(10), request);
        shared.carry_out(Instant::ORIGIN + secs(now), &ask).unwrap()
    }

    fn claim(&mut self, shared: &mut SharedMemory, now: u64, service: &str, age: u64) -> ClaimOutcome {
        let limits = NodeLimits::of(&BusConfig::default());
        let services = vec![(name(service), secs(age))];
        match self.ask(shared, now, NodeRequest::Claim { services, rows: 10, limits }) {
            NodeAnswer::Claimed { mut outcomes, .. } => outcomes.remove(0),
            other => panic!("{other:?}"),
        }
    }
}

fn commit(changes: Vec<Change>) -> NodeRequest {
    let limits = NodeLimits::of(&BusConfig::default());
    NodeRequest::Commit { batch: Batch::new(changes), room: NodeRoom::default(), limits }
}

fn message(seq: u64, from: &str, to: &str) -> Change {
    let id = name(&format!("m{seq}"));
    Change::Accept(Accepted::new(Seq(seq), id, name(from), name(to), "t", "{}".into(), Wall::default()))
}

#[test]
fn there_are_so_many_nodes_and_no_more() {
    let mut shared = SharedMemory::default();
    for slot in 0..MAX_NODES {
        assert_eq!(Asker::join(&mut shared, 0).fence.slot, slot);
    }
    let mut late = Asker { fence: Fence::default(), number: 0 };
    assert_eq!(late.ask(&mut shared, 9, NodeRequest::Join), NodeAnswer::Crowded);
    assert!(matches!(late.ask(&mut shared, 10, NodeRequest::Join), NodeAnswer::Joined { .. }));
}

#[test]
fn a_fenced_node_changes_nothing() {
    let mut shared = SharedMemory::default();
    let (mut a, mut b) = (Asker::join(&mut shared, 0), Asker::join(&mut shared, 0));
    a.claim(&mut shared, 0, "x", 0);
    assert_eq!(b.claim(&mut shared, 9, "x", 0), ClaimOutcome::Wanted);
    assert!(matches!(b.claim(&mut shared, 10, "x", 1), ClaimOutcome::Had { .. }));
    for request in [commit(vec![message(64, "x", "y")]), NodeRequest::Leave] {
        assert_eq!(a.ask(&mut shared, 10, request), NodeAnswer::Fenced);
    }
    assert_eq!((shared.records().count(), shared.owner(&name("x"))), (0, Some(b.fence)));
}

#[test]
fn the_later_registration_has_it() {
    let mut shared = SharedMemory::default();
    let mut all = [0; 3].map(|_| Asker::join(&mut shared, 0));
    all[0].claim(&mut shared, 0, "x", 0);
    assert_eq!(all[1].claim(&mut shared, 1, "x", 0), ClaimOutcome::Wanted);
    assert_eq!(all[2].claim(&mut shared, 2, "x", 0), ClaimOutcome::Wanted);
    assert_eq!(all[1].claim(&mut shared, 3, "x", 2), ClaimOutcome::Replaced);
    assert_eq!(all[0].ask(&mut shared, 3, NodeRequest::Release { names: vec![name("x")] }), NodeAnswer::Done);
    assert!(matches!(all[2].claim(&mut shared, 4, "x", 2), ClaimOutcome::Had { .. }));
}

#[test]
fn only_who_has_the_claim_writes_and_nothing_of_a_batch_that_does_not_fit_is_there() {
    let mut shared = SharedMemory::default();
    let mut a = Asker::join(&mut shared, 0);
    let limits = NodeLimits::of(&BusConfig::default());
    let bad = commit(vec![message(64, "x", "y")]);
    let ask = NodeAsk::new(a.fence, 2, secs(10), bad);
    assert!(shared.carry_out(Instant::ORIGIN, &ask).is_err());
    a.number = 2;
    a.claim(&mut shared, 0, "x", 0);
    let tight = NodeLimits { max_pending: 1, ..limits };
    let batch = Batch::new(vec![message(64, "x", "y"), message(128, "x", "y"), message(192, "x", "z")]);
    let full = NodeRequest::Commit { batch, room: NodeRoom::default(), limits: tight };
    assert_eq!(a.ask(&mut shared, 0, full), NodeAnswer::Full { seqs: vec![Seq(128)] });
    assert_eq!(shared.records().count(), 0);
    // To forget what is not there changes nothing.
    let forget = Change::ForgetId { from: name("x"), id: name("i") };
    let numbers = Numbers::new(name("x"), name("p"), Seq(64), 3, vec![]);
    let changes = vec![forget, Change::RememberNumbers(numbers.clone())];
    assert!(matches!(a.ask(&mut shared, 0, commit(changes)), NodeAnswer::Committed { .. }));
    assert_eq!(shared.records().collect::<Vec<_>>(), [Record::Numbers(numbers)]);
    // An ask is carried out once.
    let twice = NodeAsk::new(a.fence, a.number, secs(10), NodeRequest::Leave);
    assert!(shared.carry_out(Instant::ORIGIN, &twice).is_err());
}

#[test]
fn what_nobody_has_claimed_is_trimmed_oldest_first() {
    let mut shared = SharedMemory::default();
    let mut a = Asker::join(&mut shared, 0);
    for (service, seq) in [("x", 64), ("y", 128), ("z", 192)] {
        a.claim(&mut shared, 0, service, 0);
        let change = Change::RememberId { from: name(service), id: name("i"), seq: Seq(seq) };
        a.ask(&mut shared, 0, commit(vec![change]));
    }
    a.ask(&mut shared, 0, NodeRequest::Release { names: vec![name("y"), name("z")] });
    assert_eq!(
        a.ask(&mut shared, 0, NodeRequest::Trim { max: 2, rows: 9 }),
        NodeAnswer::Trimmed { forgotten: 1 }
    );
    let left: Vec<_> = shared
        .records()
        .map(|record| match record {
            Record::Id { from, .. } => from,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(left, [name("x"), name("z")]);
}

#[test]
fn who_has_been_away_for_long_is_fenced_by_a_trim_of_who_has_not() {
    let mut shared = SharedMemory::default();
    let (mut a, mut b) = (Asker::join(&mut shared, 0), Asker::join(&mut shared, 0));
    a.claim(&mut shared, 0, "x", 0);
    b.ask(&mut shared, 60, NodeRequest::Release { names: vec![] });
    // It is not so long yet; then the asker was away itself.
    for (now, is_fenced) in [(69, false), (79, false), (80, true)] {
        b.ask(&mut shared, now, NodeRequest::Trim { max: 9, rows: 9 });
        assert_eq!(shared.owner(&name("x")).is_none(), is_fenced, "{now}");
    }
    assert_eq!(a.ask(&mut shared, 80, NodeRequest::Leave), NodeAnswer::Fenced);
}

#[test]
fn a_claim_that_a_node_has_already_is_had_again() {
    let mut shared = SharedMemory::default();
    let (mut a, mut b) = (Asker::join(&mut shared, 0), Asker::join(&mut shared, 0));
    for now in [1, 2] {
        assert!(matches!(a.claim(&mut shared, now, "x", 0), ClaimOutcome::Had { .. }), "{now}");
    }
    // However long ago it was, a registration has a time: this one is older than any.
    assert_eq!(b.claim(&mut shared, 3, "x", u64::MAX), ClaimOutcome::Replaced);
    assert!(matches!(b.claim(&mut shared, 3, "y", u64::MAX), ClaimOutcome::Had { .. }));
}

#[test]
fn only_a_claim_of_its_own_is_kept_by_a_node() {
    let mut shared = SharedMemory::default();
    let (mut a, mut b) = (Asker::join(&mut shared, 0), Asker::join(&mut shared, 0));
    a.claim(&mut shared, 0, "x", 0);
    b.claim(&mut shared, 0, "y", 0);
    let kept = vec![(name("x"), secs(1)), (name("y"), secs(1)), (name("z"), secs(1))];
    let look = NodeRequest::Look { room: NodeRoom::default(), after: None, kept };
    assert!(matches!(a.ask(&mut shared, 6, look), NodeAnswer::Looked { .. }));
    assert_eq!(b.claim(&mut shared, 6, "x", 2), ClaimOutcome::Replaced);
    assert_eq!(a.claim(&mut shared, 6, "y", 2), ClaimOutcome::Wanted);
    assert_eq!(shared.owner(&name("z")), None);
}

/// Two nodes, the second of which has the claim of a receiver; so many messages are its.
fn sent(shared: &mut SharedMemory, count: u64) -> [Asker; 2] {
    let mut all = [0; 2].map(|_| Asker::join(shared, 0));
    all[0].claim(shared, 0, "x", 0);
    all[1].claim(shared, 0, "y", 0);
    let changes = (1..=count).map(|n| message(64 * n, "x", "y")).collect();
    let limits = NodeLimits { max_pending: count, ..NodeLimits::of(&BusConfig::default()) };
    let request = NodeRequest::Commit { batch: Batch::new(changes), room: NodeRoom::default(), limits };
    assert!(matches!(all[0].ask(shared, 0, request), NodeAnswer::Committed { .. }));
    all
}

fn bury(seq: u64) -> Change {
    Change::Bury(Seq(seq), Death::new(DeadReason::AckTimeout, Wall::default(), Progress::default()))
}

#[test]
fn no_more_deaths_are_kept_for_a_node_than_may_be() {
    let mut shared = SharedMemory::default();
    let count = MAX_KEPT_NOTICES as u64 + 1;
    let [mut a, mut b] = sent(&mut shared, count);
    b.ask(&mut shared, 0, commit((1..=count).map(|n| bury(64 * n)).collect()));
    let mut told = 0;
    loop {
        let look = NodeRequest::Look { room: NodeRoom::default(), after: None, kept: vec![] };
        let NodeAnswer::Looked { notices, .. } = a.ask(&mut shared, 0, look) else { panic!() };
        if notices.is_empty() {
            break;
        }
        told += notices.len();
    }
    assert_eq!(told, MAX_KEPT_NOTICES);
}

#[test]
fn a_service_with_too_many_bytes_of_dead_letters_gets_no_more() {
    let mut shared = SharedMemory::default();
    let [mut a, mut b] = sent(&mut shared, 1);
    b.ask(&mut shared, 0, commit(vec![bury(64)]));
    let limits = NodeLimits { max_dead_bytes: 1, ..NodeLimits::of(&BusConfig::default()) };
    let batch = Batch::new(vec![message(128, "x", "y")]);
    let request = NodeRequest::Commit { batch, room: NodeRoom::default(), limits };
    assert_eq!(a.ask(&mut shared, 0, request), NodeAnswer::Full { seqs: vec![Seq(128)] });
}

#[test]
fn dead_letters_are_not_sent_again_by_a_batch() {
    let mut shared = SharedMemory::default();
    let [_, b] = sent(&mut shared, 1);
    for change in [Change::Purge(Seq(64)), Change::Requeue { dead: Seq(64), seq: Seq(128) }] {
        let ask = NodeAsk::new(b.fence, b.number + 1, secs(10), commit(vec![change]));
        assert!(shared.carry_out(Instant::ORIGIN, &ask).is_err());
    }
}
