//! What a seed draws before anything happens: limits that bite, what is spoken, and what a network may do.

use std::sync::Arc;
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::bus::client::BusClientConfig;
use wharf::service::bus::{BusConfig, BusService, Name, Tokens};
use wharf::service::schedule::Schedule;
use wharf::sim::{Dice, Faults};

/// The services, each of which may send to each.
pub(super) const NAMES: [&str; 4] = ["alfa", "beta", "gama", "delta"];
/// One that never comes, and one that never answers.
pub(super) const GHOST: &str = "ghost";
/// The other one.
pub(super) const SINK: &str = "sink";

/// How long a write of the disk takes, and so how long it takes a dead process to be gone.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most that a write takes.
    pub job_time: Duration,
    /// Longest frame that clients let through.
    pub max_frame: usize,
}

/// What was drawn.
#[derive(Debug)]
pub struct Setup {
    /// The bus's limits.
    pub bus: BusConfig,
    /// What goes wrong with the network and the clocks.
    pub faults: Faults,
    /// For how long.
    pub length: Duration,
    /// Limits of what is around the bus.
    pub limits: Limits,
    /// Nobody is cut off or paused, so that each connection's window can be watched from its far end.
    pub is_calm: bool,
    /// How many of `NAMES` there are.
    pub services: usize,
    /// Which of them have a second process.
    pub doubles: Vec<usize>,
}

impl Setup {
    /// Any.
    pub fn any(dice: &mut Dice<'_>) -> Self {
        let mut faults = Faults::any(dice);
        let job_time = Duration::from_millis(dice.pick(&[1, 20, 500, 4000]));
        faults.job_time = job_time;
        let services = dice.between(2, NAMES.len());
        let bus = bus(dice);
        let max_frame = if dice.percent(80) { bus.max_message } else { 1 << 20 };
        Self {
            bus,
            faults,
            length: Duration::from_secs(dice.between(20, 240) as u64),
            limits: Limits { job_time, max_frame },
            is_calm: dice.percent(35),
            services,
            doubles: (0..services).filter(|_| dice.percent(25)).collect(),
        }
    }

    /// Those that are there.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        NAMES[..self.services].iter().map(|name| named(name)).collect()
    }

    /// What the bus's hub is told, for WebSockets and for lines.
    pub fn hub(&self, dice: &mut Dice<'_>) -> [Arc<Config>; 2] {
        let mut config = BusService::config(&self.bus);
        let (mut ws, mut framed) = ((*config.ws).clone(), (*config.framed).clone());
        ws.high_mark = dice.pick(&[400, 5000, 64 << 10]);
        ws.low_mark = ws.high_mark / 4;
        (framed.high_mark, framed.low_mark) = (ws.high_mark, ws.low_mark);
        (config.ws, config.framed) = (Arc::new(ws), Arc::new(framed));
        let mut lines = config.clone();
        lines.framing = Framing::codec(Lines::new());
        [Arc::new(config), Arc::new(lines)]
    }

    /// Where a service connects to, and how.
    pub fn way(dice: &mut Dice<'_>) -> (Target, Arc<Config>) {
        let (text, is_lines) = dice.pick(&[("ws://bus/", false), ("tcp://bus:9090", true)]);
        let mut config = Config::default();
        if is_lines {
            config.framing = Framing::codec(Lines::new());
        }
        (text.parse().expect("a target"), Arc::new(config))
    }

    /// What the client of a service is told.
    pub fn client(&self, name: &Name, dice: &mut Dice<'_>) -> BusClientConfig {
        let mut config = BusClientConfig::new(name.clone());
        config.token = Some(format!("of {name}").into());
        config.max_in_flight = dice.pick(&[1, 4, 256]);
        config.max_messages = dice.pick(&[8, 1024]);
        config.max_deliveries = dice.pick(&[2, 1024, 1024]);
        config.max_frame = self.limits.max_frame;
        config.accept_timeout = dice.pick(&[Some(5), Some(30), None]).map(Duration::from_secs);
        if dice.percent(15) {
            config.retry = Schedule::backoff().both(Schedule::recurs(3));
        }
        config
    }
}

fn bus(dice: &mut Dice<'_>) -> BusConfig {
    let mut config = BusConfig::default();
    config.ack_timeout = Duration::from_secs(dice.pick(&[5, 30]));
    config.attempts = dice.pick(&[1, 2, 3, 3]);
    config.max_deliveries = dice.pick(&[2, 4, 10]);
    config.window = dice.pick(&[1, 2, 5, 1000]);
    config.max_pending = dice.pick(&[4, 15, 10_000]);
    config.max_pending_bytes = dice.pick(&[7000, 64 << 20]);
    config.max_services = dice.pick(&[8, 10_000]);
    config.max_dead = dice.pick(&[3, 10_000]);
    config.max_message = dice.pick(&[4096, 1 << 20]);
    config.max_gaps = dice.pick(&[0, 1, 1024]);
    config.accept_wait = Duration::from_millis(dice.pick(&[0, 0, 3]));
    config.batch_wait = Duration::from_millis(dice.pick(&[0, 5, 40]));
    config.mark_wait = Duration::from_millis(dice.pick(&[0, 100, 100]));
    if dice.percent(50) {
        let all = NAMES.iter().chain(&[SINK, super::rogue::ROGUE]);
        config.tokens = Some(all.map(|name| (*name, format!("of {name}"))).collect::<Tokens>());
    }
    config
}

/// A name.
///
/// # Panics
/// If it is none.
#[must_use]
pub(super) fn named(name: &str) -> Name {
    Name::new(name).expect("a name")
}
