//! Claims that are answered late, or with what nobody can use, and services that there is no room for.

use super::{BREATH, Conn, Nodes, name, secs};
use crate::service::bus::{
    BusEvent, ClaimOutcome, NodeAnswer, NodeRequest, Numbers, Progress, Reason, Record, Seq,
};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const SOON: Duration = Duration::from_millis(200);

impl Nodes {
    /// Registers a service of the connection's name, and has its claim come to this.
    fn claim_comes_to(&mut self, at: usize, conn: Conn, outcome: ClaimOutcome) {
        self.by_hand = [at].into();
        self.register(at, conn, conn);
        self.carry_out_until(at, |request| matches!(request, NodeRequest::Claim { .. }));
        self.carry_out_but(at, |answer| {
            let NodeAnswer::Claimed { outcomes, .. } = answer else { panic!("{answer:?}") };
            outcomes[0] = outcome;
        });
        self.by_hand.clear();
        self.act();
    }

    /// The store does what a node asks until it asks for this.
    fn carry_out_until(&mut self, at: usize, is_it: fn(&NodeRequest) -> bool) {
        while !self.asked.get(&at).is_some_and(|ask| is_it(&ask.request)) {
            self.carry_out(at);
            self.pass(BREATH);
        }
    }
}

fn had(records: Vec<Record>) -> ClaimOutcome {
    ClaimOutcome::Had { pending: 0, records, is_all: true }
}

#[test]
fn a_claim_whose_connection_ended_meanwhile_is_given_up_whatever_comes_of_it() {
    let damaged = ClaimOutcome::Damaged { what: "place 9".into() };
    let all = [had(vec![]), ClaimOutcome::Wanted, ClaimOutcome::Replaced, ClaimOutcome::TooMany, damaged];
    for outcome in all {
        let mut nodes = Nodes::new();
        nodes.by_hand = [0].into();
        nodes.register(0, "b", "b");
        nodes.carry_out_until(0, |request| matches!(request, NodeRequest::Claim { .. }));
        nodes.close(0, "b");
        nodes.by_hand.clear();
        nodes.carry_out_but(0, |answer| {
            let NodeAnswer::Claimed { outcomes, .. } = answer else { panic!("{answer:?}") };
            outcomes[0] = outcome.clone();
        });
        nodes.pass(secs(2));
        assert_eq!(nodes.shared.owner(&name("b")), None, "{outcome:?}");
        assert_eq!(nodes.sent.get("b"), None, "{outcome:?}");
        nodes.register(0, "b2", "b");
        assert_eq!(nodes.heard("b2"), ["registered 0"], "{outcome:?}");
    }
}

#[test]
fn a_service_whose_memories_contradict_is_turned_away_and_nobody_elses_are_touched() {
    let id = |from, seq| Record::Id { from: name(from), id: name("i"), seq: Seq(seq) };
    let numbers = |seq| Record::Numbers(Numbers::new(name("b"), name("p"), Seq(seq), 3, vec![]));
    for what in 0..3 {
        let mut nodes = Nodes::with(|config, _| config.max_ids = 1);
        nodes.settle(0, "a");
        nodes.send(0, "a", "x", "i");
        let of_a = nodes.shared.records().find_map(|record| match record {
            Record::Id { seq, .. } => Some(seq.0),
            _ => None,
        });
        let records = match what {
            0 => vec![id("b", 1 << 40), id("b", 2 << 40)],
            1 => vec![numbers(1 << 40), numbers(2 << 40)],
            _ => vec![id("b", of_a.unwrap())],
        };
        nodes.claim_comes_to(0, "b", had(records));
        nodes.pass(SOON);
        assert_eq!((nodes.closed["b"], nodes.shared.owner(&name("b"))), (Reason::Store, None), "{what}");
        assert!(nodes.events.iter().any(|(_, event)| matches!(event, BusEvent::Damaged { .. })));
        // What was remembered before is known, and goes when its time has come.
        nodes.heard("a");
        nodes.send(0, "a", "x", "i");
        for id in ["j", "k", "l"] {
            nodes.send(0, "a", "x", id);
        }
        let accepted = ["i", "j", "k", "l"].map(|id| format!("accepted {id}"));
        let stats = nodes.nodes[0].stats();
        assert_eq!(
            (nodes.heard("a"), stats.deduplicated, stats.remembered),
            (accepted.into(), 1, 1),
            "{what}"
        );
    }
}

#[test]
fn what_a_store_says_of_a_message_that_contradicts_itself_is_taken_for_nothing() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.send(0, "a", "b", "m");
    nodes.by_hand = [1].into();
    nodes.begin(1, "b", "b");
    while nodes.sent.get("b").is_none_or(|sent| sent.len() < 2) {
        nodes.carry_out_but(1, |answer| {
            if let NodeAnswer::Looked { messages, .. } = answer {
                let contradicts = Progress { attempts: 9, ..Progress::default() };
                messages.iter_mut().for_each(|(_, progress)| *progress = contradicts.clone());
            }
        });
        nodes.pass(BREATH);
    }
    assert_eq!(nodes.heard("b"), ["registered 1", "m#0"]);
}

#[test]
fn a_store_that_refuses_what_it_was_not_given_gets_the_rest_again() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.by_hand = [0].into();
    nodes.send(0, "a", "b", "m");
    nodes.by_hand.clear();
    nodes.answer(0, NodeAnswer::Full { seqs: vec![Seq(1 << 40)] });
    nodes.pass(SOON);
    assert_eq!((nodes.heard("a"), nodes.pending()), (["accepted m".into()].into(), 1));
}

#[test]
fn what_is_known_to_be_full_is_refused_without_an_ask_and_no_more_is_known_than_may_be() {
    let mut nodes = Nodes::with(|config, _| config.max_services = 2);
    nodes.settle(0, "a");
    nodes.settle(1, "c");
    for to in ["x", "y", "z"] {
        nodes.send(0, "a", to, to);
    }
    let refused = |ids: &[&str]| ids.iter().map(|id| format!("rejected {id}: full")).collect::<Vec<_>>();
    assert_eq!(nodes.heard("a"), refused(&["x", "y", "z"]));
    let before = nodes.asks.len();
    nodes.send(0, "a", "x", "x");
    nodes.send(0, "a", "y", "y");
    assert_eq!((nodes.heard("a"), nodes.asks.len()), (refused(&["x", "y"]), before));
    nodes.send(0, "a", "z", "z");
    assert_eq!((nodes.heard("a"), nodes.asks.len()), (refused(&["z"]), before + 1));
}

#[test]
fn what_is_on_its_way_to_the_store_is_bounded_in_number_and_in_bytes() {
    for by_bytes in [false, true] {
        let mut nodes = Nodes::with(|_, settings| match by_bytes {
            true => settings.max_unstored_bytes = 200,
            false => settings.max_unstored = 2,
        });
        nodes.settle(0, "a");
        nodes.by_hand = [0].into();
        for id in ["l", "m", "n"] {
            nodes.send(0, "a", "b", id);
        }
        assert!(nodes.heard("a").contains(&"rejected n: full".into()), "{by_bytes}");
        nodes.by_hand.clear();
        nodes.carry_out(0);
        nodes.act();
        nodes.heard("a");
        nodes.send(0, "a", "b", "n");
        assert_eq!(nodes.heard("a"), ["accepted n"], "there is room again");
    }
}

#[test]
fn no_more_services_register_or_wait_than_may_be() {
    let mut nodes = Nodes::with(|config, _| config.max_services = 1);
    nodes.settle(0, "a");
    nodes.register(0, "b", "b");
    assert_eq!(nodes.heard("b"), ["error: full"]);
    nodes.register(0, "a2", "a");
    assert_eq!(nodes.heard("a2"), ["registered 0"], "it is the one that may be");
    let mut nodes = Nodes::with(|_, settings| settings.max_waiting = 1);
    nodes.begin(0, "a", "a");
    nodes.begin(0, "b", "b");
    nodes.pass(BREATH);
    assert_eq!(
        (nodes.heard("a"), nodes.heard("b")),
        (["registered 0".into()].into(), ["error: full".into()].into())
    );
}

#[test]
fn a_claim_that_there_is_no_queue_for_is_given_up() {
    let mut nodes = Nodes::with(|config, _| (config.max_services, config.accept_wait) = (2, secs(1)));
    nodes.settle(0, "a");
    // Until it is stored it has a queue here.
    nodes.send(0, "a", "x", "m");
    nodes.register(0, "b", "b");
    assert_eq!(nodes.heard("b"), ["error: full"]);
    nodes.pass(secs(2));
    assert_eq!(nodes.shared.owner(&name("b")), None);
    // The other one may be the second service from then on.
    nodes.heard("a");
    nodes.send(0, "a", "x", "m");
    nodes.pass(secs(2));
    assert_eq!(nodes.heard("a"), ["accepted m"]);
}

#[test]
fn what_one_that_waits_has_said_is_bounded_by_the_longest_message() {
    let mut nodes = Nodes::with(|config, _| config.max_message = 120);
    nodes.by_hand = [0, 1].into();
    nodes.register(0, "a", "a");
    let mut states = Vec::new();
    for id in ["l", "m", "n"] {
        nodes.send(0, "a", "b", id);
        states.push((nodes.held.get("a").copied(), nodes.closed.get("a").copied()));
    }
    assert_eq!(states, [(None, None), (Some(true), None), (Some(false), Some(Reason::Full))]);
}

#[test]
fn a_claim_that_is_being_read_is_waited_for_while_the_store_is_there() {
    let mut nodes = Nodes::with(|_, settings| settings.recall_rows = 2);
    nodes.settle(0, "a");
    for id in ["l", "m", "n", "o", "p"] {
        nodes.send(0, "a", "b", id);
    }
    nodes.close(0, "a");
    nodes.pass(SOON);
    nodes.by_hand = [1].into();
    nodes.register(1, "a2", "a");
    nodes.carry_out_until(1, |request| matches!(request, NodeRequest::Recall { .. }));
    nodes.pass(secs(16));
    assert_eq!(nodes.closed.get("a2"), None);
    // The node stands still until it is out of reach of its store, and then hears of that and of the time at once.
    nodes.now += secs(30);
    nodes.pass(BREATH);
    assert_eq!((nodes.closed["a2"], nodes.heard("a2")), (Reason::Store, ["error: store".into()].into()));
}
