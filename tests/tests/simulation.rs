//! Worlds under virtual time: whatever is spoken, through TLS or not, and whatever the network does, nothing is lost,
//! doubled or left over; and the same seed is the same world.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`. A single one is printed as it goes.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::catch_unwind;
use wharf_tests::world::{Report, Trial, Wire};

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

#[test]
fn any_world_is_safe_and_comes_to_rest() {
    let seeds = seeds();
    let printed = seeds.end - seeds.start == 1;
    let reports: Vec<Report> = seeds.clone().map(|seed| run(seed, printed)).collect();
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    let (opened, content) = (sum(|r| r.opened), sum(|r| r.content));
    let mut wires: BTreeMap<Wire, (usize, usize, usize)> = BTreeMap::new();
    for report in &reports {
        let (worlds, opened, content) = wires.entry(report.wire).or_default();
        (*worlds, *opened, *content) = (*worlds + 1, *opened + report.opened, *content + report.content);
    }
    for (wire, (worlds, opened, content)) in &wires {
        println!("{wire}: {worlds} worlds, {opened} opened, {content} content");
    }
    let hash = reports.iter().fold(0u64, |hash, report| hash.rotate_left(1) ^ report.hash);
    println!("seeds {seeds:?}: {opened} opened, {content} content, transcripts {hash:016x}");
    let rare = [
        (sum(|r| r.compressed), "messages came compressed"),
        (sum(|r| r.resumed), "sessions were resumed"),
        (sum(|r| r.truncated), "sessions were cut"),
    ];
    for (count, what) in rare {
        println!("{count} {what}");
        assert!(reports.len() < 100 || count > 0, "no {what}");
    }
    assert!(reports.len() < 100 || wires.len() == 8, "a wire is not tried");
    assert!(printed || content > reports.len() / 2, "too few worlds in which anything works");
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in seeds().take(30) {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
