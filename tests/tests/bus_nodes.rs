//! Two or three nodes of a bus over one store, their services and the network between them, under virtual time. Nodes die, are cut off
//! from the store, lose their place while they go on, end in order and come back; the store is out of reach, and keeps or loses what was on
//! its way to it; services move from node to node, die, refuse, are slow and have doubles. What was accepted has its effect once or is
//! a dead letter that says why; nothing is invented; first deliveries come in order; no memory grows beyond its limit; and once the faults are
//! over, every message comes to its end within its deadlines.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

use wharf_tests::bus_nodes::Trial;
use wharf_tests::bus_world::Report;
use wharf_tests::seeds::Seeds;

/// What is to happen in any two hundred seeds, or there was nothing to see.
const FAULTS: [&str; 31] = [
    "accepted",
    "acknowledged",
    "applied",
    "books: applied before",
    "bus: deduplicated",
    "bus: redelivered",
    "bus: rejected, full",
    "bus: rejected, store",
    "bus: replaced",
    "bus: sent away",
    "clients: resent",
    "crash: ask kept",
    "crash: ask lost",
    "nodes crashed",
    "nodes cut off",
    "nodes drained",
    "nodes isolated",
    "nodes: a write of a fenced one",
    "nodes: batch refused",
    "nodes: claimed with messages",
    "nodes: claims in lists",
    "nodes: deaths passed on",
    "nodes: fenced",
    "nodes: left in the store",
    "nodes: looks with more",
    "nodes: recalled",
    "nodes: taken by looks",
    "nodes: wanted",
    "services moved",
    "store down",
    "store: away",
];

#[test]
fn wherever_services_go_what_was_accepted_has_its_effect_once_or_is_a_dead_letter() {
    Report::of_seeds(200, &FAULTS, |seed, printed| Trial::new(seed, printed).run());
}

#[test]
fn the_same_seed_is_the_same_world_of_nodes() {
    Seeds::asked(5).repeat(5, |seed| Trial::new(seed, false).run());
}
