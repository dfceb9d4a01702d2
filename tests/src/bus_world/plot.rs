//! What happens in a world until its faults are over: what is said, and what goes wrong.

use super::rogue::{Rogue, Sink};
use super::setup::{GHOST, SINK, Setup, named};
use super::station::{Order, Station};
use super::trial::Cast;
use super::{Ask, Manner, Party, Say};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::link::{Config, Target};
use wharf::service::bus::{BusCommand, Letters};
use wharf::sim::{Dice, Habit, ServerId, Visit, World};

/// Later than a job may be told late, and a timer.
const SLACK: Duration = Duration::from_millis(200);

impl Cast {
    /// Plans all of it.
    pub(super) fn plot(&self, world: &mut World, setup: &Setup) {
        let begin = world.now();
        let length = setup.length.as_millis() as usize;
        let moment = |world: &mut World| begin + Duration::from_millis(world.dice().below(length) as u64);
        for _ in 0..world.dice().between(3, 25) {
            let at = moment(world);
            self.plan_words(world, setup, at);
        }
        for _ in 0..world.dice().between(0, 12) {
            let at = moment(world);
            self.plan_mishap(world, setup, at);
        }
        for _ in 0..world.dice().between(0, 5) {
            let at = moment(world);
            let cast = self.clone();
            world.at(at, move |world| cast.invite(world));
        }
    }

    /// Somebody sends something, once or in a burst.
    fn plan_words(&self, world: &mut World, setup: &Setup, at: Instant) {
        let cast = self.clone();
        let dice = world.dice();
        let to = match dice.below(20) {
            0 => named(GHOST),
            1 => named(SINK),
            _ => self.names[dice.below(self.names.len())].clone(),
        };
        let (party, is_durable) = (self.any_party(dice), dice.percent(60));
        let times = dice.pick(&[1, 2, 5, 20]);
        let kind = if dice.percent(80) { "plain" } else { dice.pick(&Manner::KINDS) };
        // What is for those who never come would fill its sender's outbox.
        let is_strange = !self.names.contains(&to);
        let within =
            (is_strange || dice.percent(10)).then(|| Duration::from_secs(dice.between(1, 30) as u64));
        // Too big for the bus, or just big; what could never fit would wait for ever.
        let is_giant = dice.percent(3) && setup.limits.max_frame.min(setup.bus.max_pending_bytes) > 10_000;
        let len = if is_giant { 8000 } else { dice.pick(&[0, 20, 300, 2000]) };
        let say = Say { to, kind, len, is_durable, within };
        let cancels = dice.percent(10);
        world.at(at, move |world| {
            for _ in 0..times {
                world.command(cast.parties[party], Ask::Say(say.clone()));
            }
            if cancels {
                world.command(cast.parties[party], Ask::Cancel);
            }
        });
    }

    fn any_party(&self, dice: &mut Dice<'_>) -> usize {
        dice.below(self.parties.len())
    }

    fn plan_mishap(&self, world: &mut World, setup: &Setup, at: Instant) {
        let dice = world.dice();
        let millis = |dice: &mut Dice<'_>, most| Duration::from_millis(dice.between(1, most) as u64);
        let (party, short, long) = (self.any_party(dice), millis(dice, 5000), millis(dice, 100_000));
        let party = self.parties[party];
        let while_ = if dice.percent(50) { short } else { long };
        let until = (at + while_).min(self.heals);
        let cuts = if setup.is_calm { 12 } else { 15 };
        match dice.below(cuts) {
            0 | 1 => self.plan_end(world, at, until, Ending::Crash),
            2 | 3 => self.plan_end(world, at, until, Ending::Failure),
            4 => self.plan_end(world, at, until, Ending::Full),
            5 => self.plan_end(world, at, until, Ending::Drain),
            6..8 => {
                let count = self.count("services reset");
                world.at(at, move |world| {
                    count();
                    world.command(party, Ask::Reset);
                });
            }
            8 => world.at(at, move |world| world.command(party, Ask::Die(while_))),
            9 => {
                let (station, count) = (self.station, self.count("bus reset all"));
                world.at(at, move |world| {
                    count();
                    world.command(station, Order::Reset);
                });
            }
            10 | 11 => self.plan_letters(world, at),
            12 => self.plan_isolation(world, at, until, None),
            13 => self.plan_isolation(world, at, until, Some(party)),
            _ => {
                let count = self.count("services paused");
                world.at(at, move |world| {
                    count();
                    world.command(party, Ask::Pause(true));
                });
                world.at(until, move |world| world.command(party, Ask::Pause(false)));
            }
        }
    }

    /// Dead letters are sent again, or thrown away.
    fn plan_letters(&self, world: &mut World, at: Instant) {
        let (station, ticket) = (self.station, world.dice().below(1000) as u64);
        world.at(at, move |world| world.command(station, Order::Bus(letters(ticket))));
    }

    /// Nobody hears of the bus, or of a service, and nobody is told.
    fn plan_isolation(&self, world: &mut World, at: Instant, until: Instant, party: Option<ServerId<Party>>) {
        let (station, count) = (self.station, self.count("isolated"));
        world.at(at, move |world| {
            count();
            match party {
                Some(party) => world.isolate(party),
                None => world.isolate(station),
            }
        });
        world.at(until, move |world| match party {
            Some(party) => world.reunite(party),
            None => world.reunite(station),
        });
    }

    /// The bus comes to an end, and up again later.
    fn plan_end(&self, world: &mut World, at: Instant, until: Instant, how: Ending) {
        let cast = self.clone();
        world.at(at, move |world| {
            if !world.service(cast.station).is_well() {
                return;
            }
            match how {
                Ending::Crash => {
                    cast.count("bus crashed")();
                    cast.kill(world);
                }
                Ending::Failure => cast.disk.borrow_mut().fails_next = true,
                Ending::Full => cast.disk.borrow_mut().is_full = true,
                Ending::Drain => {
                    cast.count("bus drained")();
                    world.command(cast.station, Order::Bus(BusCommand::Drain));
                }
            }
        });
        let cast = self.clone();
        world.at(until, move |world| {
            cast.disk.borrow_mut().is_full = false;
            cast.restart(world);
        });
    }

    /// The bus's process dies.
    pub(super) fn kill(&self, world: &mut World) {
        world.command(self.station, Order::Die);
        world.crash(self.station);
    }

    /// A bus that is not well is started again, once what its last process wrote has come to something.
    pub(super) fn restart(&self, world: &mut World) {
        let cast = self.clone();
        let station: &Station = world.service(self.station);
        if station.is_well() {
            return;
        }
        let Some(died_at) = station.died_at else {
            cast.kill(world);
            return world.at(world.now() + self.job_time + SLACK, move |world| cast.restart(world));
        };
        if world.now() < died_at + self.job_time + SLACK {
            return world.at(died_at + self.job_time + SLACK, move |world| cast.restart(world));
        }
        world.command(self.station, Order::Start);
        world.revive(self.station);
    }

    /// A peer comes that is no service of ours.
    pub(super) fn invite(&self, world: &mut World) {
        let dice = world.dice();
        let habit = Habit::any(dice);
        let turns_bad = Duration::from_millis(dice.below(60_000) as u64);
        let (target, config) = Setup::way(dice);
        let mut visit = if dice.percent(70) {
            Visit::by(Rogue::any(self.names.clone(), self.has_tokens, dice))
        } else {
            Visit::by(Sink::new(named(SINK)))
        };
        let mut own = Config::client();
        own.framing.clone_from(&config.framing);
        (visit.habit, visit.turns_bad, visit.config, visit.keep) = (habit, turns_bad, Arc::new(own), 0);
        self.visit(world, &target, visit);
    }

    fn visit(&self, world: &mut World, target: &Target, visit: Visit) {
        // Where no bus is, nobody comes.
        if world.visit(target, visit).is_ok() {
            self.count("peers of no good")();
        }
    }

    /// Counts something when it happens.
    fn count(&self, what: &'static str) -> impl FnOnce() + 'static {
        let ledger = self.ledger.clone();
        move || ledger.borrow_mut().tally.count(what)
    }
}

/// How the bus comes to an end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Crash,
    Failure,
    Full,
    Drain,
}

/// Even tickets send all dead letters again, odd ones throw them away.
pub(crate) fn letters(ticket: u64) -> BusCommand {
    let letters = Letters::All;
    match ticket % 2 {
        0 => BusCommand::Requeue { letters, ticket },
        _ => BusCommand::Purge { letters, ticket },
    }
}
