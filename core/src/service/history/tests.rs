use super::*;
use crate::base::{Instant, Wall};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

mod laws;
mod shared;

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn draft(n: u64) -> Draft {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&n.to_le_bytes());
    Draft::new(Key(key), "general".into(), "u".into(), "U".into(), "x".into(), Wall::from_millis(n))
}

fn away() -> Result<Answer, Failure> {
    Err(Failure::Away("gone".into()))
}

/// A desk with its store, and what it asks for and tells.
struct Site {
    desk: Desk,
    memory: Memory,
    now: Instant,
    asked: Option<Ask>,
    told: Vec<(u64, &'static str)>,
}

impl Site {
    fn new(config: DeskConfig) -> Self {
        let (desk, memory) = (Desk::new(Instant::ORIGIN, config), Memory::new(1000));
        Self { desk, memory, now: Instant::ORIGIN, asked: None, told: Vec::new() }
    }

    fn push(&mut self, n: u64) {
        if self.desk.push(self.now, draft(n)).is_err() {
            self.told.push((n, "full"));
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.desk.poll_action() {
            let (draft, what) = match action {
                Action::Ask(ask) => {
                    assert!(self.asked.replace(ask).is_none(), "two at once");
                    continue;
                }
                Action::Stored(draft, _) => (draft, "stored"),
                Action::Unavailable(draft) => (draft, "unavailable"),
                Action::Refused(draft, _) => (draft, "refused"),
            };
            self.told.push((draft.at.as_millis(), what));
        }
    }

    fn answer(&mut self) {
        let ask = self.asked.take().expect("something is asked");
        let answer = self.memory.carry_out(&ask);
        self.desk.handle_answer(self.now, Ok(answer));
        self.drain();
    }

    fn fail(&mut self, failure: Failure) {
        self.asked.take().expect("something is asked");
        self.desk.handle_answer(self.now, Err(failure));
        self.drain();
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.desk.handle_timeout(self.now);
        self.drain();
    }

    fn drafts(&self) -> Vec<u64> {
        match &self.asked {
            Some(Ask::Write(batch)) => batch.drafts.iter().map(|draft| draft.at.as_millis()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_gathers_during_a_write_is_the_next_one() {
    let mut site = Site::new(DeskConfig::default());
    (1..=4).for_each(|n| site.push(n));
    assert_eq!(site.drafts(), [1]);
    site.answer();
    assert_eq!((site.drafts(), site.told.as_slice()), (vec![2, 3, 4], &[(1, "stored")][..]));
    site.answer();
    assert!(site.asked.is_none() && site.desk.is_settled());
    assert_eq!(site.memory.entries().map(|entry| entry.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_batch_has_an_end() {
    let mut site = Site::new(DeskConfig::default());
    (0..=MAX_BATCH as u64 + 1).for_each(|n| site.push(n));
    site.answer();
    assert_eq!(site.drafts().len(), MAX_BATCH);
    site.answer();
    assert_eq!(site.drafts(), [MAX_BATCH as u64 + 1]);
}

#[test]
fn a_write_that_fails_is_tried_again_and_stored_once() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    // It was carried out, and nobody heard of it.
    site.memory.carry_out(site.asked.as_ref().unwrap());
    site.fail(Failure::Away("reset".into()));
    assert!(site.desk.is_away() && site.asked.is_none());
    site.push(2);
    site.pass(499);
    assert!(site.asked.is_none());
    site.pass(1);
    assert_eq!(site.drafts(), [1]);
    site.answer();
    assert!(!site.desk.is_away());
    assert_eq!((site.drafts(), site.told.as_slice()), (vec![2], &[(1, "stored")][..]));
    site.answer();
    assert_eq!(site.memory.entries().count(), 2);
}

#[test]
fn drafts_wait_ten_seconds_and_are_handed_back() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    site.fail(Failure::Away("gone".into()));
    site.pass(400);
    site.push(2);
    while site.now < at(9_999) {
        site.pass(1);
        if site.asked.is_some() {
            site.fail(Failure::Away("gone".into()));
        }
    }
    assert!(site.told.is_empty());
    site.pass(1);
    assert_eq!(site.told, [(1, "unavailable")]);
    site.pass(400);
    assert_eq!(site.told, [(1, "unavailable"), (2, "unavailable")]);
    // The one that was asked for may be there, so it is withdrawn.
    while site.asked.is_none() {
        site.pass(1);
    }
    site.answer();
    assert!(site.desk.is_settled() && site.memory.entries().count() == 0);
}

#[test]
fn one_that_may_be_stored_is_withdrawn_before_another_with_its_reference() {
    let mut site = Site::new(DeskConfig::default());
    let with_reference = |n| Draft { reference: Some("r".into()), ..draft(n) };
    site.push(0);
    site.desk.push(site.now, with_reference(1)).unwrap();
    site.pass(2_000);
    site.desk.push(site.now, with_reference(2)).unwrap();
    site.answer();
    assert_eq!(site.drafts(), [1, 2]);
    site.memory.carry_out(site.asked.as_ref().unwrap());
    while site.now < at(11_000) {
        if site.asked.is_some() {
            site.fail(Failure::Away("gone".into()));
        }
        site.pass(500);
    }
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.withdraw == [draft(1).key]));
    site.answer();
    assert_eq!(site.told, [(0, "stored"), (1, "unavailable"), (2, "stored")]);
    let stored: Vec<u64> = site.memory.entries().map(|entry| entry.at.as_millis()).collect();
    assert_eq!(stored, [0, 2]);
}

#[test]
fn what_was_handed_back_and_is_stored_after_all_is_withdrawn_before_anything_is_read() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    site.pass(10_000);
    assert_eq!(site.told, [(1, "unavailable")]);
    assert!(site.desk.is_away(), "silent for so long");
    site.answer();
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.withdraw == [draft(1).key]));
    assert!(!site.desk.takes_reads());
    site.answer();
    assert!(site.desk.takes_reads());
    assert_eq!((site.memory.entries().count(), site.told.len()), (0, 1));
}

#[test]
fn one_whose_reference_was_withdrawn_is_stored_for_it() {
    let mut site = Site::new(DeskConfig::default());
    let with_reference = |n| Draft { reference: Some("r".into()), ..draft(n) };
    site.push(1);
    site.desk.push(site.now, with_reference(2)).unwrap();
    site.pass(5_000);
    site.desk.push(site.now, with_reference(3)).unwrap();
    site.answer();
    assert_eq!(site.drafts(), [2, 3]);
    site.pass(5_000);
    assert_eq!(site.told, [(1, "stored"), (2, "unavailable")]);
    site.answer();
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.withdraw == [draft(2).key]));
    site.answer();
    assert_eq!(site.told[2..], [(3, "stored")]);
    let stored: Vec<u64> = site.memory.entries().map(|entry| entry.at.as_millis()).collect();
    assert_eq!(stored, [1, 3]);
}

#[test]
fn five_hundred_wait_for_a_store_that_is_away() {
    let mut site = Site::new(DeskConfig::default());
    (0..=600).for_each(|n| site.push(n));
    assert!(site.told.is_empty());
    site.fail(Failure::Away("gone".into()));
    assert_eq!(site.told.len(), 100);
    assert_eq!(site.told[0], (501, "unavailable"));
    site.told.clear();
    site.push(601);
    assert_eq!(site.told, [(601, "full")]);
    assert_eq!(site.desk.stats().unavailable, 101);
}

#[test]
fn what_is_refused_is_handed_back_and_the_rest_goes_on() {
    let mut site = Site::new(DeskConfig::default());
    (1..=3).for_each(|n| site.push(n));
    site.fail(Failure::Refused("no".into()));
    assert!(!site.desk.is_away());
    site.answer();
    assert_eq!(site.told, [(1, "refused"), (2, "stored"), (3, "stored")]);
}

#[test]
fn an_answer_to_something_else_refuses_the_write() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    site.asked = None;
    site.desk.handle_answer(site.now, Ok(Answer::Written(vec![])));
    site.drain();
    assert_eq!(site.told, [(1, "refused")]);
    assert_eq!(site.desk.handle_answer(site.now, away()), None);
    assert!(!site.desk.is_away());
}

#[test]
fn reads_and_writes_take_turns() {
    let mut site = Site::new(DeskConfig::default());
    let read = || Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), 9));
    site.desk.read(site.now, read()).unwrap();
    site.push(1);
    assert!(site.desk.read(site.now, read()).is_err());
    let ask = site.asked.take().unwrap();
    let answer = site.memory.carry_out(&ask);
    assert_eq!(site.desk.handle_answer(site.now, Ok(answer.clone())), Some(Ok(answer)));
    assert!(!site.desk.takes_reads(), "it is a write's turn");
    site.drain();
    site.push(2);
    let ask = site.asked.take().unwrap();
    site.desk.handle_answer(site.now, Ok(site.memory.carry_out(&ask)));
    assert!(matches!(site.desk.poll_action(), Some(Action::Stored(..))));
    assert!(site.desk.takes_reads(), "it is a read's turn, though a draft waits");
    site.drain();
    assert_eq!(site.drafts(), [2]);
}

#[test]
fn some_reads_come_before_the_next_write() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    site.push(2);
    let ask = site.asked.take().unwrap();
    site.desk.handle_answer(site.now, Ok(site.memory.carry_out(&ask)));
    assert!(matches!(site.desk.poll_action(), Some(Action::Stored(..))));
    let mut reads = 0;
    while site.desk.takes_reads() {
        read(&mut site);
        reads += 1;
        assert!(reads < 100, "the draft waits for ever");
    }
    site.drain();
    assert_eq!((site.drafts(), reads), (vec![2], 8));
}

/// When many come back at once, each reads and then has a session stored. A write takes as long as many reads.
#[test]
fn sessions_wait_for_those_who_read_but_not_for_ever() {
    let mut site = Site::new(DeskConfig::default());
    let session =
        |n: u8| Session::new(TokenHash([n; 32]), "u".into(), "U".into(), vec![], Wall::from_millis(10));
    for n in 0..100 {
        site.now += Duration::from_millis(5);
        assert!(site.desk.takes_reads(), "it is a write's turn after {n}");
        read(&mut site);
        site.desk.keep(session(n));
    }
    // Nobody reads.
    site.drain();
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.sessions.len() == 100));
    site.answer();
    // All read.
    site.desk.keep(session(1));
    let begin = site.now;
    while site.desk.takes_reads() {
        site.now += Duration::from_millis(5);
        read(&mut site);
        assert!(site.now < begin + 2 * SECOND, "it waits for ever");
    }
    assert_eq!(site.now, begin + SECOND);
    site.drain();
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.sessions.len() == 1));
}

/// Reads something.
fn read(site: &mut Site) {
    let ask = Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), 9));
    site.desk.read(site.now, ask).unwrap();
    let Some(Action::Ask(ask)) = site.desk.poll_action() else { panic!("it asks for something else") };
    let answer = site.memory.carry_out(&ask);
    assert!(site.desk.handle_answer(site.now, Ok(answer)).is_some());
}

#[test]
fn nothing_is_read_while_a_write_is_in_doubt() {
    let mut site = Site::new(DeskConfig::default());
    site.push(1);
    site.fail(Failure::Away("gone".into()));
    assert!(!site.desk.takes_reads());
    site.now += SECOND;
    site.desk.handle_timeout(site.now);
    assert!(!site.desk.takes_reads());
    site.drain();
    site.answer();
    assert!(site.desk.takes_reads());
}

#[test]
fn a_store_that_comes_back_is_noticed_though_nobody_asks_for_anything() {
    let mut site = Site::new(DeskConfig::default());
    site.pass(4_999);
    assert!(site.asked.is_none());
    site.pass(1);
    site.fail(Failure::Away("gone".into()));
    assert!(site.desk.is_away());
    site.pass(500);
    site.answer();
    assert!(!site.desk.is_away());
}

#[test]
fn sessions_that_wait_are_known_and_the_newest_is_stored() {
    let mut site = Site::new(DeskConfig::default());
    let session =
        |name: &str| Session::new(TokenHash([1; 32]), "u".into(), name.into(), vec![], Wall::from_millis(10));
    site.desk.keep(session("A"));
    site.drain();
    site.desk.keep(session("B"));
    assert_eq!(site.desk.session(&TokenHash([1; 32])), Some(&session("B")));
    site.answer();
    site.answer();
    assert_eq!(site.desk.session(&TokenHash([1; 32])), None);
    let stored = site.memory.carry_out(&Ask::Session(TokenHash([1; 32]), Wall::default()));
    assert_eq!(stored, Answer::Session(Some(Session { epoch: 1, ..session("B") })));
    site.desk.expire(Wall::from_millis(10));
    site.drain();
    assert!(matches!(&site.asked, Some(Ask::Write(batch)) if batch.expire == Some(Wall::from_millis(10))));
}

#[test]
fn too_many_sessions_are_counted() {
    let mut site = Site::new(DeskConfig { max_sessions: 2, ..DeskConfig::default() });
    for n in 0..4 {
        let token = TokenHash([n; 32]);
        site.desk.keep(Session::new(token, "u".into(), "U".into(), vec![], Wall::default()));
    }
    assert_eq!(site.desk.stats().sessions_forgotten, 2);
}
