//! What is asked by hand of a store that is away, a node that ends, or more than one ask can do.

use super::{Nodes, name, secs};
use crate::service::bus::{Broker, BusConfig, CommandError, Letters, NodeAnswer, NodeRequest, NodeSettings};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

const SOON: Duration = Duration::from_millis(200);

impl Nodes {
    /// Has all dead letters sent again.
    fn requeue(&mut self, at: usize, ticket: u64) {
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].requeue(now, wall, &Letters::All, ticket);
        self.act();
    }

    fn purge(&mut self, at: usize, letters: &Letters, ticket: u64) {
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].purge(now, wall, letters, ticket);
        self.pass(SOON);
    }

    /// What came of each ticket since it was last asked.
    fn outcomes(&mut self) -> Vec<(u64, Result<u64, CommandError>)> {
        self.told
            .drain(..)
            .map(|(ticket, outcome)| (ticket, outcome.map(|changed| changed.letters)))
            .collect()
    }

    fn drain(&mut self, at: usize) {
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].drain(now, wall);
        self.act();
    }

    /// Has a message of `from` die.
    fn bury(&mut self, from: super::Conn, id: &str) {
        self.send(0, from, "b", id);
        self.frame(0, "b", &format!(r#"{{"type":"nack","messageId":"{id}","from":"{from}","reason":"no"}}"#));
    }

    fn count(&self, is_it: fn(&NodeRequest) -> bool) -> usize {
        self.asks.iter().filter(|(_, request, _)| is_it(request)).count()
    }
}

#[test]
fn a_command_is_refused_where_too_many_wait_or_the_store_is_away_and_later_ones_are_not() {
    let mut nodes = Nodes::with(|_, settings| settings.max_commands = 1);
    nodes.by_hand = [0].into();
    nodes.pass(secs(1));
    // One is as many as may wait.
    nodes.requeue(0, 1);
    nodes.requeue(0, 2);
    assert_eq!(nodes.outcomes(), [(2, Err(CommandError::Store))]);
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.act();
    assert_eq!(nodes.outcomes(), [(1, Ok(0))]);
    // A store that has been away for too long is not even asked.
    nodes.cut = [0].into();
    nodes.pass(secs(7));
    let before = nodes.asks.len();
    nodes.requeue(0, 3);
    assert_eq!((nodes.outcomes(), nodes.asks.len()), ([(3, Err(CommandError::Store))].into(), before));
    nodes.cut.clear();
    nodes.pass(secs(1));
    nodes.requeue(0, 4);
    assert_eq!(nodes.outcomes(), [(4, Ok(0))]);
}

#[test]
fn a_command_that_the_store_did_not_take_lets_the_next_ask_have_its_number() {
    let mut nodes = Nodes::new();
    nodes.by_hand = [0].into();
    nodes.requeue(0, 1);
    while !matches!(nodes.asked[&0].request, NodeRequest::Requeue { .. }) {
        nodes.carry_out(0);
        nodes.pass(Duration::from_millis(1));
    }
    let number = nodes.asked[&0].number;
    nodes.cut = [0].into();
    nodes.carry_out(0);
    nodes.cut.clear();
    nodes.pass(secs(1));
    assert_eq!(nodes.outcomes(), [(1, Err(CommandError::Store))]);
    assert_eq!(nodes.asked[&0].number, number);
}

#[test]
fn one_that_is_no_node_yet_or_has_lost_its_store_takes_no_command() {
    let (mut nodes, settings) = (Nodes::new(), NodeSettings::default());
    nodes.by_hand = [0].into();
    nodes.nodes[0] = Broker::node(BusConfig::default(), settings);
    nodes.requeue(0, 1);
    assert_eq!(nodes.outcomes(), [(1, Err(CommandError::Store))]);
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[1].store_failed(now, wall);
    nodes.requeue(1, 2);
    let before = nodes.asks.len();
    nodes.pass(secs(5));
    assert_eq!((nodes.outcomes(), nodes.asks.len()), ([(2, Err(CommandError::Store))].into(), before));
}

#[test]
fn a_command_that_a_drain_refused_is_not_asked_again() {
    for is_away in [true, false] {
        let mut nodes = Nodes::new();
        nodes.by_hand = [0].into();
        nodes.pass(secs(1));
        nodes.carry_out(0);
        nodes.requeue(0, 1);
        assert!(matches!(nodes.asked[&0].request, NodeRequest::Requeue { .. }));
        nodes.drain(0);
        nodes.requeue(0, 2);
        let closing = |ticket| (ticket, Err(CommandError::Closing));
        assert_eq!(nodes.outcomes(), [closing(1), closing(2)]);
        nodes.by_hand.clear();
        if is_away {
            nodes.answer(0, NodeAnswer::Away);
        }
        nodes.carry_out(0);
        nodes.pass(secs(1));
        assert_eq!(nodes.outcomes(), []);
        assert_eq!(nodes.count(|request| matches!(request, NodeRequest::Requeue { .. })), 1);
        assert!(nodes.nodes[0].is_drained());
    }
}

#[test]
fn who_waits_by_hand_is_told_when_another_node_takes_the_place() {
    let mut nodes = Nodes::new();
    nodes.by_hand = [0].into();
    nodes.pass(secs(1));
    nodes.requeue(0, 1);
    nodes.by_hand.clear();
    nodes.carry_out_but(0, |answer| *answer = NodeAnswer::Fenced);
    nodes.act();
    assert_eq!(nodes.outcomes(), [(1, Err(CommandError::Store))]);
}

#[test]
fn more_dead_letters_than_one_ask_is_about_are_all_seen_to() {
    let mut nodes = Nodes::with(|config, _| (config.attempts, config.max_pending) = (1, 150));
    nodes.settle(0, "a");
    nodes.settle(0, "b");
    for n in 0..301 {
        nodes.bury("a", &format!("m-{n}"));
    }
    nodes.pass(SOON);
    // There is not room for all of them.
    nodes.close(0, "b");
    nodes.requeue(1, 1);
    assert_eq!(nodes.outcomes(), [(1, Ok(150))]);
    nodes.purge(1, &Letters::All, 2);
    assert_eq!(nodes.outcomes(), [(2, Ok(151))]);
    assert_eq!(nodes.count(|request| matches!(request, NodeRequest::Requeue { .. })), 2);
    assert_eq!((nodes.pending(), nodes.shared.records().count()), (150, 151));
}

#[test]
fn a_dead_letter_of_another_sender_with_the_same_id_is_left_alone() {
    let mut nodes = Nodes::with(|config, _| config.attempts = 1);
    for service in ["a", "b", "c"] {
        nodes.settle(0, service);
    }
    nodes.bury("a", "m");
    nodes.bury("c", "m");
    nodes.bury("c", "n");
    nodes.pass(SOON);
    let of = |from, id| Letters::Of { from: name(from), id: name(id) };
    nodes.purge(1, &of("c", "m"), 1);
    nodes.purge(1, &of("a", "n"), 2);
    assert_eq!(nodes.outcomes(), [(1, Ok(1)), (2, Err(CommandError::Unknown))]);
    nodes.purge(1, &Letters::Id(name("m")), 3);
    assert_eq!(nodes.outcomes(), [(3, Ok(1))]);
}
