//! Who was there before a node knew of it.

use super::*;

fn id(cluster: &Cluster, node: usize, conn: u32) -> String {
    cluster.nodes[node].rooms.users[&conn].id.to_string()
}

fn within(nodes: usize, max_remote_users: usize) -> Cluster {
    Cluster::within(nodes, Limits { max_remote_users, ..Limits::default() })
}

#[test]
fn who_was_there_before_a_node_was_started_is_told_by_a_list_and_does_not_come() {
    let mut cluster = Cluster::with_one_each(3);
    for node in 0..3 {
        cluster.enter(node, 10);
        cluster.enter(node, 11);
    }
    let node = cluster.start_alone();
    for conn in 20..22 {
        cluster.enter(node, conn);
    }
    cluster.forget();
    cluster.notice(node, &Notice::Up);
    cluster.pass(3_000);
    for conn in 20..22 {
        let heard = cluster.heard(node, conn);
        assert!(heard.iter().all(|message| message["type"] == "user_list"), "{heard:?}");
        // One list a node of the others.
        assert!((1..=3).contains(&heard.len()), "{heard:?}");
        let last = heard.last().and_then(|list| list["members"].as_array()).map(Vec::len);
        assert_eq!(last, Some(11));
    }
    cluster.close(0, 10);
    cluster.enter(2, 12);
    assert_eq!(cluster.types(node, 20), ["leave", "join"]);
}

#[test]
fn who_comes_to_a_node_that_was_just_started_comes() {
    let mut cluster = Cluster::with_one_each(2);
    let node = cluster.start();
    cluster.pass(100);
    cluster.enter(node, 7);
    cluster.pass(3_000);
    assert_eq!(cluster.types(0, 0), ["join"]);
}

#[test]
fn while_the_mesh_is_away_nobody_leaves_and_behind_it_nobody_comes_who_was_there() {
    for is_one in [false, true] {
        let mut cluster = Cluster::with_one_each(3);
        let cut: Vec<usize> = if is_one { vec![1] } else { vec![0, 1, 2] };
        cut.iter().for_each(|node| cluster.cut(*node, true));
        cluster.pass(20_000);
        assert_eq!(cluster.list(1, 1, "general").len(), 3);
        cut.iter().for_each(|node| cluster.cut(*node, false));
        cluster.pass(10_000);
        assert_eq!(cluster.types(1, 1), [""; 0]);
        // The others cannot tell it from one that is gone.
        let others: &[&str] = if is_one { &["leave", "user_list"] } else { &[] };
        for node in [0, 2] {
            assert_eq!(cluster.types(node, node as u32), others);
            assert_eq!(cluster.list(node, node as u32, "general").len(), 3);
        }
    }
}

#[test]
fn who_came_and_went_while_the_mesh_was_away_is_told_once_behind_it() {
    let mut cluster = Cluster::with_one_each(3);
    cluster.cut(1, true);
    cluster.close(0, 0);
    cluster.enter(2, 7);
    cluster.pass(20_000);
    assert_eq!(cluster.types(1, 1), [""; 0]);
    cluster.cut(1, false);
    cluster.pass(3_000);
    let mut types = cluster.types(1, 1);
    types.sort();
    assert_eq!(types, ["join", "leave"]);
}

#[test]
fn who_is_gone_when_the_mesh_is_back_leaves_within_six_seconds() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.cut(0, true);
    cluster.pass(20_000);
    cluster.nodes.truncate(1);
    cluster.cut(0, false);
    cluster.pass(5_900);
    assert_eq!(cluster.types(0, 0), [""; 0]);
    cluster.pass(200);
    assert_eq!(cluster.types(0, 0), ["leave"]);
}

/// A list of all for one of them would cost far more.
#[test]
fn of_few_who_are_found_among_many_each_is_told() {
    for (many, last) in [(6, "user_list"), (9, "join")] {
        let mut cluster = Cluster::with_one_each(2);
        for conn in 10..10 + many {
            cluster.enter(0, conn);
        }
        cluster.pass(3_000);
        cluster.forget();
        cluster.cut(1, true);
        cluster.pass(7_000);
        cluster.cut(1, false);
        cluster.pass(3_000);
        assert_eq!(cluster.types(0, 10), ["leave", last]);
    }
}

#[test]
fn of_too_many_users_others_are_known_once_some_are_gone() {
    let mut cluster = within(2, 3);
    for conn in 10..15 {
        cluster.enter(0, conn);
    }
    cluster.enter(1, 1);
    cluster.pass(3_000);
    let all: BTreeSet<String> = (10..15).map(|conn| id(&cluster, 0, conn)).collect();
    let known: BTreeSet<String> = cluster.list(1, 1, "general").into_iter().collect();
    assert_eq!((known.len(), known.intersection(&all).count()), (4, 3));
    assert_eq!((cluster.stats(1).users, cluster.stats(1).users_refused), (3, 2));
    cluster.forget();
    let gone = (10..15).find(|conn| known.contains(&id(&cluster, 0, *conn))).expect("one is known");
    cluster.close(0, gone);
    cluster.pass(1_500);
    assert_eq!(cluster.types(1, 1), ["leave", "user_list"]);
    assert_eq!((cluster.list(1, 1, "general").len(), cluster.stats(1).users), (4, 3));
    // And the last one.
    let known: BTreeSet<String> = cluster.list(1, 1, "general").into_iter().collect();
    let rest: Vec<u32> = (10..15).filter(|conn| *conn != gone).collect();
    let next = rest.iter().find(|conn| known.contains(&id(&cluster, 0, **conn))).expect("one is known");
    cluster.close(0, *next);
    cluster.pass(1_500);
    let known: BTreeSet<String> = cluster.list(1, 1, "general").into_iter().collect();
    let left: Vec<u32> = rest.iter().copied().filter(|conn| conn != next).collect();
    assert!(left.iter().all(|conn| known.contains(&id(&cluster, 0, *conn))));
    assert_eq!(cluster.list(0, left[0], "general").len(), 4);
}

#[test]
fn rooms_take_no_place_of_users() {
    let mut cluster = within(3, 4);
    for node in 0..3 {
        for conn in [10, 11] {
            cluster.open(node, conn);
            for room in 0..15 {
                cluster.say(node, conn, json!({"type": "join", "roomId": format!("r{room}")}));
            }
        }
    }
    cluster.pass(3_000);
    for node in 0..3 {
        assert_eq!(cluster.list(node, 10, "r14").len(), 6);
        let stats = cluster.stats(node);
        assert_eq!((stats.users, stats.users_refused, stats.mesh.members_refused), (4, 0, 0));
    }
}

#[test]
fn a_user_who_goes_on_elsewhere_is_closed_also_where_no_more_are_known() {
    let mut cluster = within(2, 0);
    cluster.enter(0, 0);
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.pass(3_000);
    cluster.open(1, 7);
    cluster.say(1, 7, json!({"type": "resume", "token": token, "after": 0}));
    cluster.pass(1_000);
    assert_eq!((cluster.nodes[0].closed.clone(), cluster.nodes[1].closed.clone()), (vec![(0, 4001)], vec![]));
}

/// Somebody comes so often to two nodes by turns, first to that one, neither of which knows of the other's connections; one's clock is ahead.
fn goes_on_by_turns(ahead: usize, first: usize, turns: u32) {
    let mut cluster = Cluster::of(2);
    cluster.nodes[ahead].ahead = 3_600_000;
    cluster.enter(0, 0);
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.pass(3_000);
    cluster.close(0, 0);
    cluster.cut(0, true);
    for (turn, node) in (1..=turns).zip([first, 1 - first].into_iter().cycle()) {
        cluster.open(node, turn);
        cluster.say(node, turn, json!({"type": "resume", "token": token, "after": 0}));
        cluster.pass(10);
    }
    cluster.cut(0, false);
    cluster.pass(10_000);
    let mut closed: Vec<_> = cluster.nodes.iter().flat_map(|node| node.closed.clone()).collect();
    closed.sort_unstable();
    let all_before: Vec<_> = (1..turns).map(|turn| (turn, 4001)).collect();
    assert_eq!(closed, all_before, "{ahead} is ahead, first to {first}");
}

#[test]
fn where_a_user_came_last_it_goes_on_whatever_clocks_say() {
    for ahead in 0..2 {
        for first in 0..2 {
            (2..5).for_each(|turns| goes_on_by_turns(ahead, first, turns));
        }
    }
}

/// A node hears of none that it has missed, and is not told that it is cut off.
pub(super) fn silence(cluster: &mut Cluster, node: usize) {
    cluster.nodes[node].is_cut = true;
    cluster.pass(7_000);
    cluster.forget();
}

#[test]
fn who_is_found_to_have_gone_on_elsewhere_comes_once() {
    let mut cluster = Cluster::of(2);
    for conn in 10..20 {
        cluster.enter(1, conn);
    }
    let token = cluster.welcome(1, 10)["token"].clone();
    cluster.pass(3_000);
    silence(&mut cluster, 1);
    cluster.open(0, 5);
    cluster.say(0, 5, json!({"type": "resume", "token": token, "after": 0}));
    cluster.pass(1_000);
    cluster.nodes[1].is_cut = false;
    cluster.pass(5_000);
    assert_eq!(cluster.nodes[1].closed, [(10, 4001)]);
    assert_eq!(cluster.types(1, 11), ["leave", "join"]);
}

#[test]
fn of_one_who_is_found_elsewhere_what_is_new_is_told() {
    let mut cluster = Cluster::of(3);
    cluster.enter(0, 0);
    cluster.enter(1, 1);
    cluster.say(1, 1, json!({"type": "join", "roomId": "b"}));
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.pass(3_000);
    silence(&mut cluster, 2);
    cluster.open(2, 2);
    cluster.say(2, 2, json!({"type": "resume", "token": token, "after": 0}));
    cluster.say(2, 2, json!({"type": "join", "roomId": "b"}));
    cluster.pass(1_000);
    cluster.nodes[2].is_cut = false;
    cluster.pass(5_000);
    let heard = cluster.heard(1, 1);
    assert_eq!(
        (heard.len(), &heard[0]["type"], &heard[0]["roomId"]),
        (1, &json!("join"), &json!("b")),
        "{heard:?}"
    );
}

#[test]
fn who_comes_back_to_where_it_is_known_need_not_wait_for_the_database() {
    let mut cluster = Cluster::of(2);
    cluster.enter(0, 0);
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.pass(3_000);
    cluster.is_away = true;
    for turn in 5..8 {
        cluster.open(0, turn);
        cluster.say(0, turn, json!({"type": "resume", "token": token, "after": 0}));
        cluster.pass(100);
        assert_eq!(cluster.welcome(0, turn)["resumed"], true);
    }
    assert_eq!(cluster.nodes[0].closed, [(0, 4001), (5, 4001), (6, 4001)]);
}

/// The one that came last need not wait, and is told to have come before the one in the middle, which does.
#[test]
fn who_waits_for_the_database_takes_nothing_from_who_came_later() {
    let mut cluster = Cluster::of(2);
    cluster.enter(0, 0);
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.pass(3_000);
    cluster.is_silent = true;
    cluster.open(0, 5);
    cluster.say(0, 5, json!({"type": "resume", "token": token, "after": 0}));
    cluster.say(0, 5, json!({"type": "join", "roomId": "x"}));
    cluster.pass(6_000);
    assert!(cluster.nodes[0].rooms.is_away());
    cluster.open(0, 6);
    cluster.say(0, 6, json!({"type": "resume", "token": token, "after": 0}));
    assert_eq!(cluster.welcome(0, 6)["resumed"], true);
    cluster.pass(12_000);
    assert_eq!(cluster.nodes[0].closed, [(0, 4001), (5, 4001)]);
    assert_eq!(cluster.list(0, 6, "general").len(), 1);
    assert_eq!(cluster.nodes[0].rooms.list().collect::<Vec<_>>(), [("general", 1)]);
}
