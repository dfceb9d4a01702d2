use super::*;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

struct Heard {
    config: Config,
    stream: Stream,
    now: Instant,
}

impl Heard {
    fn new() -> Self {
        let mut config = Config::default();
        (config.max_early, config.max_leap) = (3, 100);
        Self { config, stream: Stream::new(), now: Instant::ORIGIN }
    }

    fn take(&mut self, sequence: u64) -> (Taken, Vec<Told>) {
        let mut told = Vec::new();
        let message = (sequence, Bytes::from_static(b"abc"));
        let taken = self.stream.take(&self.config, self.now, message, 7, &mut |what| told.push(what));
        (taken, told)
    }

    fn said(&mut self, last: u64) -> (bool, Vec<Told>) {
        let mut told = Vec::new();
        let is_disproved = self.stream.said(&self.config, self.now, last, &mut |what| told.push(what));
        (is_disproved, told)
    }

    fn pass(&mut self, millis: u64) -> Vec<Told> {
        self.now += Duration::from_millis(millis);
        let mut told = Vec::new();
        self.stream.give_up(&self.config, self.now, &mut |what| told.push(what));
        told
    }
}

fn deliver(sequence: u64) -> Told {
    Told::Deliver(sequence, Bytes::from_static(b"abc"))
}

#[test]
fn the_first_of_all_is_told_at_once_and_none_twice() {
    let mut heard = Heard::new();
    assert_eq!(heard.take(1), (Taken::Told, vec![deliver(1)]));
    assert_eq!(heard.take(1), (Taken::Duplicate, vec![]));
    assert_eq!(heard.take(2), (Taken::Told, vec![deliver(2)]));
}

#[test]
fn an_early_one_waits_and_then_the_gap_is_told() {
    let mut heard = Heard::new();
    heard.said(1);
    assert_eq!(heard.take(3), (Taken::Early, vec![]));
    assert_eq!(heard.stream.deadline(&heard.config), Some(heard.now + heard.config.patience));
    assert_eq!(heard.take(3), (Taken::Duplicate, vec![]));
    assert_eq!(heard.take(2), (Taken::Told, vec![deliver(2), deliver(3)]));
    assert_eq!(heard.stream.deadline(&heard.config), None);
    heard.take(5);
    assert_eq!(heard.pass(30), []);
    heard.take(7);
    assert_eq!(heard.pass(20), [Told::Gap(4, 4), deliver(5)], "what came later waits yet");
    assert_eq!(heard.take(4), (Taken::Duplicate, vec![]), "it was given up");
    assert_eq!(heard.pass(30), [Told::Gap(6, 6), deliver(7)]);
}

#[test]
fn the_first_that_is_heard_may_have_come_too_early() {
    let mut heard = Heard::new();
    assert_eq!(heard.take(8), (Taken::Early, vec![]));
    assert_eq!(heard.take(7), (Taken::Early, vec![]));
    assert_eq!(heard.pass(50), [deliver(7), deliver(8)], "nothing is told of what was before");
    let mut heard = Heard::new();
    heard.take(8);
    assert_eq!(heard.said(8), (false, vec![deliver(8)]), "a node says where it is");
    let mut heard = Heard::new();
    heard.take(8);
    assert_eq!((heard.said(6).1, heard.pass(50)), (vec![], vec![Told::Gap(7, 7), deliver(8)]));
}

#[test]
fn the_loss_of_the_last_is_found_and_told_once() {
    let mut heard = Heard::new();
    heard.take(1);
    heard.said(4);
    assert_eq!(heard.pass(49), []);
    heard.said(6);
    assert_eq!(heard.pass(1), [Told::Gap(2, 4)], "the fifth may be on its way yet");
    assert_eq!(heard.pass(49), [Told::Gap(5, 6)]);
    heard.said(6);
    assert_eq!(heard.pass(1000), []);
}

#[test]
fn where_too_many_wait_the_oldest_gap_is_given_up() {
    let mut heard = Heard::new();
    let mut take = |sequence| {
        let mut told = Vec::new();
        let message = (sequence, Bytes::from_static(b"abc"));
        let taken = heard.stream.take(&heard.config, heard.now, message, 1000, &mut |what| told.push(what));
        (taken, told)
    };
    take(1);
    for sequence in [3, 5, 7] {
        assert_eq!(take(sequence).0, Taken::Early);
    }
    assert_eq!(take(9), (Taken::Hurried, vec![Told::Gap(2, 2), deliver(3)]));
    assert_eq!(heard.stream.early(), (3, 9));
}

#[test]
fn where_too_many_bytes_wait_none_does() {
    let mut heard = Heard::new();
    heard.take(1);
    let mut told = Vec::new();
    let big = (5, Bytes::from_static(b"0123456789"));
    let taken = heard.stream.take(&heard.config, heard.now, big.clone(), 9, &mut |what| told.push(what));
    assert_eq!((taken, told), (Taken::Hurried, vec![Told::Gap(2, 4), Told::Deliver(5, big.1)]));
    assert_eq!(heard.stream.early(), (0, 0));
}

#[test]
fn where_too_many_wait_the_bytes_of_the_last_are_too_many() {
    let mut heard = Heard::new();
    heard.take(1);
    for sequence in [3, 5, 7] {
        assert_eq!(heard.take(sequence).0, Taken::Early);
    }
    let mut told = Vec::new();
    let big = (9, Bytes::from_static(b"0123456789"));
    let taken = heard.stream.take(&heard.config, heard.now, big, 9, &mut |what| told.push(what));
    assert_eq!((taken, told.len(), heard.stream.early()), (Taken::Hurried, 8, (0, 0)));
}

#[test]
fn a_leap_is_not_believed_but_of_the_node_itself() {
    let mut heard = Heard::new();
    heard.take(1);
    assert_eq!(heard.take(102), (Taken::Leap, vec![]));
    assert_eq!(heard.take(2).0, Taken::Told, "nothing has changed");
    heard.said(1_000_000);
    assert_eq!(heard.pass(50), [Told::Gap(3, 1_000_000)]);
    assert_eq!(heard.take(1_000_001).0, Taken::Told);
}

#[test]
fn a_node_in_whose_name_a_great_number_was_said_is_heard_again() {
    let mut heard = Heard::new();
    heard.take(1);
    heard.said(1 << 50);
    heard.pass(50);
    assert_eq!(heard.take(2).0, Taken::Duplicate, "it is silenced");
    for last in [2, 3, 4] {
        assert_eq!(heard.said(last), (false, vec![]));
        heard.pass(2000);
    }
    assert!(heard.said(5).0);
    assert_eq!(heard.take(6), (Taken::Told, vec![deliver(6)]));
}

#[test]
fn a_goodbye_tells_all_gaps() {
    let mut heard = Heard::new();
    heard.take(1);
    heard.take(3);
    heard.said(4);
    heard.said(6);
    let mut told = Vec::new();
    heard.stream.give_up_all(&mut |what| told.push(what));
    assert_eq!(told, [Told::Gap(2, 2), deliver(3), Told::Gap(4, 6)]);
}
