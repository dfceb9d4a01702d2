//! Worlds under virtual time: whatever is spoken, through TLS or not, and whatever the network does, nothing is lost,
//! doubled or left over; and the same seed is the same world.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`. A single one is printed as it goes. All cores
//! take part.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::Instant;
use wharf_tests::seeds::Seeds;
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
    fn of(seed: u64, report: &Report) -> Self {
        let wires = BTreeMap::from([(report.wire, (1, report.opened, report.content))]);
        let hash = report.hash.wrapping_mul(2 * seed + 1);
        let Report { opened, content, compressed, resumed, truncated, turned, lines, .. } = *report;
        Self { worlds: 1, opened, content, compressed, resumed, truncated, turned, hash, lines, wires }
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

#[test]
fn any_world_is_safe_and_comes_to_rest() {
    let (seeds, begin) = (Seeds::asked(300), Instant::now());
    let world = |seed| Sum::of(seed, &Trial::new(seed, seeds.is_single()).run());
    let sum: Sum = seeds.sum(world, Sum::merge);
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
    assert_eq!(worlds as u64, seeds.count());
    assert!(worlds < 100 || wires == 8, "a wire is not tried");
    assert!(worlds == 1 || content > worlds / 2, "too few worlds in which anything works");
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(30).repeat(30, |seed| Trial::new(seed, false).run());
}
