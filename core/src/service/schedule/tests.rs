//! The laws of schedules, and what they must never do.

use super::Schedule;
use crate::base::{Entropy, Instant};
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_nanos(u64::MAX);

fn entropy(seed: u8) -> Entropy {
    Entropy::from_seed([seed; 32])
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// When the attempts of a run are due, at most `most`, each of which takes `takes`.
fn dues(schedule: &Schedule, takes: Duration, most: usize) -> Vec<Instant> {
    let (mut now, mut entropy) = (Instant::ORIGIN, entropy(7));
    let mut pace = schedule.begin(now);
    let mut dues = Vec::new();
    while dues.len() < most {
        let Some(due) = pace.next(now, &mut entropy) else { break };
        dues.push(due);
        now = due + takes;
    }
    dues
}

/// The delays of attempts that take no time, in milliseconds.
fn delays(schedule: &Schedule, most: usize) -> Vec<u128> {
    let mut before = Instant::ORIGIN;
    let dues = dues(schedule, Duration::ZERO, most);
    dues.into_iter().map(|due| (due - core::mem::replace(&mut before, due)).as_millis()).collect()
}

#[test]
fn each_describes_its_delays() {
    assert_eq!(delays(&Schedule::exponential(SECOND, 2.0), 5), [1000, 2000, 4000, 8000, 16_000]);
    assert_eq!(delays(&Schedule::exponential(SECOND, 1.5), 4), [1000, 1500, 2250, 3375]);
    assert_eq!(delays(&Schedule::spaced(3 * SECOND), 3), [3000, 3000, 3000]);
    assert_eq!(delays(&Schedule::fixed(3 * SECOND), 3), [3000, 3000, 3000]);
    assert_eq!(delays(&Schedule::fibonacci(SECOND), 7), [1000, 1000, 2000, 3000, 5000, 8000, 13_000]);
    assert_eq!(delays(&Schedule::linear(SECOND), 4), [1000, 2000, 3000, 4000]);
    assert_eq!(delays(&Schedule::recurs(3), 9), [0, 0, 0]);
    assert_eq!(delays(&Schedule::recurs(0), 9), [0; 0]);
    assert_eq!(delays(&Schedule::once(), 9), [0]);
    assert_eq!(delays(&Schedule::forever(), 4), [0; 4]);
}
