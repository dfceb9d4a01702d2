//! Names and typing.

use super::*;

fn name(site: &mut Site, conn: u32, name: &str) {
    site.say(conn, json!({"type": "name", "name": name}));
}

#[test]
fn a_new_name_is_told_once_to_each_who_shares_a_room_and_to_the_user() {
    let mut site = Site::of(4);
    for conn in [1, 2] {
        site.say(conn, json!({"type": "join", "roomId": "x"}));
    }
    site.say(4, json!({"type": "leave", "roomId": "general"}));
    site.heard.clear();
    name(&mut site, 1, " Ada\u{2003}");
    let heard = site.heard(1);
    let id = &heard[0]["userId"];
    assert_eq!(heard, [json!({"type": "name", "userId": id, "name": "Ada"})]);
    assert_eq!((site.heard(2), site.heard(3), site.heard(4)), (heard.clone(), heard, vec![]));
    site.say(1, json!({"type": "message", "content": "a"}));
    site.say(1, json!({"type": "user_list", "roomId": "general"}));
    let heard = site.heard(1);
    assert_eq!((&heard[0]["name"], &heard[1]["users"][0]), (&json!("Ada"), &json!("Ada")));
    site.heard.clear();
    name(&mut site, 1, "Ada");
    assert_eq!((site.types(1), site.types(2)), (vec!["name".into()], vec![]));
}

#[test]
fn two_who_are_connected_are_never_called_the_same() {
    let mut site = Site::of(2);
    name(&mut site, 1, "Zoë");
    site.heard.clear();
    for same in ["Zoë", "ZOË", "zoe\u{308}", "Ｚｏë"] {
        name(&mut site, 2, same);
        assert_eq!(site.code(2), "name_taken", "{same}");
    }
    name(&mut site, 1, "zoë");
    assert_eq!(site.types(1), ["name"]);
    site.heard.clear();
    name(&mut site, 1, "other");
    site.heard.clear();
    name(&mut site, 2, "Zoë");
    assert_eq!(site.types(2), ["name"]);
    site.heard.clear();
    site.close(2);
    name(&mut site, 1, "Zoë");
    assert_eq!(site.types(1), ["leave", "name"]);
}

#[test]
fn bad_names_are_refused() {
    let mut site = Site::of(1);
    for bad in [json!(""), json!("a\u{202e}b"), json!("a\nb"), json!("x".repeat(33)), json!(7), json!(null)] {
        site.say(1, json!({"type": "name", "name": bad}));
        assert_eq!(site.code(1), "bad_name", "{bad}");
    }
    site.say(1, json!({"type": "name"}));
    assert_eq!(site.code(1), "bad_name");
}

#[test]
fn typing_is_told_to_the_others_every_two_seconds_a_room_and_never_stored() {
    let mut site = Site::of(3);
    site.say(1, json!({"type": "join", "roomId": "x"}));
    site.say(2, json!({"type": "join", "roomId": "x"}));
    site.heard.clear();
    let typing = |site: &mut Site, room: &str| site.say(1, json!({"type": "typing", "roomId": room}));
    typing(&mut site, "general");
    let heard = site.heard(2);
    let (id, name) = (&heard[0]["userId"], &heard[0]["name"]);
    assert_eq!(heard, [json!({"type": "typing", "roomId": "general", "userId": id, "name": name})]);
    assert_eq!((site.heard(1), site.heard(3)), (vec![], heard));
    site.pass(1_999);
    typing(&mut site, "general");
    assert!(site.heard.is_empty());
    typing(&mut site, "x");
    assert_eq!(site.types(2), ["typing"]);
    site.pass(1);
    typing(&mut site, "general");
    assert_eq!(site.types(3), ["typing"]);
    assert_eq!(site.memory.entries().count(), 0);
}
