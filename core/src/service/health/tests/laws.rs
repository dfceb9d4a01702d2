//! What holds whatever endpoints do.

use super::*;
use proptest::prelude::*;

/// How the checks of a run come out: one after the other, round and round.
fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let took = (0_u64..12_000).prop_map(Duration::from_millis);
    let result = prop_oneof![Just(Ok(())), Just(Err(Failure::Connect)), Just(Err(Failure::Status(500)))];
    proptest::collection::vec(prop_oneof![8 => (took, result).prop_map(Some), 1 => Just(None)], 1..40)
}

fn config() -> impl Strategy<Value = Config> {
    let millis = |range: core::ops::Range<u64>| range.prop_map(Duration::from_millis);
    (
        millis(300..40_000),
        millis(100..8000),
        1_u32..4,
        1_u32..4,
        proptest::option::of(millis(200..50_000)),
        1_usize..70,
    )
        .prop_map(|(interval, timeout, rise, fall, fast_interval, max_checks)| Config {
            interval,
            timeout,
            rise,
            fall,
            fast_interval,
            max_checks,
            ..Config::default()
        })
}

fn round(fates: Vec<Fate>) -> impl FnMut(&Check, Instant) -> Fate {
    let mut next = 0;
    move |_, _| {
        next += 1;
        fates[(next - 1) % fates.len()]
    }
}

/// `begin + index/count × interval + k × interval`, and the first check before it.
fn is_on_grid(time: Instant, first: bool, interval: Duration, index: usize, count: usize) -> bool {
    let part = |of: Duration| of.as_nanos() * index as u128 / count as u128;
    let time = u128::from(time.as_nanos());
    if first {
        return time == part(interval.min(Duration::from_secs(1)));
    }
    time >= part(interval) && (time - part(interval)) % interval.as_nanos() == 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A place for each, and no transition: however long checks take and whatever they say, they are on the grid, and none of its
    /// moments is left out but while a check is in flight.
    #[test]
    fn a_grid_without_drift(
        config in config(), fates in fates(), count in 1_usize..20, run in 1.0..300.0,
    ) {
        let config = Config { max_checks: 64, fast_interval: Some(config.interval), rise: 1, fall: 1, ..config };
        let interval = config.interval;
        let mut clinic = Clinic::new(config, endpoints(count), round(fates));
        clinic.run(at(run));
        for index in 0..count {
            let id = index.to_string();
            let own = |times: &[(Instant, String)]| -> Vec<Instant> {
                times.iter().filter(|(_, whose)| *whose == id).map(|(at, _)| *at).collect()
            };
            let (times, over) = (own(&clinic.begun), own(&clinic.over));
            for (number, time) in times.iter().enumerate() {
                prop_assert!(is_on_grid(*time, number == 0, interval, index, count), "{index}: {times:?}");
            }
            let next = times[1..].iter().copied().chain([at(run)]);
            for (end, next) in over.iter().zip(next) {
                prop_assert!(next <= *end + interval, "{index}: {times:?} {over:?}");
            }
        }
    }

    /// Beside a checker of one endpoint that knows nothing of time.
    #[test]
    fn flips_at_exactly_the_thresholds(config in config(), fates in fates(), run in 1.0..600.0) {
        let (rise, fall) = (config.rise, config.fall);
        let mut results = Vec::new();
        let mut fate = round(fates);
        let timeout = config.timeout;
        let mut clinic = Clinic::new(config, endpoints(1), |check: &Check, now: Instant| {
            let fate = fate(check, now);
            // Of a result and a deadline at the same moment the result is told first.
            let in_time = fate.filter(|(took, _)| *took <= timeout);
            results.push(in_time.map_or(Err(Failure::TimedOut), |(_, result)| result));
            fate
        });
        clinic.run(at(run));
        let (flips, running) = (core::mem::take(&mut clinic.flips), clinic.health.stats().running);
        let status = clinic.health.status("0").unwrap();
        let (is_healthy, failures) = (status.is_healthy, status.consecutive_failures);
        drop(clinic);
        results.truncate(results.len() - running);
        let (mut state, mut streak, mut expected, mut failed) = (None, 0, Vec::new(), 0);
        for result in &results {
            failed = if result.is_ok() { 0 } else { failed + 1 };
            streak = if state == Some(result.is_ok()) { 0 } else { streak + 1 };
            let needed = if result.is_ok() { rise } else { fall };
            if state.is_none() || streak == needed {
                if state.is_some() || result.is_err() {
                    expected.push((result.is_ok(), result.err()));
                }
                state = Some(result.is_ok());
                streak = 0;
            }
        }
        let told: Vec<_> = flips.iter().map(|(_, flip)| (flip.is_healthy, flip.failure)).collect();
        prop_assert_eq!(told, expected);
        prop_assert_eq!((is_healthy, failures), (state == Some(true), failed));
    }

    /// Also where there are more endpoints than places, and while they come, go and are asked for. That nothing is due for ever
    /// is asserted after each call.
    #[test]
    fn never_too_many_at_once_and_nobody_is_forgotten(
        config in config(), fates in fates(), count in 1_usize..150,
        calls in proptest::collection::vec((0_u8..4, 0_usize..150, 0_u64..5000), 0..40),
    ) {
        let max_checks = config.max_checks;
        let mut clinic = Clinic::new(config, endpoints(count), round(fates));
        for (call, index, later) in calls {
            let (now, id) = (clinic.now, index.to_string());
            match call {
                0 => drop(clinic.health.add(now, [endpoint(&id)])),
                1 => drop(clinic.health.remove(now, &id)),
                2 => drop(clinic.health.check_now(now, &id)),
                _ => clinic.health.handle_timeout(now, clinic.wall()),
            }
            clinic.run(now + Duration::from_millis(later));
        }
        // The longest that all of them can take, one after the other.
        let rounds = clinic.health.statuses().count().div_ceil(max_checks) as u32 + 1;
        let (interval, timeout) = (clinic.health.config().interval, clinic.health.config().timeout);
        clinic.run(clinic.now + interval + timeout * rounds);
        prop_assert!(clinic.most <= max_checks);
        let unknown = clinic.health.statuses().filter(|status| status.last_check.is_none()).count();
        prop_assert_eq!(unknown, 0);
        prop_assert!(clinic.health.stats().running <= max_checks);
    }

    /// Nothing that is polled late grows: one action for each check in flight, and one for each that was handed out.
    #[test]
    fn what_nobody_polls_is_bounded(config in config(), count in 1_usize..100, times in 1_u32..200) {
        let max_checks = config.max_checks;
        let mut health = Health::new(config, endpoints(count)).unwrap();
        for time in 0..times {
            health.handle_timeout(at(f64::from(time)), Wall::default());
            prop_assert!(health.poll_timeout().is_none_or(|next| next > at(f64::from(time))));
        }
        let actions = core::iter::from_fn(|| health.poll_action()).count();
        prop_assert_eq!(actions, health.stats().running);
        prop_assert!(actions <= max_checks);
    }
}
