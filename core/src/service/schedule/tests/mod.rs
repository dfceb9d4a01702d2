//! What schedules must do, and must never do.

mod laws;

use super::Schedule;
use crate::base::{Entropy, Instant};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn entropy(seed: u8) -> Entropy {
    Entropy::from_seed([seed; 32])
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// When the attempts of a run are due, at most `most`, each of which takes `takes`; and when it was asked last.
fn run(schedule: &Schedule, begin: Instant, takes: Duration, most: usize) -> (Vec<Instant>, Instant) {
    let (mut now, mut entropy) = (begin, entropy(7));
    let mut pace = schedule.begin(now);
    let mut dues = Vec::new();
    while dues.len() < most {
        let Some(due) = pace.next(now, &mut entropy) else { break };
        dues.push(due);
        now = due + takes;
    }
    (dues, now)
}

/// When the attempts of a run that begins at once are due.
fn dues(schedule: &Schedule, takes: Duration, most: usize) -> Vec<Instant> {
    run(schedule, Instant::ORIGIN, takes, most).0
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

#[test]
fn a_factor_that_shrinks_or_is_no_number_counts_as_one() {
    for factor in [0.0, -3.0, 0.5, f64::NAN, f64::NEG_INFINITY] {
        let schedule = Schedule::exponential(SECOND, factor);
        assert_eq!((delays(&schedule, 3), schedule), (vec![1000; 3], Schedule::exponential(SECOND, 1.0)));
    }
    let dues = dues(&Schedule::exponential(SECOND, f64::INFINITY), Duration::ZERO, 3);
    assert_eq!(dues, [at(1000), Instant::NEVER, Instant::NEVER]);
}

#[test]
fn a_delay_too_long_to_count_wraps_around() {
    let half = Duration::from_nanos(1 << 63);
    for schedule in [Schedule::linear(half), Schedule::fibonacci(half), Schedule::exponential(half, 2.0)] {
        let mut pace = schedule.begin(at(0));
        let dues: Vec<_> = (0..4).filter_map(|_| pace.next(at(0), &mut entropy(1))).collect();
        assert!(dues[0] == at(0) + half && dues.is_sorted() && dues[3] == Instant::NEVER, "{dues:?}");
    }
}

#[test]
fn a_jitter_that_is_no_number_or_below_zero() {
    let by = |low: f64, high: f64| Schedule::spaced(SECOND).jittered_by(low..=high);
    // Without end less without end is no number, and would be no delay.
    let due = by(f64::INFINITY, f64::INFINITY).begin(at(0)).next(at(0), &mut entropy(1));
    assert_eq!(due, Some(Instant::NEVER));
    assert_eq!([by(f64::NAN, 2.0), by(-3.0, 2.0), by(2.0, 0.5)], [by(1.0, 2.0), by(0.0, 2.0), by(0.5, 2.0)]);
}

#[test]
fn what_is_over_by_time_comes_again_by_chance() {
    let (mut entropy, schedule) = (entropy(1), Schedule::spaced(SECOND).jittered().up_to(SECOND));
    for _ in 0..99 {
        let mut pace = schedule.begin(at(0));
        while pace.next(at(0), &mut entropy).is_some() {}
        assert_eq!((0..9).find_map(|_| pace.next(at(0), &mut entropy)), None);
    }
}

#[test]
fn a_missing_interval_makes_no_busy_loop() {
    let zero = Duration::ZERO;
    let all = [
        Schedule::exponential(zero, 1.0),
        Schedule::fixed(zero),
        Schedule::spaced(zero),
        Schedule::fibonacci(zero),
        Schedule::linear(zero),
        Schedule::windowed(zero),
    ];
    for schedule in all {
        assert!(delays(&schedule, 5).iter().all(|delay| *delay >= 1), "{schedule:?}");
    }
    assert_eq!(delays(&Schedule::spaced(SECOND).cap(zero), 2), [0, 0], "asked for");
}

#[test]
fn a_backoff_without_a_cap_or_jitter() {
    for delay in delays(&Schedule::backoff(), 1000).into_iter().skip(6) {
        assert!((24_000..=36_000).contains(&delay), "{delay}");
    }
    let of = |seed| Schedule::backoff().begin(at(0)).next(at(0), &mut entropy(seed)).unwrap();
    let mut firsts: Vec<Instant> = (0..100).map(of).collect();
    assert!(firsts.iter().all(|due| (at(800)..=at(1200)).contains(due)));
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 90, "a crowd that comes back together: {}", firsts.len());
}

#[test]
fn a_reconnect_is_five_tries_then_every_thirty_seconds() {
    let delays = delays(&Schedule::reconnect(), 1000);
    for (i, delay) in delays.into_iter().enumerate() {
        let exact = if i < 5 { 1000 << i } else { 30_000 };
        assert!((exact * 8 / 10..=exact * 12 / 10).contains(&delay), "{i}: {delay}");
    }
    let first = |seed| Schedule::reconnect().begin(at(0)).next(at(0), &mut entropy(seed));
    assert!((2..9).all(|seed| first(seed) != first(1)), "a crowd that comes back together");
    assert_eq!(Schedule::default(), Schedule::reconnect());
}

#[test]
fn a_grid_counts_from_the_begin_and_windows_from_the_origin() {
    let (begin, mut entropy) = (at(3500), entropy(1));
    let mut due = |schedule: Schedule| schedule.begin(begin).next(begin, &mut entropy);
    assert_eq!(due(Schedule::fixed(2 * SECOND)), Some(at(5500)));
    assert_eq!(due(Schedule::windowed(2 * SECOND)), Some(at(4000)));
    assert_eq!(due(Schedule::spaced(MILLI).cap(Duration::ZERO).then(Schedule::fixed(SECOND))), Some(begin));
    // Within `then` the second part begins when the first is over.
    let mut pace =
        Schedule::recurs(1).both(Schedule::spaced(700 * MILLI)).then(Schedule::fixed(SECOND)).begin(begin);
    let dues = [3500, 4200, 5000].map(|now| pace.next(at(now), &mut entropy).unwrap());
    assert_eq!(dues, [at(4200), at(5200), at(5200)]);
}

#[test]
fn jitter_lets_a_point_of_a_grid_have_two_attempts() {
    for schedule in
        [Schedule::fixed(10 * SECOND), Schedule::fixed(10 * SECOND).either(Schedule::forever().up_to(MILLI))]
    {
        let dues = dues(&schedule.jittered(), Duration::ZERO, 1000);
        for (i, due) in dues.into_iter().skip_while(|due| *due < at(100)).enumerate() {
            let point = 10_000 * (i as u64 + 1);
            assert!((at(point - 2500)..=at(point + 2500)).contains(&due), "{i}: {due:?}");
        }
    }
}

#[test]
fn it_is_asked_before_an_attempt_is_due() {
    let mut entropy = entropy(1);
    let mut pace = Schedule::fixed(10 * SECOND).begin(at(0));
    let dues = [0, 4000, 10_000, 35_000].map(|now| pace.next(at(now), &mut entropy).unwrap());
    assert_eq!(dues, [at(10_000), at(10_000), at(20_000), at(40_000)]);
    assert_eq!((pace.attempts(), pace.elapsed(at(36_000)), pace.due()), (4, 36 * SECOND, Some(at(40_000))));
}

#[test]
fn what_has_worked_for_long_starts_afresh() {
    let mut entropy = entropy(1);
    let schedule = Schedule::exponential(SECOND, 2.0).both(Schedule::recurs(2)).reset_after(60 * SECOND);
    let mut pace = schedule.begin(at(0));
    assert_eq!(pace.next(at(0), &mut entropy), Some(at(1000)));
    assert_eq!(pace.next(at(1000), &mut entropy), Some(at(3000)));
    assert_eq!(pace.next(at(62_999), &mut entropy), None, "a millisecond too early");
    assert_eq!(pace.next(at(63_000), &mut entropy), Some(at(64_000)));
    assert_eq!(pace.next(at(130_000), &mut entropy), Some(at(131_000)), "and again");
    pace.reset(at(131_000));
    assert_eq!((pace.attempts(), pace.due(), pace.elapsed(at(132_000))), (0, None, SECOND));
    assert_eq!(pace.next(at(132_000), &mut entropy), Some(at(133_000)));
    assert_eq!(pace.schedule(), &schedule);
}

#[test]
fn whoever_is_asked_to_wait_counts_as_one_that_has_worked() {
    let mut entropy = entropy(1);
    let schedule = Schedule::spaced(SECOND).both(Schedule::recurs(2)).reset_after(60 * SECOND);
    let mut pace = schedule.begin(at(0));
    let asked = 120 * SECOND;
    assert_eq!(pace.next_asked(at(0), asked, &mut entropy), Some(at(120_000)));
    assert_eq!(pace.due(), Some(at(120_000)));
    assert_eq!(pace.next_asked(at(120_000), asked, &mut entropy), Some(at(240_000)));
    assert_eq!(pace.next_asked(at(240_000), asked, &mut entropy), None, "it never worked");
}

#[test]
fn whoever_is_asked_to_wait_does_so_past_up_to() {
    let mut entropy = entropy(1);
    let mut pace = Schedule::spaced(SECOND).up_to(10 * SECOND).begin(at(0));
    assert_eq!(pace.next_asked(at(0), 10 * SECOND, &mut entropy), Some(at(10_000)));
    let mut pace = Schedule::spaced(SECOND).up_to(10 * SECOND).begin(at(0));
    assert_eq!(pace.next_asked(at(0), 11 * SECOND, &mut entropy), None);
}

#[test]
fn a_clock_that_runs_backwards_counts_as_one_that_stands() {
    let mut pace = Schedule::spaced(SECOND).begin(at(5000));
    assert_eq!(pace.next(at(1000), &mut entropy(1)), Some(at(6000)));
    assert_eq!(pace.next(at(9000), &mut entropy(1)), Some(at(10_000)));
    assert_eq!(pace.next(at(0), &mut entropy(1)), Some(at(10_000)));
}
