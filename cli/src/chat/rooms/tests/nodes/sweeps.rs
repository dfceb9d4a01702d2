//! Messages, however they come.

use super::*;

#[test]
fn a_message_is_told_at_every_node_once() {
    let mut cluster = Cluster::with_one_each(3);
    cluster.message(0, "hello");
    for node in 0..3 {
        let heard = cluster.heard(node, node as u32);
        assert_eq!(
            (heard.len(), &heard[0]["content"], &heard[0]["ref"]),
            (1, &json!("hello"), &json!("hello"))
        );
        assert_eq!((&heard[0]["id"], &heard[0]["timestamp"]), (&json!(1), &json!(7_000)));
    }
    cluster.pass(25_000);
    for node in 0..3 {
        assert_eq!(cluster.ids(node, node as u32), [] as [u64; 0]);
        let stats = cluster.stats(node);
        assert!(stats.settled == 1 && stats.sweeps > 2 && stats.swept == 0, "{stats:?}");
    }
    assert_eq!((cluster.stats(1).told, cluster.stats(0).told), (1, 0));
    assert_eq!(cluster.nodes[1].rooms.stats().messages, 0);
}

#[test]
fn what_the_mesh_loses_is_found_as_soon_as_there_is_a_gap() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.loses = true;
    cluster.message(0, "a");
    cluster.loses = false;
    cluster.message(0, "b");
    // The mesh waits for what is missing.
    assert_eq!(cluster.ids(1, 1), [] as [u64; 0]);
    cluster.pass(120);
    let mut ids = cluster.ids(1, 1);
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    assert_eq!((cluster.stats(1).swept, cluster.stats(1).mesh.gaps), (1, 1));
}

#[test]
fn the_last_that_is_lost_is_found_by_the_next_beat() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.loses = true;
    cluster.message(0, "a");
    cluster.loses = false;
    cluster.pass(2_500);
    assert_eq!(cluster.ids(1, 1), [1]);
}

#[test]
fn without_the_mesh_it_is_found_within_a_second_or_so() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.cut(1, true);
    cluster.message(0, "a");
    cluster.pass(1_050);
    assert_eq!(cluster.ids(1, 1), [1]);
    cluster.message(1, "b");
    assert_eq!((cluster.ids(1, 1), cluster.ids(0, 0)), (vec![2], vec![1]));
    // It waited for the mesh, and is told once whatever was first.
    cluster.cut(1, false);
    cluster.pass(12_000);
    assert_eq!((cluster.ids(1, 1), cluster.ids(0, 0)), (vec![], vec![2]));
}

#[test]
fn a_node_that_dies_behind_a_commit_has_said_it() {
    let mut cluster = Cluster::with_one_each(2);
    // Stored, and never published.
    cluster.nodes[0].is_cut = true;
    cluster.message(0, "a");
    cluster.nodes.remove(0);
    assert_eq!(cluster.ids(0, 1), [] as [u64; 0]);
    cluster.pass(10_100);
    assert_eq!(cluster.ids(0, 1), [1]);
}

#[test]
fn a_node_that_is_started_tells_its_members_nothing_of_the_past() {
    let mut cluster = Cluster::with_one_each(2);
    for n in 0..60 {
        cluster.message(0, &format!("{n}"));
        cluster.pass(50);
    }
    let node = cluster.start();
    cluster.enter(node, 7);
    // The history, and nothing else.
    assert_eq!(cluster.ids(node, 7), (11..=60).collect::<Vec<_>>());
    cluster.pass(12_000);
    assert_eq!(cluster.ids(node, 7), [] as [u64; 0]);
    cluster.message(1, "new");
    assert_eq!(cluster.ids(node, 7), [61]);
}

#[test]
fn whatever_is_between_two_sweeps_is_read_in_pages_and_told_once() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.cut(1, true);
    // As many as the rate lets through, over a while in which the other node does nothing.
    for n in 0..450 {
        cluster.now += Duration::from_millis(100);
        let (now, wall) = (cluster.now, cluster.wall(0));
        let message = json!({"type": "message", "content": n.to_string()}).to_string();
        cluster.nodes[0].rooms.handle_message(now, wall, 0, &Message::text(message));
        cluster.drain(0);
    }
    cluster.pass(1_100);
    assert_eq!(cluster.ids(1, 1), (1..=450).collect::<Vec<_>>());
    assert_eq!((cluster.stats(1).settled, cluster.stats(1).swept), (450, 450));
}

#[test]
fn what_says_settled_is_true_whatever_order_messages_come_in() {
    let mut cluster = Cluster::with_one_each(3);
    cluster.message(0, "a");
    cluster.pass(11_000);
    cluster.forget();
    // The second is lost to the last node, the third is not.
    cluster.loses = true;
    cluster.message(0, "b");
    cluster.loses = false;
    cluster.message(1, "c");
    let heard = cluster.heard(2, 2);
    assert_eq!((&heard[0]["id"], &heard[0]["settled"]), (&json!(3), &json!(1)));
    cluster.pass(15_000);
    assert_eq!(cluster.ids(2, 2), [2]);
    cluster.message(1, "d");
    assert_eq!(cluster.heard(2, 2)[0]["settled"], 3);
}

#[test]
fn a_message_of_which_nobody_knows_whether_it_is_stored_is_never_said_not_to_be() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.is_away = true;
    cluster.message(0, "a");
    cluster.pass(15_000);
    assert_eq!(cluster.types(0, 0), [] as [&str; 0]);
    cluster.is_away = false;
    cluster.pass(1_000);
    assert_eq!((cluster.ids(0, 0), cluster.ids(1, 1)), (vec![1], vec![1]));
}

#[test]
fn a_store_that_refuses_to_be_swept_is_asked_again_after_a_while() {
    let mut rooms =
        Rooms::<u32>::among_nodes(Instant::ORIGIN, Limits::default(), Entropy::from_seed([1; 32]));
    let (mut memory, mut asks) = (Memory::new(10), 0);
    for second in 0..20 {
        let (now, wall) = (Instant::ORIGIN + Duration::from_secs(second), Wall::default());
        rooms.handle_timeout(now, wall);
        while let Some(action) = rooms.poll_action() {
            if let Action::Ask(ask) = action {
                asks += 1;
                assert!(asks < 40, "without a pause");
                let answer =
                    if second < 10 { Err(Failure::Refused("no".into())) } else { Ok(memory.carry_out(&ask)) };
                rooms.handle_answer(now, wall, answer);
            }
        }
        let sweeps = rooms.stats().nodes.map(|nodes| nodes.sweeps);
        assert_eq!(sweeps > Some(0), second >= 10, "after {second} s");
    }
    assert!(asks >= 10, "{asks}");
}

#[test]
fn what_is_said_as_a_room_gets_its_first_member_is_found_within_a_second_or_so() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.say(0, 0, json!({"type": "join", "roomId": "b"}));
    let subjects = cluster.nodes[1].subjects.clone();
    cluster.say(1, 1, json!({"type": "join", "roomId": "b"}));
    cluster.forget();
    // The server of the mesh does not know yet that it listens.
    let subjects = std::mem::replace(&mut cluster.nodes[1].subjects, subjects);
    cluster.say(0, 0, json!({"type": "message", "roomId": "b", "content": "a"}));
    cluster.nodes[1].subjects = subjects;
    assert_eq!(cluster.ids(1, 1), [] as [u64; 0]);
    cluster.pass(1_100);
    assert_eq!(cluster.ids(1, 1), [1]);
}

#[test]
fn a_database_that_is_set_back_mutes_nobody() {
    let mut cluster = Cluster::with_one_each(2);
    for n in 0..5 {
        cluster.message(0, &n.to_string());
    }
    cluster.pass(11_000);
    cluster.forget();
    cluster.memory = Memory::new(100_000);
    cluster.message(0, "a");
    assert_eq!(cluster.ids(0, 0), [1]);
    cluster.pass(11_000);
    assert_eq!(cluster.stats(1).settled, 1);
    cluster.message(0, "b");
    assert_eq!((cluster.ids(0, 0), cluster.ids(1, 1)), (vec![2], vec![2]));
}
