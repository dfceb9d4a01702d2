//! A world from its begin to its end.

use super::{Office, Order, Vault};
use crate::bus_world::waits::{RECONNECT, Waits};
use crate::bus_world::{Ask, Books, Ledger, Party, Report, Setup, Shared, State, letters, shared};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::bus::{BusCommand, Name, NodeSettings};
use wharf::sim::{Dice, ServerId, World};

/// Who plays, for all that is planned.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) offices: Vec<ServerId<Office>>,
    pub(super) parties: Vec<ServerId<Party>>,
    /// Which of them speak lines.
    pub(super) speaks_lines: Vec<bool>,
    pub(super) names: Vec<Name>,
    pub(super) vault: Shared<Vault>,
    pub(super) ledger: Shared<Ledger>,
    pub(super) heals: Instant,
    pub(super) job_time: Duration,
}

/// Nodes of a bus, its services, the store and the network.
#[derive(Debug)]
pub struct Trial {
    world: World,
    cast: Cast,
    setup: Setup,
    settings: NodeSettings,
}

impl Trial {
    /// One that hangs on `seed` alone. It prints what happens if that is wanted.
    #[must_use]
    pub fn new(seed: u64, printed: bool) -> Self {
        let mut world = World::new(seed);
        if printed {
            world.transcript_mut().watch(|line| println!("{line}"));
        }
        let mut setup = Setup::any(world.dice());
        setup.bus.max_services = 10_000;
        setup.faults.job_time = setup.limits.job_time.min(Duration::from_millis(700));
        setup.limits.job_time = setup.faults.job_time;
        let settings = settings(world.dice());
        let ledger = shared(Ledger::new(setup.bus.clone(), !setup.faults.wall_steps, false, printed));
        ledger.borrow().note(format_args!("{setup:?} {settings:?}"));
        ledger.borrow_mut().keeps_order = setup.doubles.is_empty();
        let vault = shared(Vault::new(seed, ledger.clone()));
        let [ws, lines] = setup.hub(world.dice());
        let mut cast = Cast {
            offices: Vec::new(),
            parties: Vec::new(),
            speaks_lines: Vec::new(),
            names: setup.names(),
            vault: vault.clone(),
            ledger: ledger.clone(),
            heals: world.now() + setup.length,
            job_time: setup.limits.job_time,
        };
        for process in 0..world.dice().between(2, 3) {
            let office =
                Office::new(process, setup.bus.clone(), settings.clone(), vault.clone(), ledger.clone());
            let store = vault.clone();
            let worker = move |ask| store.borrow_mut().carry_out(process, &ask);
            let office = world.serve_with_jobs(&format!("bus{process}:80"), office, &ws, worker);
            world.listen(office, &format!("bus{process}:9090"), Some(&lines));
            world.command(office, Order::Start);
            cast.offices.push(office);
        }
        world.set_faults(setup.faults, setup.length);
        let books: Vec<_> = cast.names.iter().map(|_| shared(Books::default())).collect();
        let doubles = setup.doubles.iter().map(|at| (*at, true));
        for (at, is_double) in (0..setup.services).map(|at| (at, false)).chain(doubles) {
            engage(&mut world, &setup, &mut cast, at, books[at].clone(), is_double);
        }
        cast.plot(&mut world, &setup);
        Self { world, cast, setup, settings }
    }
}

/// Limits that bite.
fn settings(dice: &mut Dice<'_>) -> NodeSettings {
    let mut settings = NodeSettings::default();
    settings.lease = Duration::from_secs(dice.pick(&[3, 5, 10]));
    settings.poll = Duration::from_millis(dice.pick(&[100, 1000]));
    settings.patience = Duration::from_secs(dice.pick(&[2, 5]));
    settings.grace = Duration::from_secs(dice.pick(&[1, 20]));
    settings.fill = dice.pick(&[2, 10, 2000]);
    settings.look_rows = dice.pick(&[1, 5, 1000]);
    settings.look_each = dice.pick(&[1, 3, 200]);
    settings.look_bytes = dice.pick(&[1, 3000, 4 << 20]);
    settings.recall_rows = dice.pick(&[4, 4096]);
    settings.max_loaded_bytes = dice.pick(&[20_000, 256 << 20]);
    settings.max_unstored = dice.pick(&[20, 10_000]);
    settings.trim = Duration::from_secs(5);
    settings
}

/// Where a process of the bus is.
pub(super) fn place(process: usize, speaks_lines: bool) -> Target {
    let text = if speaks_lines { format!("tcp://bus{process}:9090") } else { format!("ws://bus{process}/") };
    text.parse().expect("a target")
}

/// A process of a service, which begins at some time.
fn engage(
    world: &mut World,
    setup: &Setup,
    cast: &mut Cast,
    at: usize,
    books: Shared<Books>,
    is_double: bool,
) {
    let name = &cast.names[at];
    let length = setup.length.as_millis() as usize;
    let offices = cast.offices.len();
    let dice = world.dice();
    let speaks_lines = dice.percent(50);
    let mut dialing = Config::default();
    if speaks_lines {
        dialing.framing = Framing::codec(Lines::new());
    }
    let target = place(dice.below(offices), speaks_lines);
    let mut config = setup.client(name, dice);
    config.register_timeout = Duration::from_secs(40);
    let own = Dice::seeded(u64::from_le_bytes(dice.bytes(8).try_into().expect("eight")));
    let begins = if is_double || dice.percent(15) { dice.below(length) } else { dice.below(300) };
    let party = Party::new(target, config, None, (books, cast.ledger.clone()), own);
    let host = format!("{name}.{}", if is_double { 2 } else { 1 });
    let party = world.serve(&host, party, &Arc::new(dialing));
    let begins = world.now() + Duration::from_millis(begins as u64);
    world.at(begins, move |world| world.command(party, Ask::Start));
    cast.parties.push(party);
    cast.speaks_lines.push(speaks_lines);
}

impl Trial {
    /// Runs to the end of it all, and says what came of it.
    ///
    /// # Panics
    /// If a promise is broken.
    #[must_use]
    pub fn run(mut self) -> Report {
        self.world.advance(self.cast.heals - self.world.now());
        self.heal();
        let settled = self.await_messages();
        self.await_outboxes();
        self.await_last_words();
        self.end();
        let ledger = self.cast.ledger.borrow();
        Report { hash: self.world.transcript().hash(), tally: ledger.tally.clone(), settled }
    }

    /// From here on nothing goes wrong; the nodes are up, whoever is a service is there, and does what it should.
    fn heal(&mut self) {
        let Self { world, cast, .. } = self;
        world.heal();
        cast.vault.borrow_mut().cut.clear();
        cast.vault.borrow_mut().is_down = false;
        for (i, party) in cast.parties.iter().enumerate() {
            let ask = if i < cast.names.len() { Ask::Behave } else { Ask::Retire };
            world.command(*party, Ask::Pause(false));
            world.command(*party, ask);
        }
        for at in 0..cast.offices.len() {
            world.reunite(cast.offices[at]);
            cast.restart(world, at);
        }
        let offices = cast.offices.clone();
        let are_well = move |world: &World| offices.iter().all(|office| world.service(*office).is_well());
        world.run_until(are_well).expect("the nodes come up again");
        // One that was out of reach of the store asks again soon.
        world.advance(Duration::from_secs(1) + 2 * cast.job_time);
        let ticket = world.dice().below(2) as u64;
        world.command(cast.offices[0], Order::Bus(letters(ticket)));
        world.advance(6 * cast.job_time + Duration::from_millis(50));
    }

    /// What it takes at most until a service is with a node, wherever it was.
    fn moving(&self) -> Duration {
        let Self { settings, cast, .. } = self;
        RECONNECT + settings.lease + settings.grace + settings.claim_wait + 40 * cast.job_time
    }

    fn waits(&mut self) -> Waits<'_> {
        let Self { world, cast, .. } = self;
        Waits { world, parties: &cast.parties[..cast.names.len()], names: &cast.names, ledger: &cast.ledger }
    }

    /// Every message that lives, of those who are there, comes to its end within its deadlines.
    fn await_messages(&mut self) -> Duration {
        let (live, took) = self.waits().for_messages();
        // With the least room one look takes one message, and each is written and looked for by asks of their own.
        let rounds = u32::try_from(live).expect("few");
        let looks = rounds * (8 * self.cast.job_time + Duration::from_millis(20));
        let most = 2 * self.moving() + self.setup.bus.ack_timeout + looks;
        assert!(took <= most, "what was accepted came to its end only after {took:?}, of {most:?}");
        took
    }

    /// What the senders still have is accepted, or given up.
    fn await_outboxes(&mut self) {
        // Whoever has many dead letters is sent nothing.
        self.world.command(self.cast.offices[0], Order::Bus(letters(1)));
        self.waits().for_outboxes();
    }

    /// Now that nothing is in the way, what is said arrives soon.
    fn await_last_words(&mut self) {
        let took = self.waits().for_last_words();
        let Self { cast, settings, .. } = self;
        // One after the other, where a client has but one under way or a look takes but one.
        let rounds = 4 * (cast.names.len() * cast.names.len()) as u32 + 4;
        let most = Duration::from_secs(1) + rounds * (2 * cast.job_time + settings.poll);
        assert!(took <= most, "the last words took {took:?}, of {most:?}");
    }

    /// The bus ends in order, and what is left is what it should be.
    fn end(&mut self) {
        let Self { world, cast, .. } = self;
        for party in &cast.parties {
            world.command(*party, Ask::Retire);
        }
        world.advance(Duration::from_secs(2) + 10 * cast.job_time);
        for office in &cast.offices {
            world.command(*office, Order::Bus(BusCommand::Drain));
        }
        let begin = world.now();
        let is_over = |world: &World| {
            let is_drained = |office: &ServerId<Office>| {
                world.service(*office).has_drained && world.hub(*office).is_empty()
            };
            cast.offices.iter().all(is_drained)
                && cast.parties.iter().all(|party| world.hub(*party).is_empty())
        };
        world.run_until(is_over).expect("all is over");
        let took = world.now() - begin;
        assert!(took <= Duration::from_secs(5) + 4 * cast.job_time, "the drain took {took:?}");
        assert_eq!(cast.vault.borrow().holds(), cast.ledger.borrow().on_disk());
        for at in 0..cast.offices.len() {
            cast.kill(world, at);
        }
        let is_strange = |to: &Name| !cast.names.contains(to);
        for (key, entry) in &cast.ledger.borrow().entries {
            let is_right = match entry.state {
                State::Sent => {
                    entry.effects == 0 && (!entry.is_durable || entry.was_given_up || is_strange(&entry.to))
                }
                State::Alive => entry.effects == 0 && is_strange(&entry.to),
                State::Acknowledged => entry.effects == 1,
                State::Dead | State::Purged => entry.effects <= 1 && entry.was_buried(),
            };
            assert!(is_right, "{key:?} ends so: {entry:?}");
        }
    }
}
