//! Each test is named after what went wrong in sketches of such a checker.

use super::*;

#[test]
fn failures_count_past_one() {
    let mut clinic =
        Clinic::new(Config::default(), endpoints(1), |_, _| Some((secs(0.0), Err(Failure::Connect))));
    for failures in 1..=5 {
        clinic.run(at(30.0 * f64::from(failures - 1)));
        assert_eq!(clinic.health.status("0").unwrap().consecutive_failures, u64::from(failures as u32));
    }
}

#[test]
fn one_bad_result_is_no_outage_and_one_good_one_no_recovery() {
    let fate = |_: &Check, now: Instant| {
        let is_bad = now == at(30.0) || (now >= at(60.0) && now != at(90.0));
        Some((secs(0.0), if is_bad { Err(Failure::Connect) } else { Ok(()) }))
    };
    let mut clinic = Clinic::new(Config::default(), endpoints(1), fate);
    clinic.run(at(59.0));
    assert!(clinic.health.is_ready() && clinic.flips.is_empty());
    clinic.run(at(72.0));
    assert_eq!((clinic.health.is_ready(), clinic.flips.len()), (false, 1));
    clinic.run(at(95.0));
    assert_eq!((clinic.health.is_ready(), clinic.flips.len()), (false, 1));
}

#[test]
fn checks_do_not_all_fire_at_once() {
    let mut clinic = Clinic::new(Config::default(), endpoints(1000), up);
    clinic.run(at(31.0));
    let mut at_once = BTreeMap::new();
    for (time, _) in &clinic.begun {
        *at_once.entry(*time).or_insert(0_usize) += 1;
    }
    // A place that becomes free is taken at once, so more than one may begin with the end of others.
    assert!(at_once.values().all(|count| *count <= 64), "{:?}", at_once.values().max());
    let second = clinic.begun.iter().filter(|(time, _)| (at(10.0)..at(11.0)).contains(time)).count();
    assert!((30..=40).contains(&second), "{second} in a second of the grid");
    assert!(clinic.most <= 64);
}
