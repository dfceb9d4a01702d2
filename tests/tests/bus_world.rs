//! A bus, its services, its disk and the network between them, under virtual time. The bus dies and comes back, its disk is slow,
//! fails, is full, and keeps or loses what was on its way; services die, refuse, are slow, are away and are replaced; connections
//! stand still, break and are half open; peers forge, guess and say nonsense. What was accepted has its effect once or is a dead letter
//! that says why; nothing is invented; what was told is true; nothing grows beyond its limit; and once the faults are over, every
//! message comes to its end within its deadlines.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wharf_tests::bus_world::{Report, Tally, Trial};

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

fn seeds(default: &str) -> Range<u64> {
    let text = std::env::var("WHARF_SEEDS").unwrap_or_else(|_| default.into());
    let number = |text: &str| text.parse().expect("WHARF_SEEDS is a number or a range");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

fn run(seed: u64, printed: bool) -> Report {
    let run = std::panic::catch_unwind(|| Trial::new(seed, printed).run());
    run.unwrap_or_else(|_| panic!("seed {seed}: WHARF_SEEDS={seed}..{} prints it", seed + 1))
}

/// All over these seeds, and how long it took at most until all that was accepted had come to its end.
fn run_all(seeds: Range<u64>) -> (Tally, Duration) {
    let printed = seeds.end - seeds.start == 1;
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let (mut sum, mut longest) = (Tally::default(), Duration::ZERO);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return (sum, longest);
            }
            let report = run(seed, printed);
            sum.take(&report.tally);
            longest = longest.max(report.settled);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut all = (Tally::default(), Duration::ZERO);
        for worker in workers {
            let (sum, longest) = worker.join().expect("a seed failed");
            all.0.take(&sum);
            all.1 = all.1.max(longest);
        }
        all
    })
}

#[test]
fn whatever_happens_what_was_accepted_has_its_effect_once_or_is_a_dead_letter() {
    let seeds = seeds("400");
    let count = seeds.end - seeds.start;
    let begin = std::time::Instant::now();
    let (sum, longest) = run_all(seeds);
    println!("{count} seeds in {:.1} s, settled within {longest:?}: {sum:#?}", begin.elapsed().as_secs_f64());
    if count >= 400 {
        for what in FAULTS {
            assert!(sum.of(what) > 0, "it never happened: {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in seeds("5").take(5) {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
