//! People in rooms under virtual time: a server that is killed, a store that fails, hangs and forgets to say what it did, wires that are
//! cut and clients that take nothing. Whatever happens, all in a room see the same messages in the same order, who comes back misses none
//! and gets none twice, nothing is told to who left, lists are right, and what was acknowledged is stored once.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

mod conclusion;
mod person;
mod site;
mod store;
mod wire;

use self::site::Site;
use wharf_tests::seeds::Seeds;

/// What was seen, summed up over seeds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    said: u64,
    acknowledged: u64,
    unavailable: u64,
    doubled: u64,
    resumed: u64,
    taken_over: u64,
    forgotten: u64,
    slow: u64,
    histories: u64,
    crashes: u64,
    withdrawn: u64,
    hash: u64,
}

impl Seen {
    fn add(&mut self, more: &Self) {
        self.said += more.said;
        self.acknowledged += more.acknowledged;
        self.unavailable += more.unavailable;
        self.doubled += more.doubled;
        self.resumed += more.resumed;
        self.taken_over += more.taken_over;
        self.forgotten += more.forgotten;
        self.slow += more.slow;
        self.histories += more.histories;
        self.crashes += more.crashes;
        self.withdrawn += more.withdrawn;
        self.hash = self.hash.wrapping_add(more.hash);
    }
}

#[test]
fn whatever_happens_all_see_the_same_in_order_and_miss_nothing() {
    let seeds = Seeds::asked(200);
    let begin = std::time::Instant::now();
    let world = |seed| Site::new(seed, seeds.is_single()).run();
    let sum: Seen = seeds.sum(world, |sum, more| sum.add(&more));
    println!("{} seeds in {:.1} s: {sum:?}", seeds.count(), begin.elapsed().as_secs_f64());
    if seeds.count() >= 100 {
        for (what, count) in [
            ("acknowledged", sum.acknowledged),
            ("unavailable", sum.unavailable),
            ("told again", sum.doubled),
            ("resumed", sum.resumed),
            ("taken over", sum.taken_over),
            ("forgotten", sum.forgotten),
            ("too slow", sum.slow),
            ("told as history", sum.histories),
            ("killed", sum.crashes),
            ("withdrawn", sum.withdrawn),
        ] {
            assert!(count > 0, "nothing was ever {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(5).repeat(5, |seed| Site::new(seed, false).run());
}
