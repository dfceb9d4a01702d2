//! The mesh over a real server: messages, presence, and what is lost.

use crate::station::{Station, group, times, until, until_agreed, until_told};
use std::time::Duration;
use wharf_nats::NatsConfig;
use wharf_tests::nats::Nats as Server;

const NAMES: [&str; 3] = ["ann", "bob", "cid"];
/// In no test is anybody lost by it.
const NEVER: Duration = Duration::from_secs(600);

fn three(server: &Server, lost_after: Duration) -> Vec<Station> {
    let begin = |member: &&str| {
        Station::begin(&server.url("chat"), member, &NatsConfig::default(), times(lost_after))
    };
    NAMES.iter().map(begin).collect()
}

#[test]
fn three_nodes_tell_each_other_everything_in_order() {
    let Some(server) = Server::start("nats: mesh") else { return };
    let mut stations = three(&server, NEVER);
    until_agreed(&mut stations, &NAMES);
    for _ in 0..10 {
        stations.iter_mut().for_each(|station| station.say(50));
        stations.iter_mut().for_each(Station::turn);
    }
    until_told(&mut stations, 500);
    for station in &stations {
        assert!(station.delivered.values().all(|count| *count == 500), "{:?}", station.mesh.stats());
        assert_eq!((station.mesh.stats().gaps, station.mesh.stats().own), (0, 0));
    }
}

#[test]
fn nodes_that_share_a_server_by_other_names_know_nothing_of_each_other() {
    let Some(server) = Server::start("nats: names") else { return };
    let begin =
        |name, member| Station::begin(&server.url(name), member, &NatsConfig::default(), times(NEVER));
    let mut stations =
        vec![begin("one", "ann"), begin("one", "bob"), begin("other", "cid"), begin("other", "dan")];
    until(&mut stations, "they see their own", |stations| stations.iter().all(|s| s.sees().len() == 1));
    let seen: Vec<String> = stations.iter().flat_map(Station::sees).collect();
    assert_eq!(seen, ["bob", "ann", "dan", "cid"]);
    assert!(stations.iter().all(|station| station.mesh.nodes().count() == 1));
}

#[test]
fn after_the_server_was_killed_all_is_told_or_a_gap_and_all_agree() {
    let Some(mut server) = Server::start("nats: mesh, killed") else { return };
    let mut stations = three(&server, NEVER);
    until_agreed(&mut stations, &NAMES);
    for round in 1..=3 {
        // Under load, so that something is on its way when it dies.
        for _ in 0..20 {
            stations.iter_mut().for_each(|station| station.say(20));
            stations.iter_mut().for_each(Station::turn);
        }
        // Half of it arrives.
        let half = u64::from(round - 1) * 500 + 200;
        until(&mut stations, "it is heard", |stations| {
            stations.iter().all(|s| s.told.len() == 2 && s.told.values().all(|told| *told >= half))
        });
        server.kill();
        until(&mut stations, "it is gone", |stations| stations.iter().all(|s| !s.mesh.is_up()));
        stations.iter_mut().for_each(|station| station.say(100));
        let now = stations[1].now();
        stations[1].mesh.enter(now, &group(), &format!("guest{round}"), "".into()).expect("it enters");
        if round == 3 {
            stations[2].mesh.enter(now, &group(), "dan", "".into()).expect("it enters");
            stations[2].mesh.leave(now, &group(), "cid");
        }
        server.restart();
        until(&mut stations, "it is back", |stations| stations.iter().all(|s| s.ups == round + 1));
        until_told(&mut stations, u64::from(round) * 500);
    }
    until(&mut stations, "all agree", |stations| {
        let first = ["bob", "guest1", "guest2", "guest3", "dan"];
        let mut seen = stations[0].sees();
        seen.sort_by_key(|member| first.iter().position(|name| name == member));
        seen == first && stations[1].sees().len() == 2 && stations[2].sees().len() == 5
    });
    // What is published before others are back is lost to them, all else is not.
    for station in &stations {
        assert!(station.delivered.values().all(|count| *count >= 600), "{:?}", station.mesh.stats());
    }
}

#[test]
fn a_node_that_dies_is_missed() {
    let Some(server) = Server::start("nats: death") else { return };
    let mut stations = three(&server, Duration::from_secs(2));
    until_agreed(&mut stations, &NAMES);
    let dead = stations.pop().expect("three").mesh.node();
    until(&mut stations, "it is missed", |stations| stations.iter().all(|s| s.lost.contains(&dead)));
    until_agreed(&mut stations, &NAMES[..2]);
}

#[test]
fn a_node_that_says_goodbye_is_gone_at_once_and_its_last_words_came_before() {
    let Some(server) = Server::start("nats: goodbye") else { return };
    let mut stations = three(&server, NEVER);
    until_agreed(&mut stations, &NAMES);
    let mut leaver = stations.pop().expect("three");
    let gone = leaver.mesh.node();
    leaver.say(100);
    let now = leaver.now();
    leaver.mesh.close(now);
    leaver.turn();
    assert!(leaver.node.nats.finish());
    until(&mut stations, "it has said goodbye", |stations| stations.iter().all(|s| s.lost.contains(&gone)));
    until_agreed(&mut stations, &NAMES[..2]);
    assert!(stations.iter().all(|station| station.delivered.get(&gone) == Some(&100)));
}

#[test]
fn a_node_that_reads_too_slowly_is_told_what_it_missed() {
    let Some(server) = Server::start("nats: mesh, slow") else { return };
    let mut narrow = NatsConfig::default();
    narrow.max_incoming = 200;
    let url = server.url("chat");
    let mut stations = vec![
        Station::begin(&url, "ann", &NatsConfig::default(), times(NEVER)),
        Station::begin(&url, "bob", &narrow, times(NEVER)),
    ];
    until_agreed(&mut stations, &NAMES[..2]);
    let slow = stations.pop().expect("two");
    stations[0].say(2_000);
    until(&mut stations, "too much waits", |_| slow.node.nats.stats().dropped_slow >= 1_800);
    stations.push(slow);
    let speaker = stations[0].mesh.node();
    until(&mut stations, "it is told", |stations| stations[1].told.get(&speaker) == Some(&2_000));
    let stats = stations[1].mesh.stats();
    assert!(stats.slow >= 1_800 && stats.gaps >= 1 && stats.missed >= 1_800, "{stats:?}");
    assert!(stats.delivered >= 100, "{stats:?}");
}

#[test]
fn a_server_that_comes_later_makes_them_meet() {
    let Some(mut server) = Server::installed("nats: mesh, late", "") else { return };
    let mut stations = three(&server, NEVER);
    stations.iter_mut().for_each(Station::turn);
    server.restart();
    until_agreed(&mut stations, &NAMES);
    stations.iter_mut().for_each(|station| station.say(10));
    until_told(&mut stations, 10);
}
