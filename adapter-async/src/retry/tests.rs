//! Attempts in virtual time.

use super::*;
use crate::ConnectError;
use crate::sleep::tests::Virtual;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::time::Duration;
use wharf::base::{End, Entropy, Input, Instant, Wall};
use wharf::link::OpenError;
use wharf::ws::handshake::{Client, ClientRequest};

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

    async fn attempt(&self, error: impl Fn() -> ConnectError) -> Result<usize, ConnectError> {
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

    fn retry(&self, schedule: &Schedule, error: impl Fn() -> ConnectError) -> Result<usize, ConnectError> {
        let mut sleep = self.time.clone();
        let attempt = async || self.attempt(&error).await;
        let asked = |error: &ConnectError| error.retry_after(Wall::default()).unwrap_or_default();
        self.time.run(pin!(retry_by(&mut sleep, schedule, Retryable::is_retryable, asked, attempt)))
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

/// A server's answer.
fn answered(fields: &str) -> ConnectError {
    let request = ClientRequest::new("ws://a/").unwrap();
    let (now, mut entropy) = (Instant::ORIGIN, Entropy::from_seed([0; 32]));
    let mut client = Client::new(now, &request, &mut entropy, SECOND);
    let mut bytes = format!("HTTP/1.1 429 x\r\n{fields}\r\n").into_bytes();
    assert!(client.receive(now, &mut Input::new(&mut bytes)).is_none());
    client.receive_end(now, End::Eof);
    OpenError::from(client.receive(now, &mut Input::default()).unwrap().unwrap_err()).into()
}

#[test]
fn a_server_that_asks_for_patience_is_pressed() {
    for (fields, made) in [
        ("", [0, 3, 6]),
        ("Retry-After: 1\r\n", [0, 3, 6]),
        ("Retry-After: 60\r\n", [0, 61, 122]),
        ("Retry-After: 99999999999999999999\r\n", [0, 3601, 7202]),
    ] {
        let script = Script::new(9);
        let error = || answered(fields);
        assert!(script.retry(&Schedule::spaced(2 * SECOND).both(Schedule::recurs(2)), error).is_err());
        assert_eq!(*script.made.borrow(), made, "{fields}");
    }
}

#[test]
fn an_error_that_stays_is_tried_again() {
    let script = Script::new(9);
    assert!(matches!(script.retry(&Schedule::forever(), forbidden), Err(ConnectError::Connect(_))));
    assert_eq!(*script.made.borrow(), [0]);
    let mut sleep = script.time.clone();
    let at_once = Schedule::forever();
    let never = |_: &ConnectError| Duration::ZERO;
    let other = retry_by(&mut sleep, &at_once, |_| true, never, async || script.attempt(forbidden).await);
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
