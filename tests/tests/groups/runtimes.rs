//! A broadcast to a thousand, ten of whom never read: the others lose nothing, and the ten are dealt with.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::service::groups::{Config, MemberStats, SlowPolicy};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::crowd::{Crowd, News, Report};
use wharf_tests::motley::Ground;

const CROWD: usize = 1000;
const IDLERS: usize = 10;
/// Bytes of a message, so many that what the system keeps for a socket is soon full.
const SIZE: usize = 16 << 10;
/// What may wait for one.
const BEHIND: usize = 5;
/// What one connection may have queued: up to the high mark, and the message that goes over it.
const QUEUED: usize = (64 << 10) + SIZE + 100;

fn gather(ground: Ground, slow: SlowPolicy) -> Crowd {
    // Two descriptors a member.
    let limit = getrlimit(Resource::Nofile);
    let files = limit.maximum.unwrap_or(20_000);
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum }).unwrap();
    let mut config = Config::default();
    (config.slow, config.max_behind) = (slow, BEHIND);
    Crowd::gather(ground, CROWD, CROWD / IDLERS, config)
}

/// What a report says of memory, and of whom.
fn judge(crowd: &Crowd, report: &Report) {
    let Report { stats, slow, most_queued, slow_queued } = report;
    assert_eq!(slow.iter().map(|(member, _)| *member).collect::<Vec<_>>(), crowd.idlers);
    assert!(*most_queued <= QUEUED, "{report:?}");
    assert!(*slow_queued <= IDLERS * QUEUED, "{report:?}");
    assert!(stats.behind_messages <= IDLERS * BEHIND, "{report:?}");
    assert!(stats.behind_bytes <= IDLERS * BEHIND * (SIZE + 20), "{report:?}");
    assert!(slow.iter().all(|(_, stats)| stats.behind <= BEHIND));
    let sum = |of: fn(&MemberStats) -> u64| slow.iter().map(|(_, stats)| of(stats)).sum::<u64>();
    assert_eq!((stats.dropped, stats.unsent), (sum(|s| s.dropped), sum(|s| s.unsent)));
}

/// Whatever an idler did not get is counted, by its name.
fn dropping(ground: Ground, slow: SlowPolicy) {
    let mut crowd = gather(ground, slow);
    let report = crowd.say_until(SIZE, |report| report.stats.dropped >= 3 * IDLERS as u64);
    judge(&crowd, &report);
    assert_eq!((report.stats.disconnected, report.stats.members), (0, CROWD));
    let dropped: BTreeMap<usize, u64> = report.slow.iter().map(|(m, stats)| (*m, stats.dropped)).collect();
    if slow == SlowPolicy::DropNewest {
        // These it will get who makes room for them.
        for idler in crowd.idlers.clone() {
            let missed = dropped[&idler];
            let last = crowd.said.len() - missed as usize;
            let said = crowd.said.split_off(last);
            let (got, _) = crowd.awaken(idler, false);
            crowd.said.extend(said);
            assert!(got.into_iter().eq(0..last));
        }
    } else {
        for idler in crowd.idlers.clone() {
            let (got, _) = crowd.awaken(idler, false);
            assert_eq!(got.len() as u64 + dropped[&idler], crowd.said.len() as u64);
            let first = got.iter().zip(0..).take_while(|(got, expected)| *got == expected).count();
            let last = crowd.said.len() - BEHIND;
            assert!(got.into_iter().eq((0..first).chain(last..crowd.said.len())));
        }
    }
    // Who reads again is like all others.
    crowd.idlers.clear();
    crowd.say(SIZE);
    crowd.disperse();
}

fn the_newest_are_dropped(ground: Ground) {
    dropping(ground, SlowPolicy::DropNewest);
}

fn the_oldest_are_dropped(ground: Ground) {
    dropping(ground, SlowPolicy::DropOldest);
}

fn idlers_are_disconnected(ground: Ground) {
    let mut crowd = gather(ground, SlowPolicy::Disconnect);
    let report = crowd.say_until(SIZE, |report| report.stats.disconnected == IDLERS as u64);
    judge(&crowd, &report);
    given_up(crowd, &report);
}

fn idlers_are_waited_for_and_then_disconnected(ground: Ground) {
    let mut crowd = gather(ground, SlowPolicy::Wait(Duration::from_millis(300)));
    let mut report =
        crowd.say_until(SIZE, |report| report.slow.len() == IDLERS && report.stats.behind_messages > 0);
    judge(&crowd, &report);
    // Nothing is said any more that would not fit, and they go all the same.
    while report.stats.disconnected < IDLERS as u64 {
        report = match crowd.news() {
            News::Waited(report) => report,
            other => panic!("{other:?}"),
        };
        judge(&crowd, &report);
        if report.stats.behind_messages == 0 && report.stats.disconnected < IDLERS as u64 {
            report = crowd.say(SIZE);
        }
    }
    given_up(crowd, &report);
}

/// They have left, others are not bothered, and each is told why and what it did not get.
fn given_up(mut crowd: Crowd, report: &Report) {
    assert_eq!((report.stats.members, report.stats.behind_bytes), (CROWD - IDLERS, 0));
    assert_eq!(crowd.say(SIZE).stats.members, CROWD - IDLERS);
    let unsent: BTreeMap<usize, u64> = report.slow.iter().map(|(m, stats)| (*m, stats.unsent)).collect();
    for idler in crowd.idlers.clone() {
        let (got, code) = crowd.awaken(idler, true);
        assert_eq!(code, Some(1013));
        assert!(got.iter().copied().eq(0..got.len()));
        let News::Gone(member, stats, closed) = crowd.news() else { panic!("it is gone") };
        assert_eq!((member, closed.sent), (idler, Some(CloseCode::TRY_AGAIN_LATER)));
        assert!(stats.is_disconnected && stats.dropped == 0 && stats.unsent == unsent[&idler]);
        assert!((got.len() as u64 + stats.unsent) < crowd.said.len() as u64, "the last was not for it");
    }
    crowd.say(SIZE);
    crowd.disperse();
}

macro_rules! on_every_runtime {
    ($($module:ident = $runtime:ident $unix:literal),* : $tests:tt) => {
        $(on_every_runtime!(@ $module $runtime $unix $tests);)*
    };
    (@ $module:ident $runtime:ident $unix:literal { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test(super::Ground { runtime: super::RuntimeKind::$runtime, unix: $unix });
            })*
        }
    };
}

// Over TCP it takes megabytes until a peer that never reads is noticed.
on_every_runtime!(tokio_tcp = Tokio false, mio_tcp = Mio false: {
    idlers_are_disconnected
});

on_every_runtime!(tokio = Tokio true, mio = Mio true: {
    the_newest_are_dropped
    the_oldest_are_dropped
    idlers_are_disconnected
    idlers_are_waited_for_and_then_disconnected
});

on_every_runtime!(async_std = AsyncStd true, smol = Smol true: {
    the_oldest_are_dropped
    idlers_are_waited_for_and_then_disconnected
});
