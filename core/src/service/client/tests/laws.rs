//! Whatever happens: each fate is true and told once, nothing that was touched goes out again, there is one connection at a time,
//! the state is never behind, and a stop leaves nothing.

use super::driver::{Driver, closed_by_peer, lost};
use crate::base::SendError;
use crate::link::DialError;
use crate::service::client::{ClientConfig, Fate, WhenFull};
use alloc::format;
use core::time::Duration;
use proptest::prelude::*;

/// Anything that may happen.
fn act(driver: &mut Driver, what: u8, n: u16) {
    let pick = |driver: &Driver| {
        let taken = driver.taken.len();
        (taken > 0).then(|| driver.taken[usize::from(n) % taken].0)
    };
    match what {
        0..=2 => drop(driver.send(&"x".repeat(usize::from(n) % 300), what == 2)),
        3 => driver.pass(Duration::from_millis(u64::from(n))),
        4 => driver.pass(Duration::from_secs(u64::from(n) % 60)),
        5..=7 => driver.open(),
        8 => driver.refuse(&DialError::Connect),
        9 => driver.write(u64::from(n) % 700),
        10 => driver.write_untold(u64::from(n) % 700),
        11 => driver.step_in(u64::from(n) % 20),
        12 => driver.hear(),
        13 => driver.tell_closed(&lost()),
        14 => driver.tell_closed(&closed_by_peer(1012)),
        15 => driver.bury(),
        16 => {
            if let Some(ticket) = pick(driver) {
                driver.acknowledge(ticket);
            }
        }
        17 => {
            if let Some(ticket) = pick(driver)
                && driver.client.cancel(ticket).is_some()
            {
                assert_eq!(driver.truths.get(&ticket).map_or(0, |truth| truth.written), 0);
                driver.taken.retain(|(taken, _)| *taken != ticket);
            }
        }
        18 => {
            if let Some(attempt) = driver.over.last().copied() {
                let now = driver.now;
                driver.client.handle_closed(now, attempt, &lost());
                driver.client.handle_gone(now, attempt, &Default::default());
                driver.client.handle_dial_failed(now, Default::default(), attempt, &DialError::Connect);
                driver.client.ready(now, attempt);
                assert!(!driver.client.handle_opened(now, Default::default(), attempt, true));
                driver.drive();
            }
        }
        19 => {
            driver.client.reconnect(driver.now);
            driver.drive();
        }
        20 => driver.refuses = [None, Some(SendError::Full), Some(SendError::Closing)][usize::from(n) % 3],
        21 => driver.is_ready = !n.is_multiple_of(4),
        22 => driver.heartbeats_fail = !n.is_multiple_of(2),
        23 => driver.client.pause(driver.now),
        24 => driver.client.resume(driver.now),
        25 if n.is_multiple_of(8) => driver.tell_closed(&closed_by_peer(4001)),
        26 if n.is_multiple_of(8) => driver.stop(),
        _ => {}
    }
}

fn configs() -> impl Strategy<Value = ClientConfig> {
    (any::<bool>(), 0u8..3, 0u32..4, 1usize..400).prop_map(|(buffer, full, retries, window)| {
        let when_full = [WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest][usize::from(full)];
        let (max_messages, max_bytes) = (8, 1000);
        ClientConfig { buffer, when_full, retries, window, max_messages, max_bytes, ..Default::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_fate_is_true_and_told_once_and_a_stop_leaves_nothing(
        config in configs(),
        acts in prop::collection::vec((0u8..27, any::<u16>()), 1..120),
    ) {
        let mut driver = Driver::new(config);
        for (what, n) in acts {
            act(&mut driver, what, n);
        }
        driver.stop();
        let stopped_at = driver.dials.len();
        driver.bury();
        driver.pass(Duration::from_secs(3600));
        prop_assert!(driver.client.is_stopped() && driver.stopped().is_some());
        prop_assert_eq!(driver.dials.len(), stopped_at);
        for (ticket, _) in &driver.taken {
            prop_assert!(driver.fates.contains_key(ticket), "{} has no fate", ticket);
        }
        for (ticket, truth) in &driver.truths {
            prop_assert!(truth.whole <= 1, "{} was doubled", ticket);
        }
    }

    #[test]
    fn once_nothing_goes_wrong_it_is_connected_within_a_step_and_all_is_written(
        acts in prop::collection::vec((0u8..25, any::<u16>()), 1..80),
    ) {
        let mut driver = Driver::new(ClientConfig::default());
        for (what, n) in acts {
            act(&mut driver, what, n);
        }
        (driver.refuses, driver.is_ready, driver.heartbeats_fail) = (None, true, false);
        driver.client.resume(driver.now);
        driver.bury();
        driver.refuse(&DialError::Connect);
        prop_assert!(driver.wait_for_dial() <= Duration::from_secs(36));
        driver.open();
        prop_assert!(driver.client.state().is_connected);
        for i in 0..9 {
            let _ = driver.send(&format!("last {i}"), false);
            driver.write(u64::MAX / 2);
        }
        prop_assert_eq!((driver.client.waiting(), driver.client.unwritten()), (0, 0));
        let last = driver.taken.last().expect("some were taken").0;
        prop_assert_eq!(driver.fates.get(&last), Some(&Fate::Written));
    }
}
