//! What every store of a chat does, in memory, in SQLite and in PostgreSQL: one list.

use crate::store::{Store, draft, referred};
use wharf::base::Wall;
use wharf::service::history::{Answer, Ask, Batch, Key, Page, Session, Span, Stored, TokenHash};

#[test]
fn ids_grow_over_all_rooms_in_the_order_of_the_drafts() {
    for mut store in Store::all("ids_grow") {
        let mut ids = Vec::new();
        for batch in 0..10_u64 {
            let drafts = (0..20).map(|at| draft(batch * 20 + at, ["a", "b", "c"][at as usize % 3], "x"));
            ids.extend(store.ids(drafts.collect()));
            if batch % 4 == 3 {
                store = store.reopened();
            }
        }
        assert!(ids.is_sorted_by(|a, b| a < b), "{}: {ids:?}", store.name());
        assert!(ids[0] >= 1 && ids[199] < 1 << 53, "{}: {ids:?}", store.name());
    }
}

#[test]
fn what_is_stored_is_read_as_it_was_and_outlasts_the_store() {
    for mut store in Store::all("outlasts") {
        let mut with_reference = referred(2, "u2", "ref-1");
        with_reference.name = "Grace".into();
        with_reference.at = Wall::from_millis((1 << 53) - 1);
        let drafts = vec![draft(1, "general", "hello"), with_reference];
        let ids = store.ids(drafts.clone());
        let expected: Vec<_> =
            drafts.into_iter().zip(&ids).map(|(draft, id)| draft.into_entry(*id)).collect();
        assert_eq!(store.all_of("general"), expected, "{}", store.name());
        let mut store = store.reopened();
        assert_eq!(store.all_of("general"), expected, "{}", store.name());
    }
}

#[test]
fn a_key_is_stored_once_however_often_it_is_tried() {
    for mut store in Store::all("key") {
        let first = store.write(vec![draft(1, "a", "x"), draft(2, "a", "y")]);
        assert!(matches!(first[..], [Stored::New(_), Stored::New(_)]), "{}: {first:?}", store.name());
        assert_eq!(store.write(vec![draft(1, "a", "x"), draft(2, "a", "y")]), first);
        store = store.reopened();
        // Some of it is new, and one is there twice.
        let mixed = store.write(vec![draft(3, "a", "z"), draft(2, "a", "y"), draft(3, "a", "z")]);
        assert_eq!((&mixed[1], &mixed[2]), (&first[1], &mixed[0]), "{}", store.name());
        let contents: Vec<_> = store.all_of("a").iter().map(|entry| entry.content.clone()).collect();
        assert_eq!(contents.join(""), "xyz", "{}", store.name());
    }
}

#[test]
fn a_reference_of_a_user_is_stored_once() {
    for mut store in Store::all("reference") {
        let ids = store.ids(vec![referred(1, "u1", "r"), referred(2, "u2", "r"), referred(3, "u1", "s")]);
        let first = referred(1, "u1", "r").into_entry(ids[0]);
        // By another key, in another room, with other words: it is the reference that counts.
        let mut again = referred(4, "u1", "r");
        again.room = "elsewhere".into();
        again.content = "other".into();
        let new = referred(5, "u1", "t");
        let mut twin = new.clone();
        twin.key = Key([9; 16]);
        let stored = store.write(vec![again, new.clone(), twin, referred(1, "u1", "r")]);
        let Stored::New(id) = stored[1] else { panic!("{}: {stored:?}", store.name()) };
        let expected = [
            Stored::Before(first.clone()),
            Stored::New(id),
            Stored::Before(new.into_entry(id)),
            // The same draft, tried again.
            Stored::New(first.id),
        ];
        assert_eq!(stored, expected, "{}", store.name());
        assert_eq!((store.all_of("general").len(), store.all_of("elsewhere").len()), (4, 0));
        // None is no reference that others could have.
        let none = store.write(vec![draft(6, "general", "x"), draft(7, "general", "x")]);
        assert!(matches!(none[..], [Stored::New(_), Stored::New(_)]), "{}: {none:?}", store.name());
    }
}

#[test]
fn what_is_withdrawn_was_never_there() {
    for mut store in Store::all("withdrawn") {
        let ids = store.ids(vec![referred(1, "u1", "r"), draft(2, "general", "x"), draft(3, "general", "y")]);
        let mut batch = Batch::default();
        let unknown = draft(9, "general", "").key;
        batch.withdraw = vec![referred(1, "u1", "r").key, unknown, draft(2, "general", "x").key, unknown];
        // What is withdrawn goes first, so its reference is free, and its key.
        batch.drafts = vec![referred(4, "u1", "r"), draft(2, "general", "again")];
        let Ok(Answer::Written(stored)) = store.carry_out(&Ask::Write(batch)) else {
            panic!("{}", store.name())
        };
        let [Stored::New(four), Stored::New(two)] = stored[..] else {
            panic!("{}: {stored:?}", store.name())
        };
        assert!(ids[2] < four && four < two, "{}: {ids:?} {stored:?}", store.name());
        let all: Vec<u64> = store.all_of("general").iter().map(|entry| entry.id).collect();
        assert_eq!(all, [ids[2], four, two], "{}", store.name());
        let mut all_gone = Batch::default();
        all_gone.withdraw = vec![draft(3, "general", "y").key];
        assert_eq!(store.carry_out(&Ask::Write(all_gone)), Ok(Answer::Written(vec![])), "{}", store.name());
        let mut store = store.reopened();
        assert_eq!(store.all_of("general").len(), 2, "{}", store.name());
        // Ids never come back.
        assert!(store.ids(vec![draft(5, "general", "z")])[0] > two, "{}", store.name());
    }
}

#[test]
fn pages_are_oldest_first_and_say_whether_there_is_more() {
    for mut store in Store::all("pages") {
        let drafts = (0..9).map(|at| draft(at, ["a", "b", "c"][at as usize % 3], "x")).collect();
        let ids = store.ids(drafts);
        for (rooms, span, limit, expected, more) in [
            (&["a"][..], Span::Newest { below: None }, 2, &[3, 6][..], true),
            (&["a"], Span::Newest { below: None }, 3, &[0, 3, 6], false),
            (&["a"], Span::Newest { below: Some(ids[6]) }, 1, &[3], true),
            (&["a"], Span::Newest { below: Some(ids[0]) }, 9, &[], false),
            (&["a"], Span::Newest { below: Some(0) }, 9, &[], false),
            (&["a"], Span::Newest { below: Some(u64::MAX) }, 9, &[0, 3, 6], false),
            (&["a"], Span::After(0), 2, &[0, 3], true),
            (&["a"], Span::After(ids[0]), 2, &[3, 6], false),
            (&["a"], Span::After(ids[8]), 2, &[], false),
            (&["a"], Span::After(u64::MAX), 2, &[], false),
            (&["a", "b"], Span::After(ids[1]), 3, &[3, 4, 6], true),
            (&["a", "b"], Span::After(ids[1]), 4, &[3, 4, 6, 7], false),
            (&["a", "c"], Span::Newest { below: Some(ids[8]) }, 3, &[3, 5, 6], true),
            (&["c", "a", "c", "nowhere"], Span::Newest { below: None }, 200, &[0, 2, 3, 5, 6, 8], false),
            (&["nowhere"], Span::Newest { below: None }, 9, &[], false),
            (&[], Span::After(0), 9, &[], false),
        ] {
            let page = store.page(rooms, span, limit);
            let found: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
            let expected: Vec<u64> = expected.iter().map(|at| ids[*at]).collect();
            assert_eq!((found, page.more), (expected, more), "{}: {rooms:?} {span:?} {limit}", store.name());
        }
    }
}

#[test]
fn the_last_id_is_that_of_the_newest_entry_of_all_rooms() {
    for mut store in Store::all("last") {
        assert_eq!(store.carry_out(&Ask::Last), Ok(Answer::Last(0)), "{}", store.name());
        let ids = store.ids((0..5).map(|at| draft(at, ["a", "b"][at as usize % 2], "x")).collect());
        assert_eq!(store.carry_out(&Ask::Last), Ok(Answer::Last(ids[4])), "{}", store.name());
        let mut store = store.reopened();
        assert_eq!(store.carry_out(&Ask::Last), Ok(Answer::Last(ids[4])), "{}", store.name());
    }
}

fn session(token: u8, user: &str, rooms: &[&str], expires: u64) -> Session {
    let rooms = rooms.iter().map(|room| (*room).into()).collect();
    Session::new(TokenHash([token; 32]), user.into(), "Ada".into(), rooms, Wall::from_millis(expires))
}

#[test]
fn a_session_is_good_until_its_time_and_replaced_by_a_later_one() {
    for mut store in Store::all("sessions") {
        let [one, two] = [session(1, "u1", &["general", "a\"b\\,", ""], 100), session(2, "u2", &[], 200)];
        store.put(vec![one.clone(), two.clone()], None);
        store = store.reopened();
        let mut at = |token, now| store.session(TokenHash([token; 32]), now);
        assert_eq!((at(1, 99), at(1, 100), at(3, 0)), (Some(one), None, None));
        let [later, latest] = [session(1, "u1", &["b"], 150), session(1, "u1", &["c", "b"], 160)];
        store.put(vec![later, latest.clone()], Some(100));
        let mut at = |token, now| store.session(TokenHash([token; 32]), now);
        // What has expired goes, and what is put in by the same batch if it has.
        assert_eq!((at(1, 0), at(2, 0)), (Some(latest), Some(two.clone())), "{}", store.name());
        store.put(vec![session(3, "u3", &[], 170)], Some(170));
        let mut at = |token, now| store.session(TokenHash([token; 32]), now);
        assert_eq!((at(1, 0), at(3, 0), at(2, 0)), (None, None, Some(two)), "{}", store.name());
    }
}

#[test]
fn of_two_look_ups_of_a_token_the_later_one_has_the_greater_number() {
    for mut store in Store::all("epochs") {
        store.put(vec![session(1, "u1", &[], 100)], None);
        let mut last = 0;
        for turn in 0..4 {
            let epoch = store.look_up(TokenHash([1; 32]), 0).expect("it is known").epoch;
            // A file is one process's.
            assert!(if store.is_shared() { epoch > last } else { epoch == 0 }, "{} {epoch}", store.name());
            last = epoch;
            if turn == 1 {
                store = store.reopened();
            }
        }
    }
}

#[test]
fn all_of_unicode_is_kept() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    let chunks: Vec<String> = all.chunks(16_000).map(|chunk| chunk.iter().collect()).collect();
    // What looks alike, or is alike by some rule of some language, is not the same.
    let names = [
        "", "\0", "\u{1a}", "\u{1a}0", "a", "A", "ａ", "é", "e\u{301}", "ß", "ss", "İ", "i̇", "a\0", "a ",
        "𝕏", "'\"\\%_",
    ];
    for mut store in Store::all("unicode") {
        let mut drafts: Vec<_> = (0..).zip(&chunks).map(|(key, chunk)| draft(key, "all", chunk)).collect();
        store.write(drafts.clone());
        let contents: Vec<String> =
            store.all_of("all").iter().map(|entry| entry.content.to_string()).collect();
        assert!(contents == chunks, "{}", store.name());
        drafts.clear();
        for (at, name) in (1000..).zip(names) {
            let mut draft = referred(at, name, name);
            draft.room = name.into();
            draft.name = name.into();
            drafts.push(draft);
        }
        let ids = store.ids(drafts.clone());
        for (draft, id) in drafts.into_iter().zip(ids) {
            let room = draft.room.clone();
            assert_eq!(store.all_of(&room), [draft.into_entry(id)], "{}: {room:?}", store.name());
        }
        let odd = session(9, "a\0b", &names, 100);
        store.put(vec![odd.clone()], None);
        assert_eq!(store.session(odd.token, 0), Some(odd), "{}", store.name());
    }
}

#[test]
fn what_is_as_long_as_a_chat_allows_and_longer_is_kept() {
    for mut store in Store::all("lengths") {
        // 64 characters of four bytes are a room's and a reference's limit, 4,096 bytes a message's.
        for (key, factor) in [(1, 1), (2, 4)] {
            let long: String =
                (0..64 * factor).map(|at| char::from_u32(0x1_f300 + at % 500).unwrap()).collect();
            let mut draft = referred(key, &long, &long);
            draft.room = long.clone().into();
            draft.name = long.clone().into();
            draft.content = "€uro".repeat(700 * factor as usize).into();
            let id = store.ids(vec![draft.clone()])[0];
            assert_eq!(store.all_of(&long), [draft.into_entry(id)], "{}", store.name());
        }
        let mut empty = draft(3, "", "");
        empty.user = "".into();
        empty.reference = Some("".into());
        let id = store.ids(vec![empty.clone()])[0];
        assert_eq!(store.all_of(""), [empty.into_entry(id)], "{}", store.name());
    }
}

#[test]
fn a_batch_may_have_1024_drafts_and_1024_sessions_or_nothing() {
    for mut store in Store::all("largest") {
        let mut batch = Batch::default();
        assert_eq!(store.carry_out(&Ask::Write(batch.clone())), Ok(Answer::Written(vec![])));
        batch.drafts = (0..1024).map(|key| draft(key, "general", "x")).collect();
        let token = |at: u16| TokenHash(std::array::from_fn(|byte| at.to_be_bytes()[byte % 2]));
        let sessions =
            (0..1024).map(|at| Session::new(token(at), "u".into(), "U".into(), vec![], Wall::from_millis(5)));
        batch.sessions = sessions.collect();
        let Ok(Answer::Written(stored)) = store.carry_out(&Ask::Write(batch)) else {
            panic!("{}", store.name())
        };
        let ids: Vec<u64> = stored.iter().map(Stored::id).collect();
        let all: Vec<u64> = store.all_of("general").iter().map(|entry| entry.id).collect();
        assert!(ids.len() == 1024 && ids == all, "{}", store.name());
        assert!((0..1024).all(|at| store.session(token(at), 0).is_some()), "{}", store.name());
        let page = store.page(&["general"], Span::Newest { below: None }, 5000);
        assert_eq!((page.entries.len(), page.more), (200, true), "{}", store.name());
        assert_eq!(store.page(&[], Span::After(0), 1), Page::default());
    }
}
