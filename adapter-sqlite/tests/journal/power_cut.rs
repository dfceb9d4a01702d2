//! A power cut at every write: a process that stores is traced, and what it did to its files is replayed up to each point, with what
//! was not synced kept, dropped or torn. No batch is lost that was told to be carried out, and a flipped byte is found.
//!
//! `WHARF_SEEDS` says how many points are tried: 1,200.
#![cfg(target_os = "linux")]

use crate::disk::{Disk, lay_down, recorded};
use crate::folder::Folder;
use crate::traffic::{Traffic, history};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use wharf::service::bus::Record;
use wharf_sqlite::{Journal, JournalConfig, OpenError};

const TEST: &str = "power_cut::no_batch_is_lost_by_a_cut_at_any_write";
const SEED: u64 = 3;
/// Batches of each of two processes, the first of which is killed.
const BATCHES: usize = 35;

/// In the child: carries on where the journal is, so many batches more.
fn store(path: &OsStr) {
    let mut config = JournalConfig::default();
    config.checkpoint = 96 << 10;
    let (mut journal, ()) = Journal::open_with(Path::new(path), config, |_| Ok(())).expect("it opens");
    let mut traffic = Traffic::new(SEED);
    let begun = journal.batches() as usize;
    (0..begun).for_each(|_| drop(traffic.batch()));
    for number in begun..begun + BATCHES {
        journal.carry_out(&traffic.batch()).expect("it is carried out");
        println!("\ncarried out {}", number + 1);
    }
    if begun == 0 {
        std::process::exit(0);
    }
    journal.close().expect("it closes");
}

/// Opens what was left, and says how many batches are in it.
fn batches_in(
    left: &BTreeMap<String, Vec<u8>>,
    states: &[Vec<Record>],
    goes_on: bool,
) -> Result<usize, OpenError> {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    lay_down(left, path.parent().expect("a folder"));
    let open = || Journal::open(&path, |records| Ok(records.collect::<Vec<_>>()));
    let (mut journal, records) = open()?;
    let batches = journal.batches() as usize;
    assert!(records == states[batches], "it is not what stood there after {batches} batches");
    if goes_on && batches < 2 * BATCHES {
        let mut traffic = Traffic::new(SEED);
        (0..batches).for_each(|_| drop(traffic.batch()));
        journal.carry_out(&traffic.batch()).expect("it goes on");
        drop(journal);
        assert!(open()?.1 == states[batches + 1], "it does not go on");
    }
    Ok(batches)
}

#[test]
fn no_batch_is_lost_by_a_cut_at_any_write() {
    if let Some(path) = std::env::var_os("WHARF_TEST_JOURNAL") {
        return store(&path);
    }
    let Some(events) = recorded(TEST, "bus.db") else { return };
    let states = history(SEED, 2 * BATCHES);
    let points: usize = std::env::var("WHARF_SEEDS").map_or(1200, |text| text.parse().expect("a number"));
    let rounds = points.div_ceil(events.len());
    let (mut tried, mut fewer, mut flips) = (0, 0, [0; 2]);
    let mut disk = Disk::default();
    for (at, event) in events.iter().enumerate() {
        disk.apply(event);
        for round in 0..rounds {
            let mut dice = Traffic::new((at * rounds + round) as u64);
            let left = disk.after_a_cut(&mut dice);
            let there = batches_in(&left, &states, dice.below(8) == 0);
            let there = there.unwrap_or_else(|e| panic!("event {at}, round {round}: {e}"));
            assert!(
                there == disk.told || there == disk.told + 1,
                "event {at}, round {round}: {there} batches are there, {} were told",
                disk.told
            );
            tried += 1;
            fewer += usize::from(there == disk.told);
            if dice.below(4) == 0 {
                flips[usize::from(flipped(left, &mut dice, &disk, &states))] += 1;
            }
        }
    }
    println!(
        "{tried} cuts at {} writes and syncs, {fewer} with no more than was told; flipped bytes: {flips:?}",
        events.len()
    );
    assert_eq!(disk.told, 2 * BATCHES);
    assert!(tried >= points && fewer > tried / 2 && flips[1] > tried / 20, "{tried}, {fewer}, {flips:?}");
}

/// A flipped byte is found, or it harms nothing that a mark or a later commit speaks for.
fn flipped(
    mut left: BTreeMap<String, Vec<u8>>,
    dice: &mut Traffic,
    disk: &Disk,
    states: &[Vec<Record>],
) -> bool {
    let files: Vec<String> =
        left.iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(name, _)| name.clone()).collect();
    if files.is_empty() {
        return false;
    }
    let name = &files[dice.below(files.len())];
    let bytes = left.get_mut(name).expect("a file");
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 + dice.below(255) as u8;
    match batches_in(&left, states, false) {
        Err(_) => true,
        // Without a mark that was on disk the last commit may be taken for an unfinished one, and no other.
        Ok(there) => {
            assert!(
                there + 1 >= disk.told,
                "byte {at} of {name}: {there} batches are there, {} were told",
                disk.told
            );
            false
        }
    }
}
