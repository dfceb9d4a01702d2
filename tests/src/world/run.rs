//! A world from its begin to its end.

use super::{Client, Echo, Faults, Job, Transcript, WALL, Wire};
use crate::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Entropy, Instant, Wants};
use wharf::link::{Config, ConnId, Hub, JobToken};

/// A hub, its clients and the network between them.
#[derive(Debug)]
pub struct World {
    pub(super) now: Instant,
    pub(super) dice: Dice<'static>,
    pub(super) faults: Faults,
    pub(super) wire: Wire,
    pub(super) hub: Hub<Echo>,
    pub(super) config: Arc<Config>,
    pub(super) client_config: Arc<Config>,
    pub(super) clients: Vec<Client>,
    /// When those come that are not there yet, the next one last.
    pub(super) to_come: Vec<Instant>,
    /// When the faults of the network end.
    pub(super) heals: Instant,
    /// What the adapter knows that each connection wants.
    pub(super) seen: BTreeMap<ConnId, Wants>,
    pub(super) write_shut: BTreeSet<ConnId>,
    pub(super) jobs: Vec<(Instant, JobToken, Job)>,
    pub(super) transcript: Transcript,
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
}

impl World {
    /// A world that hangs on `seed` alone. It prints what happens if that is wanted.
    #[must_use]
    pub fn new(seed: u64, printed: bool) -> Self {
        let mut dice = Dice::seeded(seed);
        let now = Instant::from_nanos(1 << 30);
        let service = Echo {
            slow_to_admit: dice.percent(30),
            rest_after: Some(dice.between(1, 5)).filter(|n| n % 2 == 0),
            ..Echo::default()
        };
        let wire = Wire::any(&mut dice);
        let (config, client_config) = wire.configs(&mut dice);
        let entropy = Entropy::from_seed(dice.bytes(32).try_into().expect("32 bytes"));
        let mut to_come: Vec<Instant> = (0..dice.between(1, 6))
            .map(|_| now + Duration::from_millis(dice.pick(&[0, 0, 10, 500]) * dice.between(1, 4) as u64))
            .collect();
        to_come.sort_by(|a, b| b.cmp(a));
        Self {
            now,
            faults: Faults::any(&mut dice),
            wire,
            hub: Hub::new(now, WALL, service, &config, entropy),
            config,
            client_config,
            clients: Vec::new(),
            to_come,
            heals: now + Duration::from_secs(dice.between(1, 8) as u64),
            seen: BTreeMap::new(),
            write_shut: BTreeSet::new(),
            jobs: Vec::new(),
            transcript: Transcript::new(printed),
            dice,
        }
    }

    /// Runs to the end of all connections, and says what came of it.
    ///
    /// # Panics
    /// If a law is broken.
    #[must_use]
    pub fn run(mut self) -> Report {
        let mut idle = false;
        for _ in 0..2_000_000 {
            if self.now >= self.heals {
                self.faults = Faults::default();
            }
            if self.faults.spurious && self.dice.percent(2) {
                self.fire_any();
            }
            if self.step() {
                idle = false;
                continue;
            }
            self.check_seen();
            let Some(next) = self.next() else { return self.conclude() };
            assert!(next > self.now || !idle, "something is due for ever");
            idle = next <= self.now;
            let late = if self.faults.late { self.dice.below(40_000) } else { 0 };
            self.now = self.now.max(next) + Duration::from_micros(late as u64);
            self.check_patience();
        }
        panic!("never at rest");
    }

    /// Lets any of those act who can; whether one did.
    fn step(&mut self) -> bool {
        if self.to_come.last().is_some_and(|at| *at <= self.now) {
            self.to_come.pop();
            self.connect();
            return true;
        }
        let actors = 2 * self.clients.len() + 2;
        let first = self.dice.below(actors);
        (0..actors).any(|i| self.let_act((first + i) % actors))
    }

    fn let_act(&mut self, actor: usize) -> bool {
        match actor {
            0 => self.finish_job(),
            1 if self.hub.poll_timeout().is_some_and(|at| at <= self.now) => {
                self.handle_timeout();
                true
            }
            1 => false,
            n if n % 2 == 0 => self.serve(n / 2 - 1),
            n => self.clients[n / 2 - 1].step(self.now, self.faults, &mut self.dice, &mut self.transcript),
        }
    }

    /// A timer fires that nobody set.
    fn fire_any(&mut self) {
        match self.dice.below(self.clients.len() + 1) {
            0 => self.handle_timeout(),
            n if !self.clients[n - 1].gone => {
                self.clients[n - 1].handle_timeout(self.now, &mut self.transcript)
            }
            _ => {}
        }
    }

    /// When something happens next; `None` when nothing ever will.
    fn next(&mut self) -> Option<Instant> {
        let heals = Some(self.heals).filter(|at| *at > self.now && !self.clients.is_empty());
        let clients = self.clients.iter().filter_map(Client::next).min();
        let servers = (0..self.clients.len()).filter_map(|i| self.serves_next(i)).min();
        let jobs = self.jobs.iter().map(|(at, ..)| *at).min();
        let come = self.to_come.last().copied();
        [heals, clients, servers, jobs, come, self.hub.poll_timeout()].into_iter().flatten().min()
    }
}
