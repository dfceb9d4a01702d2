//! Pools of mock sockets in virtual time. Each test has the name of the fault that it looks for.

mod rig;

use super::*;
use crate::driver::tests::Scripted;
use crate::sleep::Sleep;
use crate::sleep::tests::Virtual;
use crate::{ConnectError, Socket};
use rig::{Flag, Lent, Rig, SECOND, Server, now, poll};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::service::pool::PoolConfig;
use wharf::service::schedule::Schedule;

fn ask(lent: &mut Socket<Scripted>) {
    now(lent.send("how late is it?")).unwrap();
}

#[test]
fn min_and_idle_are_unused() {
    let mut rig = Rig::new(|_| ());
    assert_eq!(rig.holds(), (2, 2, 0));
    let lent: Vec<_> = (0..4).map(|_| rig.lend()).collect();
    lent.into_iter().for_each(Lent::give_back);
    assert_eq!(rig.holds(), (4, 4, 0));
    rig.pass(299 * SECOND);
    assert_eq!(rig.holds(), (4, 4, 0));
    rig.pass(2 * SECOND);
    assert_eq!(rig.holds(), (2, 2, 0));
    let gone =
        (0..4).filter(|n| rig.peer(*n).closed().is_some_and(|closed| closed.code == CloseCode::GOING_AWAY));
    assert_eq!(gone.count(), 2);
    // What ends while it is idle is replaced, though nobody asks.
    for n in 0..4 {
        let _ = rig.peer(n).close(CloseCode::NORMAL, "");
    }
    rig.pass(2 * SECOND);
    assert_eq!((rig.holds(), rig.pool().stats().opened, rig.pool().stats().broken), ((2, 2, 0), 6, 2));
}

#[test]
fn a_release_does_nothing() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    let mut lent = rig.lend();
    let pool = rig.pool();
    let (flag, mut next) = (Arc::new(Flag::default()), pin!(pool.checkout()));
    assert!(next.as_mut().poll(&mut Context::from_waker(&flag.clone().into())).is_pending());
    ask(&mut lent);
    lent.give_back();
    assert!(flag.0.load(Ordering::SeqCst), "who waits is woken");
    let Poll::Ready(Ok(mut next)) = poll(next) else { panic!("it is not lent again") };
    ask(&mut next);
    assert_eq!(rig.peer(0).texts().len(), 2);
    assert_eq!(rig.pool().stats().opened, 1);
}

#[test]
fn several_users_share_one_socket() {
    let mut rig = Rig::new(|config| config.max = 3);
    let mut lent: Vec<_> = (0..3).map(|_| rig.lend()).collect();
    lent.iter_mut().for_each(|lent| ask(lent));
    assert!((0..3).all(|n| rig.peer(n).texts().len() == 1));
    let pool = rig.pool();
    let mut fourth = pin!(pool.checkout());
    assert!(poll(fourth.as_mut()).is_pending());
    rig.settle();
    assert!(poll(fourth.as_mut()).is_pending());
    // One whose user keeps it is no longer the pool's.
    let kept = lent.pop().unwrap().detach();
    rig.settle();
    let Poll::Ready(Ok(fourth)) = poll(fourth) else { panic!("another is opened") };
    assert_eq!((rig.holds(), rig.peers.lock().unwrap().len()), ((3, 0, 3), 4));
    drop((kept, fourth));
}

#[test]
fn nothing_is_validated() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    // Something came that nobody asked for: before it comes back, while it is idle, before it is lent again.
    let mut lent = rig.lend();
    rig.peer(0).send("late").unwrap();
    lent.give_back();
    assert_eq!(rig.holds(), (0, 0, 0));
    lent = rig.lend();
    lent.give_back();
    rig.peer(1).send("late").unwrap();
    lent = rig.lend();
    assert!(matches!(poll(pin!(lent.next())), Poll::Pending), "it is another one's answer");
    lent.give_back();
    rig.pass(2 * SECOND);
    rig.peer(2).send("late").unwrap();
    rig.settle();
    assert_eq!(rig.holds(), (0, 0, 0), "it is seen when it comes");
    // It has ended: before it comes back, and before it is lent again.
    lent = rig.lend();
    rig.peer(3).close(CloseCode::NORMAL, "").unwrap();
    lent.give_back();
    lent = rig.lend();
    lent.give_back();
    rig.peer(4).misbehave(wharf::sim::Habit::Reset);
    lent = rig.lend();
    now(lent.send("ahoy")).unwrap();
    assert_eq!((rig.peer(5).texts().len(), rig.pool().stats().broken), (1, 5));
}

#[test]
fn the_answer_that_was_given_up_reaches_the_next_user() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    let pool = rig.pool();
    {
        let mut asking = Box::pin(pool.with_socket(async |socket| {
            socket.send("how late is it?").await.unwrap();
            socket.next().await
        }));
        while rig.holds().2 == 0 {
            assert!(poll(asking.as_mut()).is_pending());
            rig.settle();
        }
        assert!(poll(asking.as_mut()).is_pending());
    }
    assert_eq!((rig.holds(), rig.peer(0).closed().unwrap().code), ((0, 0, 0), CloseCode::GOING_AWAY));
    // With its answer it is as good as before, also if nobody said so.
    let mut lent = rig.lend();
    ask(&mut lent);
    rig.peer(1).send("late").unwrap();
    assert!(now(lent.next()).is_some());
    drop(lent);
    assert_eq!(rig.holds(), (1, 1, 0));
    // One who says that it was no question is believed.
    let mut lent = rig.lend();
    ask(&mut lent);
    lent.give_back();
    assert_eq!((rig.holds(), now(pool.with_socket(async |_| 5)).unwrap()), ((1, 1, 0), 5));
    let lent = rig.lend();
    lent.discard();
    assert_eq!((rig.holds(), rig.pool().stats().opened), ((0, 0, 0), 2));
}

#[test]
fn a_user_that_panics_takes_its_socket_along() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    drop(rig.lend());
    for (asks, opened) in [(false, 1), (true, 2)] {
        let pool = rig.pool();
        let mut using = Box::pin(pool.with_socket(async |socket| {
            if asks {
                ask(socket);
            }
            panic_any("as it was told");
        }));
        let panicked = catch_unwind(AssertUnwindSafe(|| poll(using.as_mut()).map(drop)));
        assert!(panicked.is_err());
        drop(using);
        assert_eq!(rig.holds().2, 0);
        drop(rig.lend());
        assert_eq!(rig.pool().stats().opened, opened, "one that said nothing is kept");
    }
}

#[test]
fn one_who_gave_up_takes_a_socket_along() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    let lent = rig.lend();
    let pool = rig.pool();
    let mut first = Box::pin(pool.checkout());
    let mut second = pin!(pool.checkout());
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    lent.give_back();
    // It is there for the first, who does not look any more.
    drop(first);
    assert!(matches!(poll(second), Poll::Ready(Ok(_))));
    assert_eq!(rig.pool().stats().opened, 1);
    // One who gives up while it is opened has opened it for the next.
    rig.lend().discard();
    let mut third = Box::pin(pool.checkout());
    assert!(poll(third.as_mut()).is_pending());
    drop(third);
    rig.settle();
    assert_eq!(rig.holds(), (1, 1, 0));
    assert!(pool.shared.look(|state| state.desks.is_empty() && state.dialing.is_empty()));
}

#[test]
fn the_sender_of_the_last_user_speaks_on() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    let mut lent = rig.lend();
    let sender = lent.sender(8);
    lent.give_back();
    assert!(sender.try_send("me again").is_err());
    let mut lent = rig.lend();
    assert_eq!(rig.pool().stats().opened, 1);
    // What it has left behind would be said by the next.
    let sender = lent.sender(8);
    sender.try_send("me again").unwrap();
    lent.give_back();
    drop(rig.lend());
    assert_eq!((rig.pool().stats().opened, rig.peer(1).texts().len()), (2, 0));
}

#[test]
fn what_the_last_user_owed_hides_an_end_from_the_next() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    rig.set(Server::Lines);
    let mut lent = rig.lend();
    lent.owe(true);
    lent.give_back();
    let mut lent = rig.lend();
    assert_eq!(rig.pool().stats().opened, 1);
    let _ = rig.peer(0).close(CloseCode::NORMAL, "");
    assert!(now(lent.next()).is_none());
}

#[test]
fn a_waiter_past_its_deadline() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    let lent = rig.lend();
    let pool = rig.pool();
    let (flag, mut waits) = (Arc::new(Flag::default()), pin!(pool.checkout_within(3 * SECOND)));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&flag.clone().into())).is_pending());
    rig.pass(3 * SECOND);
    assert!(!flag.0.load(Ordering::SeqCst));
    rig.pass(SECOND);
    assert!(flag.0.load(Ordering::SeqCst));
    assert!(matches!(poll(waits), Poll::Ready(Err(PoolError::TimedOut(None)))));
    lent.give_back();
    assert!(now(pool.checkout_within(Duration::ZERO)).is_ok(), "no patience is needed where one is idle");
}

#[test]
fn why_none_can_be_opened_is_not_told() {
    let mut rig = Rig::new(|config| (config.min, config.wait_timeout) = (0, 10 * SECOND));
    rig.set(Server::Down);
    let pool = rig.pool();
    let mut waits = Box::pin(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    rig.pass(11 * SECOND);
    let Poll::Ready(Err(error)) = poll(waits.as_mut()) else { panic!("it waits on") };
    assert_eq!(error.to_string(), "no connection came free in time: connect: connection refused");
    assert_eq!(rig.pool().stats().failed, 11, "one a second");
    // An error that stays is told at once.
    rig.set(Server::Forbids);
    let mut waits = Box::pin(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    rig.pass(2 * SECOND);
    let Poll::Ready(Err(error)) = poll(waits.as_mut()) else { panic!("it waits on") };
    assert!(matches!(&error, PoolError::Failed(Some(_))) && !error.is_retryable(), "{error}");
    rig.set(Server::Up);
    drop(rig.lend());
    assert!(rig.pool().last_error().is_none());
}

#[test]
fn a_dial_that_hangs_keeps_its_place() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    rig.set(Server::Hangs);
    let pool = rig.pool();
    let mut waits = Box::pin(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    rig.pass(4 * SECOND);
    assert_eq!((rig.holds().0, rig.pool().stats().failed), (1, 0));
    rig.set(Server::Up);
    rig.pass(2 * SECOND);
    assert_eq!((rig.holds().0, rig.pool().stats().failed), (1, 1));
    assert!(matches!(poll(waits.as_mut()), Poll::Ready(Ok(_))));
}

#[test]
fn a_dial_that_panics_ends_the_pool() {
    let mut rig = Rig::new(|config| (config.min, config.max) = (0, 1));
    rig.set(Server::Panics);
    let pool = rig.pool();
    let mut waits = pin!(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    rig.settle();
    assert_eq!(rig.pool().last_error().unwrap().to_string(), "connect: on purpose");
    rig.set(Server::Up);
    rig.pass(2 * SECOND);
    assert!(matches!(poll(waits), Poll::Ready(Ok(_))));
}

#[test]
fn a_pool_that_nobody_has_stays() {
    let mut rig = Rig::new(|config| config.max = 3);
    let lent = rig.lend();
    rig.pool = None;
    rig.settle();
    assert!(rig.peer(0).closed().is_some() && rig.keeper.is_some(), "it waits for what is lent");
    lent.give_back();
    rig.settle();
    assert!(rig.peer(1).closed().is_some() && rig.keeper.is_none());
}

#[test]
fn a_drain_that_ends_before_all_is_back() {
    let mut rig = Rig::new(|config| config.max = 2);
    let (first, second) = (rig.lend(), rig.lend());
    let pool = rig.pool();
    let mut waits = pin!(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    let mut drain = pin!(pool.drain());
    assert!(poll(drain.as_mut()).is_pending());
    assert!(matches!(poll(waits), Poll::Ready(Err(PoolError::Drained))));
    assert!(matches!(now(pool.checkout()), Err(PoolError::Drained)));
    first.give_back();
    assert!(poll(drain.as_mut()).is_pending());
    drop(second);
    assert!(poll(drain).is_ready());
    rig.settle();
    assert!(rig.keeper.is_none());
}

#[test]
fn a_runtime_that_goes_down_leaves_waiters_behind() {
    let mut rig = Rig::new(|config| config.max = 2);
    let lent = [rig.lend(), rig.lend()];
    let pool = rig.pool();
    let (flag, mut waits) = (Arc::new(Flag::default()), pin!(pool.checkout()));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&flag.clone().into())).is_pending());
    rig.keeper = None;
    assert!(flag.0.load(Ordering::SeqCst));
    assert!(matches!(poll(waits), Poll::Ready(Err(PoolError::Drained))));
    now(pool.drain());
    assert!(now(pool.checkout()).is_err());
    drop(lent);
    assert_eq!(rig.holds(), (0, 0, 0));
}

#[test]
fn a_runtime_that_goes_down_before_its_first_turn_leaves_waiters_behind() {
    let time = Virtual::default();
    let clock = time.clone();
    let dial = || async { pending::<Result<Socket<Scripted>, ConnectError>>().await };
    let (pool, keeper) = Pool::parts(PoolConfig::default(), dial, time, move || clock.now());
    let mut waits = pin!(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    drop(keeper);
    assert!(matches!(poll(waits), Poll::Ready(Err(PoolError::Drained))));
    now(pool.drain());
}

#[test]
fn a_dial_that_fails_at_once_keeps_all_others_from_their_turn() {
    let mut rig = Rig::new(|config| (config.min, config.retry) = (0, Schedule::forever()));
    rig.set(Server::Down);
    let pool = rig.pool();
    let mut waits = pin!(pool.checkout());
    assert!(poll(waits.as_mut()).is_pending());
    let flag = Arc::new(Flag::default());
    let keeper = rig.keeper.as_mut().unwrap().as_mut();
    assert!(keeper.poll(&mut Context::from_waker(&flag.clone().into())).is_pending());
    assert!(flag.0.load(Ordering::SeqCst) && rig.pool().stats().failed > 0, "it goes on later");
    rig.set(Server::Up);
    rig.settle();
    assert!(matches!(poll(waits), Poll::Ready(Ok(_))));
}
