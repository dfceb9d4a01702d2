//! Messages that there is no room for, memory that is bounded, and connections that wait.

use super::{BREATH, Nodes, name, secs};
use crate::base::Instant;
use crate::service::bus::{
    Broker, BusConfig, BusEvent, ClaimOutcome, NodeAnswer, NodeRequest, NodeSettings, Reason,
};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

#[test]
fn what_is_full_is_full_at_every_node_and_uses_no_id_up() {
    for id in ["p-", "p.x"] {
        let mut nodes = Nodes::with(|config, _| config.max_pending = 3);
        nodes.settle(0, "a");
        nodes.settle(1, "c");
        nodes.send(1, "c", "b", "c-0");
        nodes.by_hand = [0].into();
        for n in 0..6 {
            nodes.send(0, "a", "b", &format!("{id}{n}"));
        }
        nodes.by_hand.clear();
        nodes.carry_out(0);
        nodes.pass(Duration::from_millis(50));
        let told = |n, what| format!("{what} {id}{n}{}", if what == "rejected" { ": full" } else { "" });
        let mut heard = nodes.heard("a");
        heard.sort();
        let mut all: Vec<_> = (0..2).map(|n| told(n, "accepted")).collect();
        all.extend((2..6).map(|n| told(n, "rejected")));
        assert_eq!(heard, all);
        assert_eq!(nodes.pending(), 3);
        nodes.register(1, "b", "b");
        nodes.pass(secs(2));
        for n in 0..2 {
            nodes.ack(1, "b", &format!("{id}{n}"));
        }
        nodes.pass(secs(1));
        // Sent again, they are messages like any; over a bus that died meanwhile, too.
        nodes.close(0, "a");
        nodes.register(0, "a2", "a");
        nodes.pass(Duration::from_millis(50));
        nodes.heard("a2");
        nodes.heard("b");
        for n in 2..4 {
            nodes.send_as(0, "a2", "a", "b", &format!("{id}{n}"));
        }
        nodes.pass(secs(1));
        assert_eq!(nodes.heard("a2"), [told(2, "accepted"), told(3, "accepted")]);
        assert_eq!(nodes.heard("b"), [format!("{id}2#0"), format!("{id}3#0")]);
    }
}

#[test]
fn a_place_of_what_was_refused_is_not_given_again() {
    let mut nodes = Nodes::with(|config, _| config.max_pending = 1);
    nodes.settle(0, "a");
    for id in ["p-0", "p-1"] {
        nodes.send(0, "a", "b", id);
    }
    let (now, wall) = (nodes.now, nodes.wall());
    nodes.nodes[0].drain(now, wall);
    nodes.act();
    assert_eq!(nodes.heard("a"), ["accepted p-0", "rejected p-1: full"]);
    // What is remembered of the numbers is as old as that, whoever has the slot next.
    nodes.nodes[0] = Broker::node(BusConfig::default(), NodeSettings::default());
    nodes.act();
    nodes.settle(0, "c");
    nodes.send(0, "c", "d", "q-0");
    nodes.register(0, "a2", "a");
    assert_eq!(nodes.heard("a2"), ["registered 0"]);
}

#[test]
fn a_big_service_comes_bit_by_bit() {
    let mut nodes = Nodes::with(|config, settings| {
        config.window = 3;
        (settings.fill, settings.look_rows, settings.look_each) = (8, 4, 4);
    });
    nodes.settle(0, "a");
    for n in 0..100 {
        nodes.send(0, "a", "b", &format!("m-{n}"));
        nodes.send(0, "a", "c", &format!("n-{n}"));
    }
    nodes.register(1, "c", "c");
    nodes.register(1, "b", "b");
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("b"), ["registered 100", "m-0#0", "m-1#0", "m-2#0"]);
    // Who does not acknowledge holds nobody up.
    for n in 0..100 {
        assert!(nodes.nodes[1].stats().pending <= 2 * (8 + 4));
        nodes.ack(1, "b", &format!("m-{n}"));
        nodes.pass(Duration::from_millis(20));
    }
    assert_eq!(nodes.heard("b").len(), 97);
    assert_eq!((nodes.heard("c").len(), nodes.pending()), (4, 100));
    let rows = nodes.asks.iter().filter_map(|(_, _, answer)| match answer {
        NodeAnswer::Looked { messages, .. } => Some(messages.len()),
        _ => None,
    });
    assert_eq!(rows.max(), Some(4));
}

#[test]
fn slow_receivers_that_fill_the_memory_starve_nobody() {
    let mut nodes = Nodes::with(|config, settings| {
        config.window = 1;
        (settings.fill_bytes, settings.max_loaded_bytes) = (2000, 2000);
    });
    for service in ["a", "b", "c"] {
        nodes.settle(0, service);
    }
    for n in 0..20 {
        nodes.send(0, "a", "b", &format!("m-{n}"));
    }
    nodes.pass(secs(2));
    nodes.send(0, "a", "c", "n-0");
    nodes.pass(secs(2));
    assert_eq!((nodes.heard("b"), nodes.heard("c")), (["m-0#0".into()].into(), ["n-0#0".into()].into()));
}

#[test]
fn what_all_that_wait_have_said_is_bounded() {
    let mut nodes = Nodes::with(|_, settings| settings.max_held_bytes = 140);
    nodes.by_hand = [0, 1].into();
    for conn in ["a", "b", "c"] {
        nodes.register(0, conn, conn);
    }
    for conn in ["a", "b", "c"] {
        nodes.send(0, conn, "x", "m");
    }
    assert_eq!((nodes.held.get("a"), nodes.held["b"], nodes.closed["c"]), (None, true, Reason::Full));
    nodes.close(0, "a");
    nodes.register(0, "d", "d");
    nodes.send(0, "d", "x", "m");
    assert_eq!(nodes.closed.get("d"), None, "there is room again");
}

#[test]
fn a_registration_waits_for_its_claim_and_not_for_ever() {
    let mut nodes = Nodes::with(|_, settings| settings.max_held_frames = 2);
    nodes.by_hand = [0, 1].into();
    nodes.settle(0, "a");
    // It is read on, or its end would be seen by nobody.
    assert!(!nodes.held.contains_key("a"));
    nodes.send(0, "a", "b", "m");
    assert!(nodes.held["a"]);
    nodes.by_hand = [1].into();
    nodes.carry_out(0);
    nodes.act();
    assert!(!nodes.held["a"]);
    assert_eq!(nodes.heard("a"), ["registered 0", "accepted m"]);
    nodes.register(1, "b", "b");
    for id in ["m", "n", "o"] {
        nodes.ack(1, "b", id);
    }
    assert_eq!(nodes.closed["b"], Reason::Full);
    nodes.register(1, "c", "c");
    nodes.pass(secs(14));
    assert_eq!(nodes.closed.get("c"), None);
    nodes.pass(secs(1));
    assert_eq!(nodes.closed["c"], Reason::Store);
}

#[test]
fn a_batch_is_bounded_by_its_bytes() {
    let mut nodes = Nodes::new();
    nodes.settle(0, "a");
    nodes.by_hand = [0].into();
    let payload = "x".repeat(900_000);
    for n in 0..30 {
        let message =
            format!(r#"{{"id":"m-{n}","from":"a","to":"b","type":"t","payload":"{payload}","timestamp":0}}"#);
        nodes.frame(0, "a", &format!(r#"{{"type":"message","message":{message}}}"#));
    }
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.pass(secs(1));
    let bytes = nodes.asks.iter().filter_map(|(_, request, _)| match request {
        NodeRequest::Commit { batch, .. } => Some(batch.changes().len()),
        _ => None,
    });
    assert!(bytes.max() <= Some(12));
    assert_eq!(nodes.heard("a").len(), 30);
}

#[test]
fn a_service_of_which_something_is_damaged_is_turned_away_and_all_others_are_served() {
    let mut nodes = Nodes::new();
    let damage = || "place 9: its checksum is wrong".into();
    nodes.by_hand = [0].into();
    for service in ["a", "b", "c"] {
        nodes.begin(0, service, service);
    }
    nodes.carry_out(0);
    nodes.pass(BREATH);
    // It is seen by the claim, or by a look.
    nodes.carry_out_but(0, |answer| {
        let NodeAnswer::Claimed { outcomes, .. } = answer else { panic!("{answer:?}") };
        outcomes[1] = ClaimOutcome::Damaged { what: damage() };
    });
    nodes.act();
    let is_look = |nodes: &Nodes| matches!(nodes.asked[&0].request, NodeRequest::Look { .. });
    while !is_look(&nodes) {
        nodes.carry_out(0);
        nodes.act();
    }
    nodes.carry_out_but(0, |answer| {
        let NodeAnswer::Looked { damaged, .. } = answer else { panic!("{answer:?}") };
        damaged.push((name("c"), damage()));
    });
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.pass(secs(1));
    assert_eq!((nodes.heard("a"), nodes.closed.get("a")), (["registered 0".into()].into(), None));
    for service in ["b", "c"] {
        assert_eq!(nodes.closed[service], Reason::Store);
        assert_eq!(nodes.shared.owner(&name(service)), None);
        let damaged = BusEvent::Damaged { service: name(service), what: damage() };
        assert!(nodes.events.contains(&(0, damaged)), "{service}");
    }
    nodes.send(0, "a", "b", "m");
    nodes.pass(secs(1));
    assert_eq!((nodes.heard("a"), nodes.nodes[0].stats().damaged), (["accepted m".into()].into(), 2));
}

#[test]
fn what_comes_before_the_damage_does_not_die_of_being_handed_out_again_and_again() {
    let mut nodes = Nodes::with(|_, settings| settings.look_each = 2);
    nodes.settle(0, "a");
    let ids = ["m0", "m1", "m2", "m3"];
    for id in ids {
        nodes.send(0, "a", "b", id);
    }
    nodes.pass(secs(1));
    nodes.heard("a");
    nodes.by_hand = [0].into();
    for round in 0..12 {
        let conn: &str = format!("b{round}").leak();
        nodes.begin(0, conn, "b");
        while !nodes.closed.contains_key(conn) {
            // What comes behind the first two is damaged.
            let is_behind = nodes.sent.get(conn).is_some_and(|sent| sent.len() == 3);
            if is_behind {
                // That those were handed out is on its way to the store by then.
                nodes.pass(secs(1));
            }
            nodes.carry_out_but(0, |answer| {
                if let NodeAnswer::Looked { messages, damaged, .. } = answer
                    && is_behind
                {
                    messages.clear();
                    damaged.push((name("b"), "place 9: its checksum is wrong".into()));
                }
            });
            nodes.pass(BREATH);
            assert!(nodes.now < Instant::ORIGIN + secs(30), "nothing comes of it");
        }
    }
    nodes.by_hand.clear();
    nodes.carry_out(0);
    nodes.register(0, "b", "b");
    nodes.pass(secs(1));
    assert_eq!(nodes.heard("a"), [""; 0]);
    assert_eq!(nodes.heard("b"), ["registered 4", "m0#0", "m1#0", "m2#0", "m3#0"]);
}
