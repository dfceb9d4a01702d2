//! Nodes that come, go, and are not what they seem.

use super::*;
use alloc::vec;

fn two() -> Few {
    let mut few = Few::new(2, Config::default());
    few.enter(0, "ann");
    few.enter(1, "bob");
    few.run();
    few.pass(Duration::from_secs(2));
    few.told(0);
    few.told(1);
    few
}

#[test]
fn a_node_that_says_goodbye_is_dropped_at_once_and_not_heard_any_more() {
    let mut few = two();
    few.publish(0, "last");
    few.fly();
    let late = few.flying.pop().unwrap();
    few.publish(0, "words");
    let now = few.now;
    few.meshes[0].close(now);
    assert_eq!(few.meshes[0].publish(now, &room(), Bytes::new()), Err(PublishError::Closed));
    assert_eq!(few.meshes[0].enter(now, &room(), "a", Bytes::new()), Err(EnterError::Closed));
    few.run();
    assert_eq!(few.told(1), ["0-ann", "0:1..1", "0:2 words", "lost 0"]);
    few.meshes[1].handle_delivered(now, room().as_str(), &late.bytes);
    assert_eq!((few.told(1), few.meshes[1].stats().late), (Vec::new(), 1));
    assert_eq!(few.meshes[0].poll_timeout(), None);
    few.meshes[1].handle_timeout(now + Duration::from_secs(800));
    assert_eq!(few.meshes[1].stats().nodes_remembered, 0, "it is forgotten in the end");
}

#[test]
fn a_node_that_dies_is_lost_after_a_while() {
    let mut few = two();
    few.publish(0, "last");
    few.run();
    few.told(1);
    let is_dead = |flying: &Flying, _| flying.from == 0;
    few.pass_losing(Duration::from_millis(5900), is_dead);
    assert_eq!(few.told(1), [""; 0]);
    few.pass_losing(Duration::from_millis(200), is_dead);
    assert_eq!(few.told(1), ["0-ann", "lost 0"]);
    let stats = few.meshes[1].stats();
    assert_eq!((stats.nodes, stats.nodes_remembered, stats.remote_members), (0, 1, 0));
}

/// What it does not hear says nothing about the others.
#[test]
fn whose_transport_is_down_loses_nobody_before_it_is_up_for_long() {
    for is_dead in [false, true] {
        let mut few = two();
        let now = few.now;
        few.meshes[1].handle_down(now);
        few.pass_losing(Duration::from_secs(60), |_, to| to == 1);
        assert_eq!((few.told(1), few.members(1)), (vec![], vec!["ann".into()]));
        let now = few.now;
        few.meshes[1].handle_up(now);
        let is_lost = |flying: &Flying, to: usize| is_dead && flying.from == 0 && to == 1;
        few.lose(is_lost);
        few.pass_losing(Duration::from_millis(5_900), is_lost);
        assert_eq!(few.told(1), [""; 0]);
        few.pass_losing(Duration::from_millis(200), is_lost);
        assert_eq!(few.told(1), if is_dead { vec!["0-ann", "lost 0"] } else { vec![] });
    }
}

#[test]
fn another_start_is_another_node_whose_sequences_begin_at_1() {
    let mut few = two();
    few.publish(0, "a");
    few.run();
    few.told(1);
    let now = few.now;
    few.meshes[0] = Mesh::new(now, Config::default(), entropy(5));
    few.meshes[0].handle_up(now);
    few.enter(0, "ann");
    assert_eq!(few.publish(0, "b"), 1);
    few.run();
    assert_eq!(few.told(1), ["met 5", "5+ann", "5:1 b"]);
}

#[test]
fn who_comes_hears_of_all_without_waiting_for_their_beats() {
    let mut few = two();
    let mut late = Mesh::new(few.now, Config::default(), entropy(2));
    late.handle_up(few.now);
    few.meshes.push(late);
    few.run();
    few.pass(Duration::from_millis(600));
    let mut told = few.told(2);
    told.sort();
    assert_eq!(told, ["met 0", "met 1"]);
    assert_eq!(few.meshes[0].nodes().count(), 2);
}

#[test]
fn however_slow_it_is_beats_are_few() {
    let mut few = two();
    few.carried.clear();
    for _ in 0..200 {
        let now = few.now;
        few.meshes[1].handle_slow(now, 3);
        few.pass(Duration::from_millis(50));
    }
    let pages = few.count("page");
    assert!(pages <= 2 * (5 + 2), "{pages} in ten seconds");
    assert_eq!(few.meshes[1].stats().slow, 600);
}

#[test]
fn after_a_loss_on_the_way_in_all_is_found_out_soon() {
    let mut few = two();
    few.publish(0, "a");
    few.enter(0, "abe");
    few.lose(|_, _| true);
    let now = few.now;
    few.meshes[1].handle_slow(now, 2);
    few.run();
    few.pass(Duration::from_millis(1500));
    let mut told = few.told(1);
    told.sort();
    assert_eq!(told, ["0+abe", "0:1..1"]);
}

#[test]
fn garbage_and_what_is_misplaced_is_counted_and_changes_nothing() {
    let mut few = two();
    let now = few.now;
    let stranger = NodeId::from_bytes([9; 16]);
    let mesh = &mut few.meshes[0];
    let mut other = Frame::Goodbye.encode(stranger).to_vec();
    other[2] = 9;
    mesh.handle_delivered(now, "nodes", &other.into());
    mesh.handle_delivered(now, "nodes", &Bytes::from_static(b"hello"));
    mesh.handle_delivered(now, "group.room", &Frame::Goodbye.encode(stranger));
    let message = Frame::Message { sequence: 1, payload: Bytes::new() }.encode(stranger);
    for subject in ["nodes", "group.other", "group.", "no subject", ""] {
        mesh.handle_delivered(now, subject, &message);
    }
    let stats = mesh.stats();
    assert_eq!((stats.other_versions, stats.malformed, stats.misplaced, stats.nodes), (1, 1, 6, 1));
    assert_eq!(few.told(0), [""; 0]);
}

#[test]
fn a_forged_number_silences_a_node_for_a_while_only() {
    let mut few = two();
    let forged = Frame::Message { sequence: 60_000, payload: Bytes::new() }.encode(id(0));
    few.meshes[1].handle_delivered(few.now, room().as_str(), &forged);
    few.pass(Duration::from_secs(1));
    assert_eq!(few.told(1), ["0:1..59999", "0:60000 "]);
    few.publish(0, "a");
    few.run();
    assert_eq!(few.told(1), [""; 0], "it is taken for an old one");
    few.pass(Duration::from_secs(8));
    few.publish(0, "b");
    few.run();
    assert_eq!((few.told(1), few.meshes[1].stats().disproved), (["0:2 b"].map(String::from).to_vec(), 1));
}

#[test]
fn a_forged_roll_stays_for_a_while_only() {
    let mut few = two();
    let part =
        wire::Part { last: 0, version: 1 << 60, part: 0, parts: 1, members: [("eve", &[][..])].to_vec() };
    few.meshes[1].handle_delivered(few.now, room().as_str(), &Frame::Roll(part).encode(id(0)));
    assert_eq!(few.told(1), ["0-ann", "0+eve"]);
    few.pass(Duration::from_secs(12));
    assert_eq!(few.told(1), ["0-eve", "0=ann"]);
}

#[test]
fn a_forged_goodbye_silences_a_node_for_a_while_only() {
    let mut few = two();
    let now = few.now;
    few.meshes[1].handle_delivered(now, "nodes", &Frame::Goodbye.encode(id(0)));
    assert_eq!(few.told(1), ["0-ann", "lost 0"]);
    few.publish(0, "a");
    few.run();
    few.pass(Duration::from_millis(5900));
    assert_eq!(few.told(1), [""; 0], "it may be late");
    few.pass(Duration::from_secs(3));
    few.publish(0, "b");
    few.run();
    assert_eq!(few.told(1), ["met 0", "0=ann", "0:2 b"]);
}
