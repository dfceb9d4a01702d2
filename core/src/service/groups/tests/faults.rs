//! What must not happen.

use super::*;

#[test]
fn the_group_is_created_by_its_first_member() {
    let mut hall = Hall::new(Config::default(), 2);
    assert_eq!(hall.groups().groups().count(), 0);
    assert_eq!(hall.join(0, "news"), Ok(true));
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("news", 1)]);
    assert_eq!(hall.say(&["news"], None, "a").sent, 1);
    assert_eq!(hall.lines(0), ["a"]);
    assert_eq!(hall.lines(1), [""; 0]);
}

#[test]
fn empty_groups_do_not_stay() {
    let mut hall = Hall::new(Config { max_groups: 2, ..Config::default() }, 3);
    // However its last member goes, the next group finds room.
    for round in 0..100 {
        let name = std::format!("group {round}");
        assert_eq!(hall.join(0, &name), Ok(true));
        assert_eq!(hall.join(1, "lasting"), Ok(round == 0));
        assert!(hall.leave(0, &name));
        assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("lasting", 1)]);
    }
    hall.join(2, "fleeting").unwrap();
    hall.vanish(2);
    hall.vanish(1);
    assert_eq!(hall.groups().groups().count(), 0);
    assert_eq!((hall.groups().stats().groups, hall.groups().stats().subscriptions), (0, 0));
}

#[test]
fn broadcast_to_all_does_not_deliver_twice_to_a_member_of_two_groups() {
    let mut hall = Hall::new(Config::default(), 4);
    for (member, group) in [(0, "news"), (0, "sports"), (1, "news"), (2, "sports")] {
        hall.join(member, group).unwrap();
    }
    assert_eq!(hall.say_to(To::Members, None, "members").total(), 3);
    assert_eq!(hall.say_to(To::Everyone, None, "everyone").total(), 4);
    assert_eq!(hall.say(&["news", "sports", "news"], None, "both").total(), 3);
    assert_eq!(hall.lines(0), ["members", "everyone", "both"]);
    assert_eq!(hall.lines(3), ["everyone"]);
}

#[test]
fn a_disconnect_leaves_every_group() {
    let mut hall = Hall::new(Config::default(), 2);
    for group in ["b", "a", "c"] {
        hall.join(0, group).unwrap();
        hall.join(1, group).unwrap();
    }
    let left = hall.vanish(0);
    assert_eq!(left.groups.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), [("a", 1), ("b", 1), ("c", 1)]);
    assert_eq!(hall.say(&["a"], None, "x").total(), 1);
    assert_eq!(hall.join(0, "a"), Err(SubscribeError::NotOpen), "an end that was told is an end");
    assert_eq!(hall.groups().stats().refused, 1);
}

#[test]
fn a_slow_member_does_not_stall_the_broadcast() {
    for slow in [
        SlowPolicy::DropNewest,
        SlowPolicy::DropOldest,
        SlowPolicy::Disconnect,
        SlowPolicy::Wait(Duration::from_secs(1)),
    ] {
        let mut hall = Hall::new(config(slow), 3);
        for member in 0..3 {
            hall.join(member, "g").unwrap();
        }
        let said: Vec<String> = (0..100).map(|i| std::format!("message {i}")).collect();
        for text in &said {
            hall.say(&["g"], None, text);
            while hall.read(0, 1000) | hall.read(2, 1000) {}
        }
        assert_eq!(hall.lines(0), said, "{slow:?}");
        assert_eq!(hall.lines(2), said, "{slow:?}");
        assert!(hall.groups().stats().behind_bytes <= 100);
    }
}
