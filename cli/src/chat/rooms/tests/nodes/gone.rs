//! Who has gone from a node, and may be at another one.

use super::*;

/// User 7 of the first node, who goes on as 8 at the second while that is cut off, is called otherwise there, and goes.
fn one_who_came_and_went_while_cut_off() -> Cluster {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(0, 7);
    cluster.say(0, 7, json!({"type": "name", "name": "Ada"}));
    let token = cluster.welcome(0, 7)["token"].clone();
    cluster.pass(3_000);
    cluster.cut(1, true);
    cluster.open(1, 8);
    cluster.say(1, 8, json!({"type": "resume", "token": token, "after": 0}));
    cluster.say(1, 8, json!({"type": "name", "name": "Bea"}));
    cluster.say(1, 1, json!({"type": "name", "name": "Ada"}));
    cluster.pass(1_000);
    cluster.forget();
    cluster.close(1, 8);
    cluster.pass(20_000);
    cluster
}

#[test]
fn who_goes_while_the_mesh_is_away_is_not_where_it_was_before() {
    let mut cluster = one_who_came_and_went_while_cut_off();
    assert_eq!(cluster.types(1, 1), ["leave"]);
    assert_eq!(cluster.list(1, 1, "general").len(), 2);
    assert_eq!(&*cluster.nodes[1].rooms.users[&1].name, "Ada");
    // It has gone there, too, by the time that this can be heard.
    cluster.close(0, 7);
    cluster.cut(1, false);
    cluster.pass(12_000);
    assert_eq!(cluster.types(1, 1), [""; 0]);
}

#[test]
fn who_has_gone_and_is_still_elsewhere_when_the_mesh_is_back_is_found_there() {
    let mut cluster = one_who_came_and_went_while_cut_off();
    cluster.say(1, 1, json!({"type": "name", "name": "Eve"}));
    cluster.cut(1, false);
    cluster.pass(5_900);
    assert_eq!(cluster.list(1, 1, "general").len(), 2);
    cluster.forget();
    cluster.pass(1_000);
    let heard = cluster.heard(1, 1);
    assert_eq!(heard.iter().filter(|told| told["type"] == "user_list").count(), 1, "{heard:?}");
    assert!(heard.iter().all(|told| told["type"] != "join"), "{heard:?}");
    assert_eq!(cluster.list(1, 1, "general").len(), 3);
    assert_eq!(cluster.nodes[1].rooms.poll_timeout().filter(|at| *at <= cluster.now), None);
}
