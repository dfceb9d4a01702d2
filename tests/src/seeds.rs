//! The seeds that a simulation tries, spread over the cores.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// The seeds to try. `WHARF_SEEDS` says how many, or which: `1000` or `17..18`.
#[derive(Debug, Clone)]
pub struct Seeds(Range<u64>);

impl Seeds {
    /// What `WHARF_SEEDS` asks for, or else the first `default` ones.
    #[must_use]
    pub fn asked(default: u64) -> Self {
        let Ok(text) = std::env::var("WHARF_SEEDS") else { return Self(0..default) };
        let number = |text: &str| text.parse().expect("WHARF_SEEDS is a number or a range");
        Self(match text.split_once("..") {
            Some((first, end)) => number(first)..number(end),
            None => 0..number(&text),
        })
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.end - self.0.start
    }

    /// A single one is printed as it goes.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.count() == 1
    }

    /// The first `count` of them.
    pub fn first(&self, count: usize) -> impl Iterator<Item = u64> + use<> {
        self.0.clone().take(count)
    }

    /// What the worlds of all seeds come to, in whatever order they are merged. The first that fails ends it.
    pub fn sum<S: Default + Send>(
        &self,
        world: impl Fn(u64) -> S + Sync,
        merge: impl Fn(&mut S, S) + Sync,
    ) -> S {
        let (next, failed) = (AtomicU64::new(self.0.start), AtomicBool::new(false));
        let work = || {
            let mut sum = S::default();
            while !failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= self.0.end {
                    break;
                }
                match catch_unwind(AssertUnwindSafe(|| of_seed(seed, || world(seed)))) {
                    Ok(more) => merge(&mut sum, more),
                    Err(panic) => {
                        failed.store(true, Ordering::Relaxed);
                        resume_unwind(panic);
                    }
                }
            }
            sum
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut sum = S::default();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            workers.into_iter().for_each(|worker| merge(&mut sum, worker.join().expect("a seed failed")));
        });
        sum
    }

    /// The world of each of the first `count` seeds is the same again, made twice.
    pub fn repeat<R: PartialEq + std::fmt::Debug>(&self, count: usize, world: impl Fn(u64) -> R) {
        for seed in self.first(count) {
            assert_eq!(of_seed(seed, || world(seed)), of_seed(seed, || world(seed)), "seed {seed}");
        }
    }
}

/// Runs one world, and says how to see it again if it fails.
fn of_seed<R>(seed: u64, world: impl FnOnce() -> R) -> R {
    let run = catch_unwind(AssertUnwindSafe(world));
    run.unwrap_or_else(|_| panic!("seed {seed}: WHARF_SEEDS={seed}..{} prints it", seed + 1))
}
