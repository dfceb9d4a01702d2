//! Nodes of a mesh and a fan-out between them that drops, doubles, delays, mixes up and spoils what it carries, under virtual time.
//! Frames are forged, limits are tight. Nodes die, say goodbye, start again, lose the transport and are cut off from each other. Each is told each
//! origin's messages in order, none of them twice, and every gap once; who is there is told truly; nothing grows beyond its limit; and
//! once the faults are over all agree on who is there, within the deadlines, and miss nothing more without being told.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

mod setup;
mod spoiling;
mod station;
mod truth;
mod world;

use wharf_tests::bus_world::Tally;
use wharf_tests::seeds::Seeds;
use world::World;

/// What is to happen in any two hundred seeds, or there was nothing to see.
const SEEN: [&str; 28] = [
    "changed",
    "deaths",
    "delivered",
    "disproved",
    "downs",
    "duplicates",
    "entered",
    "forged",
    "found",
    "gaps",
    "goodbyes",
    "hurried",
    "late",
    "leaps",
    "left",
    "lost",
    "malformed",
    "members refused",
    "met",
    "misplaced",
    "nodes forgotten",
    "outbox dropped",
    "own",
    "partitions",
    "published",
    "rolls sent",
    "rolls taken",
    "subjects forgotten",
];

#[test]
fn whatever_is_lost_each_is_told_in_order_once_or_as_a_gap_and_all_agree_in_the_end() {
    let seeds = Seeds::asked(200);
    let begin = std::time::Instant::now();
    let world = |seed| World::new(seed, seeds.is_single()).run().tally;
    let sum: Tally = seeds.sum(world, |sum: &mut Tally, tally| sum.take(&tally));
    println!("{} seeds in {:.1} s: {sum:#?}", seeds.count(), begin.elapsed().as_secs_f64());
    if seeds.count() >= 200 {
        for what in SEEN {
            assert!(sum.of(what) > 0, "it never happened: {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(5).repeat(5, |seed| World::new(seed, false).run());
}
