//! What is heard.

use super::*;

fn actions(mesh: &mut Mesh) -> Vec<String> {
    let mut done = Vec::new();
    while let Some(action) = mesh.poll_action() {
        match action {
            Action::Subscribe(subject) => done.push(format!("+{subject}")),
            Action::Unsubscribe(subject) => done.push(format!("-{subject}")),
            Action::Publish { subject, bytes, .. } if !subject.is_nodes() => {
                done.push(Flying { from: 0, subject, bytes }.kind().into());
            }
            Action::Publish { .. } => {}
        }
    }
    done
}

#[test]
fn a_subject_is_heard_from_its_first_member_to_its_last() {
    let now = Instant::ORIGIN;
    let mut mesh = Mesh::new(now, Config::default(), entropy(0));
    assert_eq!(actions(&mut mesh), ["+all", "+nodes"]);
    mesh.enter(now, &room(), "ann", Bytes::new()).unwrap();
    assert_eq!(actions(&mut mesh), ["+group.room"], "though it is down");
    mesh.enter(now, &room(), "bob", Bytes::new()).unwrap();
    mesh.leave(now, &room(), "ann");
    assert_eq!(actions(&mut mesh), [""; 0]);
    mesh.leave(now, &room(), "bob");
    assert_eq!(actions(&mut mesh), ["-group.room"]);
    mesh.enter(now, &room(), "ann", Bytes::new()).unwrap();
    mesh.leave(now, &room(), "ann");
    assert_eq!(actions(&mut mesh), [""; 0], "nobody has noticed");
    mesh.enter(now, &Subject::all(), "ann", Bytes::new()).unwrap();
    mesh.leave(now, &Subject::all(), "ann");
    assert_eq!(actions(&mut mesh), [""; 0], "it is heard anyway");
}

#[test]
fn who_hears_a_subject_asks_who_is_in_it_behind_the_subscription() {
    let now = Instant::ORIGIN;
    let mut mesh = Mesh::new(now, Config::default(), entropy(0));
    mesh.handle_up(now);
    actions(&mut mesh);
    mesh.enter(now, &room(), "ann", Bytes::new()).unwrap();
    assert_eq!(actions(&mut mesh), ["+group.room", "step", "ask"]);
    let mut mesh = Mesh::new(now, Config::default(), entropy(0));
    mesh.enter(now, &room(), "ann", Bytes::new()).unwrap();
    mesh.handle_up(now);
    assert_eq!(actions(&mut mesh), ["+all", "+group.room", "+nodes", "ask"]);
}

#[test]
fn what_is_no_member_does_not_enter() {
    let now = Instant::ORIGIN;
    let mut config = Config::default();
    (config.max_name, config.max_about, config.max_members) = (3, 2, 1);
    let mut mesh = Mesh::new(now, config, entropy(0));
    let mut enter =
        |subject: &Subject, member, about: &'static str| mesh.enter(now, subject, member, about.into());
    assert_eq!(enter(&Subject::nodes(), "a", ""), Err(EnterError::Reserved));
    assert_eq!(enter(&room(), "", ""), Err(EnterError::BadName { limit: 3 }));
    assert_eq!(enter(&room(), "long", ""), Err(EnterError::BadName { limit: 3 }));
    assert_eq!(enter(&room(), "a", "xyz"), Err(EnterError::AboutTooBig { limit: 2 }));
    assert_eq!((enter(&room(), "a", "x"), enter(&room(), "a", "y")), (Ok(()), Ok(())));
    assert_eq!(enter(&room(), "b", ""), Err(EnterError::TooManyMembers { limit: 1 }));
    assert_eq!(mesh.publish(now, &Subject::nodes(), Bytes::new()), Err(PublishError::Reserved));
    assert_eq!(mesh.stats().subjects, 1);
}

#[test]
fn an_empty_subject_makes_room_and_a_used_number_is_not_used_again() {
    let now = Instant::ORIGIN;
    let config = Config { max_subjects: 1, ..Config::default() };
    let mut mesh = Mesh::new(now, config, entropy(0));
    let other = Subject::group("other").unwrap();
    for _ in 0..3 {
        mesh.enter(now, &room(), "ann", Bytes::new()).unwrap();
        assert_eq!(mesh.enter(now, &other, "a", Bytes::new()), Err(EnterError::TooManySubjects { limit: 1 }));
        assert_eq!(mesh.publish(now, &other, Bytes::new()), Err(PublishError::TooManySubjects { limit: 1 }));
        mesh.publish(now, &room(), Bytes::new()).unwrap();
        mesh.leave(now, &room(), "ann");
        mesh.enter(now, &other, "a", Bytes::new()).unwrap();
        mesh.leave(now, &other, "a");
    }
    assert_eq!(mesh.publish(now, &room(), Bytes::new()), Ok(4));
    assert!(mesh.stats().subjects == 1 && mesh.stats().subjects_forgotten >= 3);
    mesh.publish(now, &Subject::all(), Bytes::new()).unwrap();
    mesh.handle_timeout(now + Duration::from_secs(700));
    assert_eq!(mesh.stats().subjects, 0, "nobody was in it for long");
}

#[test]
fn what_is_heard_no_more_is_forgotten_and_heard_anew() {
    let mut few = Few::new(2, Config::default());
    few.enter(0, "ann");
    few.enter(1, "bob");
    few.run();
    few.publish(0, "a");
    few.run();
    let now = few.now;
    few.meshes[1].leave(now, &room(), "bob");
    few.run();
    few.told(1);
    assert_eq!((few.members(1).len(), few.meshes[1].stats().remote_members), (0, 0));
    few.publish(0, "b");
    few.run();
    few.enter(1, "bob");
    few.run();
    few.pass(Duration::from_millis(200));
    few.publish(0, "c");
    few.run();
    assert_eq!(few.told(1), ["0=ann", "0:3 c"], "what was between is not missed");
}
