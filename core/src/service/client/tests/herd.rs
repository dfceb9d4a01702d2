//! A crowd whose server goes down comes back spread.

use super::driver::Driver;
use crate::link::DialError;
use crate::service::client::ClientConfig;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const CROWD: usize = 1000;

/// Most dials of the crowd within any second, at steps of 50 ms.
fn peak(dials: &[Duration]) -> usize {
    let last = dials.iter().max().map_or(0, |last| last.as_millis() as usize / 50);
    let mut slots = vec![0usize; last + 21];
    dials.iter().for_each(|at| slots[at.as_millis() as usize / 50] += 1);
    slots.windows(20).map(|second| second.iter().sum()).max().unwrap_or(0)
}

#[test]
fn a_thousand_clients_come_back_spread_over_the_jitter() {
    // The server is away for 40 s. Each try of the crowd is looked at by itself: the first, the second, ...
    let away = Duration::from_secs(40);
    let mut tries: Vec<Vec<Duration>> = Vec::new();
    let mut last = Duration::ZERO;
    for i in 0..CROWD {
        let mut driver = Driver::seeded(ClientConfig::default(), i as u64);
        driver.open();
        driver.pass(Duration::from_secs(10));
        let lost_at = driver.now;
        driver.lose();
        for nth in 0.. {
            driver.wait_for_dial();
            let at = driver.now - lost_at;
            tries.resize_with(tries.len().max(nth + 1), Vec::new);
            tries[nth].push(at);
            if at >= away {
                driver.open();
                last = last.max(at);
                break;
            }
            driver.refuse(&DialError::Connect);
        }
    }
    // A delay of so many seconds is jittered by a fifth to either side, which is what the crowd is spread over.
    for (nth, seconds) in [1, 2, 4, 8, 16, 30].into_iter().enumerate() {
        let most = (CROWD * 10 / 4 / seconds).min(CROWD);
        let peak = peak(&tries[nth]);
        assert!(peak <= most + 4 * most.isqrt(), "try {nth}: {peak} dials in a second, not {most}");
    }
    assert!(last <= away + Duration::from_secs(36), "{last:?}");
    assert_eq!(tries[5].len(), CROWD);
}
