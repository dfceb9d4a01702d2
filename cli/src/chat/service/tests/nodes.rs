//! One of several nodes on a hub.

use super::*;
use std::sync::Mutex;
use wharf::service::mesh::{Action as MeshAction, Mesh, Subject};

#[test]
fn the_mesh_is_carried_and_heard_and_told_at_the_end_that_all_leave() {
    let carried = Arc::<Mutex<Vec<MeshAction>>>::default();
    let (carry, at_the_end) = (carried.clone(), carried.clone());
    let entropy = Entropy::from_seed([7; 32]);
    let carry = move |action| carry.lock().unwrap().push(action);
    let chat = ChatService::among_nodes(Access::default(), Limits::default(), entropy, carry);
    let chat =
        chat.on_drained(move || at_the_end.lock().unwrap().push(MeshAction::Unsubscribe(Subject::all())));
    let config = ChatService::config(None).into();
    let hub = Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, Entropy::from_seed([8; 32]));
    let mut site = Site { hub, memory: Memory::new(9), ..Site::new() };
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
    for _ in 0..10 {
        while let Some(action) = other.poll_action() {
            if let MeshAction::Publish { subject, bytes, .. } = action {
                let came = Notice::Delivered { subject: subject.as_str().into(), bytes };
                site.hub.command(site.now, ChatCommand::Mesh(came));
            }
        }
        site.pass(100);
        for action in std::mem::take(&mut *carried.lock().unwrap()) {
            if let MeshAction::Publish { subject, bytes, .. } = action {
                other.handle_delivered(site.now, subject.as_str(), &bytes);
            }
        }
        other.handle_timeout(site.now);
    }
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
