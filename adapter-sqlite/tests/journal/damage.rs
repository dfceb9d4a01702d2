//! A journal that is not as it was written is refused, and nothing of it is touched.

use crate::folder::Folder;
use crate::traffic::{FILES, Traffic, contents, records};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wharf::service::bus::{Memory, Record};
use wharf_sqlite::{Journal, OpenError, Place};

const PAGE: usize = 4096;

/// A journal as it lies on disk, file by file.
#[derive(Clone, Default)]
struct Image(BTreeMap<&'static str, Vec<u8>>);

impl Image {
    fn of(folder: &Folder) -> Self {
        let read = |file: &&'static str| Some((*file, fs::read(folder.path(&format!("bus.db{file}"))).ok()?));
        Self(FILES.iter().filter_map(read).collect())
    }

    /// What opening it comes to. If it is refused all is as it was.
    fn open(&self) -> Result<Vec<Record>, OpenError> {
        let folder = Folder::new();
        let path = folder.path("bus.db");
        for (file, bytes) in &self.0 {
            fs::write(folder.path(&format!("bus.db{file}")), bytes).expect("a file");
        }
        let before = contents(path.parent().unwrap());
        let found = Journal::open(&path, |records| Ok(records.collect::<Vec<_>>()));
        if found.is_err() {
            assert!(contents(path.parent().unwrap()) == before, "files were touched");
        }
        found.map(|(_, records)| records)
    }
}

/// A journal whose bus was killed with commits in the log, and what is in it; and as it was some batches before.
fn killed(seed: u64) -> (Image, Image, Vec<Record>) {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let (mut traffic, mut memory) = (Traffic::new(seed), Memory::default());
    let mut image = Image::default();
    for part in 0..2 {
        let (mut journal, _) = Journal::open(&path, |_| Ok(())).expect("it opens");
        for batch in 0..30 {
            if part == 1 && batch == 15 {
                image = Image::of(&folder);
            }
            let batch = traffic.batch();
            memory.carry_out(&batch).expect("it fits");
            journal.carry_out(&batch).expect("it is carried out");
        }
        if part == 1 {
            return (image, Image::of(&folder), records(&memory));
        }
        journal.close().expect("it closes");
    }
    unreachable!("the second part returns")
}

/// A journal in one file.
fn closed(seed: u64) -> (Image, Vec<Record>) {
    let folder = Folder::new();
    let (mut traffic, mut memory) = (Traffic::new(seed), Memory::default());
    let (mut journal, _) = Journal::open(folder.path("bus.db"), |_| Ok(())).expect("it opens");
    for _ in 0..60 {
        let batch = traffic.batch();
        memory.carry_out(&batch).expect("it fits");
        journal.carry_out(&batch).expect("it is carried out");
    }
    journal.close().expect("it closes");
    (Image::of(&folder), records(&memory))
}

#[test]
fn a_flipped_bit_is_refused_or_harms_nothing() {
    let mut random = Traffic::new(99);
    let (mut refused, mut found) = (0, 0);
    for seed in 0..3 {
        let (_, image, all) = killed(seed);
        assert_eq!(image.open().expect("it is sound"), all);
        for round in 0..300 {
            let file = FILES[[0, 1, 1, 2][round % 4]];
            let mut flipped = image.clone();
            let bytes = flipped.0.get_mut(file).unwrap();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            match flipped.open() {
                Err(OpenError::Damaged(damage)) => {
                    assert!(damage.file.to_string_lossy().contains("bus.db"), "{damage}");
                    refused += 1;
                }
                Err(OpenError::Foreign { .. } | OpenError::Version { .. }) if file.is_empty() && at < 100 => {
                }
                Err(other) => panic!("byte {at} of {file:?}: {other}"),
                Ok(records) => {
                    assert!(records == all, "byte {at} of {file:?}: records were lost");
                    found += 1;
                }
            }
        }
    }
    assert!(refused > 150 && found > 150, "{refused} and {found}");
}

/// Here the log does not stand in for most of the file.
#[test]
fn a_flipped_bit_in_the_file_alone_is_refused_or_harms_nothing() {
    let mut random = Traffic::new(98);
    let mut refused = 0;
    for seed in 3..6 {
        let (image, all) = closed(seed);
        for round in 0..300 {
            let mut flipped = image.clone();
            let bytes = flipped.0.get_mut("").unwrap();
            let at = if round < 100 { round } else { random.below(bytes.len()) };
            bytes[at] ^= 1 << random.below(8);
            match flipped.open() {
                Err(OpenError::Damaged(_)) => refused += 1,
                Err(OpenError::Foreign { .. } | OpenError::Version { .. }) if at < 100 => {}
                Err(other) => panic!("byte {at}: {other}"),
                Ok(records) => assert!(records == all, "byte {at}: records were lost"),
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

/// The log alone cannot tell it from a write that was cut; the mark can.
#[test]
fn a_flipped_bit_in_the_last_commit_is_refused() {
    let (_, image, all) = killed(7);
    let log = &image.0["-wal"];
    let frames = log.len() / (PAGE + 24);
    for (byte, bit) in [(4, 1), (8, 3), (16, 7), (24 + 4000, 2)] {
        let mut flipped = image.clone();
        flipped.0.get_mut("-wal").unwrap()[32 + (frames - 1) * (PAGE + 24) + byte] ^= 1 << bit;
        let error = flipped.open().unwrap_err().to_string();
        assert!(error.contains("its last batch is 59, and 60 were carried out"), "{error}");
        // After a power cut the mark may be older, and then it is taken for a cut write.
        let mut older = flipped.clone();
        older.0.get_mut(".mark").unwrap().fill(0);
        assert!(older.open().expect("it opens") != all);
    }
}

#[test]
fn a_file_that_is_gone_is_missed() {
    let (_, image, _) = killed(8);
    for (file, text) in [("", "it is gone"), ("-wal", "its last batch is 30, and 60 were carried out")] {
        let mut without = image.clone();
        without.0.remove(file);
        let error = without.open().unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        without.0.remove(".mark");
        assert_eq!(without.open().is_err(), file.is_empty());
    }
    let mut without = image.clone();
    without.0.remove(".mark");
    without.open().expect("a mark is evidence and no more");
}

#[test]
fn a_page_from_another_time_is_refused_or_harms_nothing() {
    let mut refused = 0;
    for seed in 10..14 {
        let (before, after, all) = killed(seed);
        let (image, alone) = closed(seed);
        // Beside the log, which stands in for many of them, and alone.
        for (image, all, first) in [(&after, &all, 0), (&image, &alone, 1)] {
            for (page, old) in before.0[""].chunks(PAGE).enumerate().skip(first) {
                let mut mixed = image.clone();
                let Some(place) = mixed.0.get_mut("").unwrap().chunks_mut(PAGE).nth(page) else { break };
                place.copy_from_slice(old);
                match mixed.open() {
                    Err(OpenError::Damaged(_)) => refused += 1,
                    Err(other) => panic!("page {page}: {other}"),
                    Ok(records) => assert!(records == *all, "seed {seed}, page {page}"),
                }
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

/// What SQLite finds nothing wrong with.
#[test]
fn a_row_that_is_gone_changed_or_doubled_is_refused() {
    let (image, _) = closed(20);
    let refused = |sql: &str| {
        let folder = Folder::new();
        let path = folder.path("bus.db");
        image.0.iter().for_each(|(file, bytes)| {
            fs::write(folder.path(&format!("bus.db{file}")), bytes).expect("a file");
        });
        let connection = rusqlite::Connection::open(&path).expect("SQLite opens it");
        let changed = connection.execute(sql, []).expect("it is changed");
        assert!(changed > 0, "{sql}");
        connection.close().expect("it closes");
        match Journal::open(&path, |records| Ok(records.count())) {
            Err(OpenError::Damaged(damage)) => damage.place,
            other => panic!("{sql}: {other:?}"),
        }
    };
    for (table, column) in [("messages", "body"), ("dead", "reason"), ("ids", "seq"), ("numbers", "gaps")] {
        let gone = format!("DELETE FROM {table} WHERE sum = (SELECT min(sum) FROM {table})");
        assert!(matches!(refused(&gone), Place::Table(at) if at == table));
        for change in
            [format!("{column} = cast({column} || '1' AS {})", type_of(column)), "sum = sum + 1".into()]
        {
            let sql = format!("UPDATE {table} SET {change} WHERE sum = (SELECT min(sum) FROM {table})");
            assert!(matches!(refused(&sql), Place::Row { table: at, key } if at == table && !key.is_empty()));
        }
    }
    let moved = "UPDATE messages SET seq = seq + 100000 WHERE seq = (SELECT min(seq) FROM messages)";
    assert!(matches!(refused(moved), Place::Row { table: "messages", .. }));
    let doubled = "INSERT INTO messages SELECT seq + 100000, sum, at, id, sender, receiver, kind, progress, body \
                   FROM messages LIMIT 1";
    assert!(matches!(refused(doubled), Place::Row { table: "messages", key } if key.len() >= 6));
    assert_eq!(refused("UPDATE meta SET batches = batches + 1"), Place::Table("meta"));
    assert_eq!(refused("DELETE FROM meta"), Place::Table("meta"));
    assert_eq!(
        refused("INSERT INTO meta VALUES (1, 0, x'', 0) ON CONFLICT DO UPDATE SET sum = 0"),
        Place::Table("meta")
    );
}

/// Every row is as it was, and what SQLite would put new rows on is not.
#[test]
fn a_broken_list_of_free_pages_is_refused() {
    let (image, _) = closed(21);
    let mut broken = image.clone();
    let file = broken.0.get_mut("").unwrap();
    assert_ne!(file[36..40], [0; 4], "there are free pages");
    file[39] ^= 1;
    let error = broken.open().unwrap_err();
    assert!(matches!(&error, OpenError::Damaged(damage) if damage.place == Place::File), "{error}");
}

fn type_of(column: &str) -> &'static str {
    match column {
        "seq" => "INTEGER",
        "reason" => "TEXT",
        _ => "BLOB",
    }
}

#[test]
fn what_is_no_journal_is_refused() {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let open = |path: &Path| Journal::open(path, |_| Ok(())).map(drop);
    let whole: &[u8] = &closed(30).0.0[""];
    for foreign in [&b"hello"[..], &[0; 5000], &whole[100..]] {
        fs::write(&path, foreign).unwrap();
        assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
        assert_eq!(fs::read(&path).unwrap(), foreign);
    }
    for (at, bytes) in [(68, &b"abcd"[..]), (0, b"sqlite format 3\0")] {
        let mut other = whole.to_vec();
        other[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, &other).unwrap();
        assert!(matches!(open(&path), Err(OpenError::Foreign { .. } | OpenError::Damaged(_))));
    }
    let other = rusqlite::Connection::open(folder.path("other.db")).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n)").unwrap();
    assert!(matches!(open(&folder.path("other.db")), Err(OpenError::Foreign { .. })));
    let refused = wharf_sqlite::DeadLetters::open(folder.path("other.db"));
    assert!(matches!(refused, Err(OpenError::Foreign { .. })));
    assert!(matches!(open(path.parent().unwrap()), Err(OpenError::Failed(_))));
    // A rollback journal beside a journal would be what SQLite goes back to.
    fs::write(&path, whole).unwrap();
    fs::write(folder.path("bus.db-journal"), [1]).unwrap();
    assert!(open(&path).unwrap_err().to_string().contains("a rollback journal lies beside it"));
    fs::remove_file(folder.path("bus.db-journal")).unwrap();
    open(&path).expect("it opens");
}

#[test]
fn a_newer_journal_is_refused() {
    let (image, _) = closed(31);
    for version in [0, 2, 7] {
        let mut other = image.clone();
        other.0.get_mut("").unwrap()[60..64].copy_from_slice(&u32::to_be_bytes(version));
        let error = other.open().unwrap_err();
        assert!(matches!(error, OpenError::Version { version: found, .. } if found == version), "{error}");
    }
}
