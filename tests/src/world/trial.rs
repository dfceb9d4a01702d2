//! A world from its begin to its end.

use super::{Asker, Echo, Job, Wire};
use std::sync::Arc;
use std::time::Duration;
use wharf::link::Config;
use wharf::sim::{Faults, Habit, ServerId, Visit, World};

/// An echo, its clients and the network between them.
#[derive(Debug)]
pub struct Trial {
    pub(super) world: World,
    pub(super) wire: Wire,
    pub(super) server: ServerId<Echo>,
    pub(super) config: Arc<Config>,
    /// Clients that came or are to come.
    pub(super) guests: usize,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was spoken.
    pub wire: Wire,
    /// The hash of all that happened.
    pub hash: u64,
    /// How much happened.
    pub lines: u64,
    /// Connections that were opened.
    pub opened: usize,
    /// Clients that got all their answers and closed in order.
    pub content: usize,
    /// Messages that came compressed.
    pub compressed: usize,
    /// Sessions of TLS that resumed an earlier one.
    pub resumed: usize,
    /// Sessions of TLS that ended without a goodbye, as the hub tells it.
    pub truncated: usize,
    /// Clients that turned bad, by [`BAD`].
    pub turned: [usize; BAD.len()],
}

/// All habits but the good one.
pub const BAD: [Habit; 6] =
    [Habit::Reset, Habit::Cut, Habit::HalfClose, Habit::Vanish, Habit::Deaf, Habit::Mute];

impl Trial {
    /// One that hangs on `seed` alone. It prints what happens if that is wanted.
    #[must_use]
    pub fn new(seed: u64, printed: bool) -> Self {
        let mut world = World::new(seed);
        if printed {
            world.transcript_mut().watch(|line| println!("{line}"));
        }
        let dice = world.dice();
        let service = Echo {
            slow_to_admit: dice.percent(30),
            rest_after: Some(dice.between(1, 5)).filter(|n| n % 2 == 0),
            ..Echo::default()
        };
        let wire = Wire::any(dice);
        let (config, client_config) = wire.configs(dice);
        let faults = Faults::any(dice);
        let heals_after = Duration::from_secs(dice.between(1, 8) as u64);
        let guests = dice.between(1, 6);
        let begin = world.now();
        for _ in 0..guests {
            let dice = world.dice();
            let after = dice.pick(&[0, 0, 10, 500]) * dice.between(1, 4) as u64;
            let config = client_config.clone();
            world.at(begin + Duration::from_millis(after), move |world| come(world, wire, config));
        }
        world.set_faults(faults, heals_after);
        let server = world.serve_with_jobs("world", service, &config, |job: Job| job);
        Self { world, wire, server, config, guests }
    }

    /// Runs to the end of all connections, and says what came of it.
    ///
    /// # Panics
    /// If a law is broken.
    #[must_use]
    pub fn run(mut self) -> Report {
        if let Err(stuck) = self.world.run() {
            panic!("{stuck}: {:?}", self.world.hub(self.server));
        }
        self.conclude()
    }
}

/// A client comes.
fn come(world: &mut World, wire: Wire, config: Arc<Config>) {
    let dice = world.dice();
    let mut visit = Visit::by(Asker::any(wire, dice));
    let turns_bad = dice.pick(&[100_000, 300_000, 3_000_000]);
    visit.turns_bad = Duration::from_micros(dice.below(turns_bad) as u64);
    (visit.habit, visit.config, visit.keep) = (Habit::any(dice), config, 0);
    world.visit(&wire.target(), visit).expect("below the limits, and nothing is amiss before the first byte");
}
