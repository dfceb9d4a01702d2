//! A power cut at every write of a chat's database: a process that stores is traced, and what it did to its files is replayed up to each
//! point, with what was not synced kept, dropped or torn. No message is lost that was told to be stored, and none is half a batch.
//!
//! `WHARF_SEEDS` says how many points are tried: 1,200.
#![cfg(target_os = "linux")]

use crate::disk::{Disk, lay_down, recorded};
use crate::folder::Folder;
use crate::traffic::Traffic;
use std::collections::BTreeMap;
use std::path::Path;
use wharf::base::Wall;
use wharf::service::history::{Answer, Ask, Batch, Draft, Entry, Key, PageAsk, Session, Span, TokenHash};
use wharf_sqlite::History;

const TEST: &str = "power_cut::no_message_is_lost_by_a_cut_at_any_write";
/// Batches of each of two processes, the first of which is killed.
const BATCHES: usize = 40;

/// A batch: up to four messages, and one session that counts the batches.
fn batch(number: usize) -> Ask {
    let mut batch = Batch::default();
    for at in 0..1 + number % 4 {
        let key = Key([number as u8, at as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        let content = format!("{number}.{at} {}", "long ".repeat(number * 37 % 900));
        let at = Wall::from_millis(number as u64);
        let mut draft =
            Draft::new(key, "general".into(), "u1".into(), "Ada".into(), content.as_str().into(), at);
        draft.reference = number.is_multiple_of(3).then(|| content.as_str().into());
        batch.drafts.push(draft);
    }
    let counted = Wall::from_millis(number as u64 + 1);
    batch.sessions.push(Session::new(TokenHash([1; 32]), "u1".into(), "Ada".into(), vec![], counted));
    Ask::Write(batch)
}

/// Batches that are stored, and the messages; the one does not contradict the other.
fn stored(history: &mut History) -> usize {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let after = all.last().map_or(0, |entry| entry.id);
        let ask = Ask::Page(PageAsk::new(vec!["general".into()], Span::After(after), 200));
        let Ok(Answer::Page(page)) = history.carry_out(&ask) else { panic!("it is a page") };
        all.extend(page.entries);
        if !page.more {
            break;
        }
    }
    let Ok(Answer::Session(session)) =
        history.carry_out(&Ask::Session(TokenHash([1; 32]), Wall::from_millis(0)))
    else {
        panic!("it is a session")
    };
    let batches = session.map_or(0, |session| session.expires.as_millis()) as usize;
    let expected = (0..batches).flat_map(|number| match batch(number) {
        Ask::Write(batch) => batch.drafts,
        _ => unreachable!("it is a batch"),
    });
    // Ids may have gaps, where what was there was tried again.
    let ids = all.iter().map(|entry| entry.id);
    assert!(ids.clone().is_sorted_by(|a, b| a < b), "ids do not grow");
    let expected: Vec<Entry> = expected.zip(ids.chain([0])).map(|(draft, id)| draft.into_entry(id)).collect();
    assert!(all == expected, "it is not what stood there after {batches} batches");
    batches
}

/// In the child: carries on where the file is, so many batches more.
fn store(path: &Path) {
    let mut history = History::open(path).expect("it opens");
    let begun = stored(&mut history);
    for number in begun..begun + BATCHES {
        history.carry_out(&batch(number)).expect("it is stored");
        println!("\ncarried out {}", number + 1);
    }
    if begun == 0 {
        std::process::exit(0);
    }
}

/// Opens what was left, and says how many batches are in it.
fn batches_in(left: &BTreeMap<String, Vec<u8>>, goes_on: bool) -> usize {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    lay_down(left, path.parent().expect("a folder"));
    let mut history = History::open(&path).expect("nothing is damaged");
    let batches = stored(&mut history);
    if goes_on {
        // The one before is tried again, as by who had not heard of it.
        for number in batches.saturating_sub(1)..=batches {
            history.carry_out(&batch(number)).expect("it goes on");
        }
        drop(history);
        assert_eq!(stored(&mut History::open(&path).expect("it opens")), batches + 1, "it does not go on");
    }
    batches
}

#[test]
fn no_message_is_lost_by_a_cut_at_any_write() {
    if let Some(path) = std::env::var_os("WHARF_TEST_JOURNAL") {
        return store(Path::new(&path));
    }
    let Some(events) = recorded(TEST, "chat.db") else { return };
    let points: usize = std::env::var("WHARF_SEEDS").map_or(1200, |text| text.parse().expect("a number"));
    let rounds = points.div_ceil(events.len());
    let (mut tried, mut fewer) = (0, 0);
    let mut disk = Disk::default();
    for (at, event) in events.iter().enumerate() {
        disk.apply(event);
        for round in 0..rounds {
            let mut dice = Traffic::new((at * rounds + round) as u64);
            let left = disk.after_a_cut(&mut dice);
            let there = batches_in(&left, dice.below(8) == 0);
            let told = disk.told;
            assert!(
                there == told || there == told + 1,
                "event {at}, round {round}: {there} batches are there, {told} were told"
            );
            tried += 1;
            fewer += usize::from(there == told);
        }
    }
    println!("{tried} cuts at {} writes and syncs, {fewer} with no more than was told", events.len());
    assert_eq!(disk.told, 2 * BATCHES);
    assert!(tried >= points && fewer > tried / 2, "{tried}, {fewer}");
}
