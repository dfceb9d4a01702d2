//! Bounds, policies and deadlines.

use super::driver::{Driver, closed_by_peer, lost};
use crate::base::{Message, SendError};
use crate::link::DialError;
use crate::service::client::{ClientConfig, Failure, Fate, Unsent, WhenFull, WhyRefused};
use crate::service::schedule::Schedule;
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn unsent(fate: Option<&Fate>) -> Option<Unsent> {
    match fate {
        Some(Fate::Unsent { why, .. }) => Some(*why),
        _ => None,
    }
}

#[test]
fn a_full_outbox_does_what_its_policy_says() {
    let mut config = ClientConfig { max_messages: 2, max_bytes: 100, ..Default::default() };
    let mut driver = Driver::new(config.clone());
    let _ = (driver.send("1", false), driver.send("2", false));
    let refused = driver.send("3", false).unwrap_err();
    assert_eq!((refused.why, refused.message), (WhyRefused::Full, Message::text("3")));
    config.when_full = WhenFull::DropOldest;
    let mut driver = Driver::new(config.clone());
    let tickets = ["1", "2", "3"].map(|text| driver.send(text, false).unwrap());
    assert_eq!(unsent(driver.fates.get(&tickets[0])), Some(Unsent::Full));
    assert_eq!((driver.client.waiting(), driver.client.stats().dropped), (2, 1));
    config.when_full = WhenFull::DropNewest;
    let mut driver = Driver::new(config.clone());
    let tickets = ["1", "2", "3"].map(|text| driver.send(text, false).unwrap());
    assert_eq!(unsent(driver.fates.get(&tickets[2])), Some(Unsent::Full));
    // Bytes count as well, and what can never fit is told so.
    config.when_full = WhenFull::Reject;
    let mut driver = Driver::new(config);
    driver.send(&"x".repeat(60), false).unwrap();
    assert_eq!(driver.send(&"x".repeat(41), false).unwrap_err().why, WhyRefused::Full);
    assert_eq!(driver.send(&"x".repeat(101), false).unwrap_err().why, WhyRefused::TooBig);
    assert_eq!(driver.client.stats().refused, 2);
    // Once written there is room.
    driver.open();
    driver.write(1000);
    driver.send(&"x".repeat(100), false).unwrap();
}

#[test]
fn fates_that_nobody_takes_are_bounded_too() {
    let config = ClientConfig { max_messages: 3, when_full: WhenFull::DropOldest, ..Default::default() };
    let mut client =
        super::super::Client::new(Default::default(), config, crate::base::Entropy::from_seed([1; 32]));
    let taken = (0..100).filter(|_| client.send(Default::default(), "x").is_ok()).count();
    assert_eq!((taken, client.stats().refused), (6, 94));
}

#[test]
fn without_a_buffer_nothing_waits_for_a_connection() {
    let mut driver = Driver::new(ClientConfig { buffer: false, window: 1, ..Default::default() });
    assert_eq!(driver.send("early", false).unwrap_err().why, WhyRefused::NotConnected);
    driver.open();
    let [given, waits] = ["given", "waits"].map(|text| driver.send(text, false).unwrap());
    driver.tell_closed(&lost());
    assert_eq!(unsent(driver.fates.get(&waits)), Some(Unsent::Disconnected));
    assert_eq!(driver.send("late", false).unwrap_err().why, WhyRefused::NotConnected);
    driver.bury();
    assert_eq!(unsent(driver.fates.get(&given)), Some(Unsent::Disconnected));
}

#[test]
fn what_is_never_touched_is_tried_three_times_more() {
    let mut driver = Driver::new(ClientConfig::default());
    let ticket = driver.send("nobody takes it", false).unwrap();
    for given in 1..=4 {
        driver.open();
        assert_eq!((driver.truths[&ticket].given, driver.fates.get(&ticket)), (given, None));
        driver.lose();
        if given < 4 {
            driver.wait_for_dial();
        }
    }
    assert_eq!(unsent(driver.fates.get(&ticket)), Some(Unsent::Tries));
    assert_eq!(driver.client.stats().resent, 3);
}

#[test]
fn what_waits_is_not_tried_and_keeps_its_order() {
    let mut driver = Driver::new(ClientConfig { window: 10, ..Default::default() });
    let tickets = ["first of all", "second", "third"].map(|text| driver.send(text, false).unwrap());
    for _ in 0..3 {
        driver.open();
        driver.lose();
        driver.wait_for_dial();
    }
    // Only the first was ever with a connection, since that filled the window.
    assert_eq!(tickets.map(|ticket| driver.truths.contains_key(&ticket)), [true, false, false]);
    driver.open();
    while driver.client.waiting() + driver.client.unwritten() > 0 {
        driver.write(5);
    }
    assert!(tickets.iter().all(|ticket| driver.fates.get(ticket) == Some(&Fate::Written)));
}

#[test]
fn one_that_does_not_fit_comes_back_and_the_rest_goes_on() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    driver.refuses = Some(SendError::TooBig { limit: 3 });
    let ticket = driver.send("much", false).unwrap();
    assert_eq!(unsent(driver.fates.get(&ticket)), Some(Unsent::Unfit(SendError::TooBig { limit: 3 })));
    driver.refuses = Some(SendError::Full);
    let ticket = driver.send("soon", false).unwrap();
    assert_eq!((driver.client.waiting(), driver.fates.get(&ticket)), (1, None));
    driver.refuses = None;
    driver.pass(Duration::from_millis(100));
    driver.write(100);
    assert_eq!(driver.fates.get(&ticket), Some(&Fate::Written));
}

#[test]
fn acknowledgements_come_early_late_twice_or_never() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    let [early, late, never, plain] =
        [true, true, true, false].map(|acknowledged| driver.send("x", acknowledged).unwrap());
    driver.acknowledge(early);
    assert_eq!(driver.fates.get(&early), Some(&Fate::Acknowledged));
    driver.write(100);
    driver.acknowledge(plain);
    assert_eq!(driver.fates.get(&plain), Some(&Fate::Written));
    driver.pass(20 * SECOND);
    driver.acknowledge(late);
    driver.acknowledge(late);
    driver.hear();
    driver.pass(11 * SECOND);
    assert!(matches!(driver.fates.get(&never), Some(Fate::Unknown { .. })));
    driver.acknowledge(never);
    assert_eq!(driver.client.stats().stray_acknowledgements, 3);
    let waits = driver.send("waits", true).unwrap();
    driver.lose();
    let before = driver.client.stats().stray_acknowledgements;
    driver.acknowledge(waits);
    assert_eq!(driver.client.stats().stray_acknowledgements, before + 1, "it is with nobody");
}

#[test]
fn half_open_connections_are_found_and_living_ones_kept() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    // Any byte is a sign of life, whenever it comes before the answer is due.
    for _ in 0..5 {
        driver.pass(31 * SECOND);
        driver.hear();
    }
    assert!(driver.client.state().is_connected && driver.beats >= 5);
    driver.pass(41 * SECOND);
    assert_eq!(driver.last_failure(), Some(&Failure::Silent(10 * SECOND)));
    assert_eq!(driver.client.stats().silent, 1);
}

#[test]
fn a_program_that_does_not_read_is_no_proof_that_the_peer_is_gone() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    driver.client.pause(driver.now);
    driver.pass(300 * SECOND);
    assert!(driver.client.state().is_connected && driver.beats == 10);
    driver.client.resume(driver.now);
    driver.pass(9 * SECOND);
    assert!(driver.client.state().is_connected);
    driver.pass(2 * SECOND);
    assert!(!driver.client.state().is_connected);
}

#[test]
fn nothing_flows_before_it_is_ready_and_that_has_its_time() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.is_ready = false;
    let ticket = driver.send("behind the login", false).unwrap();
    driver.open();
    driver.pass(9 * SECOND);
    assert!(driver.client.state().is_connected && !driver.truths.contains_key(&ticket));
    driver.pass(SECOND);
    assert_eq!(driver.last_failure(), Some(&Failure::NotReady(10 * SECOND)));
    driver.bury();
    driver.wait_for_dial();
    driver.open();
    let attempt = driver.wire.as_ref().unwrap().attempt;
    driver.client.ready(driver.now, attempt);
    driver.drive();
    assert!(driver.truths.contains_key(&ticket));
}

#[test]
fn the_end_of_the_schedule_is_the_end() {
    let mut driver = Driver::new(ClientConfig {
        schedule: Schedule::spaced(SECOND).both(Schedule::recurs(2)),
        ..Default::default()
    });
    driver.refuse(&DialError::Connect);
    for _ in 0..2 {
        driver.wait_for_dial();
        driver.refuse(&DialError::TimedOut);
    }
    let last = Failure::Dial(DialError::TimedOut);
    assert_eq!(driver.stopped(), Some(&super::super::Stopped::GaveUp(last)));
    assert_eq!(driver.dials.len(), 3);
}

#[test]
fn fatal_codes_end_it_and_others_do_not() {
    for (code, is_fatal) in
        [(1000, true), (1001, false), (1008, true), (1011, false), (1012, false), (4001, true)]
    {
        let mut driver = Driver::new(ClientConfig::default());
        driver.open();
        driver.tell_closed(&closed_by_peer(code));
        driver.bury();
        assert_eq!(driver.stopped().is_some(), is_fatal, "{code}");
    }
    let mut driver = Driver::new(ClientConfig { fatal: super::super::Fatal::Never, ..Default::default() });
    driver.open();
    driver.tell_closed(&closed_by_peer(4001));
    driver.bury();
    driver.wait_for_dial();
    driver.refuse(&DialError::Draining);
    driver.wait_for_dial();
}
