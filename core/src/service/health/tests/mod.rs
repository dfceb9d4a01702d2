//! Endpoints under virtual time: the checks that a machine asks for are carried out by a script.

mod faults;
mod laws;
#[cfg(feature = "json")]
mod served;
#[cfg(feature = "json")]
mod watched;

use super::*;
use crate::base::{Instant, Wall};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

pub(super) fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

pub(super) fn at(time: f64) -> Instant {
    Instant::ORIGIN + secs(time)
}

pub(super) fn endpoint(id: &str) -> Endpoint {
    Endpoint::new(id, "tcp://localhost:1").unwrap()
}

pub(super) fn endpoints(count: usize) -> Vec<Endpoint> {
    (0..count).map(|index| endpoint(&index.to_string())).collect()
}

/// What a check comes to, and how long that takes; `None` never comes.
pub(super) type Fate = Option<(Duration, Result<(), Failure>)>;

/// A machine and what it asked for, carried out.
pub(super) struct Clinic<F> {
    pub(super) health: Health,
    pub(super) now: Instant,
    fate: F,
    /// Results that are on their way.
    coming: BTreeMap<(Instant, CheckId), Result<(), Failure>>,
    in_flight: BTreeSet<CheckId>,
    /// When each check began, and whose it was.
    pub(super) begun: Vec<(Instant, String)>,
    /// When each of one that was asked for was over.
    pub(super) over: Vec<(Instant, String)>,
    owners: BTreeMap<CheckId, String>,
    pub(super) flips: Vec<(Instant, Flip)>,
    pub(super) most: usize,
}

impl<F: FnMut(&Check, Instant) -> Fate> Clinic<F> {
    pub(super) fn new(config: Config, endpoints: impl IntoIterator<Item = Endpoint>, fate: F) -> Self {
        Self {
            health: Health::new(config, endpoints).unwrap(),
            now: Instant::ORIGIN,
            fate,
            coming: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            begun: Vec::new(),
            over: Vec::new(),
            owners: BTreeMap::new(),
            flips: Vec::new(),
            most: 0,
        }
    }

    pub(super) fn wall(&self) -> Wall {
        Wall::from_millis(self.now.as_nanos() / 1_000_000)
    }

    /// Lets time go on until `until`, from one thing that happens to the next.
    pub(super) fn run(&mut self, until: Instant) {
        loop {
            self.act();
            let result = self.coming.first_key_value().map(|((at, _), _)| *at);
            let next = [result, self.health.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            if result == Some(next) {
                let ((_, check), result) = self.coming.pop_first().unwrap();
                assert!(self.health.handle_result(self.now, self.wall(), check, result));
                self.end(check);
            } else {
                self.health.handle_timeout(self.now, self.wall());
                assert!(self.health.poll_timeout().is_none_or(|at| at > self.now), "due for ever");
            }
        }
        self.now = self.now.max(until);
    }

    pub(super) fn act(&mut self) {
        while let Some(action) = self.health.poll_action() {
            match action {
                Action::Check(check) => {
                    self.begun.push((self.now, check.endpoint.id().into()));
                    assert!(self.in_flight.insert(check.id));
                    self.owners.insert(check.id, check.endpoint.id().into());
                    if let Some((took, result)) = (self.fate)(&check, self.now) {
                        self.coming.insert((self.now + took, check.id), result);
                    }
                }
                Action::Cancel(check) => {
                    self.end(check);
                    self.coming.retain(|(_, coming), _| *coming != check);
                }
            }
            self.most = self.most.max(self.in_flight.len());
        }
        assert_eq!(self.in_flight.len(), self.health.stats().running);
        while let Some(flip) = self.health.poll_flip() {
            self.flips.push((self.now, flip));
        }
    }

    fn end(&mut self, check: CheckId) {
        assert!(self.in_flight.remove(&check), "it was not asked for");
        self.over.push((self.now, self.owners.remove(&check).unwrap()));
    }

    /// When the checks of one endpoint began, in seconds.
    pub(super) fn times(&self, id: &str) -> Vec<f64> {
        let own = self.begun.iter().filter(|(_, whose)| whose == id);
        own.map(|(at, _)| (*at - Instant::ORIGIN).as_secs_f64()).collect()
    }
}

fn up(_: &Check, _: Instant) -> Fate {
    Some((secs(0.25), Ok(())))
}

#[test]
fn first_checks_are_spread_over_a_second_and_later_ones_over_the_interval() {
    let mut clinic = Clinic::new(Config::default(), endpoints(4), up);
    clinic.run(at(70.0));
    assert_eq!(clinic.times("0"), [0.0, 30.0, 60.0]);
    assert_eq!(clinic.times("1"), [0.25, 7.5, 37.5, 67.5]);
    assert_eq!(clinic.times("3"), [0.75, 22.5, 52.5]);
}

#[test]
fn an_interval_under_a_second_is_its_own_spread() {
    let config = Config { interval: secs(0.5), ..Config::default() };
    let mut clinic = Clinic::new(config, endpoints(2), |_, _| Some((secs(0.0), Ok(()))));
    clinic.run(at(1.2));
    assert_eq!((clinic.times("0"), clinic.times("1")), (vec([0.0, 0.5, 1.0]), vec([0.25, 0.75])));
}

fn vec<const N: usize>(times: [f64; N]) -> Vec<f64> {
    times.into()
}

#[test]
fn moments_that_pass_while_a_check_is_in_flight_are_left_out() {
    let config = Config { interval: secs(2.0), timeout: secs(5.0), ..Config::default() };
    let slow = |_: &Check, now: Instant| Some((if now == at(0.0) { secs(4.5) } else { secs(0.1) }, Ok(())));
    let mut clinic = Clinic::new(config, endpoints(1), slow);
    clinic.run(at(10.0));
    assert_eq!(clinic.times("0"), [0.0, 6.0, 8.0, 10.0]);
}

#[test]
fn checks_come_faster_from_the_first_contradiction_until_it_is_settled() {
    // Down from 60 s to 61 s, and from 100 s on.
    let fate = |_: &Check, now: Instant| {
        let is_down = (at(60.0)..at(61.0)).contains(&now) || now >= at(100.0);
        Some((secs(0.5), if is_down { Err(Failure::Connect) } else { Ok(()) }))
    };
    let mut clinic = Clinic::new(Config::default(), endpoints(1), fate);
    clinic.run(at(200.0));
    let fast = [120.0, 126.0, 132.0];
    let expected = [&[0.0, 30.0, 60.0, 66.0, 90.0][..], &fast, &[150.0, 180.0]].concat();
    assert_eq!(clinic.times("0"), expected);
    let [(when, flip)] = &clinic.flips[..] else { panic!("{:?}", clinic.flips) };
    assert_eq!((*when, flip.is_healthy, flip.failure), (at(132.5), false, Some(Failure::Connect)));
    assert_eq!((flip.response_time, flip.consecutive_failures), (secs(0.5), 3));
}

#[test]
fn a_check_that_takes_too_long_fails_and_is_cancelled() {
    let mut clinic = Clinic::new(Config::default(), endpoints(1), |_, _| None);
    clinic.run(at(12.0));
    let [(when, flip)] = &clinic.flips[..] else { panic!("{:?}", clinic.flips) };
    assert_eq!((*when, flip.failure, flip.response_time), (at(5.0), Some(Failure::TimedOut), secs(5.0)));
    let stats = clinic.health.stats();
    assert_eq!((stats.started, stats.failed, stats.timed_out, stats.running), (1, 1, 1, 0));
}

#[test]
fn what_is_known_before_and_after_the_first_result() {
    let mut endpoint = endpoint("a");
    endpoint.timeout = Some(secs(2.0));
    let mut clinic = Clinic::new(Config::default(), [endpoint], up);
    let before = clinic.health.status("a").unwrap();
    assert_eq!((before.timeout, before.is_healthy, before.last_check), (secs(2.0), false, None));
    assert!(before.response_time.is_none() && !clinic.health.is_ready());
    clinic.run(at(1.0));
    let changed = clinic.health.poll_changed().unwrap();
    assert_eq!((changed.is_healthy, changed.consecutive_failures), (true, 0));
    assert_eq!((changed.last_check, changed.response_time), (Some(Wall::from_millis(250)), Some(secs(0.25))));
    assert!(clinic.health.poll_changed().is_none() && clinic.health.is_ready());
    assert_eq!((clinic.health.healthy().count(), clinic.flips.len()), (1, 0));
}

#[test]
fn endpoints_come_and_go_while_it_runs() {
    let mut clinic = Clinic::new(Config::default(), [endpoint("a")], |_, _| None);
    clinic.run(at(1.0));
    clinic.health.add(clinic.now, [endpoint("b"), endpoint("c")]).unwrap();
    let known = |health: &Health| health.statuses().map(|s| s.endpoint.id().to_string()).collect::<Vec<_>>();
    assert_eq!(known(&clinic.health), ["a", "b", "c"]);
    clinic.run(at(2.0));
    assert_eq!((clinic.times("b"), clinic.times("c")), (vec([1.0]), vec([1.5])));
    assert!(clinic.health.remove(clinic.now, "b") && !clinic.health.remove(clinic.now, "b"));
    clinic.act();
    assert_eq!(clinic.health.stats().running, 2);
    assert!(clinic.health.status("b").is_none());
    // One that comes back is another one.
    clinic.health.add(clinic.now, [endpoint("b")]).unwrap();
    clinic.run(at(3.0));
    assert_eq!(clinic.times("b"), [1.0, 2.0]);
    assert_eq!(known(&clinic.health), ["a", "c", "b"]);
}

#[test]
fn what_cannot_be_added_changes_nothing() {
    let config = Config { max_endpoints: 2, ..Config::default() };
    let twice = Health::new(config.clone(), [endpoint("a"), endpoint("a")]);
    assert_eq!(twice.unwrap_err(), AddError::Duplicate("a".into()));
    let mut health = Health::new(config, [endpoint("a")]).unwrap();
    let more = [endpoint("b"), endpoint("c")];
    assert_eq!(health.add(at(0.0), more), Err(AddError::TooMany(2)));
    assert_eq!(health.statuses().count(), 1);
    assert_eq!(health.add(at(0.0), [endpoint("b")]), Ok(()));
}

#[test]
fn a_check_can_be_asked_for_and_leaves_the_grid_alone() {
    let mut clinic = Clinic::new(Config::default(), endpoints(1), up);
    clinic.run(at(10.0));
    assert!(clinic.health.check_now(clinic.now, "0") && !clinic.health.check_now(clinic.now, "x"));
    // While one is in flight, there is nothing more to ask for.
    assert!(clinic.health.check_now(clinic.now, "0"));
    clinic.run(at(40.0));
    assert_eq!(clinic.times("0"), [0.0, 10.0, 30.0]);
}

#[test]
fn what_comes_to_nothing_on_this_side_says_nothing_of_the_endpoint() {
    let mut health = Health::new(Config::default(), endpoints(1)).unwrap();
    health.handle_timeout(at(0.0), Wall::default());
    let Some(Action::Check(check)) = health.poll_action() else { panic!("nothing to do") };
    health.handle_abandoned(at(0.1), check.id);
    assert!(!health.handle_result(at(0.2), Wall::default(), check.id, Ok(())), "{check:?}");
    assert_eq!(health.poll_timeout(), Some(at(30.0)));
    assert!(health.status("0").unwrap().last_check.is_none() && health.poll_flip().is_none());
    assert_eq!(format!("{:?}", check.id), "0");
}

#[test]
fn flips_that_nobody_polls_are_bounded_and_counted() {
    let config = Config { rise: 1, fall: 1, ..Config::default() };
    let mut health = Health::new(config, endpoints(1)).unwrap();
    health.handle_timeout(at(0.0), Wall::default());
    for turn in 0..1030 {
        let Some(Action::Check(check)) = health.poll_action() else { panic!("nothing to do") };
        let result = if turn % 2 == 0 { Err(Failure::Connect) } else { Ok(()) };
        let now = at(f64::from(turn));
        health.handle_result(now, Wall::default(), check.id, result);
        health.check_now(now, "0");
    }
    let stats = health.stats();
    assert_eq!((stats.flips, stats.flips_dropped), (1030, 6));
    assert_eq!(core::iter::from_fn(|| health.poll_flip()).count(), 1024);
}
