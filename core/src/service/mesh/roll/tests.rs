use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;

#[derive(Default)]
struct Known {
    config: Config,
    roll: Roll,
    now: Instant,
    refused: u64,
}

impl Known {
    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut Self, &mut Room, &mut dyn FnMut(Change)) -> R,
    ) -> (R, Vec<String>) {
        let mut told = Vec::new();
        let mut room = Room { members: self.config.max_remote_members - self.roll.len(), ..Room::default() };
        let result = act(self, &mut room, &mut |change| {
            told.push(match change {
                Change::Found(name, about) => format!("={name} {}", about.len()),
                Change::Entered(name, about) => format!("+{name} {}", about.len()),
                Change::Changed(name, about) => format!("~{name} {}", about.len()),
                Change::Left(name) => format!("-{name}"),
            });
        });
        assert!(self.roll.len() <= self.config.max_remote_members, "it is kept count of");
        self.refused += room.refused + room.too_big;
        (result, told)
    }

    fn step(&mut self, before: u64, version: u64, member: &str, about: Option<&[u8]>) -> Vec<String> {
        let step = Step { last: 0, before, version, member, about };
        self.with(|known, room, mut told| known.roll.step(&known.config, &step, room, &mut told)).1
    }

    fn part(&mut self, version: u64, (part, parts): (u16, u16), members: &[&str]) -> (bool, Vec<String>) {
        let members = members.iter().map(|name| (*name, b"".as_slice())).collect();
        let part = Part { last: 0, version, part, parts, members };
        self.with(|known, room, mut told| known.roll.part(&known.config, &part, room, &mut told))
    }

    fn said(&mut self, version: u64, members: u32) -> (bool, Vec<String>) {
        self.with(|known, room, mut told| {
            known.roll.said(&known.config, known.now, (version, members), room.members, &mut told)
        })
    }

    fn said_nothing(&mut self, clock: u64) -> (bool, Vec<String>) {
        self.with(|known, _, mut told| known.roll.said_nothing(&known.config, known.now, clock, &mut told))
    }
}

#[test]
fn steps_that_follow_each_other_are_taken() {
    let mut known = Known::default();
    assert_eq!(known.step(0, 4, "ann", Some(b"")), ["+ann 0"]);
    assert_eq!(known.step(4, 9, "bob", Some(b"x")), ["+bob 1"]);
    assert_eq!(known.step(9, 10, "ann", Some(b"xy")), ["~ann 2"]);
    assert_eq!(known.step(4, 9, "bob", Some(b"x")), [""; 0], "it came twice");
    assert_eq!(known.step(10, 12, "bob", None), ["-bob"]);
    assert!(!known.roll.is_needed() && known.roll.len() == 1);
    assert_eq!(known.step(0, 20, "cat", Some(b"")), ["-ann", "+cat 0"], "it was empty in between");
}

#[test]
fn a_step_that_is_missed_makes_the_roll_needed_until_it_comes() {
    let mut known = Known::default();
    known.step(0, 4, "ann", Some(b""));
    assert_eq!(known.step(5, 6, "cat", Some(b"")), [""; 0]);
    assert!(known.roll.is_needed());
    assert_eq!(known.step(4, 5, "bob", Some(b"")), ["+bob 0"]);
    assert!(known.roll.is_needed(), "what came behind it was not taken");
    assert_eq!(known.part(5, (0, 1), &["ann"]), (false, vec![]), "an old one");
    assert_eq!(known.part(6, (0, 1), &["bob", "cat"]), (true, vec!["-ann".into(), "+cat 0".into()]));
    assert!(!known.roll.is_needed());
}

#[test]
fn parts_come_in_any_order_and_what_is_lost_comes_with_the_next() {
    let mut known = Known::default();
    known.said(7, 3);
    assert!(known.roll.is_needed());
    assert!(!known.part(7, (2, 3), &["cat"]).0 && !known.part(7, (0, 3), &["ann"]).0);
    assert!(!known.part(7, (0, 3), &["ann"]).0, "twice");
    assert_eq!((known.roll.len(), known.roll.members().count()), (2, 0));
    assert!(known.roll.is_needed());
    assert_eq!(known.part(7, (1, 3), &["bob"]).1, ["=ann 0", "=bob 0", "=cat 0"]);
    known.step(8, 9, "dan", None);
    assert!(!known.part(9, (0, 2), &["ann"]).0 && known.roll.len() == 3);
    assert!(!known.part(8, (1, 2), &["eve"]).0, "a part of an older one");
    assert_eq!(known.part(10, (0, 1), &["ann"]).1, ["-bob", "-cat"], "a newer one takes its place");
    assert_eq!(known.roll.len(), 1);
}

#[test]
fn the_beat_tells_what_is_needed_and_what_is_not() {
    let mut known = Known::default();
    assert_eq!(known.said(3, 0), (false, vec![]));
    assert!(!known.roll.is_needed(), "nobody is in it");
    known.said(5, 1);
    assert!(known.roll.is_needed());
    known.step(0, 5, "ann", Some(b""));
    assert!(!known.roll.is_needed());
    known.step(900, 1000, "bob", Some(b""));
    assert!(known.roll.is_needed(), "somebody says that there is more");
    known.said(5, 1);
    assert!(!known.roll.is_needed(), "and the node says that there is not");
    assert_eq!(known.said(8, 0), (false, vec!["-ann".into()]), "all have left");
    assert_eq!(known.step(0, 5, "ann", Some(b"")), [""; 0], "it came late");
}

#[test]
fn an_old_page_takes_nobody_away() {
    let mut known = Known::default();
    known.step(0, 5, "ann", Some(b""));
    assert_eq!(known.said_nothing(4), (false, vec![]));
    assert_eq!(known.said(4, 0), (false, vec![]));
    assert_eq!(known.said_nothing(5), (false, vec!["-ann".into()]));
    assert_eq!(known.step(0, 5, "ann", Some(b"")), [""; 0], "it came late");
    assert_eq!(known.step(0, 6, "ann", Some(b"")), ["+ann 0"]);
}

#[test]
fn a_roll_that_a_node_never_had_is_given_up() {
    let mut known = Known::default();
    assert!(known.part(1 << 50, (0, 1), &["eve"]).0, "somebody says so");
    for secs in [0, 2, 4] {
        known.now = Instant::ORIGIN + Duration::from_secs(secs);
        assert_eq!(known.said(5, 1), (false, vec![]));
    }
    known.now = Instant::ORIGIN + Duration::from_secs(6);
    assert!(known.said(5, 1).0 && known.roll.is_needed());
    assert_eq!(known.part(5, (0, 1), &["ann"]).1, ["-eve", "=ann 0"]);
    known.part(1 << 50, (0, 1), &["eve"]);
    known.said_nothing(9);
    known.now += Duration::from_secs(6);
    assert_eq!(known.said_nothing(9), (true, vec!["-eve".into()]));
}

#[test]
fn members_beyond_the_limits_are_not_known() {
    let mut known = Known::default();
    (known.config.max_members, known.config.max_about, known.config.max_remote_members) = (2, 3, 10);
    assert_eq!(known.part(5, (0, 1), &["ann", "bob", "cat"]).1, ["=ann 0", "=bob 0"]);
    assert_eq!(known.step(5, 6, "dan", Some(b"")), [""; 0]);
    assert_eq!(known.step(6, 7, "ann", Some(b"long")), ["-ann"], "nothing old is told about it");
    assert!(!known.roll.is_needed() && known.refused == 3);
    known.config.max_remote_members = 1;
    assert_eq!(known.step(7, 8, "eve", Some(b"")), [""; 0]);
    assert_eq!(known.refused, 4);
}

#[test]
fn a_roll_that_comes_anew_takes_its_own_place() {
    let mut known = Known::default();
    known.config.max_remote_members = 5;
    known.part(4, (0, 1), &["ann", "bob", "cat", "dan"]);
    known.said(5, 4);
    assert_eq!(known.part(5, (0, 2), &["ann", "bob"]), (false, vec![]));
    assert_eq!(known.part(5, (1, 2), &["cat", "dan", "eve"]), (true, vec!["+eve 0".into()]));
    let all_others =
        ["-ann", "-bob", "-cat", "-dan", "-eve", "+fay 0", "+gil 0", "+hal 0", "+ida 0", "+joe 0"];
    let told = known.part(6, (0, 1), &["fay", "gil", "hal", "ida", "joe"]).1;
    assert_eq!((told, known.refused), (all_others.map(String::from).to_vec(), 0));
}

#[test]
fn a_roll_for_which_there_is_no_room_takes_nobody_away_who_is_in_it() {
    let mut known = Known::default();
    known.config.max_remote_members = 3;
    known.part(4, (0, 1), &["kim", "leo", "max"]);
    known.said(5, 5);
    assert_eq!(known.part(5, (0, 3), &["ann", "bob"]), (false, vec![]));
    assert_eq!(known.part(5, (1, 3), &["cat", "kim"]), (false, vec![]));
    assert_eq!(known.part(5, (2, 3), &["max", "zoe"]), (true, vec!["-leo".into(), "+ann 0".into()]));
    assert_eq!(known.roll.members().map(|(name, _)| name).collect::<Vec<_>>(), ["ann", "kim", "max"]);
}

#[test]
fn a_part_that_a_node_never_told_does_not_keep_its_roll_out() {
    let mut known = Known::default();
    known.step(0, 5, "ann", Some(b""));
    known.part(1 << 50, (0, 2), &["eve"]);
    known.said(6, 2);
    assert!(known.roll.is_needed());
    assert_eq!(known.part(6, (0, 1), &["ann", "bob"]), (true, vec!["+bob 0".into()]));
}

#[test]
fn who_was_refused_is_known_once_there_is_room() {
    let mut known = Known::default();
    known.config.max_remote_members = 3;
    known.part(4, (0, 1), &["ann", "bob", "cat"]);
    known.step(4, 5, "dan", Some(b""));
    known.step(5, 6, "eve", Some(b""));
    known.said(6, 5);
    assert!(!known.roll.is_needed(), "there is no room");
    known.step(6, 7, "ann", None);
    known.said(7, 4);
    assert!(!known.roll.is_needed(), "not for all");
    known.step(7, 8, "bob", None);
    known.said(8, 3);
    assert!(known.roll.is_needed());
    assert_eq!(known.part(8, (0, 1), &["cat", "dan", "eve"]).1, ["+dan 0", "+eve 0"]);
    known.said(8, 3);
    known.step(8, 9, "fay", Some(&[0; 2_000]));
    known.said(9, 4);
    known.step(9, 10, "cat", None);
    known.said(10, 3);
    assert!(!known.roll.is_needed(), "she is too big, whatever room there is");
}

#[test]
fn parts_without_members_are_nobodys() {
    let mut known = Known::default();
    for part in 0..9 {
        assert!(!known.part(5, (part, 9), &[]).0);
    }
    assert!(known.roll.gathering.is_none());
    assert!(known.part(5, (0, 1), &[]).0);
}
