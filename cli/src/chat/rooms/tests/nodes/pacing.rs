//! How many are found at once.

use super::finding::silence;
use super::*;

/// What one is told while it takes less than it is sent, of two rooms in which another node's people are found.
#[test]
fn who_is_congested_is_told_of_who_was_found_once_it_takes_that() {
    let mut cluster = Cluster::of(1);
    cluster.open(0, 0);
    ["a", "b"].into_iter().for_each(|room| cluster.say(0, 0, json!({"type": "join", "roomId": room})));
    let node = cluster.start_alone();
    cluster.open(node, 20);
    ["a", "b"].into_iter().for_each(|room| cluster.say(node, 20, json!({"type": "join", "roomId": room})));
    cluster.forget();
    cluster.nodes[node].rooms.handle_congested(20);
    cluster.notice(node, &Notice::Up);
    cluster.pass(3_000);
    cluster.say(0, 0, json!({"type": "leave", "roomId": "b"}));
    assert_eq!(cluster.types(node, 20), [""; 0]);
    let (now, wall) = (cluster.now, cluster.wall(node));
    cluster.nodes[node].rooms.handle_drained(now, wall, 20);
    cluster.settle();
    let lists = cluster.heard(node, 20);
    let counts: Vec<_> =
        lists.iter().map(|list| (&list["roomId"], list["members"].as_array().map(Vec::len))).collect();
    assert_eq!(counts, [(&json!("a"), Some(2)), (&json!("b"), Some(1))]);
    cluster.say(0, 0, json!({"type": "leave", "roomId": "a"}));
    assert_eq!(cluster.types(node, 20), ["leave"]);
}

/// As many as were found, of as many who are there, in as many rooms that all of them would not be told in one turn.
#[test]
fn however_many_are_found_in_however_many_rooms_none_is_forgotten() {
    let limits = Limits { max_actions: 100, ..Limits::default() };
    let mut cluster = Cluster::within(2, limits);
    let join = |cluster: &mut Cluster, node: usize, conn: u32| {
        cluster.open(node, conn);
        (0..20)
            .for_each(|room| cluster.say(node, conn, json!({"type": "join", "roomId": format!("r{room}")})));
    };
    (0..50).for_each(|conn| join(&mut cluster, 0, conn));
    (100..106).for_each(|conn| join(&mut cluster, 1, conn));
    cluster.pass(3_000);
    cluster.cut(1, true);
    cluster.pass(7_000);
    cluster.forget();
    cluster.cut(1, false);
    cluster.pass(3_000);
    assert_eq!(cluster.types(0, 0), ["join"; 120]);
    assert_eq!(cluster.nodes[0].rooms.stats().dropped, 0);
}

/// Of those who were there some are shown already, since they are at a third node, too.
#[test]
fn who_is_shown_already_does_not_part_those_who_are_found() {
    let mut cluster = Cluster::with_one_each(3);
    let mut tokens = Vec::new();
    for conn in 10..30 {
        cluster.enter(1, conn);
        tokens.push(cluster.welcome(1, conn)["token"].clone());
    }
    cluster.pass(3_000);
    silence(&mut cluster, 1);
    for (conn, token) in (40..50).zip(&tokens) {
        cluster.open(2, conn);
        cluster.say(2, conn, json!({"type": "resume", "token": token, "after": 0}));
    }
    cluster.pass(1_000);
    cluster.forget();
    // It is heard before it hears who has gone on there.
    (cluster.nodes[1].is_cut, cluster.nodes[2].is_cut) = (false, true);
    cluster.pass(3_500);
    assert_eq!(cluster.types(0, 0), ["user_list"]);
    assert_eq!(cluster.list(0, 0, "general").len(), 23);
}
