//! Services that move from node to node, and what follows them.

use super::{BREATH, Nodes, name, secs};
use crate::service::bus::{Letters, NodeRequest, Reason};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

const SOON: Duration = Duration::from_millis(200);

#[test]
fn a_message_goes_to_the_node_that_its_receiver_is_at() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.settle(1, "b");
    nodes.send(0, "a", "b", "m");
    nodes.pass(SOON);
    assert_eq!((nodes.heard("a"), nodes.heard("b")), (["accepted m".into()].into(), ["m#0".into()].into()));
    nodes.ack(1, "b", "m");
    nodes.pass(SOON);
    assert_eq!(nodes.pending(), 0);
    // A node that is not woken looks all the same.
    nodes.by_hand = [1].into();
    nodes.send(0, "a", "b", "n");
    nodes.by_hand.clear();
    nodes.carry_out(1);
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("b"), ["n#0"]);
}

#[test]
fn a_service_that_registers_elsewhere_is_followed_by_its_messages() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.register(0, "b1", "b");
    for id in ["m0", "m1", "m2"] {
        nodes.send(0, "a", "b", id);
    }
    nodes.ack(0, "b1", "m1");
    assert_eq!(nodes.heard("b1"), ["registered 0", "m0#0", "m1#0", "m2#0"]);
    nodes.register(1, "b2", "b");
    nodes.pass(SOON);
    assert_eq!(
        (nodes.heard("b1"), nodes.closed["b1"]),
        (["error: replaced".into()].into(), Reason::Replaced)
    );
    assert_eq!(nodes.heard("b2"), ["registered 2", "m0#0", "m2#0"]);
    // Its late disconnect changes nothing.
    nodes.close(0, "b1");
    nodes.send(0, "a", "b", "m3");
    nodes.pass(SOON);
    assert_eq!(nodes.heard("b2"), ["m3#0"]);
}

#[test]
fn a_sender_that_moves_is_delivered_in_its_order() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.settle(1, "b");
    nodes.by_hand = [1].into();
    for id in ["m0", "m1"] {
        nodes.send(0, "a", "b", id);
    }
    // The receiver's node has not looked yet when the sender comes to it.
    nodes.close(0, "a");
    nodes.begin(1, "a2", "a");
    while !nodes.sent.contains_key("a2") {
        let is_look = nodes.asked.get(&1).is_some_and(|ask| matches!(ask.request, NodeRequest::Look { .. }));
        if is_look {
            // It takes nothing this time.
            nodes.asked.remove(&1);
            let (now, wall) = (nodes.now, nodes.wall());
            nodes.nodes[1].answered(now, wall, looked_nothing());
        }
        nodes.carry_out(1);
        nodes.pass(BREATH);
    }
    nodes.send_as(1, "a2", "a", "b", "m2");
    nodes.by_hand.clear();
    nodes.carry_out(1);
    nodes.pass(secs(2));
    assert_eq!(nodes.heard("b"), ["m0#0", "m1#0", "m2#0"]);
}

fn looked_nothing() -> crate::service::bus::NodeAnswer {
    crate::service::bus::NodeAnswer::Looked {
        messages: Vec::new(),
        damaged: Vec::new(),
        next: None,
        wanted: Vec::new(),
        notices: Vec::new(),
        standing: Default::default(),
    }
}

#[test]
fn what_was_accepted_is_known_wherever_its_sender_goes() {
    let mut nodes = Nodes::with(|_, settings| settings.recall_rows = 2);
    nodes.settle(0, "a");
    let ids: Vec<_> = ["p-0", "p-1", "p-3", "q", "r", "s", "t"].map(alloc::string::String::from).into();
    for id in &ids {
        nodes.send(0, "a", "b", id);
    }
    nodes.close(0, "a");
    nodes.register(1, "a2", "a");
    nodes.pass(SOON);
    nodes.heard("a2");
    for id in ids.iter().map(|id| &**id).chain(["p-2"]) {
        nodes.send_as(1, "a2", "a", "b", id);
    }
    let mut known: Vec<_> = ids.iter().map(|id| format!("accepted {id}")).collect();
    known.push("accepted p-2".into());
    assert_eq!(nodes.heard("a2"), known);
    assert_eq!((nodes.pending(), nodes.nodes[1].stats().deduplicated), (8, 7));
    assert!(nodes.nodes[0].stats().remembered == 0, "what is not ours is not in memory");
}

#[test]
fn a_death_is_told_at_the_node_where_its_sender_is() {
    let mut nodes = Nodes::with(|config, _| config.attempts = 1);
    nodes.settle(0, "a");
    nodes.settle(1, "b");
    for id in ["m", "n"] {
        nodes.send(0, "a", "b", id);
    }
    nodes.pass(SOON);
    nodes.heard("a");
    nodes.frame(1, "b", r#"{"type":"nack","messageId":"m","reason":"no"}"#);
    nodes.frame(1, "b", r#"{"type":"nack","messageId":"n","reason":"no"}"#);
    nodes.pass(SOON);
    assert_eq!(nodes.heard("a"), ["dead m: nack: no", "dead n: nack: no"]);
    // Any node sends them again.
    nodes.heard("b");
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].requeue(now, wall, &Letters::Id(name("m")), 1);
    nodes.nodes[0].purge(now, wall, &Letters::Id(name("x")), 2);
    nodes.nodes[0].purge(now, wall, &Letters::All, 3);
    nodes.pass(SOON);
    assert_eq!(nodes.heard("b"), ["m#0"]);
    let told: Vec<_> = nodes.told.iter().map(|(t, outcome)| (*t, outcome.map(|c| c.letters))).collect();
    assert_eq!(told, [(1, Ok(1)), (2, Err(crate::service::bus::CommandError::Unknown)), (3, Ok(1))]);
}

#[test]
fn what_was_dead_stands_behind_what_waits_whichever_node_sends_it_again() {
    let mut nodes = Nodes::with(|config, _| config.attempts = 1);
    for service in ["a", "b"] {
        nodes.settle(0, service);
    }
    nodes.send(0, "a", "b", "dead");
    nodes.frame(0, "b", r#"{"type":"nack","messageId":"dead","reason":"no"}"#);
    nodes.close(0, "b");
    // The other node names greater places.
    nodes.settle(1, "c");
    for n in 0..9 {
        nodes.send(1, "c", "b", &format!("m-{n}"));
    }
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].requeue(now, wall, &Letters::All, 1);
    nodes.pass(SOON);
    nodes.register(1, "b2", "b");
    nodes.pass(SOON);
    let heard = nodes.heard("b2");
    assert_eq!((&*heard[0], &*heard[1], &*heard[10]), ("registered 10", "m-0#0", "dead#0"));
}

#[test]
fn who_registers_last_has_it() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "b");
    // Node 0 hears of nothing for a while; somebody asks for it at node 1, and somebody later at node 0.
    nodes.by_hand = [0].into();
    nodes.register(1, "b1", "b");
    nodes.now += Duration::from_millis(1);
    nodes.register(0, "b2", "b");
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.pass(secs(2));
    assert_eq!(nodes.closed.get("b"), Some(&Reason::Replaced));
    assert_eq!(nodes.closed.get("b1"), Some(&Reason::Replaced));
    assert_eq!((nodes.heard("b2"), nodes.closed.get("b2")), (["registered 0".into()].into(), None));
}

#[test]
fn an_answer_for_an_older_registration_is_nothing_to_a_younger_one() {
    let mut nodes = Nodes::new();
    nodes.by_hand = [1].into();
    let begin = nodes.now;
    nodes.register(1, "b1", "b");
    let mut asked = nodes.asked.remove(&1).unwrap();
    nodes.now += Duration::from_millis(1);
    nodes.close(1, "b1");
    nodes.register(0, "b2", "b");
    nodes.now += Duration::from_millis(1);
    nodes.register(1, "b3", "b");
    // What was asked for the first one comes to the store behind what was asked for the second.
    let NodeRequest::Claim { services, .. } = &mut asked.request else { panic!() };
    services[0].1 = nodes.now - begin;
    nodes.asked.insert(1, asked);
    nodes.by_hand.clear();
    nodes.carry_out(1);
    nodes.pass(secs(2));
    assert_eq!(nodes.heard("b3"), ["registered 0"]);
    assert_eq!(nodes.closed.get("b3"), None);
    assert_eq!(nodes.closed.get("b2"), Some(&Reason::Replaced));
}

#[test]
fn a_registration_whose_connection_ends_right_behind_it_replaces_nobody() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "b");
    // A bus that stood still reads what was said before, and then that nobody says it any more.
    nodes.begin(1, "ghost", "b");
    nodes.close(1, "ghost");
    nodes.pass(secs(2));
    assert_eq!(nodes.closed.get("b"), None);
    let is_claim = |(at, request, _): &&(usize, NodeRequest, _)| {
        *at == 1 && matches!(request, NodeRequest::Claim { .. })
    };
    assert_eq!(nodes.asks.iter().find(is_claim), None);
    // One that says it again is heard all the same.
    nodes.begin(1, "b2", "b");
    nodes.pass(SOON);
    assert_eq!(nodes.heard("b2"), ["registered 0"]);
}

#[test]
fn a_claim_that_is_given_up_while_it_is_read_is_given_up_last() {
    let mut nodes = Nodes::with(|config, settings| {
        (config.max_dedupe, settings.recall_rows) = (3, 2);
        config.batch_wait = secs(1);
    });
    nodes.settle(0, "a");
    for id in ["a", "b", "c"] {
        nodes.send(0, "a", "x", id);
    }
    nodes.settle(1, "c");
    for id in ["d", "e"] {
        nodes.send(1, "c", "x", id);
    }
    nodes.close(0, "a");
    nodes.pass(SOON);
    nodes.by_hand = [1].into();
    nodes.register(1, "a2", "a");
    let is_recall = |nodes: &Nodes| matches!(nodes.asked[&1].request, NodeRequest::Recall { .. });
    while !is_recall(&nodes) {
        nodes.carry_out(1);
        nodes.act();
    }
    // Some of it was forgotten, since it is more than may be remembered.
    nodes.close(1, "a2");
    nodes.by_hand.clear();
    nodes.carry_out(1);
    nodes.pass(secs(2));
    assert!(!nodes.nodes[1].has_failed());
    assert_eq!(nodes.shared.owner(&name("a")), None);
}

#[test]
fn a_drain_gives_all_to_the_others_at_once() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.by_hand = [0].into();
    nodes.send(0, "a", "b", "m");
    nodes.send(0, "a", "b", "l");
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].drain(now, wall);
    nodes.act();
    nodes.send(0, "a", "b", "n");
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.act();
    assert_eq!(nodes.heard("a"), ["rejected n: closing", "accepted m", "accepted l"]);
    assert!(nodes.nodes[0].is_drained());
    nodes.register(1, "a2", "a");
    nodes.pass(Duration::from_millis(10));
    assert_eq!(nodes.heard("a2"), ["registered 0"]);
}
