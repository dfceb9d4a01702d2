//! A bus, its services, its disk and the network between them, under virtual time. The bus dies and comes back, its disk is slow,
//! fails, is full, and keeps or loses what was on its way; services die, refuse, are slow, are away and are replaced; connections
//! stand still, break and are half open; peers forge, guess and say nonsense. What was accepted has its effect once or is a dead letter
//! that says why; nothing is invented; what was told is true; nothing grows beyond its limit; and once the faults are over, every
//! message comes to its end within its deadlines.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

use wharf_tests::bus_world::{Report, Trial};
use wharf_tests::seeds::Seeds;

/// What is to happen in any four hundred seeds, or there was nothing to see.
const FAULTS: [&str; 44] = [
    "accepted",
    "acknowledged",
    "applied",
    "books: applied before",
    "bus crashed",
    "bus drained",
    "bus reset all",
    "bus: all windows full",
    "bus: deduplicated",
    "bus: forged",
    "bus: gone",
    "bus: invalid frames",
    "bus: late acknowledgements",
    "bus: redelivered",
    "bus: rejected, closing",
    "bus: rejected, full",
    "bus: rejected, store",
    "bus: replaced",
    "bus: too big",
    "bus: unregistered",
    "bus: wrong tokens",
    "clients: cancelled",
    "clients: duplicates",
    "clients: expired",
    "clients: overflowed",
    "clients: refused",
    "clients: rejected for good",
    "clients: repeated",
    "clients: resent",
    "crash: batch kept",
    "crash: batch lost",
    "dead: ack timeout",
    "dead: max deliveries",
    "dead: nack",
    "isolated",
    "peers of no good",
    "requeued",
    "services paused",
    "services reset",
    "store: failed, batch kept",
    "store: failed, batch lost",
    "store: full",
    "told: dead",
    "told: in doubt",
];

#[test]
fn whatever_happens_what_was_accepted_has_its_effect_once_or_is_a_dead_letter() {
    Report::of_seeds(400, &FAULTS, |seed, printed| Trial::new(seed, printed).run());
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(5).repeat(5, |seed| Trial::new(seed, false).run());
}
