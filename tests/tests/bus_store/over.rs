//! Nodes that are gone, and who takes what they had.

use crate::asks::{limits, name};
use crate::node::Node;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use wharf::service::bus::{Name, NodeAnswer, NodeRequest};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::postgres::Postgres;

/// Fault of the sketch: whoever claims a list fences one node after the other and locks the list behind it, so two wait for each other.
#[test]
fn lists_of_services_of_nodes_that_died_together_are_claimed_at_once_without_a_deadlock() {
    let Some(server) = Postgres::shared("died") else { return };
    let url = server.database();
    let names: Vec<Name> = (0..50).map(|n| name(&format!("s-{n}"))).collect();
    let mut alive = [Node::join(&url), Node::join(&url)];
    for round in 0..50 {
        // Each has every other one, and is over as soon as it has them.
        let mut dead = [Node::join(&url), Node::join(&url)];
        for (at, node) in dead.iter_mut().enumerate() {
            node.lease = Duration::ZERO;
            claim(node, names.iter().skip(at).step_by(2));
        }
        let begin = Barrier::new(2);
        std::thread::scope(|scope| {
            for node in &mut alive {
                scope.spawn(|| {
                    begin.wait();
                    claim(node, names.iter());
                });
            }
        });
        let [one, other] = [alive[0].fence.slot, alive[1].fence.slot];
        let owned = format!("SELECT count(*) FROM bus_services WHERE owner IN ({one}, {other})");
        // What one of them has just been fencing the other one is to ask for again.
        let by = Instant::now() + PATIENCE;
        while server.sql(&url, &owned) != "50" {
            assert!(Instant::now() < by, "round {round}");
            alive.iter_mut().for_each(|node| claim(node, names.iter()));
        }
        for node in &mut alive {
            assert_eq!(node.ask(NodeRequest::Release { names: names.clone() }), NodeAnswer::Done);
        }
    }
    drop(alive);
    // What a connection has come to is counted when it ends.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let by = Instant::now() + PATIENCE;
    while server.sql(&url, others) != "0" {
        assert!(Instant::now() < by, "a connection does not end");
    }
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(server.sql(&url, deadlocks), "0");
}

fn claim<'a>(node: &mut Node, names: impl Iterator<Item = &'a Name>) {
    let services = names.map(|name| (name.clone(), Duration::ZERO)).collect();
    let answer = node.ask(NodeRequest::Claim { services, rows: 1, limits: limits(100, 100) });
    assert!(matches!(answer, NodeAnswer::Claimed { .. }), "{answer:?}");
}

#[test]
fn what_a_node_had_that_never_comes_back_is_free_once_another_one_trims() {
    let Some(server) = Postgres::shared("trims") else { return };
    let url = server.database();
    let (mut gone, mut other) = (Node::join(&url), Node::join(&url));
    claim(&mut gone, [name("shop")].iter());
    claim(&mut other, [name("mail")].iter());
    let gone_for = |secs: u32, slots: &str| {
        let until =
            format!("UPDATE bus_nodes SET until = clock_timestamp() - interval '{secs} seconds' {slots}");
        server.sql(&url, &until);
    };
    let slot = format!("WHERE slot = {}", gone.fence.slot);
    // It is not so long yet; then the other one was away itself, and then it was not.
    for (secs, slots, owned) in [(50, &*slot, "2"), (70, "", "2"), (70, &*slot, "1")] {
        gone_for(secs, slots);
        let trimmed = other.ask(NodeRequest::Trim { max: 9, rows: 9 });
        assert_eq!(trimmed, NodeAnswer::Trimmed { forgotten: 0 });
        assert_eq!(server.sql(&url, "SELECT count(owner) FROM bus_services"), owned, "{secs} {slots}");
    }
    assert_eq!(gone.accept("shop", "mail"), NodeAnswer::Fenced);
}
