//! Many services at once.

use super::{Conn, Nodes, name, secs};
use crate::service::bus::NodeRequest;
use alloc::format;
use alloc::vec::Vec;

const SERVICES: usize = 10_000;

fn all() -> Vec<Conn> {
    (0..SERVICES).map(|n| &*format!("s-{n}").leak()).collect()
}

/// Registers them at a node, all in one moment. How often claims are asked for and given up until it has them.
fn register(nodes: &mut Nodes, at: usize, all: &[Conn]) -> [usize; 2] {
    let begin = nodes.asks.len();
    for conn in all {
        let (now, wall) = (nodes.now, nodes.wall());
        nodes.nodes[at].opened(now, conn);
        let register = format!(r#"{{"type":"register","serviceId":"{conn}"}}"#);
        nodes.nodes[at].receive(now, wall, conn, &register);
    }
    nodes.pass(secs(10));
    let fence = nodes.nodes[at].fence();
    assert!(all.iter().all(|conn| nodes.shared.owner(&name(conn)) == fence));
    let is_claim = |request: &NodeRequest| matches!(request, NodeRequest::Claim { .. });
    [count(nodes, begin, is_claim), count(nodes, begin, is_release)]
}

/// How many asks there were of a kind.
fn count(nodes: &Nodes, begin: usize, is_it: fn(&NodeRequest) -> bool) -> usize {
    nodes.asks[begin..].iter().filter(|(_, request, _)| is_it(request)).count()
}

fn is_release(request: &NodeRequest) -> bool {
    matches!(request, NodeRequest::Release { .. })
}

#[test]
fn the_services_of_a_node_that_died_move_in_few_asks() {
    let (mut nodes, all) = (Nodes::new(), all());
    assert_eq!(register(&mut nodes, 0, &all), [40, 0]);
    nodes.cut = [0].into();
    nodes.now += secs(11);
    assert_eq!(register(&mut nodes, 1, &all), [40, 0]);
}

#[test]
fn the_services_of_a_node_that_lives_move_in_few_asks() {
    let (mut nodes, all) = (Nodes::new(), all());
    register(&mut nodes, 0, &all);
    let [claims, releases] = register(&mut nodes, 1, &all);
    // Each list is asked for some times until its turn has come.
    assert!(claims <= 400 && releases == 40, "{claims} {releases}");
}

#[test]
fn whoever_leaves_in_one_moment_is_written_and_given_up_in_few_asks() {
    let mut nodes = Nodes::new();
    nodes.settle(1, "a");
    let all = &all()[..300];
    register(&mut nodes, 0, all);
    for to in all {
        nodes.send(1, "a", to, to);
    }
    nodes.pass(secs(1));
    let begin = nodes.asks.len();
    for conn in all {
        // What it was handed is to be written down.
        assert_eq!(nodes.heard(conn)[1], format!("{conn}#0"));
        let (now, wall) = (nodes.now, nodes.wall());
        nodes.nodes[0].closed(now, wall, conn);
    }
    nodes.pass(secs(1));
    let is_commit = |request: &NodeRequest| matches!(request, NodeRequest::Commit { .. });
    assert_eq!(count(&nodes, begin, is_commit), 1);
    assert_eq!(count(&nodes, begin, is_release), 2);
    assert!(all.iter().all(|conn| nodes.shared.owner(&name(conn)).is_none()));
}
