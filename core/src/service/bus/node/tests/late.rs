//! What the store answers when nobody waits for it any more.

use super::{Nodes, secs};
use crate::service::bus::{NodeAnswer, NodeRequest};

#[test]
fn an_answer_behind_the_end_of_a_drain_is_acted_on() {
    for max_pending in [9, 2] {
        let mut nodes = Nodes::with(|config, settings| {
            (config.max_pending, settings.drain_timeout) = (max_pending, secs(5));
        });
        nodes.settle(0, "a");
        nodes.by_hand = [0].into();
        for id in ["l", "m", "n"] {
            nodes.send(0, "a", "b", id);
        }
        nodes.carry_out(0);
        nodes.act();
        assert!(matches!(nodes.asked[&0].request, NodeRequest::Commit { .. }));
        nodes.heard("a");
        let (now, wall) = (nodes.now, nodes.wall());
        nodes.nodes[0].drain(now, wall);
        nodes.pass(secs(4));
        assert!(!nodes.nodes[0].is_drained());
        nodes.pass(secs(1));
        assert!(nodes.nodes[0].is_drained(), "it does not wait for ever");
        nodes.carry_out(0);
        nodes.act();
        let is_full = matches!(nodes.asks.last(), Some((0, _, NodeAnswer::Full { .. })));
        assert_eq!(is_full, max_pending == 2);
        // Of what is stored it says nothing, and asks nothing more.
        let heard = nodes.heard("a");
        assert_eq!(heard, ["rejected n: full"][..usize::from(is_full)]);
        assert!(nodes.nodes[0].is_drained() && !nodes.asked.contains_key(&0));
    }
}

#[test]
fn what_a_service_sends_itself_before_it_leaves_stays_in_the_memory_of_its_node() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.by_hand = [0].into();
    nodes.send(0, "a", "a", "m");
    nodes.close(0, "a");
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.pass(secs(1));
    assert_eq!((nodes.nodes[0].stats().pending, nodes.pending()), (0, 1));
    nodes.register(1, "a2", "a");
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("a2"), ["registered 1", "m#0"]);
}
