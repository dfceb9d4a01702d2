//! People in rooms under virtual time: a server that is killed, a store that fails, hangs and forgets to say what it did, wires that are
//! cut and clients that take nothing. Whatever happens, all in a room see the same messages in the same order, who comes back misses none
//! and gets none twice, nothing is told to who left, lists are right, and what was acknowledged is stored once.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

mod conclusion;
mod person;
mod site;

use self::site::Site;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

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

fn seeds(default: &str) -> Range<u64> {
    let text = std::env::var("WHARF_SEEDS").unwrap_or_else(|_| default.into());
    let number = |text: &str| text.parse().expect("WHARF_SEEDS is a number or a range");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

fn run(seed: u64, printed: bool) -> Seen {
    let run = std::panic::catch_unwind(|| Site::new(seed, printed).run());
    run.unwrap_or_else(|_| panic!("seed {seed}: WHARF_SEEDS={seed}..{} prints it", seed + 1))
}

#[test]
fn whatever_happens_all_see_the_same_in_order_and_miss_nothing() {
    let seeds = seeds("200");
    let printed = seeds.end - seeds.start == 1;
    let next = AtomicU64::new(seeds.start);
    let begin = std::time::Instant::now();
    let mut sum = Seen::default();
    let work = || {
        let mut sum = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return sum;
            }
            sum.add(&run(seed, printed));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| sum.add(&worker.join().expect("a seed failed")));
    });
    println!("{} seeds in {:.1} s: {sum:?}", seeds.end - seeds.start, begin.elapsed().as_secs_f64());
    if seeds.end - seeds.start >= 100 {
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
    for seed in seeds("5").take(5) {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
