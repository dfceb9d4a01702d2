//! Messages, and gaps.

use super::*;

fn two() -> Few {
    let mut few = Few::new(2, Config::default());
    few.enter(0, "ann");
    few.enter(1, "bob");
    few.run();
    few.told(0);
    few.told(1);
    few
}

#[test]
fn a_message_is_told_to_the_others_and_not_to_its_own() {
    let mut few = two();
    assert_eq!((few.publish(0, "a"), few.publish(0, "b")), (1, 2));
    few.run();
    assert_eq!(few.told(1), ["0:1 a", "0:2 b"]);
    assert_eq!(few.told(0), [""; 0]);
    assert!(few.meshes[0].stats().own > 0, "the transport gave it back");
}

#[test]
fn who_has_no_member_may_publish_and_does_not_hear() {
    let mut few = Few::new(2, Config::default());
    few.enter(1, "bob");
    few.run();
    few.publish(0, "a");
    few.publish(1, "b");
    few.run();
    assert_eq!(few.told(1), ["0:1 a"]);
    assert_eq!(few.told(0), [""; 0]);
}

#[test]
fn all_is_heard_by_all() {
    let mut few = Few::new(2, Config::default());
    few.meshes[0].publish(few.now, &Subject::all(), "a".into()).unwrap();
    few.run();
    assert_eq!(few.told(1), ["0:1 a"]);
}

#[test]
fn the_loss_of_a_last_message_is_told_by_the_beat() {
    let mut few = two();
    few.publish(0, "a");
    few.lose(|_, _| true);
    few.pass(Duration::from_secs(3));
    assert_eq!(few.told(1), ["0:1..1"]);
    few.publish(0, "b");
    few.run();
    assert_eq!(few.told(1), ["0:2 b"]);
}

#[test]
fn a_gap_is_told_when_its_time_has_come() {
    let mut few = two();
    few.publish(0, "a");
    few.lose(|_, _| true);
    few.publish(0, "b");
    few.run();
    few.pass(Duration::from_millis(49));
    assert_eq!(few.told(1), [""; 0]);
    few.pass(Duration::from_millis(1));
    assert_eq!(few.told(1), ["0:1..1", "0:2 b"]);
}

#[test]
fn after_a_long_partition_the_gap_is_told_once() {
    let mut few = two();
    few.publish(0, "a");
    few.run();
    few.told(1);
    let mut lost = 0;
    for _ in 0..20 {
        few.publish(0, "x");
        few.pass_losing(Duration::from_secs(1), |_, _| true);
        lost += 1;
    }
    assert_eq!((few.told(1), lost), (["0-ann", "lost 0"].map(String::from).to_vec(), 20));
    few.pass(Duration::from_secs(10));
    assert_eq!(few.told(1), ["met 0", "0:2..21", "0=ann"]);
    few.publish(0, "b");
    few.run();
    few.pass(Duration::from_secs(10));
    assert_eq!(few.told(1), ["0:22 b"]);
}

#[test]
fn while_it_is_down_messages_wait_and_the_oldest_are_dropped() {
    let config = Config { max_outbox: 2, ..Config::default() };
    let mut few = Few::new(2, config);
    few.enter(0, "ann");
    few.enter(1, "bob");
    few.run();
    few.told(1);
    few.meshes[0].handle_down(few.now);
    for payload in ["a", "b", "c"] {
        few.publish(0, payload);
    }
    few.run();
    let stats = few.meshes[0].stats();
    assert_eq!((stats.outbox, stats.outbox_bytes, stats.outbox_dropped), (2, 2, 1));
    few.meshes[0].handle_up(few.now);
    few.run();
    few.pass(Duration::from_millis(50));
    assert_eq!(few.told(1), ["0:1..1", "0:2 b", "0:3 c"]);
}

#[test]
fn what_is_said_before_it_is_up_is_told_to_all_who_hear_it() {
    let mut few = two();
    let mut late = Mesh::new(few.now, Config::default(), entropy(2));
    late.enter(few.now, &room(), "cat", Bytes::new()).unwrap();
    few.meshes.push(late);
    few.publish(2, "a");
    few.publish(2, "b");
    let now = few.now;
    few.meshes[2].handle_up(now);
    few.run();
    few.pass(Duration::from_secs(5));
    assert_eq!(few.told(0), ["met 2", "2:1 a", "2:2 b", "2=cat"]);
}

#[test]
fn bytes_that_wait_are_bounded_too() {
    let mut config = Config::default();
    (config.max_outbox_bytes, config.max_payload) = (10, 8);
    let mut mesh = Mesh::new(Instant::ORIGIN, config, entropy(0));
    let mut publish = |payload: &'static str| mesh.publish(Instant::ORIGIN, &room(), payload.into());
    assert_eq!(publish("123456789"), Err(PublishError::TooBig { limit: 8 }));
    assert_eq!(
        (publish("12345678"), publish("123")),
        (Ok(1), Ok(2)),
        "no sequence is used up by what is refused"
    );
    let stats = mesh.stats();
    assert_eq!((stats.outbox, stats.outbox_bytes, stats.outbox_dropped), (1, 3, 1));
}

#[test]
fn who_comes_later_is_not_told_of_what_was_before() {
    let mut few = two();
    for _ in 0..5 {
        few.publish(0, "x");
    }
    few.run();
    let mut late = Mesh::new(few.now, Config::default(), entropy(2));
    late.handle_up(few.now);
    late.enter(few.now, &room(), "cat", Bytes::new()).unwrap();
    few.meshes.push(late);
    few.run();
    few.pass(Duration::from_secs(10));
    let mut told = few.told(2);
    told.sort();
    assert_eq!(told, ["0=ann", "1=bob", "met 0", "met 1"]);
    few.publish(0, "y");
    few.run();
    assert_eq!(few.told(2), ["0:6 y"]);
}

#[test]
fn a_subject_that_was_forgotten_begins_anew() {
    let config = Config { keep: Duration::from_secs(20), ..Config::default() };
    let mut few = Few::new(2, config);
    few.enter(0, "ann");
    few.enter(1, "bob");
    few.publish(0, "a");
    let (now, other) = (few.now, Subject::group("other").unwrap());
    for _ in 0..100 {
        few.meshes[0].publish(now, &other, Bytes::new()).unwrap();
    }
    few.meshes[0].leave(now, &room(), "ann");
    few.run();
    few.pass(Duration::from_secs(40));
    few.told(1);
    few.enter(0, "ann");
    few.publish(0, "b");
    few.run();
    few.pass(Duration::from_secs(1));
    assert_eq!(few.told(1), ["0+ann", "0:101 b"], "100 were for others");
}
