//! Who is in a subject.

use super::*;

/// Nodes with a member each in the room, which know of each other.
fn some(count: usize, config: Config) -> Few {
    let mut few = Few::new(count, config);
    for mesh in 0..count {
        few.enter(mesh, &format!("m{mesh}"));
        few.run();
    }
    few.pass(Duration::from_secs(5));
    for mesh in 0..count {
        few.told(mesh);
        assert_eq!(few.members(mesh).len(), count - 1);
    }
    few.carried.clear();
    few
}

#[test]
fn who_enters_knows_who_is_there_within_a_moment() {
    let mut few = Few::new(3, Config::default());
    for member in ["ann", "abe", "amy"] {
        few.enter(0, member);
    }
    few.enter(1, "bob");
    few.run();
    few.enter(2, "cat");
    few.run();
    few.pass(Duration::from_millis(100));
    assert_eq!(few.members(2), ["abe", "amy", "ann", "bob"]);
    assert_eq!(few.members(1).len(), 4);
}

#[test]
fn who_was_there_before_is_found_and_who_comes_behind_that_enters() {
    let mut few = some(2, Config::default());
    let mut late = Mesh::new(few.now, Config::default(), entropy(2));
    late.handle_up(few.now);
    few.meshes.push(late);
    few.enter(2, "m2");
    few.run();
    few.pass(Duration::from_secs(1));
    let mut told = few.told(2);
    told.sort();
    assert_eq!(told, ["0=m0", "1=m1", "met 0", "met 1"]);
    assert_eq!(few.told(0), ["met 2", "2+m2"], "nobody was there before");
    few.enter(0, "new");
    few.run();
    // A change that is missed comes with a roll, and is one all the same.
    few.enter(1, "more");
    few.lose(|_, _| true);
    few.pass(Duration::from_secs(4));
    assert_eq!(few.told(2), ["0+new", "1+more"]);
}

#[test]
fn a_change_is_one_frame_and_the_same_again_is_none() {
    let mut few = some(2, Config::default());
    let now = few.now;
    for _ in 0..2 {
        few.meshes[0].enter(now, &room(), "m0", "away".into()).unwrap();
    }
    few.meshes[0].leave(now, &room(), "nobody");
    few.run();
    assert_eq!((few.told(1), few.carried.len()), (["0~m0"].map(String::from).to_vec(), 1));
}

#[test]
fn a_change_that_many_have_missed_is_asked_for_once_and_told_once() {
    let mut few = some(8, Config::default());
    few.enter(0, "new");
    few.lose(|_, _| true);
    few.carried.clear();
    few.pass(Duration::from_secs(4));
    for mesh in 1..8 {
        assert_eq!(few.told(mesh), ["0+new"]);
    }
    assert_eq!((few.count("ask"), few.count("roll")), (1, 1));
}

#[test]
fn a_roll_whose_parts_are_lost_comes_in_the_end() {
    let config = Config { max_part: 1, ..Config::default() };
    let mut few = some(2, config);
    for member in ["a", "b", "c", "d"] {
        few.enter(0, member);
    }
    few.lose(|_, _| true);
    // Of each roll only one part comes through, another each time.
    for part in 0..5 {
        let is_lost = |flying: &Flying, _| matches!(decode(&flying.bytes).unwrap().1, Frame::Roll(of) if of.part != part);
        few.pass_losing(Duration::from_millis(2500), is_lost);
    }
    assert_eq!(few.members(1), ["a", "b", "c", "d", "m0"]);
}

#[test]
fn a_roll_that_is_lost_is_asked_for_again_and_only_while_it_is_needed() {
    let mut few = some(2, Config::default());
    few.enter(0, "new");
    few.lose(|_, _| true);
    few.pass_losing(Duration::from_secs(5), |flying, _| flying.kind() == "roll");
    assert!(few.count("roll") >= 2 && few.members(1).len() == 1);
    few.pass(Duration::from_secs(2));
    assert_eq!(few.members(1).len(), 2);
    few.carried.clear();
    few.pass(Duration::from_secs(20));
    assert_eq!((few.count("ask"), few.count("roll")), (0, 0), "nobody needs it any more");
}

#[test]
fn however_many_ask_a_roll_is_told_once_in_a_second() {
    let mut few = some(2, Config::default());
    for _ in 0..50 {
        let ask = Frame::Ask(Vec::new()).encode(NodeId::from_bytes([200; 16]));
        let now = few.now;
        few.meshes[0].handle_delivered(now, room().as_str(), &ask);
        few.pass(Duration::from_millis(100));
    }
    assert!((5..=6).contains(&few.count("roll")), "{}", few.count("roll"));
}

#[test]
fn coming_back_tells_no_roll_that_nobody_lacks() {
    let mut few = some(3, Config::default());
    let now = few.now;
    few.meshes[0].handle_down(now);
    few.run();
    few.meshes[0].handle_up(now);
    few.run();
    few.pass(Duration::from_secs(3));
    assert_eq!((few.count("step"), few.count("roll"), few.count("ask")), (0, 0, 0));
}

#[test]
fn what_changed_while_it_was_down_is_known_after_it() {
    let mut few = some(3, Config::default());
    let now = few.now;
    few.meshes[0].handle_down(now);
    few.enter(0, "new");
    few.meshes[0].leave(now, &room(), "m0");
    few.enter(1, "other");
    let is_lost = |flying: &Flying, to: usize| (flying.from == 0) != (to == 0);
    few.lose(is_lost);
    assert_eq!(few.told(2), ["1+other"]);
    few.meshes[0].handle_up(now);
    few.run();
    few.pass(Duration::from_secs(3));
    assert_eq!(few.told(1), ["0-m0", "0+new"]);
    assert_eq!(few.members(0), ["m1", "m2", "other"], "and it knows what it has missed");
    assert!(few.count("roll") <= 2, "{}", few.count("roll"));
}

#[test]
fn a_goodbye_to_a_subject_that_is_lost_is_found_out() {
    let mut few = some(2, Config::default());
    let now = few.now;
    few.meshes[0].leave(now, &room(), "m0");
    few.lose(|_, _| true);
    few.pass(Duration::from_millis(2100));
    assert_eq!(few.told(1), ["0-m0"]);
}

#[test]
fn pages_tell_of_all_however_small_they_are() {
    let mut config = Config::default();
    (config.max_part, config.max_pages) = (1, 2);
    let mut few = Few::new(2, config);
    let now = few.now;
    let rooms: Vec<Subject> = (0..9).map(|i| Subject::group(&format!("r{i}")).unwrap()).collect();
    for subject in &rooms {
        for mesh in &mut few.meshes {
            mesh.enter(now, subject, "m", Bytes::new()).unwrap();
        }
    }
    few.lose(|_, _| true);
    few.pass(Duration::from_secs(2 * 5 + 2));
    for subject in &rooms {
        assert_eq!(few.meshes[1].members(subject).count(), 1, "{subject}");
    }
}

#[test]
fn what_was_to_be_asked_for_while_it_was_down_is_asked_for_at_once() {
    let mut config = Config::default();
    (config.max_part, config.max_pages) = (1, 1);
    let mut few = some(2, config);
    few.enter(0, "lost");
    few.lose(|_, _| true);
    few.enter(0, "new");
    few.run();
    let now = few.now;
    few.meshes[1].handle_down(now);
    few.pass(Duration::from_millis(200));
    let now = few.now;
    few.meshes[1].handle_up(now);
    // No page says anything of it.
    few.pass_losing(Duration::from_millis(200), |flying, _| flying.kind() == "page");
    assert_eq!(few.members(1), ["lost", "m0", "new"]);
}

#[test]
fn who_needs_many_rolls_asks_all_at_once() {
    let mut few = some(2, Config::default());
    let now = few.now;
    for node in 100..200 {
        let step = wire::Step { last: 0, before: 3, version: 4, member: "x", about: Some(&[]) };
        let step = Frame::Step(step).encode(NodeId::from_bytes([node; 16]));
        few.meshes.iter_mut().for_each(|mesh| mesh.handle_delivered(now, room().as_str(), &step));
    }
    few.pass(Duration::from_millis(200));
    assert_eq!(few.count("ask"), 1, "also for the other");
}
