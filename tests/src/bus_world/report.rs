//! What worlds of a bus came to.

use super::Tally;
use crate::seeds::Seeds;
use std::time::Duration;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The hash of all that happened.
    pub hash: u64,
    /// How often each thing did.
    pub tally: Tally,
    /// How long after the faults the last message that was accepted before came to its end.
    pub settled: Duration,
}

impl Report {
    /// Runs the worlds of so many seeds, or of those that are asked for, and tells what they came to. `run` takes a seed, and whether what
    /// happens is to be printed.
    ///
    /// # Panics
    /// If a promise is broken, or one of `faults` never happened in as many seeds as it should have.
    pub fn of_seeds(least: u64, faults: &[&str], run: impl Fn(u64, bool) -> Self + Sync) {
        let seeds = Seeds::asked(least);
        let begin = std::time::Instant::now();
        let world = |seed| {
            let Self { tally, settled, .. } = run(seed, seeds.is_single());
            (tally, settled)
        };
        let (sum, longest): (Tally, Duration) = seeds.sum(world, |sum, (tally, settled)| {
            sum.0.take(&tally);
            sum.1 = sum.1.max(settled);
        });
        let taken = begin.elapsed().as_secs_f64();
        println!("{} seeds in {taken:.1} s, settled within {longest:?}: {sum:#?}", seeds.count());
        if seeds.count() >= least {
            let missing: Vec<_> = faults.iter().filter(|what| sum.of(what) == 0).collect();
            assert!(missing.is_empty(), "never happened: {missing:?}");
        }
    }
}
