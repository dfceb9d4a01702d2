//! Attempts in virtual time.

use super::*;
use crate::ConnectError;
use crate::sleep::tests::Virtual;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::time::Duration;
use wharf::base::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Fails in turn as it is told, and each attempt takes a second; when they were made.
struct Script {
    time: Virtual,
    made: RefCell<Vec<u64>>,
    fails: Cell<u32>,
}

impl Script {
    fn new(fails: u32) -> Self {
        Self { time: Virtual::default(), made: RefCell::default(), fails: Cell::new(fails) }
    }

    async fn attempt(&self, error: fn() -> ConnectError) -> Result<usize, ConnectError> {
        let now = self.time.now();
        self.made.borrow_mut().push((now - Instant::ORIGIN).as_secs());
        until(&mut self.time.clone(), now + SECOND).await;
        match self.fails.get().checked_sub(1) {
            None => Ok(self.made.borrow().len()),
            Some(left) => {
                self.fails.set(left);
                Err(error())
            }
        }
    }

    fn retry(&self, schedule: &Schedule, error: fn() -> ConnectError) -> Result<usize, ConnectError> {
        let mut sleep = self.time.clone();
        let attempt = async || self.attempt(error).await;
        self.time.run(pin!(retry_by(&mut sleep, schedule, Retryable::is_retryable, attempt)))
    }
}

fn refused() -> ConnectError {
    ConnectError::Connect(io::ErrorKind::ConnectionRefused.into())
}

fn forbidden() -> ConnectError {
    ConnectError::Connect(io::ErrorKind::PermissionDenied.into())
}

#[test]
fn the_retry_wraps_something_that_cannot_fail() {
    let script = Script::new(3);
    let out = script.retry(&Schedule::exponential(SECOND, 2.0), refused);
    assert_eq!(out.unwrap(), 4);
    assert_eq!(*script.made.borrow(), [0, 2, 5, 10], "each delay begins when the attempt has failed");
}

#[test]
fn an_error_that_stays_is_tried_again() {
    let script = Script::new(9);
    assert!(matches!(script.retry(&Schedule::forever(), forbidden), Err(ConnectError::Connect(_))));
    assert_eq!(*script.made.borrow(), [0]);
    let mut sleep = script.time.clone();
    let at_once = Schedule::forever();
    let other = retry_by(&mut sleep, &at_once, |_| true, async || script.attempt(forbidden).await);
    assert_eq!(script.time.run(pin!(other)).unwrap(), 10, "unless the caller says so");
}

#[test]
fn a_schedule_that_is_over_swallows_the_error() {
    let script = Script::new(9);
    assert!(script.retry(&Schedule::recurs(2), refused).is_err());
    assert_eq!(*script.made.borrow(), [0, 1, 2]);
    let script = Script::new(9);
    assert!(script.retry(&Schedule::spaced(SECOND).up_to(4 * SECOND), refused).is_err());
    assert_eq!(*script.made.borrow(), [0, 2, 4], "of which no attempt begins past its end");
}

#[test]
fn a_repetition_drifts_piles_up_or_outlives_an_error() {
    let script = Script::new(0);
    let mut sleep = script.time.clone();
    let every = Schedule::fixed(10 * SECOND).both(Schedule::recurs(3));
    let act = async || {
        let out = script.attempt(refused).await?;
        if out == 2 {
            until(&mut script.time.clone(), Instant::ORIGIN + 35 * SECOND).await;
        }
        Ok::<_, ConnectError>(out)
    };
    assert_eq!(script.time.run(pin!(repeat_by(&mut sleep, &every, act))).unwrap(), 4);
    assert_eq!(*script.made.borrow(), [0, 10, 40, 50]);
    script.fails.set(1);
    let failing = repeat_by(&mut sleep, &every, async || script.attempt(refused).await);
    assert!(script.time.run(pin!(failing)).is_err());
    assert_eq!(script.made.borrow().len(), 5);
}
