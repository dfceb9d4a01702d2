//! Connections that cannot be opened.

use super::*;

fn opening(pool: &mut Pool) -> Vec<SlotId> {
    let open = |action| if let Action::Open { slot } = action { Some(slot) } else { None };
    actions(pool).into_iter().filter_map(open).collect()
}

#[test]
fn whoever_asks_to_be_left_alone_is_asked_again_too_early() {
    let retry = Schedule::spaced(SECOND);
    let mut pool = pool(|config| (config.min, config.max, config.retry) = (3, 3, retry));
    let [a, b, c] = opening(&mut pool)[..] else { panic!() };
    pool.failed(at(0), a, SOON);
    // One that failed together with it was told more.
    pool.failed(at(0), b, Some(20 * SECOND));
    pool.failed(at(0), c, Some(5 * SECOND));
    assert_eq!((opening(&mut pool), pool.poll_timeout()), (vec![], Some(at(20))));
    pool.handle_timeout(at(20));
    let [slot] = opening(&mut pool)[..] else { panic!() };
    pool.failed(at(20), slot, Some(Duration::MAX));
    assert_eq!(pool.poll_timeout(), Some(at(20) + 60 * MINUTE), "an hour is the most");
}

#[test]
fn those_that_fail_together_use_the_schedule_up() {
    let mut pool = pool(|config| (config.min, config.retry) = (0, Schedule::recurs(2)));
    let tickets: Vec<_> = (0..4).map(|_| pool.checkout(at(0)).unwrap()).collect();
    let opening = actions(&mut pool);
    assert_eq!(opening.len(), 4);
    for action in opening {
        let Action::Open { slot } = action else { panic!() };
        pool.failed(at(0), slot, SOON);
    }
    // It is tried twice again, one at a time.
    for _ in 0..2 {
        let [Action::Open { slot }] = actions(&mut pool)[..] else {
            panic!("given up before it was tried again")
        };
        pool.failed(at(1), slot, SOON);
    }
    let why = Refusal::Failed;
    assert!(
        actions(&mut pool).into_iter().eq(tickets.into_iter().map(|ticket| Action::Refuse { ticket, why }))
    );
}

#[test]
fn where_nobody_may_wait_it_is_never_tried_again() {
    let mut pool = pool(|config| (config.min, config.max_waiters) = (1, 0));
    let [Action::Open { slot }] = actions(&mut pool)[..] else { panic!() };
    pool.failed(at(0), slot, None);
    assert_eq!((actions(&mut pool), pool.poll_timeout()), (vec![], None));
    assert_eq!(pool.checkout(at(1)), Err(CheckoutError::TooMany { limit: 0 }));
    run(&mut pool, at(1));
    assert!(pool.checkout(at(2)).is_ok());
    assert_eq!(run(&mut pool, at(2)).len(), 1);
}
