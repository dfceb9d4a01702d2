//! A pool of connections that a test makes up, and what it must never do.

mod failing;
mod model;

use super::*;
use crate::base::{Entropy, Instant};
use crate::service::schedule::Schedule;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// Of a failure that does not say when to try again.
const SOON: Option<Duration> = Some(Duration::ZERO);
const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn pool(change: impl FnOnce(&mut PoolConfig)) -> Pool {
    let mut config = PoolConfig::default();
    change(&mut config);
    Pool::new(at(0), config, Entropy::from_seed([7; 32]))
}

fn actions(pool: &mut Pool) -> Vec<Action> {
    core::iter::from_fn(|| pool.poll_action()).collect()
}

/// Does what it asks for: all opens, all is sound, what is closed is gone. Who was served with what.
fn run(pool: &mut Pool, now: Instant) -> Vec<(Ticket, SlotId)> {
    let mut served = Vec::new();
    while let Some(action) = pool.poll_action() {
        match action {
            Action::Open { slot } => pool.opened(now, slot),
            Action::Check { slot } => pool.checked(now, slot, true),
            Action::Close { slot } => pool.closed(now, slot),
            Action::Serve { ticket, slot } => served.push((ticket, slot)),
            Action::Refuse { .. } => {}
        }
    }
    served
}

fn serve(pool: &mut Pool, now: Instant) -> SlotId {
    pool.checkout(now).unwrap();
    run(pool, now)[0].1
}

#[test]
fn min_and_idle_are_unused() {
    let mut pool = pool(|_| ());
    run(&mut pool, at(0));
    assert_eq!((pool.stats().size, pool.stats().free), (2, 2));
    let lent: Vec<_> = (0..5).map(|_| serve(&mut pool, at(1))).collect();
    for (slot, now) in lent.into_iter().zip(2..) {
        pool.give_back(at(now), slot);
        run(&mut pool, at(now));
    }
    assert_eq!(pool.stats().free, 5);
    // Those beyond two go, the one first that has been idle for longest.
    for (end, left) in [(302, 4), (303, 3), (304, 2)] {
        assert_eq!(pool.poll_timeout(), Some(at(end)));
        pool.handle_timeout(at(end));
        run(&mut pool, at(end));
        assert_eq!(pool.stats().free, left);
    }
    pool.handle_timeout(at(1000));
    assert_eq!((pool.poll_timeout(), pool.stats().idled, actions(&mut pool)), (None, 3, vec![]));
    // One that ends by itself is replaced.
    let slot = serve(&mut pool, at(1001));
    pool.closed(at(1001), slot);
    run(&mut pool, at(1001));
    assert_eq!((pool.stats().free, pool.stats().lost), (2, 1));
}

#[test]
fn a_release_does_nothing() {
    let mut pool = pool(|config| (config.min, config.max) = (0, 1));
    let slot = serve(&mut pool, at(0));
    let next = pool.checkout(at(0)).unwrap();
    assert_eq!(actions(&mut pool), []);
    pool.give_back(at(1), slot);
    assert_eq!(run(&mut pool, at(1)), [(next, slot)]);
    pool.give_back(at(2), slot);
    assert_eq!(run(&mut pool, at(2)), []);
    assert_eq!((pool.stats().free, pool.stats().running, pool.stats().opened), (1, 0, 1));
}

#[test]
fn nothing_is_validated() {
    let mut pool = pool(|config| config.min = 1);
    let slot = serve(&mut pool, at(0));
    pool.give_back(at(0), slot);
    assert_eq!(actions(&mut pool), [Action::Check { slot }], "when it comes back");
    pool.checked(at(0), slot, true);
    let ticket = pool.checkout(at(1)).unwrap();
    assert_eq!(actions(&mut pool), [Action::Check { slot }], "before it is lent");
    pool.checked(at(1), slot, false);
    let [Action::Close { slot: closed }, Action::Open { slot: fresh }] = actions(&mut pool)[..] else {
        panic!()
    };
    assert_eq!((closed, pool.stats().broken), (slot, 1));
    pool.closed(at(1), slot);
    pool.opened(at(1), fresh);
    assert_eq!(actions(&mut pool), [Action::Serve { ticket, slot: fresh }], "what was just opened is sound");
    // A check that is never answered counts as no.
    pool.give_back(at(2), fresh);
    assert_eq!(pool.poll_timeout(), Some(at(7)));
    pool.handle_timeout(at(7));
    assert!(actions(&mut pool).contains(&Action::Close { slot: fresh }));
    pool.checked(at(7), fresh, true);
    assert_eq!(pool.stats().free, 0, "too late");
}

#[test]
fn several_users_share_one_socket() {
    let mut pool = pool(|config| config.max = 3);
    let mut lent: Vec<_> = (0..3).map(|_| serve(&mut pool, at(0))).collect();
    let next = pool.checkout(at(0)).unwrap();
    assert_eq!(run(&mut pool, at(0)), []);
    lent.sort();
    lent.dedup();
    assert_eq!(lent.len(), 3);
    // To give it back twice lends it once.
    pool.give_back(at(1), lent[0]);
    pool.give_back(at(1), lent[0]);
    assert_eq!(run(&mut pool, at(1)), [(next, lent[0])]);
    pool.checked(at(1), lent[0], true);
    pool.opened(at(1), lent[0]);
    pool.checkout(at(1)).unwrap();
    assert_eq!(run(&mut pool, at(1)), []);
    // What was thrown away does not come back.
    pool.discard(at(1), lent[1]);
    pool.give_back(at(1), lent[1]);
    assert_eq!(actions(&mut pool), [Action::Close { slot: lent[1] }]);
}

#[test]
fn a_waiter_past_its_deadline() {
    let mut pool = pool(|config| (config.min, config.max, config.check_timeout) = (0, 1, MINUTE));
    let slot = serve(&mut pool, at(0));
    let [first, second] = [30, 10].map(|patience| pool.checkout_within(at(0), patience * SECOND).unwrap());
    let after = |seconds| at(seconds) + Duration::from_nanos(1);
    assert_eq!(pool.poll_timeout(), Some(after(10)));
    // It is told that even if nobody said that time has come.
    pool.give_back(after(10), slot);
    let refused = Action::Refuse { ticket: second, why: Refusal::TimedOut };
    assert_eq!(actions(&mut pool), [refused, Action::Check { slot }]);
    pool.checked(at(30), slot, true);
    assert_eq!(actions(&mut pool), [Action::Serve { ticket: first, slot }], "the last moment is in time");
    let late = pool.checkout(at(30)).unwrap();
    pool.handle_timeout(after(60));
    assert_eq!(actions(&mut pool), [Action::Refuse { ticket: late, why: Refusal::TimedOut }]);
    assert_eq!((pool.stats().timed_out, pool.stats().waiting), (2, 0));
    // No patience at all.
    pool.give_back(after(60), slot);
    run(&mut pool, after(60));
    let now = pool.checkout_within(after(60), Duration::ZERO).unwrap();
    assert_eq!(run(&mut pool, after(60)), [(now, slot)]);
}

#[test]
fn the_last_who_came_is_the_first_who_is_served() {
    let mut pool = pool(|config| (config.min, config.max) = (0, 1));
    let tickets: Vec<_> = (0..9).map(|_| pool.checkout(at(0)).unwrap()).collect();
    pool.cancel(at(0), tickets[4]);
    let mut order = Vec::new();
    while let Some((ticket, slot)) = run(&mut pool, at(0)).pop() {
        order.push(ticket);
        pool.give_back(at(0), slot);
    }
    assert_eq!(order, [0, 1, 2, 3, 5, 6, 7, 8].map(|n| tickets[n]));
}

#[test]
fn one_who_gave_up_takes_a_connection_along() {
    let mut pool = pool(|config| (config.min, config.max) = (0, 1));
    let [first, second] = [0, 0].map(|_| pool.checkout(at(0)).unwrap());
    let Some(Action::Open { slot }) = pool.poll_action() else { panic!() };
    pool.opened(at(0), slot);
    pool.cancel(at(0), first);
    assert_eq!(actions(&mut pool), [Action::Serve { ticket: second, slot }]);
    pool.give_back(at(0), slot);
    run(&mut pool, at(0));
    let third = pool.checkout(at(0)).unwrap();
    assert_eq!(pool.poll_action(), Some(Action::Check { slot }));
    pool.checked(at(0), slot, true);
    // It goes while it is on its way: whoever was to have it waits for another.
    pool.closed(at(0), slot);
    let Some(Action::Open { slot: fresh }) = pool.poll_action() else { panic!() };
    pool.opened(at(0), fresh);
    pool.discard(at(0), fresh);
    assert_eq!(run(&mut pool, at(0)).len(), 1);
    pool.cancel(at(0), third);
    assert_eq!((pool.stats().running, pool.stats().cancelled), (1, 1), "what was served is to be given back");
}

#[test]
fn waiters_without_end() {
    let mut pool = pool(|config| (config.min, config.max, config.max_waiters) = (0, 1, 3));
    let slot = serve(&mut pool, at(0));
    let tickets: Vec<_> = (0..3).map(|_| pool.checkout(at(0)).unwrap()).collect();
    assert_eq!(pool.checkout(at(0)), Err(CheckoutError::TooMany { limit: 3 }));
    pool.handle_timeout(at(40));
    assert!(pool.checkout(at(40)).is_err(), "those that were not told yet count");
    pool.cancel(at(40), tickets[0]);
    pool.checkout(at(40)).unwrap();
    assert_eq!(pool.slots.queue.len(), 2);
    let mut pool = self::pool(|config| config.max_waiters = 0);
    run(&mut pool, at(0));
    serve(&mut pool, at(0));
    serve(&mut pool, at(0));
    assert!(pool.checkout(at(0)).is_err(), "nobody waits, and nobody needs to while some are idle");
    let _ = slot;
}

#[test]
fn a_server_that_is_down_is_dialed_without_end() {
    let retry = || Schedule::exponential(SECOND, 2.0).both(Schedule::recurs(3));
    let mut pool = pool(|config| (config.min, config.max, config.retry) = (2, 9, retry()));
    let tickets: Vec<_> = (0..5).map(|_| pool.checkout_within(at(0), 60 * MINUTE).unwrap()).collect();
    let opens = |pool: &mut Pool| -> Vec<SlotId> {
        let open = |action| if let Action::Open { slot } = action { Some(slot) } else { None };
        actions(pool).into_iter().filter_map(open).collect()
    };
    let first = opens(&mut pool);
    assert_eq!(first.len(), 5);
    for slot in first {
        pool.failed(at(0), slot, SOON);
    }
    // One at a time from now on, and each later than the one before.
    for now in [1, 3, 7] {
        assert_eq!((opens(&mut pool), pool.poll_timeout()), (vec![], Some(at(now))));
        pool.handle_timeout(at(now));
        let [slot] = opens(&mut pool)[..] else { panic!() };
        pool.failed(at(now), slot, SOON);
    }
    let refused: Vec<_> =
        tickets.iter().map(|ticket| Action::Refuse { ticket: *ticket, why: Refusal::Failed }).collect();
    assert_eq!((actions(&mut pool), pool.poll_timeout()), (refused, None), "the schedule is over");
    // Whoever asks has it tried again, once. Its error says that it is of no use.
    let ticket = pool.checkout(at(100)).unwrap();
    let [slot] = opens(&mut pool)[..] else { panic!() };
    pool.failed(at(100), slot, None);
    assert_eq!(actions(&mut pool), [Action::Refuse { ticket, why: Refusal::Failed }]);
    // It is up again.
    pool.checkout(at(200)).unwrap();
    assert_eq!(run(&mut pool, at(200)).len(), 1);
    assert_eq!((pool.stats().size, pool.stats().failed), (2, 9));
    (0..5).for_each(|_| assert!(pool.checkout(at(200)).is_ok()));
    assert_eq!(pool.slots.opening(), 4, "and no longer one at a time");
}

#[test]
fn one_that_cannot_be_opened_refuses_those_who_wait_for_others() {
    let mut pool = pool(|config| (config.min, config.max) = (0, 2));
    let slot = serve(&mut pool, at(0));
    let next = pool.checkout(at(0)).unwrap();
    let Some(Action::Open { slot: other }) = pool.poll_action() else { panic!() };
    pool.failed(at(0), other, None);
    assert_eq!(actions(&mut pool), []);
    pool.give_back(at(1), slot);
    assert_eq!(run(&mut pool, at(1)), [(next, slot)]);
    let last = pool.checkout(at(1)).unwrap();
    let Some(Action::Open { slot: other }) = pool.poll_action() else { panic!() };
    pool.failed(at(1), other, None);
    pool.closed(at(1), slot);
    assert_eq!(
        actions(&mut pool),
        [Action::Refuse { ticket: last, why: Refusal::Failed }],
        "and none is left"
    );
}

#[test]
fn a_dial_that_hangs_keeps_its_place() {
    let mut pool = pool(|config| (config.min, config.max, config.retry) = (1, 1, Schedule::spaced(SECOND)));
    let Some(Action::Open { slot }) = pool.poll_action() else { panic!() };
    assert_eq!(pool.poll_timeout(), Some(at(5)));
    pool.handle_timeout(at(5));
    assert_eq!(actions(&mut pool), [Action::Close { slot }]);
    pool.handle_timeout(at(9));
    assert_eq!(actions(&mut pool), [], "never above max, also while it is being closed");
    pool.opened(at(9), slot);
    assert_eq!((actions(&mut pool), pool.stats().closing), (vec![], 1));
    pool.closed(at(9), slot);
    assert!(matches!(actions(&mut pool)[..], [Action::Open { .. }]));
    assert_eq!((pool.stats().failed, pool.stats().size), (1, 1));
}

#[test]
fn one_that_is_old_is_lent_again() {
    let mut pool = pool(|config| (config.min, config.max_age) = (2, Some(100 * MINUTE)));
    let slot = serve(&mut pool, at(0));
    let old: Vec<_> = pool.slots.iter().map(|(key, _)| pool.slots.old_at(key)).collect();
    assert!(old.iter().all(|old| (at(80 * 60)..=at(100 * 60)).contains(old)) && old[0] != old[1], "{old:?}");
    pool.handle_timeout(at(100 * 60));
    run(&mut pool, at(100 * 60));
    assert_eq!(
        (pool.stats().aged, pool.stats().opened, pool.stats().size),
        (1, 3, 2),
        "the one that was idle"
    );
    pool.give_back(at(100 * 60), slot);
    assert!(actions(&mut pool).contains(&Action::Close { slot }));
    assert_eq!(pool.stats().aged, 2);
}

#[test]
fn a_drain_that_ends_before_all_is_back() {
    let mut pool = pool(|config| config.max = 3);
    let lent = serve(&mut pool, at(0));
    let others: Vec<_> = (0..4).map(|_| pool.checkout(at(0)).unwrap()).collect();
    let open = pool.slots.opening();
    assert_eq!(open, 1, "of which nobody knows yet");
    pool.drain(at(1));
    assert!(pool.is_draining() && !pool.is_drained());
    let asked = actions(&mut pool);
    let refused = others.iter().map(|ticket| Action::Refuse { ticket: *ticket, why: Refusal::Drained });
    assert_eq!(asked.iter().filter(|action| matches!(action, Action::Close { .. })).count(), 1);
    assert!(asked.iter().copied().filter(|action| matches!(action, Action::Refuse { .. })).eq(refused));
    assert_eq!(pool.checkout(at(1)), Err(CheckoutError::Drained));
    for action in asked {
        if let Action::Close { slot } = action {
            pool.closed(at(1), slot);
        }
    }
    assert!(!pool.is_drained());
    pool.give_back(at(9), lent);
    assert_eq!(actions(&mut pool), [Action::Close { slot: lent }]);
    assert!(!pool.is_drained());
    pool.closed(at(9), lent);
    assert_eq!((pool.is_drained(), pool.poll_timeout(), actions(&mut pool)), (true, None, vec![]));
}

#[test]
fn a_config_that_makes_no_sense() {
    let mut pool = pool(|config| {
        (config.min, config.max, config.max_age) = (9, 0, Some(Duration::ZERO));
        (config.connect_timeout, config.check_timeout) = (Duration::ZERO, Duration::ZERO);
    });
    assert_eq!((pool.config().min, pool.config().max), (1, 1));
    let slot = serve(&mut pool, at(0));
    pool.give_back(at(0), slot);
    run(&mut pool, at(0));
    pool.handle_timeout(at(0));
    assert_eq!(actions(&mut pool), []);
    let stats = pool.stats();
    assert_eq!((stats.free, stats.opened, stats.broken, stats.aged), (1, 1, 0, 0), "no busy loop");
}

#[cfg(feature = "json")]
#[test]
fn the_keys() {
    let told = serde_json::to_value(PoolStats::default()).unwrap();
    let keys: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    let mut expected = vec![
        "size", "free", "running", "waiting", "opening", "closing", "opened", "failed", "broken", "lost",
    ];
    expected.extend(["idled", "aged", "checkouts", "served", "cancelled", "timedOut", "refused", "rejected"]);
    expected.sort_unstable();
    let mut keys: Vec<_> = keys.iter().map(|key| &**key).collect();
    keys.sort_unstable();
    assert_eq!(keys, expected);
}
