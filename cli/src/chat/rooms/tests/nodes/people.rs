//! Who is where, over all nodes.

use super::*;

fn id(cluster: &Cluster, node: usize, conn: u32) -> String {
    let rooms = &cluster.nodes[node].rooms;
    rooms.users[&conn].id.to_string()
}

fn name_of(cluster: &Cluster, node: usize, conn: u32) -> String {
    cluster.nodes[node].rooms.users[&conn].name.to_string()
}

#[test]
fn who_comes_and_goes_is_told_once_and_is_in_every_list() {
    let mut cluster = Cluster::with_one_each(3);
    cluster.enter(0, 7);
    let all: BTreeSet<String> = (0..3).map(|node| id(&cluster, node, node as u32)).collect();
    let new = id(&cluster, 0, 7);
    for node in 0..3 {
        let heard = cluster.heard(node, node as u32);
        assert_eq!((heard.len(), &heard[0]["type"], &heard[0]["userId"]), (1, &json!("join"), &json!(new)));
        let list = cluster.list(node, node as u32, "general");
        assert_eq!(
            list.into_iter().collect::<BTreeSet<_>>(),
            all.iter().cloned().chain([new.clone()]).collect()
        );
        assert_eq!(cluster.nodes[node].rooms.list().collect::<Vec<_>>(), [("general", 4)]);
    }
    cluster.close(0, 7);
    cluster.pass(12_000);
    for node in 0..3 {
        let heard = cluster.heard(node, node as u32);
        assert_eq!((heard.len(), &heard[0]["type"], &heard[0]["userId"]), (1, &json!("leave"), &json!(new)));
    }
}

#[test]
fn rooms_of_others_are_listed_and_their_members_told_to_who_joins() {
    let mut cluster = Cluster::of(2);
    cluster.open(0, 0);
    cluster.say(0, 0, json!({"type": "join", "roomId": "far"}));
    assert_eq!(cluster.nodes[1].rooms.list().collect::<Vec<_>>(), [("far", 1), ("general", 0)]);
    cluster.open(1, 1);
    cluster.say(1, 1, json!({"type": "join", "roomId": "far"}));
    cluster.pass(3_000);
    // They are in the list, and are not told to have come.
    assert_eq!(cluster.types(1, 1), ["welcome", "join", "user_list", "history"]);
    assert_eq!(cluster.list(1, 1, "far").len(), 2);
    cluster.say(0, 0, json!({"type": "leave", "roomId": "far"}));
    assert_eq!(cluster.types(1, 1), ["leave"]);
}

#[test]
fn the_people_of_a_node_that_vanishes_leave_within_six_seconds() {
    let mut cluster = Cluster::with_one_each(3);
    cluster.nodes.truncate(2);
    cluster.pass(6_300);
    assert_eq!(
        (cluster.types(0, 0), cluster.types(1, 1)),
        (vec!["leave".to_owned()], vec!["leave".to_owned()])
    );
    assert_eq!(cluster.list(0, 0, "general").len(), 2);
}

#[test]
fn who_leaves_in_order_has_left_at_once() {
    let mut cluster = Cluster::with_one_each(2);
    let now = cluster.now;
    cluster.nodes[0].rooms.leave_nodes(now);
    cluster.settle();
    assert_eq!(cluster.types(1, 1), ["leave"]);
}

#[test]
fn names_and_typing_go_over_nodes() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.say(0, 0, json!({"type": "name", "name": "Ada"}));
    cluster.say(0, 0, json!({"type": "typing", "roomId": "general"}));
    let heard = cluster.heard(1, 1);
    let user = id(&cluster, 0, 0);
    let name = json!({"type": "name", "userId": user, "name": "Ada"});
    assert_eq!(heard, [name, json!({"type": "typing", "roomId": "general", "userId": user, "name": "Ada"})]);
    cluster.say(1, 1, json!({"type": "name", "name": "ADA"}));
    assert_eq!(cluster.heard(1, 1)[0]["code"], "name_taken");
    cluster.say(0, 0, json!({"type": "name", "name": "Eda"}));
    cluster.forget();
    cluster.say(1, 1, json!({"type": "name", "name": "ADA"}));
    assert_eq!(cluster.types(0, 0), ["name"]);
}

/// Neither node knows of the other's, so both are called so until they do.
#[test]
fn of_two_who_take_a_name_at_once_the_lower_id_keeps_it() {
    for cut in [false, true] {
        let mut cluster = Cluster::with_one_each(2);
        if cut {
            cluster.cut(1, true);
        }
        let [zero, one] = [(0, 0), (1, 1)].map(|(node, conn)| id(&cluster, node, conn));
        for node in 0..2 {
            cluster.put(node, node as u32, &json!({"type": "name", "name": "Ada"}));
        }
        cluster.settle();
        if cut {
            assert_eq!((name_of(&cluster, 0, 0), name_of(&cluster, 1, 1)), ("Ada".into(), "Ada".into()));
            cluster.cut(1, false);
        }
        cluster.pass(5_000);
        let names = [name_of(&cluster, 0, 0), name_of(&cluster, 1, 1)];
        let loser = if zero < one { 1 } else { 0 };
        let id = [&zero, &one][loser];
        assert_eq!((&*names[1 - loser], &names[loser]), ("Ada", &format!("User_{}", &id[..8])));
        assert_eq!(cluster.stats(loser).renamed, 1);
        // Who was cut off may hear of the outcome alone.
        for node in (0..2).filter(|node| !cut || *node == loser) {
            let heard = cluster.heard(node, node as u32);
            let last = heard.iter().rev().find(|m| m["type"] == "name" && m["userId"] == **id);
            assert_eq!(last.expect("it is told")["name"], names[loser], "{node}: {heard:?}");
        }
    }
}

#[test]
fn a_user_who_goes_on_at_another_node_is_closed_at_the_first() {
    let mut cluster = Cluster::of(3);
    cluster.enter(0, 0);
    let token = cluster.welcome(0, 0)["token"].clone();
    for node in 1..3 {
        cluster.enter(node, node as u32);
    }
    cluster.pass(3_000);
    cluster.forget();
    for (turn, node) in [(10, 1), (11, 0), (12, 1)] {
        cluster.open(node, turn);
        cluster.say(node, turn, json!({"type": "resume", "token": token, "after": 0}));
        cluster.pass(3_000);
        assert_eq!(cluster.list(2, 2, "general").len(), 3);
    }
    assert_eq!(cluster.nodes[0].closed, [(0, 4001), (11, 4001)]);
    assert_eq!(cluster.nodes[1].closed, [(10, 4001)]);
}

#[test]
fn of_two_who_show_a_token_at_once_one_goes_on() {
    let mut cluster = Cluster::of(3);
    cluster.enter(2, 2);
    cluster.open(0, 0);
    cluster.say(0, 0, json!({"type": "join"}));
    let token = cluster.welcome(0, 0)["token"].clone();
    cluster.close(0, 0);
    cluster.pass(3_000);
    for node in 0..2 {
        cluster.open(node, 7);
    }
    for node in 0..2 {
        cluster.put(node, 7, &json!({"type": "resume", "token": token, "after": 0}));
    }
    cluster.settle();
    cluster.pass(3_000);
    let closed: Vec<_> = (0..2).flat_map(|node| cluster.nodes[node].closed.clone()).collect();
    assert_eq!(closed, [(7, 4001)]);
    assert_eq!(cluster.list(2, 2, "general").len(), 2);
}

/// Its first connection is still there, and knows nothing of what it did at the other node.
#[test]
fn who_comes_back_to_where_it_was_before_is_what_it_was_last() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(0, 5);
    let token = cluster.welcome(0, 5)["token"].clone();
    cluster.pass(3_000);
    cluster.cut(0, true);
    cluster.open(1, 6);
    cluster.say(1, 6, json!({"type": "resume", "token": token, "after": 0}));
    cluster.say(1, 6, json!({"type": "join", "roomId": "b"}));
    cluster.say(1, 6, json!({"type": "name", "name": "Bea"}));
    cluster.pass(3_000);
    cluster.message(1, "a");
    cluster.say(1, 1, json!({"type": "join", "roomId": "b"}));
    cluster.say(1, 1, json!({"type": "message", "roomId": "b", "content": "b"}));
    cluster.open(0, 7);
    cluster.say(0, 7, json!({"type": "resume", "token": token, "after": 0}));
    let welcome = cluster.welcome(0, 7);
    assert_eq!((&welcome["rooms"], &welcome["name"]), (&json!(["general", "b"]), &json!("Bea")));
    assert_eq!(cluster.ids(0, 7), [1, 2]);
    assert_eq!(cluster.nodes[0].closed, [(5, 4001)]);
}
