//! A world from its begin to its end.

use super::setup::{Setup, named};
use super::waits::{RECONNECT, Waits};
use super::{Ask, Books, Disk, Ledger, Order, Party, Report, Shared, State, Station};
use super::{letters, setup, shared};
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::bus::{BusCommand, Name};
use wharf::sim::{Dice, ServerId, World};

/// Who plays, for all that is planned.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) station: ServerId<Station>,
    pub(super) parties: Vec<ServerId<Party>>,
    pub(super) names: Vec<Name>,
    pub(super) disk: Shared<Disk>,
    pub(super) ledger: Shared<Ledger>,
    pub(super) heals: Instant,
    pub(super) job_time: Duration,
    pub(super) has_tokens: bool,
}

/// A bus, its services, its disk and the network.
#[derive(Debug)]
pub struct Trial {
    world: World,
    cast: Cast,
    setup: Setup,
}

impl Trial {
    /// One that hangs on `seed` alone. It prints what happens if that is wanted.
    #[must_use]
    pub fn new(seed: u64, printed: bool) -> Self {
        let mut world = World::new(seed);
        if printed {
            world.transcript_mut().watch(|line| println!("{line}"));
        }
        let setup = Setup::any(world.dice());
        let ledger = shared(Ledger::new(setup.bus.clone(), !setup.faults.wall_steps, setup.is_calm, printed));
        ledger.borrow().note(format_args!("{setup:?}"));
        if !setup.doubles.is_empty() {
            ledger.borrow_mut().keeps_order = false;
        }
        let disk = shared(Disk::new(seed, ledger.clone()));
        let [ws, lines] = setup.hub(world.dice());
        let station = Station::new(setup.bus.clone(), disk.clone(), ledger.clone());
        let store = disk.clone();
        let station =
            world.serve_with_jobs("bus:80", station, &ws, move |batch| store.borrow_mut().carry_out(&batch));
        world.listen(station, "bus:9090", Some(&lines));
        let mut cast = Cast {
            station,
            parties: Vec::new(),
            names: setup.names(),
            disk,
            ledger,
            heals: world.now() + setup.length,
            job_time: setup.limits.job_time,
            has_tokens: setup.bus.tokens.is_some(),
        };
        world.set_faults(setup.faults, setup.length);
        world.command(station, Order::Start);
        let books: Vec<_> = cast.names.iter().map(|_| shared(Books::default())).collect();
        let doubles = setup.doubles.iter().map(|at| (*at, true));
        for (at, is_double) in (0..setup.services).map(|at| (at, false)).chain(doubles) {
            let party = engage(&mut world, &setup, &cast, at, books[at].clone(), is_double);
            cast.parties.push(party);
        }
        cast.plot(&mut world, &setup);
        Self { world, cast, setup }
    }
}

/// A process of a service, which begins at some time.
fn engage(
    world: &mut World,
    setup: &Setup,
    cast: &Cast,
    at: usize,
    books: Shared<Books>,
    is_double: bool,
) -> ServerId<Party> {
    let name = &cast.names[at];
    let length = setup.length.as_millis() as usize;
    let dice = world.dice();
    let (target, dialing) = Setup::way(dice);
    let config = setup.client(name, dice);
    let window =
        (setup.is_calm && setup.bus.ack_timeout > Duration::from_secs(20)).then_some(setup.bus.window);
    let own = Dice::seeded(u64::from_le_bytes(dice.bytes(8).try_into().expect("eight")));
    let begins = if is_double || dice.percent(15) { dice.below(length) } else { dice.below(300) };
    let party = Party::new(target, config, window, (books, cast.ledger.clone()), own);
    let host = format!("{name}.{}", if is_double { 2 } else { 1 });
    let party = world.serve(&host, party, &dialing);
    let begins = world.now() + Duration::from_millis(begins as u64);
    world.at(begins, move |world| world.command(party, Ask::Start));
    party
}

/// After so long at most what is for those who never come is given up, and makes room.
const GIVEN_UP: Duration = Duration::from_secs(30);
/// Bytes of a message, at most.
const MOST_BYTES: usize = 2300;
/// How long it takes until a message that was rejected for a reason that passes is tried again: as long.
const RETRY: Duration = Duration::from_secs(36);

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

    /// From here on nothing goes wrong; the bus is up, whoever is a service is there, and does what it should.
    fn heal(&mut self) {
        let Self { world, cast, .. } = self;
        world.heal();
        cast.disk.borrow_mut().is_full = false;
        cast.disk.borrow_mut().fails_next = false;
        for (i, party) in cast.parties.iter().enumerate() {
            let ask = if i < cast.names.len() { Ask::Behave } else { Ask::Retire };
            world.command(*party, Ask::Pause(false));
            world.command(*party, ask);
        }
        cast.restart(world);
        let station = cast.station;
        world.run_until(|world| world.service(station).is_well()).expect("the bus comes up again");
        let ticket = world.dice().below(2) as u64;
        world.command(station, Order::Bus(letters(ticket)));
        world.advance(2 * cast.job_time + Duration::from_millis(50));
    }

    fn waits(&mut self) -> Waits<'_> {
        let Self { world, cast, .. } = self;
        Waits { world, parties: &cast.parties[..cast.names.len()], names: &cast.names, ledger: &cast.ledger }
    }

    /// Every message that lives, of those who are there, comes to its end within its deadlines.
    fn await_messages(&mut self) -> Duration {
        let (_, took) = self.waits().for_messages();
        // One that was handed over and got lost comes again after the ack timeout.
        let most = RECONNECT + self.setup.bus.ack_timeout + 2 * self.cast.job_time;
        assert!(took <= most, "what was accepted came to its end only after {took:?}, of {most:?}");
        took
    }

    /// What the senders still have is accepted, as fast as there is room for it, or given up.
    fn await_outboxes(&mut self) {
        // Whoever has many dead letters is sent nothing.
        self.world.command(self.cast.station, Order::Bus(letters(1)));
        let (all, took) = self.waits().for_outboxes();
        let limits = &self.setup.bus;
        let at_a_time = limits.max_pending.min(limits.max_pending_bytes / MOST_BYTES);
        let few = |number: usize| u32::try_from(number).expect("few");
        // One after the other, where a client has but one under way.
        let batches = 2 * self.cast.job_time * few(all);
        let most = GIVEN_UP + RECONNECT + RETRY * few(all / at_a_time + 2) + batches;
        assert!(took <= most, "all was accepted only after {took:?}, of {most:?}");
    }

    /// Now that nothing is in the way, what is said arrives at once.
    fn await_last_words(&mut self) {
        let took = self.waits().for_last_words();
        // One after the other, where a client has but one under way.
        let batches = 2 * self.cast.names.len() as u32 + 2;
        let most = Duration::from_secs(1) + batches * self.cast.job_time;
        assert!(took <= most, "the last words took {took:?}, of {most:?}");
    }

    /// The bus ends in order, and what is left is what it should be.
    fn end(&mut self) {
        let Self { world, cast, .. } = self;
        for party in &cast.parties {
            world.command(*party, Ask::Retire);
        }
        let station = cast.station;
        world.run_until(|world| world.service(station).is_at_rest()).expect("all is written");
        world.service(station).check_sum();
        world.command(cast.station, Order::Bus(BusCommand::Drain));
        let is_over = |world: &World| {
            world.service(cast.station).has_drained
                && world.hub(cast.station).is_empty()
                && cast.parties.iter().all(|party| world.hub(*party).is_empty())
        };
        world.run_until(is_over).expect("all is over");
        cast.kill(world);
        let strangers = [named(setup::GHOST), named(setup::SINK)];
        for (key, entry) in &cast.ledger.borrow().entries {
            let is_right = match entry.state {
                State::Sent => {
                    entry.effects == 0
                        && (!entry.is_durable || entry.was_given_up || strangers.contains(&entry.to))
                }
                State::Alive => entry.effects == 0 && strangers.contains(&entry.to),
                State::Acknowledged => entry.effects == 1,
                State::Dead | State::Purged => entry.effects <= 1 && !entry.deaths.is_empty(),
            };
            assert!(is_right, "{key:?} ends so: {entry:?}");
        }
    }
}
