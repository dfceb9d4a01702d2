//! The same with few, in every run of the tests.

use crate::phases::{death, outage, rest, start, talk};
use crate::population::Plan;
use crate::world::World;
use core::time::Duration;
use wharf::service::mesh::Config;

/// A world whose nodes have met.
fn world() -> World {
    let mut world = World::new(&Plan::SMALL, Config::default(), 7);
    assert!(!world.is_agreed(), "nobody was told anything");
    let start = start(&mut world);
    assert!(start.agreed.expect("they agree") < Duration::from_secs(5), "{:?}", start.agreed);
    world
}

#[test]
fn at_rest_only_beats_are_told() {
    let mut world = world();
    let rest = rest(&mut world);
    assert_eq!(rest.agreed, Some(Duration::ZERO));
    let [beats, others @ ..] = rest.traffic.out;
    let nodes = Plan::SMALL.nodes as u64;
    assert!(beats.frames >= 5 * nodes, "a beat every two seconds: {}", beats.frames);
    assert!(others.iter().all(|count| count.frames == 0));
}

#[test]
fn what_people_say_is_told_once_to_each_node_with_people_in_the_room() {
    let mut world = world();
    let talk = talk(&Plan::SMALL, &mut world);
    assert!(talk.owed > 1000, "{}", talk.owed);
    assert_eq!((talk.told.messages, talk.told.missed), (talk.owed, 0));
}

#[test]
fn the_people_of_a_node_that_died_are_known_by_the_others_once_it_is_lost() {
    let mut world = world();
    let death = death(&mut world);
    let agreed = death.agreed.expect("they agree");
    let lost_after = Config::default().lost_after;
    assert!(agreed <= lost_after + Duration::from_secs(2), "{agreed:?}");
    assert_eq!(death.told.lost_nodes, Plan::SMALL.nodes as u64 - 1);
}

#[test]
fn after_the_network_was_away_all_agree() {
    let mut world = world();
    let outage = outage(&Plan::SMALL, &mut world);
    let agreed = outage.agreed.expect("they agree");
    assert!(agreed < Duration::from_secs(10), "{agreed:?}");
}
