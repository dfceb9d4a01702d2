//! Any asks in any order, beside the store in memory. Ids may have gaps, so they are compared by their order.

use crate::store::Store;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use wharf::base::Wall;
use wharf::service::history::{
    Answer, Ask, Batch, Draft, Entry, Key, Memory, PageAsk, Session, Span, Stored, TokenHash,
};
use wharf_tests::postgres::Postgres;

/// An id is named by how many ids had been given in memory.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>, Vec<Draft>, Vec<Session>, Option<u64>),
    Page(Vec<&'static str>, Option<Option<u64>>, u64, usize),
    Session(u8, u64),
    Reopen,
}

const ROOMS: [&str; 4] = ["general", "a", "A", "\0"];

fn drafts() -> impl Strategy<Value = Draft> {
    (0_u8..60, "[ab\u{0}\u{1a}é𝕏]{0,6}").prop_map(|(key, content)| {
        // What has the same key is the same draft, but for its words, which are those of whoever came first.
        let (room, user) = (ROOMS[key as usize % 4], ["u1", "u2"][key as usize / 4 % 2]);
        let at = Wall::from_millis(key.into());
        let mut draft =
            Draft::new(Key([key; 16]), room.into(), user.into(), "N".into(), content.as_str().into(), at);
        draft.reference = (key % 3 > 0).then(|| ["r", "s", "t\0", "T"][key as usize / 8 % 4].into());
        draft
    })
}

fn sessions() -> impl Strategy<Value = Session> {
    (0_u8..4, vec(0..4_usize, 0..3), 0_u64..20).prop_map(|(token, rooms, expires)| {
        let rooms = rooms.into_iter().map(|room| ROOMS[room].into()).collect();
        Session::new(TokenHash([token; 32]), "u1".into(), "N".into(), rooms, Wall::from_millis(expires))
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let rooms = vec(proptest::sample::select(&ROOMS[..]), 0..4);
    prop_oneof![
        6 => (vec(0_u8..60, 0..2), vec(drafts(), 0..12), vec(sessions(), 0..3), proptest::option::of(0_u64..20))
            .prop_map(|(keys, drafts, sessions, expire)| Step::Write(keys, drafts, sessions, expire)),
        6 => (rooms, proptest::option::of(proptest::option::of(Just(0))), 0_u64..70, 1_usize..12)
            .prop_map(|(rooms, newest, id, limit)| Step::Page(rooms, newest, id, limit)),
        2 => (0_u8..4, 0_u64..20).prop_map(|(token, now)| Step::Session(token, now)),
        1 => Just(Step::Reopen),
    ]
}

/// What a store's ids are in memory.
#[derive(Default)]
struct Ids {
    from_memory: BTreeMap<u64, u64>,
    to_memory: BTreeMap<u64, u64>,
}

impl Ids {
    fn learn(&mut self, stored: &[Stored], in_memory: &[Stored]) {
        for (stored, in_memory) in stored.iter().zip(in_memory) {
            let (id, number) = (stored.id(), in_memory.id());
            assert_eq!(*self.to_memory.entry(id).or_insert(number), number);
            assert_eq!(*self.from_memory.entry(number).or_insert(id), id);
        }
        assert!(self.from_memory.values().is_sorted_by(|a, b| a < b), "{:?}", self.from_memory);
    }

    /// The id that is in the same place: between the same two.
    fn ask(&self, number: u64) -> u64 {
        let known = self.from_memory.range(..=number).next_back();
        known.map_or(0, |(at, id)| if *at == number { *id } else { id + 1 })
    }

    fn entry(&self, mut entry: Entry) -> Entry {
        entry.id = self.to_memory[&entry.id];
        entry
    }
}

/// It, whichever look-up told of it.
fn unnumbered(mut session: Session) -> Session {
    session.epoch = 0;
    session
}

fn compare(store: &mut Store, memory: &mut Memory, ids: &mut Ids, step: &Step) {
    let (ask, there) = match step {
        Step::Reopen => return,
        Step::Write(keys, drafts, sessions, expire) => {
            let mut batch = Batch::default();
            batch.withdraw = keys.iter().map(|key| Key([*key; 16])).collect();
            batch.drafts.clone_from(drafts);
            batch.sessions.clone_from(sessions);
            batch.expire = expire.map(Wall::from_millis);
            (Ask::Write(batch.clone()), Ask::Write(batch))
        }
        Step::Page(rooms, newest, id, limit) => {
            let rooms: Vec<_> = rooms.iter().map(|room| (*room).into()).collect();
            let span = |id| match newest {
                None => Span::After(id),
                Some(None) => Span::Newest { below: None },
                Some(Some(_)) => Span::Newest { below: Some(id) },
            };
            let ask = |id| Ask::Page(PageAsk::new(rooms.clone(), span(id), *limit));
            (ask(*id), ask(ids.ask(*id)))
        }
        Step::Session(token, now) => {
            let ask = Ask::Session(TokenHash([*token; 32]), Wall::from_millis(*now));
            (ask.clone(), ask)
        }
    };
    let (expected, found) = (memory.carry_out(&ask), store.carry_out(&there).expect("an answer"));
    let found = match (found, &expected) {
        (Answer::Written(mut stored), Answer::Written(in_memory)) => {
            ids.learn(&stored, in_memory);
            for stored in &mut stored {
                match stored {
                    Stored::New(id) => *id = ids.to_memory[id],
                    Stored::Before(entry) => *entry = ids.entry(entry.clone()),
                    other => panic!("{other:?}"),
                }
            }
            Answer::Written(stored)
        }
        (Answer::Page(mut page), _) => {
            page.entries = page.entries.into_iter().map(|entry| ids.entry(entry)).collect();
            Answer::Page(page)
        }
        (Answer::Session(session), _) => Answer::Session(session.map(unnumbered)),
        (other, _) => other,
    };
    let expected = match expected {
        Answer::Session(session) => Answer::Session(session.map(unnumbered)),
        other => other,
    };
    assert_eq!(found, expected, "{}", store.name());
}

#[test]
fn any_asks_are_answered_as_by_the_store_in_memory() {
    // Held, so that not each case starts one.
    let _server = Postgres::shared("differential");
    let cases = std::env::var("WHARF_SEEDS").map_or(24, |text| text.parse().expect("a number"));
    let mut runner =
        TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..Default::default() });
    let run = runner.run(&vec(steps(), 1..30), |steps| {
        for mut store in Store::all("differential").into_iter().skip(1) {
            let (mut memory, mut ids) = (Memory::new(1 << 20), Ids::default());
            for step in &steps {
                if matches!(step, Step::Reopen) {
                    store = store.reopened();
                }
                compare(&mut store, &mut memory, &mut ids, step);
            }
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
}
