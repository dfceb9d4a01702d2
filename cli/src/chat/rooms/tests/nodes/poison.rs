//! What comes by the mesh and is not what nodes say.

use super::*;

/// A node that says what it likes.
struct Forger {
    mesh: Mesh,
    subject: Subject,
}

impl Forger {
    fn new(cluster: &Cluster) -> Self {
        let mut mesh = Mesh::new(cluster.now, Default::default(), Entropy::from_seed([200; 32]));
        mesh.handle_up(cluster.now);
        let subject = |subject: &&Subject| subject.token().is_some();
        let subject = cluster.nodes[0].subjects.iter().find(subject).expect("that of general").clone();
        Self { mesh, subject }
    }

    fn say(&mut self, cluster: &mut Cluster, payload: &str) {
        self.mesh.publish(cluster.now, &self.subject, payload.to_owned().into()).unwrap();
        self.send(cluster);
    }

    fn claim(&mut self, cluster: &mut Cluster, user: &str, about: &str) {
        self.mesh.enter(cluster.now, &Subject::all(), user, about.to_owned().into()).unwrap();
        self.send(cluster);
    }

    fn send(&mut self, cluster: &mut Cluster) {
        while let Some(action) = self.mesh.poll_action() {
            if let MeshAction::Publish { subject, bytes, .. } = action {
                cluster.on_the_way.push_back((usize::MAX, subject, bytes));
            }
        }
        cluster.settle();
    }
}

fn said(id: u64) -> String {
    json!({"is": "said", "id": id, "room": "general", "user": "u", "name": "U", "content": "x", "at": 5})
        .to_string()
}

#[test]
fn what_makes_no_sense_is_counted_and_nobody_hears_it() {
    let mut cluster = Cluster::with_one_each(1);
    let mut forger = Forger::new(&cluster);
    for bad in [
        "",
        "{}",
        "[1]",
        "\u{0}",
        &said(0),
        &said(1).replace("general", "other"),
        &said(1).replace("said", "sung"),
    ] {
        forger.say(&mut cluster, bad);
    }
    forger.claim(&mut cluster, "u", "{}");
    forger.claim(&mut cluster, "v", &json!({"epoch": 1, "name": "", "rooms": ["general"]}).to_string());
    let bytes = Bytes::from_static(b"garbage");
    for subject in ["all", "nodes", "group.x", "nowhere", ""] {
        cluster.notice(0, &Notice::Delivered { subject: subject.into(), bytes: bytes.clone() });
    }
    cluster.pass(200);
    assert_eq!(cluster.heard(0, 0), [] as [Value; 0]);
    let stats = cluster.stats(0);
    assert_eq!(stats.poisoned, 9);
    assert!(stats.mesh.malformed > 0, "{stats:?}");
}

#[test]
fn an_id_far_ahead_mutes_nobody() {
    let mut cluster = Cluster::with_one_each(2);
    let mut forger = Forger::new(&cluster);
    for id in [(1 << 53) - 1, 1 << 40, 1_000_000] {
        forger.say(&mut cluster, &said(id));
    }
    // One is near enough to be believed.
    assert_eq!((cluster.ids(0, 0), cluster.stats(0).deferred), (vec![1_000_000], 2));
    cluster.enter(0, 7);
    cluster.forget();
    cluster.message(1, "true");
    let heard = cluster.heard(0, 7);
    assert_eq!((heard.len(), &heard[0]["id"], &heard[0]["settled"]), (1, &json!(1), &json!(0)));
    assert_eq!(cluster.ids(0, 0), [1]);
    cluster.pass(12_000);
    assert_eq!(cluster.stats(0).settled, 1);
    cluster.message(1, "as well");
    assert_eq!((cluster.ids(0, 7), cluster.ids(0, 0)), (vec![2], vec![2]));
}

fn contents(heard: &[Value]) -> Vec<&str> {
    heard.iter().filter_map(|message| message["content"].as_str()).collect()
}

#[test]
fn an_id_that_is_given_next_mutes_nobody() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.enter(1, 7);
    cluster.forget();
    let mut forger = Forger::new(&cluster);
    forger.say(&mut cluster, &said(1));
    assert_eq!((contents(&cluster.heard(0, 0)), contents(&cluster.heard(1, 7))), (vec!["x"], vec!["x"]));
    cluster.forget();
    cluster.message(1, "true");
    assert_eq!(
        (contents(&cluster.heard(1, 1)), contents(&cluster.heard(1, 7))),
        (vec!["true"], vec!["true"])
    );
    // Which of the two is true only the database can tell.
    assert_eq!(cluster.heard(0, 0), [] as [Value; 0]);
    cluster.pass(1_100);
    assert_eq!(contents(&cluster.heard(0, 0)), ["true"]);
    assert!((0..2).all(|node| cluster.stats(node).poisoned == 1));
    cluster.pass(12_000);
    assert!((0..2).all(|node| cluster.heard(node, node as u32).is_empty()));
}

#[test]
fn what_the_database_does_not_have_is_forgotten() {
    let mut cluster = Cluster::with_one_each(1);
    let mut forger = Forger::new(&cluster);
    for times in 1..=2 {
        forger.say(&mut cluster, &said(1_000));
        forger.say(&mut cluster, &said(1_000));
        assert_eq!(cluster.ids(0, 0), [1_000]);
        cluster.pass(11_000);
        assert_eq!((cluster.stats(0).poisoned, cluster.stats(0).doubled), (times, times));
    }
}

#[test]
fn what_is_too_far_ahead_is_looked_for_once_a_second() {
    let mut cluster = Cluster::with_one_each(1);
    let mut forger = Forger::new(&cluster);
    let before = cluster.stats(0).sweeps;
    for _ in 0..60 {
        forger.say(&mut cluster, &said(1 << 40));
        cluster.pass(50);
    }
    assert!((1..=4).contains(&(cluster.stats(0).sweeps - before)));
}

/// Who has joined since the state that it is set back to hears all that is said then.
#[test]
fn a_database_that_is_set_back_mutes_nobody() {
    let mut cluster = Cluster::with_one_each(2);
    cluster.message(0, "a");
    let earlier = cluster.memory.clone();
    cluster.message(0, "b");
    cluster.message(0, "c");
    cluster.enter(1, 7);
    cluster.pass(11_000);
    cluster.memory = earlier;
    cluster.pass(11_000);
    cluster.forget();
    cluster.message(0, "d");
    cluster.pass(100);
    assert_eq!((cluster.ids(1, 1), cluster.ids(1, 7)), (vec![2], vec![2]));
}
