//! People at three nodes of a chat over one database, under virtual time: a mesh that loses, doubles and reorders, nodes that are cut off,
//! killed or ended in order, and started again, clocks that differ, a store that fails for one of them. Whatever happens, nobody is told a
//! message twice over one connection, who comes and goes is told once, what was acknowledged is stored; and once all is well again every log is
//! what the database has, everybody's lists are right, and no two are called the same.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

mod conclusion;
mod fanout;
mod life;
mod person;
mod site;
mod wire;

use self::site::Site;
use wharf_tests::seeds::Seeds;

/// What was seen, summed up over seeds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    said: u64,
    acknowledged: u64,
    unavailable: u64,
    resumed: u64,
    elsewhere: u64,
    taken_over: u64,
    swept: u64,
    told: u64,
    doubled: u64,
    late: u64,
    kills: u64,
    ended: u64,
    ended_early: u64,
    cuts: u64,
    dropped: u64,
    renamed: u64,
    again: u64,
    hash: u64,
}

impl Seen {
    fn add(&mut self, more: &Self) {
        self.said += more.said;
        self.acknowledged += more.acknowledged;
        self.unavailable += more.unavailable;
        self.resumed += more.resumed;
        self.elsewhere += more.elsewhere;
        self.taken_over += more.taken_over;
        self.swept += more.swept;
        self.told += more.told;
        self.doubled += more.doubled;
        self.late += more.late;
        self.kills += more.kills;
        self.ended += more.ended;
        self.ended_early += more.ended_early;
        self.cuts += more.cuts;
        self.dropped += more.dropped;
        self.renamed += more.renamed;
        self.again += more.again;
        self.hash = self.hash.wrapping_add(more.hash);
    }
}

#[test]
fn whatever_happens_all_nodes_have_one_conversation() {
    let seeds = Seeds::asked(60);
    let begin = std::time::Instant::now();
    let world = |seed| Site::new(seed, seeds.is_single()).run();
    let sum: Seen = seeds.sum(world, |sum, more| sum.add(&more));
    println!("{} seeds in {:.1} s: {sum:?}", seeds.count(), begin.elapsed().as_secs_f64());
    if seeds.count() >= 50 {
        for (what, count) in [
            ("acknowledged", sum.acknowledged),
            ("unavailable", sum.unavailable),
            ("resumed at another node", sum.elsewhere),
            ("taken over", sum.taken_over),
            ("found by a sweep", sum.swept),
            ("told by the mesh", sum.told),
            ("told before it came by the mesh", sum.doubled),
            ("told behind a greater id", sum.late),
            ("killed", sum.kills),
            ("ended in order", sum.ended),
            ("ended before all was stored", sum.ended_early),
            ("cut off", sum.cuts),
            ("lost by the mesh", sum.dropped),
            ("renamed", sum.renamed),
            ("heard again by who came back", sum.again),
        ] {
            assert!(count > 0, "nothing was ever {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(3).repeat(3, |seed| Site::new(seed, false).run());
}
