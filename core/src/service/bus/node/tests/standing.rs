//! Nodes that lose their place, their lease, or the store.

use super::{Nodes, secs};
use crate::service::bus::{Broker, BusConfig, BusEvent, NodeAnswer, NodeRequest, NodeSettings, Reason};
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
