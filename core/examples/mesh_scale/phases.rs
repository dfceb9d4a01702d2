//! What happens to the nodes, one thing after the other.

use crate::network::Traffic;
use crate::population::{Plan, below};
use crate::world::{Told, World};
use core::time::Duration;
use wharf::base::Instant;

/// What is said.
const PAYLOAD: [u8; 200] = [b'x'; 200];
/// After that long they have to agree.
pub(crate) const MOST: Duration = Duration::from_secs(120);

/// What came of one phase.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// From its begin to its end.
    pub(crate) took: Duration,
    /// From the end of the disturbance until all agreed; `None`: they did not.
    pub(crate) agreed: Option<Duration>,
    pub(crate) traffic: Traffic,
    pub(crate) told: Told,
    /// Messages that nodes were to be told.
    pub(crate) owed: u64,
    /// Messages that people were to be told.
    pub(crate) deliveries: u64,
}

/// Runs a phase, which says what it owes: to nodes, and to people.
fn phase(
    name: &'static str,
    world: &mut World,
    run: impl FnOnce(&mut World) -> (Option<Duration>, u64, u64),
) -> Phase {
    let began = world.now;
    world.told = Told::default();
    let (agreed, owed, deliveries) = run(world);
    Phase {
        name,
        took: world.now - began,
        agreed,
        traffic: world.traffic(),
        told: world.told,
        owed,
        deliveries,
    }
}

/// All nodes come up within a second.
pub(crate) fn start(world: &mut World) -> Phase {
    phase("all nodes start within 1 s", world, |world| {
        let began = world.now;
        come_up(world, Duration::from_secs(1));
        (agreed_since(began, world), 0, 0)
    })
}

/// Nothing happens.
pub(crate) fn rest(world: &mut World) -> Phase {
    phase("at rest", world, |world| {
        world.run_until(world.now + Duration::from_secs(10));
        (world.is_agreed().then_some(Duration::ZERO), 0, 0)
    })
}

/// People say something, one after the other, whoever they are.
pub(crate) fn talk(plan: &Plan, world: &mut World) -> Phase {
    phase("people talk", world, |world| {
        let (mut owed, mut deliveries) = (0, 0);
        let step = Duration::from_secs(1) / plan.rate;
        for _ in 0..5 * plan.rate {
            let who = below(&mut world.entropy, world.population.people.len());
            deliveries += u64::from(world.population.sizes[world.population.people[who].room]);
            owed += world.say(who, &PAYLOAD);
            world.run_until(world.now + step);
        }
        world.run_until(world.now + Duration::from_millis(100));
        (world.is_agreed().then_some(Duration::ZERO), owed, deliveries)
    })
}

/// A node dies without a word, and its people come back by others, after the first step of a client's schedule: 1 s, give or take a fifth.
pub(crate) fn death(world: &mut World) -> Phase {
    phase("a node dies, its people come back by others", world, |world| {
        let gone = world.any();
        let mut people = world.kill(gone);
        let died = world.now;
        for i in (1..people.len()).rev() {
            people.swap(i, below(&mut world.entropy, i + 1));
        }
        let step = Duration::from_millis(400) / u32::try_from(people.len()).expect("few");
        for (i, who) in (0..).zip(people) {
            world.run_until(died + Duration::from_millis(800) + step * i);
            let to = world.near(who);
            world.enter(who, to);
        }
        (agreed_since(died, world), 0, 0)
    })
}

/// What is between the nodes is away for half a minute. Some people come back by other nodes meanwhile.
pub(crate) fn outage(plan: &Plan, world: &mut World) -> Phase {
    phase("the network is away for 30 s", world, |world| {
        world.living().into_iter().for_each(|node| world.down(node));
        let step = Duration::from_secs(30) / plan.movers;
        for _ in 0..plan.movers {
            let who = below(&mut world.entropy, world.population.people.len());
            world.leave(who);
            let to = world.near(who);
            world.enter(who, to);
            world.run_until(world.now + step);
        }
        let back = world.now;
        come_up(world, Duration::from_secs(2));
        (agreed_since(back, world), 0, 0)
    })
}

/// All nodes that live come up, one after the other within so long.
fn come_up(world: &mut World, within: Duration) {
    let (began, nodes) = (world.now, world.living());
    let step = within / u32::try_from(nodes.len()).expect("few");
    for (i, node) in (0..).zip(nodes) {
        world.run_until(began + step * i);
        world.up(node);
    }
}

/// Runs until all agree; how long after `since` that was.
fn agreed_since(since: Instant, world: &mut World) -> Option<Duration> {
    world.run_until_agreed(MOST).map(|_| world.now - since)
}
