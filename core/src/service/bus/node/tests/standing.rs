//! Nodes that lose their place, their lease, or the store.

use super::{Conn, Nodes, name, secs};
use crate::service::bus::{
    Broker, BusConfig, BusEvent, Fence, MAX_NODES, NodeAnswer, NodeAsk, NodeRequest, NodeSettings, Reason,
};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

#[test]
fn a_node_that_lost_its_place_writes_nothing_and_begins_anew() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.register(0, "b", "b");
    nodes.send(0, "a", "b", "m");
    nodes.by_hand = [0].into();
    nodes.send(0, "a", "b", "n");
    // The node stands still for longer than its lease, and its service goes elsewhere.
    let asked = nodes.asked.remove(&0).unwrap();
    nodes.now += secs(11);
    nodes.register(1, "b2", "b");
    nodes.pass(Duration::from_millis(100));
    assert_eq!(nodes.heard("b2"), ["registered 1", "m#0"]);
    nodes.by_hand.clear();
    nodes.asked.insert(0, asked);
    nodes.heard("a");
    nodes.carry_out(0);
    nodes.pass(Duration::from_millis(100));
    assert_eq!((nodes.pending(), nodes.heard("a")), (1, ["error: closing".into()].into()));
    assert_eq!((nodes.closed["a"], nodes.closed["b"]), (Reason::Closing, Reason::Closing));
    let is_new = |(at, event): &(usize, _)| *at == 0 && matches!(event, BusEvent::Joined { .. });
    assert_eq!(nodes.events.iter().filter(|event| is_new(event)).count(), 2);
    nodes.register(0, "a2", "a");
    nodes.pass(Duration::from_millis(100));
    nodes.send_as(0, "a2", "a", "b", "n");
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("a2"), ["registered 0", "accepted n"]);
    assert_eq!(nodes.heard("b2"), ["n#0"]);
}

#[test]
fn nothing_is_handed_out_without_a_lease() {
    let mut nodes = Nodes::with(|config, _| config.window = 1);
    nodes.settle(0, "a");
    nodes.settle(0, "b");
    nodes.send(0, "a", "b", "m");
    nodes.send(0, "a", "b", "n");
    assert_eq!(nodes.heard("b"), ["m#0"]);
    nodes.cut = [0].into();
    nodes.pass(secs(9));
    nodes.ack(0, "b", "m");
    assert_eq!(nodes.heard("b"), ["n#0"], "nobody can be in its place yet");
    nodes.pass(secs(2));
    nodes.ack(0, "b", "n");
    nodes.pass(secs(1));
    nodes.cut.clear();
    nodes.pass(secs(1));
    assert_eq!(nodes.pending(), 0, "nobody took its place, and what it heard counts");
    nodes.send(0, "a", "b", "o");
    nodes.send(0, "a", "b", "p");
    nodes.heard("b");
    nodes.cut = [0].into();
    nodes.pass(secs(11));
    nodes.ack(0, "b", "o");
    assert_eq!(nodes.heard("b").len(), 0);
    nodes.cut.clear();
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("b"), ["p#0"]);
}

#[test]
fn a_store_that_is_away_loses_nothing_and_comes_back() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.cut = [0].into();
    let since = nodes.wall();
    nodes.send(0, "a", "b", "m");
    nodes.pass(secs(6));
    nodes.send(0, "a", "b", "n");
    assert_eq!(nodes.heard("a"), ["rejected n: store"]);
    assert_eq!(nodes.nodes[0].stats().away_since, Some(since));
    let away = (0, BusEvent::Away { is_away: true });
    assert_eq!(nodes.events.iter().filter(|event| **event == away).count(), 1);
    let mut commits = nodes.asks.iter().filter(|(at, request, answer)| {
        *at == 0 && matches!(request, NodeRequest::Commit { .. }) && *answer == NodeAnswer::Away
    });
    assert!(
        commits.next().is_some()
            && commits.all(|(_, request, _)| matches!(request, NodeRequest::Commit { .. }))
    );
    nodes.cut.clear();
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("a"), ["accepted m"]);
    assert!(nodes.events.contains(&(0, BusEvent::Away { is_away: false })));
    assert_eq!(nodes.nodes[0].stats().away_since, None);
    // One that says nothing at all is away as well, once it is late.
    nodes.by_hand = [0].into();
    let since = nodes.wall();
    nodes.send(0, "a", "b", "o");
    nodes.pass(secs(4));
    nodes.send(0, "a", "b", "p");
    assert_eq!(nodes.nodes[0].stats().away_since, None);
    nodes.pass(secs(1));
    nodes.send(0, "a", "b", "q");
    assert_eq!(nodes.nodes[0].stats().away_since, Some(since));
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.pass(secs(1));
    nodes.heard("a");
    // For long enough, and all are better off elsewhere.
    nodes.cut = [0].into();
    nodes.pass(secs(31));
    assert_eq!(nodes.closed["a"], Reason::Store);
    nodes.register(0, "c", "c");
    assert_eq!(nodes.closed["c"], Reason::Store);
}

#[test]
fn a_drain_ends_though_the_store_is_away() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.cut = [0].into();
    nodes.send(0, "a", "b", "m");
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].drain(now, wall);
    nodes.pass(secs(3));
    assert!(!nodes.nodes[0].is_drained());
    nodes.pass(secs(1));
    assert!(nodes.nodes[0].is_drained());
    assert_eq!(nodes.heard("a").len(), 0, "nobody knows what becomes of it");
}

#[test]
fn one_that_joins_never_takes_a_slot_in_force() {
    let nodes = Nodes::new();
    let slots = [0, 1].map(|at: usize| nodes.nodes[at].fence().unwrap().slot);
    assert_eq!(slots, [0, 1]);
}

#[test]
fn one_that_joins_takes_nobodys_place_while_there_is_a_free_one() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.cut = [0].into();
    nodes.pass(secs(11));
    nodes.nodes[1] = Broker::node(BusConfig::default(), NodeSettings::default());
    nodes.act();
    assert_eq!(nodes.nodes[1].fence().unwrap().slot, 2);
    nodes.cut.clear();
    nodes.pass(secs(1));
    nodes.send(0, "a", "b", "m");
    assert_eq!((nodes.heard("a"), nodes.closed.get("a")), (["accepted m".into()].into(), None));
}

#[test]
fn what_a_node_that_never_comes_back_had_is_free_after_a_while() {
    let mut nodes = Nodes::with(|config, _| config.max_services = 2);
    nodes.settle(0, "a");
    nodes.settle(0, "b");
    nodes.cut = [0].into();
    nodes.pass(secs(60));
    nodes.settle(1, "c");
    nodes.register(1, "d", "d");
    assert_eq!(nodes.heard("d"), ["error: full"]);
    nodes.pass(secs(80));
    nodes.register(1, "e", "e");
    assert_eq!(nodes.heard("e"), ["registered 0"]);
}

#[test]
fn who_comes_back_first_when_the_store_does_fences_nobody() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.cut = [0, 1].into();
    nodes.pass(secs(100));
    nodes.cut = [0].into();
    nodes.pass(secs(50));
    nodes.cut.clear();
    nodes.pass(secs(100));
    assert!(!nodes.events.contains(&(0, BusEvent::Fenced)));
}

#[test]
fn one_that_finds_no_place_asks_for_one_again() {
    let mut nodes = Nodes::new();
    for number in 1..=u64::from(MAX_NODES) {
        let join = NodeAsk::new(Fence::default(), number, secs(5), NodeRequest::Join);
        nodes.shared.carry_out(nodes.now, &join).unwrap();
    }
    nodes.nodes[1] = Broker::node(BusConfig::default(), NodeSettings::default());
    nodes.act();
    assert_eq!((nodes.nodes[1].fence(), nodes.events.last()), (None, Some(&(1, BusEvent::Crowded))));
    nodes.pass(secs(6));
    assert!(nodes.nodes[1].fence().is_some());
    nodes.settle(1, "a");
    nodes.send(1, "a", "b", "m");
    assert_eq!(nodes.heard("a"), ["accepted m"]);
}

#[test]
fn what_comes_of_nothing_that_was_asked_changes_nothing() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].answered(now, wall, NodeAnswer::Fenced);
    nodes.send(0, "a", "b", "m");
    assert_eq!((nodes.heard("a"), nodes.closed.get("a")), (["accepted m".into()].into(), None));
    // One that has a store of its own heeds neither.
    let mut alone = Broker::<Conn>::new(BusConfig::default());
    alone.woken(now);
    alone.answered(now, wall, NodeAnswer::Fenced);
    assert_eq!((alone.poll_action(), alone.poll_timeout()), (None, None));
}

#[test]
fn who_is_being_closed_is_not_told_once_more_that_all_are() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.register(0, "a2", "a");
    assert_eq!(
        (nodes.heard("a"), nodes.heard("a2")),
        (["error: replaced".into()].into(), ["registered 0".into()].into())
    );
    nodes.by_hand = [0].into();
    nodes.pass(secs(1));
    nodes.by_hand.clear();
    nodes.carry_out_but(0, |answer| *answer = NodeAnswer::Fenced);
    nodes.act();
    assert_eq!((nodes.heard("a").len(), nodes.closed["a"]), (0, Reason::Replaced));
    assert_eq!((nodes.heard("a2"), nodes.closed["a2"]), (["error: closing".into()].into(), Reason::Closing));
    // Nor when the store is away.
    nodes.register(0, "b", "b");
    nodes.register(0, "b2", "b");
    nodes.heard("b");
    nodes.cut = [0].into();
    nodes.pass(secs(31));
    assert_eq!((nodes.heard("b").len(), nodes.closed["b"]), (0, Reason::Replaced));
    assert_eq!(nodes.closed["b2"], Reason::Store);
}

#[test]
fn one_that_is_no_node_yet_ends_once_it_knows_that_it_is_none() {
    let mut nodes = Nodes::new();
    // Nothing was asked yet; a place was asked for.
    for is_asked in [false, true] {
        nodes.nodes[0] = Broker::node(BusConfig::default(), NodeSettings::default());
        nodes.by_hand = [0].into();
        if is_asked {
            nodes.act();
        }
        let (now, wall) = (nodes.now, nodes.wall());
        nodes.nodes[0].drain(now, wall);
        nodes.act();
        assert_eq!(nodes.nodes[0].is_drained(), !is_asked);
    }
    let join = nodes.asks.len();
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.act();
    assert!(nodes.nodes[0].is_drained());
    assert!(matches!(nodes.asks[join..], [(0, NodeRequest::Join, _), (0, NodeRequest::Leave, _)]));
}

#[test]
fn who_waits_for_a_claim_is_told_that_the_bus_ends() {
    let mut nodes = Nodes::new();
    nodes.by_hand = [0].into();
    nodes.register(0, "a", "a");
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].drain(now, wall);
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.act();
    assert_eq!((nodes.heard("a"), nodes.shared.owner(&name("a"))), (["error: closing".into()].into(), None));
    assert!(nodes.nodes[0].is_drained());
}

#[test]
fn what_is_remembered_too_much_is_forgotten_bit_by_bit_and_not_once_a_minute() {
    let mut nodes = Nodes::with(|config, _| config.max_dedupe = 100);
    for service in ["a", "b"] {
        nodes.settle(0, service);
        for n in 0..80 {
            nodes.send(0, service, "x", &format!("{service}{n}"));
        }
        nodes.close(0, service);
        nodes.pass(secs(1));
    }
    let trims = |nodes: &Nodes| {
        let is_trim = |at: &&(usize, NodeRequest, NodeAnswer)| matches!(at.1, NodeRequest::Trim { .. });
        let forgotten = |at: &(usize, NodeRequest, NodeAnswer)| match at.2 {
            NodeAnswer::Trimmed { forgotten } => forgotten,
            _ => panic!("{at:?}"),
        };
        nodes.asks.iter().filter(is_trim).map(forgotten).collect::<Vec<_>>()
    };
    nodes.pass(secs(56));
    assert_eq!(trims(&nodes).len(), 0);
    nodes.pass(secs(5));
    let all = trims(&nodes);
    assert_eq!((all.iter().sum::<u64>(), all.len()), (60, 3), "{all:?}");
    assert_eq!(nodes.nodes.iter().map(|node| node.stats().forgotten).sum::<u64>(), 60);
}
