//! Users who read what they have missed.

use super::flow::resume;
use super::*;

/// One who was in `general` at the second node and is gone, as it was welcomed.
fn one_who_left(cluster: &mut Cluster) -> Value {
    cluster.enter(1, 7);
    let welcome = cluster.welcome(1, 7);
    cluster.close(1, 7);
    welcome
}

fn drained(cluster: &mut Cluster, conn: u32) {
    let (now, wall) = (cluster.now, cluster.wall(0));
    cluster.nodes[1].rooms.handle_drained(now, wall, conn);
    cluster.settle();
}

#[test]
fn who_says_it_has_more_than_there_is_hears_what_is_said_then() {
    let mut cluster = Cluster::with_one_each(2);
    let welcome = one_who_left(&mut cluster);
    resume(&mut cluster, 1, 8, &welcome, (1 << 53) - 1);
    cluster.forget();
    cluster.message(0, "a");
    cluster.say(1, 8, json!({"type": "message", "content": "b", "ref": "b"}));
    assert_eq!(cluster.ids(1, 8), [1, 2]);
}

#[test]
fn what_is_read_says_how_far_it_is_read() {
    let mut cluster = Cluster::with_one_each(2);
    let welcome = one_who_left(&mut cluster);
    for content in ["a", "b", "c"] {
        cluster.message(0, content);
    }
    resume(&mut cluster, 1, 8, &welcome, 1);
    let heard = cluster.heard(1, 8);
    let settled = heard.iter().filter(|m| m["type"] == "message").map(|m| (&m["id"], &m["settled"]));
    assert_eq!(settled.collect::<Vec<_>>(), [(&json!(2), &json!(2)), (&json!(3), &json!(3))]);
}

#[test]
fn as_much_is_read_at_once_as_can_be() {
    let mut cluster = Cluster::with_one_each(2);
    let welcome = one_who_left(&mut cluster);
    for n in 0..150 {
        cluster.message(0, &n.to_string());
        cluster.pass(50);
    }
    cluster.nodes[1].pages = 0;
    resume(&mut cluster, 1, 8, &welcome, 0);
    assert_eq!(cluster.ids(1, 8), (1..=150).collect::<Vec<_>>());
    assert_eq!(cluster.nodes[1].pages, 1);
}

#[test]
fn who_reads_while_more_is_said_than_is_held_reads_on() {
    let mut cluster = Cluster::with_one_each(2);
    let welcome = one_who_left(&mut cluster);
    cluster.message(0, "a");
    cluster.nodes[1].holds = true;
    resume(&mut cluster, 1, 8, &welcome, 0);
    let answer = cluster.nodes[1].held.pop().expect("it reads");
    cluster.nodes[1].holds = false;
    let content = "x".repeat(4_000);
    for _ in 0..1_200 {
        cluster.now += Duration::from_millis(50);
        cluster.say(0, 0, json!({"type": "message", "content": content}));
    }
    let (now, wall) = (cluster.now, cluster.wall(0));
    cluster.nodes[1].rooms.handle_answer(now, wall, Ok(answer));
    for _ in 0..200 {
        drained(&mut cluster, 8);
    }
    assert!(cluster.nodes[1].closed.iter().all(|(conn, _)| *conn != 8));
    assert_eq!(cluster.ids(1, 8), (1..=1_201).collect::<Vec<_>>());
}

#[test]
fn who_says_again_what_it_is_to_be_told_is_told_it_once() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(1, 7);
    let (welcome, message) = (cluster.welcome(1, 7), json!({"type": "message", "content": "a", "ref": "r"}));
    cluster.say(1, 7, message.clone());
    cluster.close(1, 7);
    cluster.open(1, 8);
    cluster.nodes[1].rooms.handle_congested(8);
    cluster.say(1, 8, json!({"type": "resume", "token": welcome["token"], "after": 0}));
    cluster.say(1, 8, message.clone());
    assert_eq!(cluster.ids(1, 8), [] as [u64; 0]);
    drained(&mut cluster, 8);
    assert_eq!(cluster.ids(1, 8), [1]);
    // It has it, and asks whether it is stored.
    cluster.say(1, 8, message);
    assert_eq!(cluster.ids(1, 8), [1]);
}

#[test]
fn what_one_said_before_it_left_and_came_back_hides_nothing() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(1, 7);
    cluster.nodes[1].holds_writes = true;
    cluster.message(1, "own");
    cluster.pass(10);
    cluster.say(1, 1, json!({"type": "leave", "roomId": "general"}));
    cluster.message(0, "while it is away");
    cluster.say(1, 1, json!({"type": "join", "roomId": "general"}));
    cluster.nodes[1].holds_writes = false;
    let (now, wall) = (cluster.now, cluster.wall(1));
    let stored = cluster.nodes[1].held.pop().expect("it is stored");
    cluster.nodes[1].rooms.handle_answer(now, wall, Ok(stored));
    cluster.pass(100);
    let heard = cluster.heard(1, 1);
    let acknowledged = heard.iter().find(|m| m["type"] == "message").expect("it is acknowledged");
    assert_eq!((&acknowledged["id"], &acknowledged["ref"]), (&json!(1), &json!("own")));
    let mut ids: Vec<u64> = heard.iter().flat_map(ids_of).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}
