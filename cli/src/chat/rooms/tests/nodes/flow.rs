//! Users to whom something older comes first.

use super::*;

pub(super) fn resume(cluster: &mut Cluster, node: usize, conn: u32, welcome: &Value, after: u64) {
    cluster.open(node, conn);
    cluster.say(node, conn, json!({"type": "resume", "token": welcome["token"], "after": after}));
}

#[test]
fn a_user_comes_back_at_any_node_and_misses_nothing() {
    let mut cluster = Cluster::of(3);
    cluster.enter(0, 0);
    let welcome = cluster.welcome(0, 0);
    assert_eq!(welcome["settled"], 0);
    cluster.enter(1, 1);
    cluster.pass(3_000);
    cluster.message(1, "a");
    cluster.close(0, 0);
    cluster.message(1, "b");
    cluster.message(1, "c");
    cluster.forget();
    resume(&mut cluster, 2, 7, &welcome, 1);
    let back = cluster.welcome(2, 7);
    assert_eq!((&back["userId"], &back["resumed"]), (&welcome["userId"], &json!(true)));
    assert_eq!((&back["rooms"], &back["settled"]), (&json!(["general"]), &json!(1)));
    assert_eq!(cluster.ids(2, 7), [2, 3]);
    assert_eq!(cluster.types(1, 1), ["join"]);
    cluster.pass(12_000);
    cluster.message(1, "d");
    assert_eq!(cluster.ids(2, 7), [4]);
}

#[test]
fn what_is_read_by_who_comes_back_is_not_told_again_when_it_comes_late() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.open(1, 7);
    let welcome = cluster.welcome(1, 7);
    cluster.say(1, 7, json!({"type": "join"}));
    cluster.close(1, 7);
    cluster.loses = true;
    cluster.message(0, "a");
    cluster.loses = false;
    resume(&mut cluster, 1, 8, &welcome, 0);
    assert_eq!((cluster.ids(1, 8), cluster.ids(1, 1)), (vec![1], vec![]));
    cluster.pass(12_000);
    assert_eq!((cluster.ids(1, 8), cluster.ids(1, 1)), (vec![], vec![1]));
}

#[test]
fn what_is_told_while_the_missed_is_read_is_told_behind_it() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(1, 7);
    let welcome = cluster.welcome(1, 7);
    cluster.close(1, 7);
    cluster.pass(3_000);
    cluster.message(0, "a");
    cluster.nodes[1].holds = true;
    resume(&mut cluster, 1, 8, &welcome, 0);
    cluster.message(0, "b");
    cluster.nodes[1].holds = false;
    let answer = cluster.nodes[1].held.pop().expect("it reads");
    let (now, wall) = (cluster.now, cluster.wall(0));
    cluster.nodes[1].rooms.handle_answer(now, wall, Ok(answer));
    cluster.settle();
    assert_eq!((cluster.ids(1, 8), cluster.ids(1, 1)), (vec![1, 2], vec![1, 2]));
}

#[test]
fn a_history_has_what_was_told_before_and_nothing_of_it_comes_again() {
    let mut cluster = Cluster::with_one_each(2);
    // This is told at the second node, and the database has not said that it is there.
    cluster.message(0, "a");
    // This is there, and not told.
    cluster.loses = true;
    cluster.message(0, "b");
    cluster.loses = false;
    cluster.enter(1, 7);
    assert_eq!(cluster.ids(1, 7), [1, 2]);
    cluster.pass(12_000);
    assert_eq!((cluster.ids(1, 7), cluster.ids(1, 1)), (vec![], vec![1, 2]));
    cluster.message(0, "c");
    assert_eq!(cluster.ids(1, 7), [3]);
}

/// A message that is said before the history has come is acknowledged by itself: it is no part of the history.
#[test]
fn a_users_first_message_is_told_as_one() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.message(0, "a");
    // So many wait for a history that a message is stored before the last of them is read.
    let readers = 20..32;
    for conn in readers.clone() {
        cluster.open(1, conn);
    }
    cluster.forget();
    for conn in readers {
        cluster.put(1, conn, &json!({"type": "join"}));
    }
    cluster.put(1, 31, &json!({"type": "message", "content": "b", "ref": "r"}));
    cluster.settle();
    let heard = cluster.heard(1, 31);
    let types: Vec<_> = heard.iter().map(|m| m["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["join", "user_list", "history", "message"]);
    assert_eq!(heard.iter().flat_map(ids_of).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((&heard[3]["ref"], &heard[3]["id"]), (&json!("r"), &json!(2)));
    cluster.pass(12_000);
    assert_eq!((cluster.ids(1, 31), cluster.ids(1, 1)), (vec![], vec![2]));
    assert_eq!((cluster.ids(1, 20), cluster.ids(1, 30)), (vec![1, 2], vec![1, 2]));
}

#[test]
fn who_takes_too_little_is_told_the_rest_in_the_order_of_telling() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.nodes[1].rooms.handle_congested(1);
    cluster.loses = true;
    cluster.message(0, "a");
    cluster.loses = false;
    cluster.message(1, "b");
    cluster.pass(500);
    cluster.message(0, "c");
    cluster.pass(500);
    assert_eq!(cluster.ids(1, 1), [] as [u64; 0]);
    let (now, wall) = (cluster.now, cluster.wall(0));
    cluster.nodes[1].rooms.handle_drained(now, wall, 1);
    cluster.settle();
    let mut ids = cluster.ids(1, 1);
    assert_eq!(ids[0], 2, "the first of them came late");
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn who_is_behind_by_more_than_is_held_is_closed_and_comes_back() {
    let mut cluster = Cluster::with_one_each(1);
    cluster.enter(0, 7);
    let welcome = cluster.welcome(0, 7);
    cluster.nodes[0].rooms.handle_congested(7);
    let content = "x".repeat(4_000);
    // Another room's, so that it has nothing more to take but the first.
    cluster.message(0, "a");
    cluster.say(0, 0, json!({"type": "join", "roomId": "b"}));
    for _ in 0..1_200 {
        cluster.now += Duration::from_millis(50);
        cluster.say(0, 0, json!({"type": "message", "roomId": "b", "content": content}));
    }
    cluster.forget();
    let (now, wall) = (cluster.now, cluster.wall(0));
    cluster.nodes[0].rooms.handle_drained(now, wall, 7);
    cluster.settle();
    assert_eq!(cluster.nodes[0].closed, [(7, 1013)]);
    resume(&mut cluster, 0, 8, &welcome, 0);
    assert_eq!(cluster.ids(0, 8), [1]);
}

#[test]
fn a_history_says_what_is_settled() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.message(0, "a");
    cluster.pass(11_000);
    cluster.enter(1, 7);
    let heard = cluster.heard(1, 7);
    let history = heard.iter().find(|m| m["type"] == "history").expect("a history");
    assert_eq!((&heard[0]["settled"], &history["settled"]), (&json!(1), &json!(1)));
}
