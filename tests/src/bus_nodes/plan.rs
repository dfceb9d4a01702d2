//! What happens in a world until its faults are over: what is said, and what goes wrong.

use super::trial::{Cast, place};
use super::{Office, Order};
use crate::bus_world::{Ask, Manner, Say, Setup, letters};
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::bus::{BusCommand, Name};
use wharf::sim::{Dice, World};

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
            self.plan_words(world, at);
        }
        for _ in 0..world.dice().between(0, 15) {
            let at = moment(world);
            self.plan_mishap(world, at);
        }
    }

    /// Somebody sends something, once or in a burst.
    fn plan_words(&self, world: &mut World, at: Instant) {
        let cast = self.clone();
        let dice = world.dice();
        let to = match dice.below(20) {
            0 => Name::new("ghost").expect("a name"),
            _ => self.names[dice.below(self.names.len())].clone(),
        };
        let (party, is_durable) = (dice.below(self.parties.len()), dice.percent(60));
        let times = dice.pick(&[1, 2, 5, 20]);
        let kind = if dice.percent(80) { "plain" } else { dice.pick(&Manner::KINDS) };
        // What is for those who never come would fill its sender's outbox.
        let is_strange = !self.names.contains(&to);
        let within =
            (is_strange || dice.percent(10)).then(|| Duration::from_secs(dice.between(1, 30) as u64));
        let len = dice.pick(&[0, 20, 300, 2000]);
        let say = Say { to, kind, len, is_durable, within };
        world.at(at, move |world| {
            for _ in 0..times {
                world.command(cast.parties[party], Ask::Say(say.clone()));
            }
        });
    }

    fn plan_mishap(&self, world: &mut World, at: Instant) {
        let dice = world.dice();
        let millis = |dice: &mut Dice<'_>, most| Duration::from_millis(dice.between(1, most) as u64);
        let (which, process) = (dice.below(self.parties.len()), dice.below(self.offices.len()));
        let (short, long) = (millis(dice, 5000), millis(dice, 60_000));
        let (party, office) = (self.parties[which], self.offices[process]);
        let while_ = if dice.percent(50) { short } else { long };
        let until = (at + while_).min(self.heals);
        match dice.below(16) {
            0..3 => self.plan_end(world, at, until, process, false),
            3 => self.plan_end(world, at, until, process, true),
            4..8 => {
                let (to, breaks) = (dice.below(self.offices.len()), dice.percent(80));
                let (target, count) = (place(to, self.speaks_lines[which]), self.count("services moved"));
                world.at(at, move |world| {
                    count();
                    world.command(party, Ask::Move(Box::new(target)));
                    if breaks {
                        world.command(party, Ask::Reset);
                    }
                });
            }
            8 => world.at(at, move |world| world.command(party, Ask::Die(while_))),
            9 => world.at(at, move |world| world.command(office, Order::Reset)),
            10 => {
                let ticket = dice.below(1000) as u64;
                world.at(at, move |world| world.command(office, Order::Bus(letters(ticket))));
            }
            11..14 => {
                if dice.percent(60) {
                    // So that others want what it has.
                    let to = (process + 1) % self.offices.len();
                    self.plan_flight(world, at + SLACK, to);
                }
                self.plan_cut(world, at, until, Some(process));
            }
            14 => self.plan_cut(world, at, until, None),
            _ => {
                let count = self.count("nodes isolated");
                world.at(at, move |world| {
                    count();
                    world.isolate(office);
                });
                world.at(until, move |world| world.reunite(office));
            }
        }
    }

    /// All services go to another process.
    fn plan_flight(&self, world: &mut World, at: Instant, to: usize) {
        let (parties, speaks_lines) = (self.parties.clone(), self.speaks_lines.clone());
        world.at(at, move |world| {
            for (party, speaks_lines) in parties.into_iter().zip(speaks_lines) {
                world.command(party, Ask::Move(Box::new(place(to, speaks_lines))));
                world.command(party, Ask::Reset);
            }
        });
    }

    /// A process of the bus does not reach the store, or none does.
    fn plan_cut(&self, world: &mut World, at: Instant, until: Instant, process: Option<usize>) {
        let count = self.count(if process.is_some() { "nodes cut off" } else { "store down" });
        let vault = self.vault.clone();
        world.at(at, move |_| {
            count();
            let mut vault = vault.borrow_mut();
            match process {
                Some(process) => drop(vault.cut.insert(process)),
                None => vault.is_down = true,
            }
        });
        let vault = self.vault.clone();
        world.at(until, move |_| {
            let mut vault = vault.borrow_mut();
            match process {
                Some(process) => drop(vault.cut.remove(&process)),
                None => vault.is_down = false,
            }
        });
    }

    /// A node comes to an end, and another one takes its place later.
    fn plan_end(&self, world: &mut World, at: Instant, until: Instant, process: usize, in_order: bool) {
        let cast = self.clone();
        world.at(at, move |world| {
            if !world.service(cast.offices[process]).is_up() {
                return;
            }
            if in_order {
                cast.count("nodes drained")();
                world.command(cast.offices[process], Order::Bus(BusCommand::Drain));
            } else {
                cast.count("nodes crashed")();
                cast.kill(world, process);
            }
        });
        let cast = self.clone();
        world.at(until, move |world| cast.restart(world, process));
    }

    /// A process of the bus dies.
    pub(super) fn kill(&self, world: &mut World, process: usize) {
        world.command(self.offices[process], Order::Die);
        world.crash(self.offices[process]);
    }

    /// One that is not there or ends is started again, once what its last life asked has come to something.
    pub(super) fn restart(&self, world: &mut World, process: usize) {
        let cast = self.clone();
        let office: &Office = world.service(self.offices[process]);
        if office.is_up() {
            return;
        }
        let Some(died_at) = office.died_at else {
            cast.kill(world, process);
            return world.at(world.now() + self.job_time + SLACK, move |world| cast.restart(world, process));
        };
        if world.now() < died_at + self.job_time + SLACK {
            return world.at(died_at + self.job_time + SLACK, move |world| cast.restart(world, process));
        }
        world.command(self.offices[process], Order::Start);
        world.revive(self.offices[process]);
    }

    fn count(&self, what: &'static str) -> impl Fn() + use<> {
        let ledger = self.ledger.clone();
        move || ledger.borrow_mut().tally.count(what)
    }
}
