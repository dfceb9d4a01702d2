//! What other clients get wrong, each by its name.

use super::driver::{Driver, closed_by_peer, lost};
use crate::base::Progress;
use crate::link::DialError;
use crate::service::client::{ClientConfig, ClientEvent, Failure, Fate, Unsent};
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn counts_failures_as_reconnects() {
    let mut driver = Driver::new(ClientConfig::default());
    for _ in 0..3 {
        driver.refuse(&DialError::Connect);
        driver.wait_for_dial();
    }
    driver.open();
    assert_eq!((driver.client.state().reconnect_count, driver.client.stats().dials_failed), (0, 3));
    driver.lose();
    driver.wait_for_dial();
    driver.refuse(&DialError::TimedOut);
    assert_eq!(driver.client.state().reconnect_count, 0);
    driver.wait_for_dial();
    driver.open();
    assert_eq!(driver.client.state().reconnect_count, 1);
}

#[test]
fn state_goes_stale() {
    let mut driver = Driver::new(ClientConfig::default());
    let mut seen = driver.client.state_version();
    let mut changed = |driver: &Driver| {
        let version = driver.client.state_version();
        core::mem::replace(&mut seen, version) != version
    };
    assert!(!driver.client.state().is_connected && !changed(&driver));
    driver.refuse(&DialError::Lookup);
    assert_eq!(driver.last_failure(), Some(&Failure::Dial(DialError::Lookup)));
    assert!(changed(&driver));
    driver.wait_for_dial();
    driver.open();
    let state = driver.client.state();
    assert!(state.is_connected && state.last_error.is_none() && state.last_connect_time.is_some());
    assert!(changed(&driver));
    // It is not connected as soon as the end is known, whenever the transport is gone.
    driver.tell_closed(&lost());
    assert!(!driver.client.state().is_connected && driver.last_failure().is_some() && changed(&driver));
    driver.bury();
    driver.wait_for_dial();
    driver.open();
    assert!(changed(&driver));
    // Nor once it is given up.
    driver.client.reconnect(driver.now);
    assert_eq!((driver.client.state().is_connected, driver.last_failure()), (false, Some(&Failure::GivenUp)));
    assert!(changed(&driver));
}

#[test]
fn old_socket_leaks() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    driver.pass(41 * SECOND);
    // It gave no sign of life, and is to be aborted.
    let wire = driver.wire.as_ref().unwrap();
    assert!(wire.aborted && matches!(driver.last_failure(), Some(Failure::Silent(_))));
    driver.pass(3600 * SECOND);
    assert_eq!((driver.dialing, driver.dials.len()), (None, 1), "the old one is not gone");
    driver.bury();
    driver.wait_for_dial();
    assert_eq!(driver.dials.len(), 2);
    // A dial that nobody wants any more is to be given up as well.
    let attempt = driver.dialing.unwrap();
    driver.stop();
    assert_eq!(driver.dialing, None);
    assert!(!driver.client.handle_opened(driver.now, Default::default(), attempt, true));
}

#[test]
fn two_reconnects_at_once() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    let first = driver.wire.as_ref().unwrap().attempt;
    // Everything that can be taken for a reason to connect again, several times over; two dials at once would end the driver.
    for _ in 0..3 {
        driver.client.reconnect(driver.now);
        driver.tell_closed(&lost());
    }
    driver.bury();
    for _ in 0..3 {
        driver.client.reconnect(driver.now);
        driver.client.handle_closed(driver.now, first, &lost());
        driver.client.handle_gone(driver.now, first, &Progress::default());
        driver.client.handle_dial_failed(driver.now, Default::default(), first, &DialError::Connect);
        driver.drive();
    }
    driver.pass(60 * SECOND);
    assert_eq!(driver.dials.len(), 2);
    // Late words about the old one are not about the new one.
    driver.open();
    driver.client.handle_closed(driver.now, first, &lost());
    driver.client.handle_gone(driver.now, first, &Progress::default());
    driver.drive();
    assert!(driver.client.state().is_connected && driver.client.stats().late >= 9);
}

#[test]
fn heartbeat_dies_on_its_first_error() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    driver.heartbeats_fail = true;
    driver.pass(65 * SECOND);
    assert_eq!((driver.beats, driver.client.stats().heartbeats_failed), (2, 2));
    driver.heartbeats_fail = false;
    driver.pass(26 * SECOND);
    driver.hear();
    assert_eq!(driver.beats, 3);
    // The next connection has one as well.
    driver.lose();
    driver.wait_for_dial();
    driver.open();
    driver.pass(31 * SECOND);
    assert_eq!(driver.beats, 4);
}

#[test]
fn resends_make_duplicates() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    let [whole, partly, untouched] =
        ["whole", "partly", "untouched"].map(|text| driver.send(text, false).unwrap());
    driver.write(7 + 1);
    driver.lose();
    assert_eq!(driver.fates.get(&whole), Some(&Fate::Written));
    assert!(
        matches!(driver.fates.get(&partly), Some(Fate::Unknown { message }) if message.as_text() == Some("partly"))
    );
    assert_eq!(driver.fates.get(&untouched), None);
    driver.wait_for_dial();
    driver.open();
    // The driver would have noticed if what was touched had come again.
    driver.write(100);
    assert_eq!(driver.fates.get(&untouched), Some(&Fate::Written));
    assert_eq!(driver.truths[&partly].given, 1);
    assert_eq!(driver.truths[&untouched].given, 2);
}

#[test]
fn an_unacknowledged_message_is_not_sent_again() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    let ticket = driver.send("important", true).unwrap();
    driver.write(100);
    assert_eq!((driver.fates.get(&ticket), driver.client.unacknowledged()), (None, 1));
    driver.lose();
    assert!(matches!(driver.fates.get(&ticket), Some(Fate::Unknown { .. })));
    driver.wait_for_dial();
    driver.open();
    assert_eq!(driver.truths[&ticket].given, 1);
}

#[test]
fn cannot_be_stopped() {
    let prepare: [fn(&mut Driver); 6] = [
        |_| {},
        |driver| driver.refuse(&DialError::Connect),
        |driver| driver.open(),
        |driver| {
            driver.open();
            driver.tell_closed(&lost());
        },
        |driver| {
            driver.open();
            driver.lose();
        },
        |driver| {
            driver.is_ready = false;
            driver.open();
        },
    ];
    for prepare in prepare {
        let mut driver = Driver::new(ClientConfig::default());
        prepare(&mut driver);
        let ticket = driver.send("late", false).unwrap();
        let was_given = driver.truths.contains_key(&ticket);
        driver.stop();
        assert!(!driver.client.state().is_connected && driver.client.poll_timeout().is_none());
        let why = Unsent::Stopped;
        let is_unsent =
            |fate: Option<&Fate>| matches!(fate, Some(Fate::Unsent { why: told, .. }) if *told == why);
        assert_eq!(is_unsent(driver.fates.get(&ticket)), !was_given, "what waits comes back at once");
        driver.bury();
        assert!(is_unsent(driver.fates.get(&ticket)));
        let dials = driver.dials.len();
        driver.pass(3600 * SECOND);
        assert!(driver.client.is_stopped() && driver.stopped().is_some());
        assert_eq!((driver.dials.len(), driver.dialing), (dials, None));
        assert!(driver.send("later", false).is_err());
    }
}

#[test]
fn a_server_that_takes_and_ends_connections_is_asked_ever_less_often() {
    let mut driver = Driver::new(ClientConfig::default());
    let mut waits = alloc::vec::Vec::new();
    for _ in 0..7 {
        driver.open();
        driver.tell_closed(&closed_by_peer(1013));
        driver.bury();
        waits.push(driver.wait_for_dial());
    }
    assert!(waits[0] <= 2 * SECOND && waits[5] >= 24 * SECOND && waits[6] >= 24 * SECOND, "{waits:?}");
    // One that lasts begins anew.
    driver.open();
    driver.pass(6 * SECOND);
    driver.lose();
    assert!(driver.wait_for_dial() <= 2 * SECOND);
    let connected =
        driver.events.iter().filter(|event| matches!(event, ClientEvent::Connected { .. })).count();
    assert_eq!(connected, 8);
}
