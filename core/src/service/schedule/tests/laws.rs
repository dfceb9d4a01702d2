//! The laws of schedules, over any of them.

use super::{MILLI, dues, entropy, run};
use crate::base::Instant;
use crate::service::schedule::Schedule;
use core::time::Duration;
use proptest::prelude::*;
use std::vec::Vec;

/// Durations from none to the longest.
fn duration() -> BoxedStrategy<Duration> {
    prop_oneof![
        4 => (0..20_000_000_000u64).prop_map(Duration::from_nanos),
        1 => any::<u64>().prop_map(Duration::from_nanos),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
    ]
    .boxed()
}

fn simple() -> impl Strategy<Value = Schedule> {
    prop_oneof![
        (duration(), any::<f64>()).prop_map(|(base, factor)| Schedule::exponential(base, factor)),
        (duration(), 0.0..4.0f64).prop_map(|(base, factor)| Schedule::exponential(base, factor)),
        duration().prop_map(Schedule::fixed),
        duration().prop_map(Schedule::spaced),
        duration().prop_map(Schedule::fibonacci),
        duration().prop_map(Schedule::linear),
        duration().prop_map(Schedule::windowed),
        (0..6u32).prop_map(Schedule::recurs),
        Just(Schedule::forever()),
    ]
}

/// Any schedule that draws nothing and never begins again.
fn plain() -> BoxedStrategy<Schedule> {
    schedule(false, false)
}

/// One that has no grid: there jitter changes which point comes next.
fn off_the_grid() -> impl Strategy<Value = Schedule> {
    plain().prop_filter("a grid", |schedule| {
        let text = std::format!("{schedule:?}");
        !text.contains("Fixed") && !text.contains("Windowed")
    })
}

/// Any schedule at all.
fn any_schedule() -> BoxedStrategy<Schedule> {
    schedule(true, true)
}

fn schedule(draws: bool, begins_again: bool) -> BoxedStrategy<Schedule> {
    let combined = move |inner: BoxedStrategy<Schedule>| {
        let pair = (inner.clone(), inner.clone());
        let timed = (inner.clone(), duration());
        let drawn =
            (inner, any::<f64>(), any::<f64>()).prop_map(|(one, low, high)| one.jittered_by(low..=high));
        prop_oneof![
            4 => pair.clone().prop_map(|(one, other)| one.either(other)),
            4 => pair.clone().prop_map(|(one, other)| one.both(other)),
            4 => pair.prop_map(|(one, other)| one.then(other)),
            4 => timed.clone().prop_map(|(one, span)| one.cap(span)),
            4 => timed.clone().prop_map(|(one, span)| one.up_to(span)),
            4 * u32::from(draws) => drawn,
            4 * u32::from(begins_again) => timed.prop_map(|(one, span)| one.reset_after(span)),
        ]
    };
    simple().prop_recursive(4, 16, 2, combined).boxed()
}

/// How long the attempts take, and what comes after them.
fn takes() -> impl Strategy<Value = Vec<Duration>> {
    prop::collection::vec(duration(), 1..12)
}

/// Runs all beside each other: each is asked at the same moments, which are those of the first, as long as it recurs.
fn beside<const N: usize>(
    schedules: [&Schedule; N],
    takes: &[Duration],
    mut look: impl FnMut(Instant, [Option<Instant>; N]),
) {
    let mut now = Instant::ORIGIN;
    let mut runs = schedules.map(|schedule| (schedule.begin(now), entropy(3)));
    for takes in takes {
        let dues = runs.each_mut().map(|(pace, entropy)| pace.next(now, entropy));
        look(now, dues);
        now = dues[0].unwrap_or(now) + *takes;
    }
}

proptest! {
    #[test]
    fn either_and_both_commute(one in plain(), other in plain(), takes in takes()) {
        let either = [&one.clone().either(other.clone()), &other.clone().either(one.clone())];
        beside(either, &takes, |_, [a, b]| assert_eq!(a, b));
        let both = [&one.clone().both(other.clone()), &other.clone().both(one.clone())];
        beside(both, &takes, |_, [a, b]| assert_eq!(a, b));
    }

    #[test]
    fn either_is_the_shorter_and_both_the_longer(one in plain(), other in plain(), takes in takes()) {
        let either = one.clone().either(other.clone());
        beside([&either, &one, &other], &takes, |_, [due, a, b]| match (a, b) {
            (Some(a), Some(b)) => assert_eq!(due, Some(a.min(b))),
            _ => assert_eq!(due, a.or(b)),
        });
        let both = one.clone().both(other.clone());
        beside([&both, &one, &other], &takes, |_, [due, a, b]| assert_eq!(due, a.zip(b).map(|(a, b)| a.max(b))));
    }

    #[test]
    fn then_counts_the_sum(one in plain(), other in plain(), n in 0..9u32, m in 0..9u32) {
        let (one, other) = (one.both(Schedule::recurs(n)), other.both(Schedule::recurs(m)));
        let (first, end) = run(&one, Instant::ORIGIN, MILLI, 99);
        // A grid, and what time ends, go by the moment at which the second part begins.
        let (second, _) = run(&other, end, MILLI, 99);
        prop_assert!(first.len() <= n as usize && second.len() <= m as usize);
        prop_assert_eq!(dues(&one.then(other), MILLI, 99), [first, second].concat());
    }

    #[test]
    fn a_delay_longer_than_the_cap(inner in schedule(true, false), max in duration(), takes in takes()) {
        let capped = inner.clone().cap(max);
        beside([&capped, &inner], &takes, |now, [due, exact]| {
            assert_eq!(due, exact.map(|exact| exact.min(now + max)));
        });
    }

    #[test]
    fn jitter_beyond_its_bounds(inner in off_the_grid(), low in 0.0..2.0f64, more in 0.0..2.0f64, takes in takes()) {
        let ends = |jittered: Schedule, low: f64, high: f64| beside([&jittered, &inner], &takes, |now, [due, exact]| {
            assert_eq!(due.is_some(), exact.is_some());
            let (Some(due), Some(exact)) = (due, exact) else { return };
            if due != Instant::NEVER && exact != Instant::NEVER {
                let (delay, exact) = ((due - now).as_nanos() as f64, (exact - now).as_nanos() as f64);
                assert!(delay >= exact * low * 0.999_999 - 1.0 && delay <= exact * high * 1.000_001, "{delay} of {exact}");
            }
        });
        ends(inner.clone().jittered(), 0.8, 1.2);
        ends(inner.clone().full_jitter(), 0.0, 1.0);
        ends(inner.clone().jittered_by(low..=low + more), low, low + more);
        ends(inner.clone().jittered_by(low + more..=low), low, low + more);
    }

    #[test]
    fn an_attempt_past_up_to(inner in any_schedule(), span in duration(), takes in takes()) {
        let mut is_over = false;
        beside([&inner.up_to(span)], &takes, |_, [due]| {
            assert!(due.is_none_or(|due| !is_over && due - Instant::ORIGIN <= span));
            is_over |= due.is_none();
        });
    }

    #[test]
    fn a_grid_piles_up(interval in 1..5_000_000_000u64, begin in any::<u32>(), takes in takes()) {
        let step = Duration::from_nanos(interval);
        let begin = Instant::from_nanos(begin.into());
        for (schedule, start) in [(Schedule::fixed(step), begin), (Schedule::windowed(step), Instant::ORIGIN)] {
            let (mut pace, mut now) = (schedule.begin(begin), begin);
            for takes in &takes {
                let due = pace.next(now, &mut entropy(1)).unwrap();
                if due == Instant::NEVER {
                    break;
                }
                prop_assert_eq!((due - start).as_nanos() % u128::from(interval), 0, "on the grid");
                prop_assert!(due > now && due <= now + step, "the next of its points, and none that has passed");
                now = due + *takes;
            }
        }
    }

    #[test]
    fn a_moment_goes_back_or_is_over_and_comes_again(any in any_schedule(), plain in plain(), takes in takes()) {
        let mut before = Instant::ORIGIN;
        beside([&any], &takes, |now, [due]| {
            assert!(due.is_none_or(|due| due >= now && due >= before));
            before = due.unwrap_or(before);
        });
        let mut is_over = false;
        beside([&plain.jittered()], &takes, |_, [due]| {
            assert!(!is_over || due.is_none());
            is_over = due.is_none();
        });
    }

    #[test]
    fn the_same_entropy_makes_other_delays(any in any_schedule(), takes in takes()) {
        beside([&any, &any.clone()], &takes, |_, [one, other]| assert_eq!(one, other));
        prop_assert_eq!(&any, &any.clone());
    }
}
