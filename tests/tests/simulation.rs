//! Worlds under virtual time: whatever is spoken, through TLS or not, and whatever the network does, nothing is lost,
//! doubled or left over; and the same seed is the same world.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`. A single one is printed as it goes. All cores
//! take part.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;
use wharf_tests::world::{BAD, Report, Trial, Wire};

/// What many runs came to, in whatever order they were.
#[derive(Debug, Default)]
struct Sum {
    worlds: usize,
    opened: usize,
    content: usize,
    /// Rare things that must not be missing.
    compressed: usize,
    resumed: usize,
    truncated: usize,
    /// Clients that turned bad, by how.
    turned: [usize; BAD.len()],
    hash: u64,
    lines: u64,
    /// Worlds, opened and content, by what was spoken.
    wires: BTreeMap<Wire, (usize, usize, usize)>,
}

impl Sum {
    fn add(mut self, seed: u64, report: &Report) -> Self {
        let wires = BTreeMap::from([(report.wire, (1, report.opened, report.content))]);
        let hash = report.hash.wrapping_mul(2 * seed + 1);
        let Report { opened, content, compressed, resumed, truncated, turned, lines, .. } = *report;
        self.merge(Self {
            worlds: 1,
            opened,
            content,
            compressed,
            resumed,
            truncated,
            turned,
            hash,
            lines,
            wires,
        });
        self
    }

    fn merge(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.opened += other.opened;
        self.content += other.content;
        self.compressed += other.compressed;
        self.resumed += other.resumed;
        self.truncated += other.truncated;
        self.turned.iter_mut().zip(other.turned).for_each(|(sum, more)| *sum += more);
        self.hash = self.hash.wrapping_add(other.hash);
        self.lines += other.lines;
        for (wire, (worlds, opened, content)) in other.wires {
            let sum = self.wires.entry(wire).or_default();
            *sum = (sum.0 + worlds, sum.1 + opened, sum.2 + content);
        }
    }
}

fn seeds() -> Range<u64> {
    let text = std::env::var("WHARF_SEEDS").unwrap_or_else(|_| "300".into());
    let number = |text: &str| text.parse().expect("WHARF_SEEDS is a number or a range");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

fn run(seed: u64, printed: bool) -> Report {
    let run = catch_unwind(|| Trial::new(seed, printed).run());
    run.unwrap_or_else(|_| panic!("seed {seed}: WHARF_SEEDS={seed}..{} prints it", seed + 1))
}

/// Runs all of them, on all cores; the first that fails ends it.
fn run_all(seeds: &Range<u64>) -> Sum {
    let printed = seeds.end - seeds.start == 1;
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let work = || {
        let mut sum = Sum::default();
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            match catch_unwind(|| run(seed, printed)) {
                Ok(report) => sum = sum.add(seed, &report),
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
        }
        sum
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Sum::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| sum.merge(worker.join().expect("it catches its panics")));
    });
    assert!(!failed.into_inner(), "a seed failed, as told above");
    sum
}

#[test]
fn any_world_is_safe_and_comes_to_rest() {
    let (seeds, begin) = (seeds(), Instant::now());
    let sum = run_all(&seeds);
    for (wire, (worlds, opened, content)) in &sum.wires {
        println!("{wire}: {worlds} worlds, {opened} opened, {content} content");
    }
    let wires = sum.wires.len();
    let rare = [
        (sum.compressed, "messages came compressed"),
        (sum.resumed, "sessions were resumed"),
        (sum.truncated, "sessions were cut"),
    ];
    for (count, what) in rare {
        println!("{count} {what}");
        assert!(sum.worlds < 100 || count > 0, "no {what}");
    }
    for (habit, count) in BAD.iter().zip(sum.turned) {
        println!("{count} clients turned bad: {habit:?}");
        assert!(sum.worlds < 100 || count > 0, "no {habit:?}");
    }
    let taken = begin.elapsed().as_secs_f64();
    let Sum { worlds, opened, content, lines, hash, .. } = sum;
    println!("seeds {seeds:?}: {opened} opened, {content} content, {lines} lines, transcripts {hash:016x}");
    println!("{worlds} seeds in {taken:.1} s: {:.0} a second", worlds as f64 / taken);
    assert_eq!(worlds as u64, seeds.end - seeds.start);
    assert!(worlds < 100 || wires == 8, "a wire is not tried");
    assert!(worlds == 1 || content > worlds / 2, "too few worlds in which anything works");
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in seeds().take(30) {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
