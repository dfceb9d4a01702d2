use super::*;
use crate::driver::tests::{ATTEMPTS, Scripted, pass_timer};
use std::pin::pin;
use std::task::Waker;
use wharf::base::When;

const DELAY: Duration = Duration::from_millis(250);

/// Addresses by their ports: 1 never answers, 2 refuses, any other takes us.
fn addresses(ports: &[u16]) -> Hop {
    let address = |(host, port): (u8, &u16)| Address::Tcp(([127, 0, 0, host], *port).into());
    Hop::Addresses((1..).zip(ports).map(address).collect())
}

/// What comes of it when time passes wherever it waits: the port that took us, and how often it waited, for how long at most.
fn dialed(hop: Hop, timeout: Duration) -> (Result<u16, ConnectError>, Vec<Duration>) {
    let clock = Clock::new();
    let mut dialing = pin!(dial::<Scripted>(&clock, hop, clock.now() + timeout, DELAY));
    let (mut cx, mut waits) = (Context::from_waker(Waker::noop()), Vec::new());
    loop {
        match dialing.as_mut().poll(&mut cx) {
            Poll::Ready(came) => {
                assert_eq!(ATTEMPTS.get(), 0, "nothing is left under way");
                return (came.map(|(_, address)| address.tcp().unwrap().port()), waits);
            }
            Poll::Pending => waits.push(pass_timer()),
        }
    }
}

#[test]
fn an_address_that_hangs_keeps_the_next_waiting_for_the_delay_alone() {
    let (came, waits) = dialed(addresses(&[1, 1, 3, 1]), DELAY * 40);
    assert_eq!(came.unwrap(), 3);
    // The clock stands where it was.
    assert!(waits.len() == 2 && waits[0] <= DELAY && waits[1] <= DELAY * 2, "{waits:?}");
}

#[test]
fn an_address_that_refuses_keeps_nobody_waiting() {
    let (came, waits) = dialed(addresses(&[2, 2, 3]), DELAY * 40);
    assert_eq!((came.unwrap(), waits), (3, Vec::new()));
    let (came, waits) = dialed(addresses(&[2, 2]), DELAY * 40);
    assert!(waits.is_empty());
    assert_eq!(
        came.unwrap_err().to_string(),
        "connect: 127.0.0.1:2: connection refused; 127.0.0.2:2: connection refused"
    );
}

#[test]
fn no_connect_timeout() {
    let (came, waits) = dialed(addresses(&[1]), DELAY);
    assert!(matches!(came.unwrap_err(), ConnectError::TimedOut));
    assert_eq!(waits.len(), 1);
}

#[test]
fn a_lookup_that_hangs_ends_with_its_time() {
    let (came, waits) = dialed(Hop::Host("silent".into(), 80), DELAY);
    let error = came.unwrap_err();
    assert!(error.when() == When::Lookup && error.is_retryable() && waits.len() == 1, "{error}");
    let (came, _) = dialed(Hop::Host("nobody".into(), 80), DELAY);
    assert_eq!(came.unwrap_err().to_string(), "lookup: the name has no address");
}

#[test]
fn who_drops_a_dial_gives_up_all_of_it() {
    let clock = Clock::new();
    let mut dialing = Box::pin(dial::<Scripted>(&clock, addresses(&[1]), clock.now() + DELAY, DELAY));
    assert!(dialing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(ATTEMPTS.get(), 1);
    drop(dialing);
    assert_eq!(ATTEMPTS.get(), 0);
}
