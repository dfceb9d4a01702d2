//! One of several nodes on a hub.

use super::*;
use std::sync::Mutex;
use wharf::service::mesh::{Action as MeshAction, Mesh, Subject};

type Carried = Arc<Mutex<Vec<MeshAction>>>;

/// One, and what its mesh wants done. That it is drained is told among it.
fn node() -> (Site, Carried) {
    node_within(Limits::default())
}

fn node_within(limits: Limits) -> (Site, Carried) {
    let carried = Carried::default();
    let (carry, at_the_end) = (carried.clone(), carried.clone());
    let entropy = Entropy::from_seed([7; 32]);
    let carry = move |action| carry.lock().unwrap().push(action);
    let chat = ChatService::among_nodes(Access::default(), limits, entropy, carry);
    let chat =
        chat.on_drained(move || at_the_end.lock().unwrap().push(MeshAction::Unsubscribe(Subject::all())));
    let config = ChatService::config(&limits, None).into();
    let hub = Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, Entropy::from_seed([8; 32]));
    (Site { hub, memory: Memory::new(9), ..Site::new() }, carried)
}

/// What another node publishes comes.
fn hand_on(site: &mut Site, other: &mut Mesh) {
    while let Some(action) = other.poll_action() {
        if let MeshAction::Publish { subject, bytes, .. } = action {
            let came = Notice::Delivered { subject: subject.as_str().into(), bytes };
            site.hub.command(site.now, ChatCommand::Mesh(came));
        }
    }
}

/// For a second.
fn talk(site: &mut Site, carried: &Carried, other: &mut Mesh) {
    for _ in 0..10 {
        hand_on(site, other);
        site.pass(100);
        for action in std::mem::take(&mut *carried.lock().unwrap()) {
            if let MeshAction::Publish { subject, bytes, .. } = action {
                other.handle_delivered(site.now, subject.as_str(), &bytes);
            }
        }
        other.handle_timeout(site.now);
    }
}

#[test]
fn the_mesh_is_carried_and_heard_and_told_at_the_end_that_all_leave() {
    let (mut site, carried) = node();
    site.come("/ws?join=no");
    site.say(0, &json!({"type": "join"}));
    site.forget();
    site.hub.command(site.now, ChatCommand::Mesh(Notice::Up));
    site.exchange();
    // Another node, which hears what was published, and says that somebody is there.
    let mut other = Mesh::new(site.now, Default::default(), Entropy::from_seed([9; 32]));
    other.handle_up(site.now);
    let about = r#"{"epoch":0,"name":"Ada","rooms":["general"]}"#;
    other.enter(site.now, &Subject::all(), "ada", about.into()).unwrap();
    talk(&mut site, &carried, &mut other);
    let heard = &site.people[0].heard;
    assert_eq!((heard.len(), &heard[0]["type"], &heard[0]["name"]), (1, &json!("join"), &json!("Ada")));
    assert!(site.get("GET /health HTTP/1.1|Host: a").ends_with(r#"{"status":"ok","mesh":"up"}"#));
    site.say(0, &json!({"type": "message", "content": "a"}));
    carried.lock().unwrap().clear();
    site.hub.command(site.now, ChatCommand::Drain);
    site.exchange();
    let carried = carried.lock().unwrap();
    let [.., MeshAction::Publish { subject, .. }, MeshAction::Unsubscribe(_)] = &carried[..] else {
        panic!("{carried:?}")
    };
    assert!(subject.is_nodes(), "the goodbye comes before the end is told: {carried:?}");
}

#[test]
fn the_other_nodes_are_told_of_the_end_also_while_the_database_is_away() {
    let (mut site, carried) = node();
    site.come("/ws?join=no");
    site.say(0, &json!({"type": "join"}));
    site.hub.command(site.now, ChatCommand::Mesh(Notice::Up));
    site.exchange();
    site.is_slow = true;
    site.say(0, &json!({"type": "message", "content": "a"}));
    carried.lock().unwrap().clear();
    site.hub.command(site.now, ChatCommand::Drain);
    site.exchange();
    assert_eq!(*carried.lock().unwrap(), [], "it waits for the database");
    for _ in 0..2 {
        site.hub.command(site.now, ChatCommand::Leave);
        site.exchange();
    }
    let told = std::mem::take(&mut *carried.lock().unwrap());
    let [.., MeshAction::Publish { subject, .. }] = &told[..] else { panic!("{told:?}") };
    assert!(subject.is_nodes(), "{told:?}");
    // Stored after that, it is told here, and by the database there.
    site.is_slow = false;
    site.forget();
    site.exchange();
    assert_eq!(site.types(0), ["message"]);
    assert_eq!(*carried.lock().unwrap(), [MeshAction::Unsubscribe(Subject::all())]);
}

/// As many as there may be, of the longest names.
#[test]
fn a_list_of_all_users_goes_to_one_connection_at_once() {
    let (mut site, _) = node();
    site.come("/ws?join=no");
    site.say(0, &json!({"type": "join"}));
    site.hub.command(site.now, ChatCommand::Mesh(Notice::Up));
    site.exchange();
    let limits = Limits::default();
    let mut config = mesh::Config::default();
    config.max_members = limits.max_users;
    let mut others: Vec<Mesh> =
        (0..2).map(|seed| Mesh::new(site.now, config, Entropy::from_seed([20 + seed; 32]))).collect();
    for (number, other) in others.iter_mut().enumerate() {
        other.handle_up(site.now);
        for user in 0..limits.max_users {
            let user = format!("{:064}", number * limits.max_users + user);
            let about = json!({"epoch": 1, "name": "\u{1f642}".repeat(32), "rooms": ["general"]}).to_string();
            other.enter(site.now, &Subject::all(), &user, about.into()).unwrap();
            hand_on(&mut site, other);
        }
        site.exchange();
        site.forget();
    }
    site.say(0, &json!({"type": "user_list", "roomId": "general"}));
    let heard = &site.people[0];
    assert_eq!((heard.closed, heard.heard.len()), (None, 1));
    assert_eq!(heard.heard[0]["members"].as_array().map(Vec::len), Some(limits.max_remote_users + 1));
}

/// More than there is room for at once, of rooms that all have the longest names, and for longer than one may have too much to take.
#[test]
fn lists_of_who_was_found_wait_until_the_one_before_is_taken() {
    let mut limits = Limits::default();
    (limits.max_users, limits.max_remote_users, limits.max_outbox) = (400, 400, 64 << 10);
    let (mut site, carried) = node_within(limits);
    site.come("/ws?join=no");
    let rooms: Vec<String> = (0..limits.rooms_per_user).map(|room| format!("r{room}")).collect();
    rooms.iter().for_each(|room| site.say(0, &json!({"type": "join", "roomId": room})));
    let mut config = mesh::Config::default();
    config.max_about = 8 << 10;
    let mut other = Mesh::new(site.now, config, Entropy::from_seed([20; 32]));
    for user in 0..limits.max_remote_users {
        let about = json!({"epoch": 1, "name": "\u{1f642}".repeat(32), "rooms": rooms}).to_string();
        other.enter(site.now, &Subject::all(), &format!("{user:064}"), about.into()).unwrap();
    }
    site.forget();
    site.people[0].stalled = true;
    other.handle_up(site.now);
    site.hub.command(site.now, ChatCommand::Mesh(Notice::Up));
    (0..4).for_each(|_| talk(&mut site, &carried, &mut other));
    other.leave(site.now, &Subject::all(), &format!("{:064}", 0));
    talk(&mut site, &carried, &mut other);
    site.people[0].stalled = false;
    site.exchange();
    let person = &site.people[0];
    assert_eq!(person.closed, None);
    let mut left = 0;
    for room in &rooms {
        let of_it: Vec<_> = person.heard.iter().filter(|told| told["roomId"] == **room).collect();
        left += usize::from(of_it.len() == 2 && of_it[1]["type"] == "leave");
        let listed = of_it[0]["members"].as_array().map_or(0, Vec::len);
        // Who has left meanwhile is not in a list that comes then.
        assert_eq!(listed + 2, limits.max_remote_users + 1 + of_it.len(), "{room}");
    }
    assert_eq!(left, 1, "one list was sent at once");
}
