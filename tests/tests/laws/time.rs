//! Timers move forward, and whoever is left alone comes to an end.

use core::time::Duration;
use std::sync::Arc;
use wharf::base::{Cause, Timeout};
use wharf::sim::Dice;
use wharf::ws::Config;
use wharf_tests::pair::{Pair, Play};

/// What each step and each timeout must keep is asserted in the steps themselves.
#[test]
fn timers_move_forward_in_every_state() {
    let (mut timeouts, mut clean) = ([0; 4], 0);
    for seed in 0..3000 {
        let mut dice = Dice::seeded(seed);
        let mut pair = Pair::new(&Play::hasty(&mut dice));
        for _ in 0..dice.between(0, 300) {
            pair.step(&mut dice);
        }
        for side in &pair.sides {
            match side.closed.as_ref().map(|closed| closed.cause) {
                Some(Cause::Timeout(Timeout::Pong)) => timeouts[0] += 1,
                Some(Cause::Timeout(Timeout::WriteStall)) => timeouts[1] += 1,
                Some(Cause::Timeout(Timeout::Close)) => timeouts[2] += 1,
                Some(Cause::Transport(_)) => timeouts[3] += 1,
                Some(_) => clean += 1,
                None => {}
            }
        }
        pair.wait();
    }
    assert!(timeouts.iter().all(|n| *n > 20) && clean > 20, "ends of too few kinds: {timeouts:?} {clean}");
}

#[test]
fn a_peer_that_vanishes_is_gone_at_its_deadline() {
    for seed in 0..500 {
        let mut dice = Dice::seeded(seed);
        let mut play = Play::any(&mut dice);
        for config in &mut play.configs {
            let config = Arc::make_mut(config);
            config.idle_timeout = Some(Duration::from_secs(10));
            config.pong_timeout = Some(Duration::from_secs(5));
            config.write_timeout = Some(Duration::from_secs(20));
            config.close_timeout = Config::default().close_timeout;
        }
        let mut pair = Pair::new(&play);
        for _ in 0..dice.between(0, 150) {
            pair.step(&mut dice);
        }
        let began = pair.now;
        for side in &mut pair.sides {
            side.connection.resume(began);
        }
        pair.wait();
        for side in &pair.sides {
            assert!(side.connection.is_finished(), "seed {seed}: {:?}", side.connection);
        }
        // Write stall, or else idle and pong, for one end after the other.
        assert!(pair.now - began <= Duration::from_secs(2 * 35), "seed {seed}: {:?}", pair.now - began);
    }
}
