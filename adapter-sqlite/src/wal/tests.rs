use super::format::{FRAME_HEADER, Frame, HEADER};
use super::{Fault, Found, Unreadable, check};
use crate::folder::Folder;
use proptest::prelude::*;
use rusqlite::Connection;
use std::fs;
use std::io::Cursor;
use std::sync::LazyLock;

const PAGE: usize = 512;
const FRAME: usize = FRAME_HEADER + PAGE;

/// A database and its log, as they were left.
#[derive(Clone)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

/// Five commits of several frames each, in a log that has none, or the frames of an earlier generation, behind them.
fn files(earlier: u32) -> Files {
    let folder = Folder::new();
    let path = folder.path("db");
    let connection = Connection::open(&path).unwrap();
    let setup = "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; \
                 CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT);";
    connection.execute_batch(setup).unwrap();
    let insert = || {
        let sql = "INSERT INTO t (text) VALUES (hex(randomblob(200))), (hex(randomblob(300)))";
        connection.execute(sql, []).unwrap();
    };
    (0..earlier).for_each(|_| insert());
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    (0..5).for_each(|_| insert());
    Files { database: fs::read(&path).unwrap(), log: fs::read(folder.path("db-wal")).unwrap() }
}

static PLAIN: LazyLock<Files> = LazyLock::new(|| files(0));
static RESTARTED: LazyLock<Files> = LazyLock::new(|| files(20));

fn verdict(files: &Files) -> Result<Found, Fault> {
    let (mut log, mut database) = (Cursor::new(&files.log), Cursor::new(&files.database));
    check(&mut log, &mut database, PAGE as u32).map_err(|unreadable| match unreadable {
        Unreadable::Damaged(fault) => fault,
        Unreadable::Io(cause) => panic!("{cause}"),
    })
}

/// The frames that end a commit, from the first.
fn commits(files: &Files) -> Vec<usize> {
    let frames = verdict(files).unwrap().frames as usize;
    let frame = |at: usize| Frame { bytes: files.log[HEADER + at * FRAME..][..FRAME].to_vec() };
    (0..frames).filter(|at| frame(*at).commit() != 0).collect()
}

/// How many rows SQLite finds.
fn rows(files: &Files) -> Option<i64> {
    let folder = Folder::new();
    fs::write(folder.path("db"), &files.database).unwrap();
    fs::write(folder.path("db-wal"), &files.log).unwrap();
    let connection = Connection::open(folder.path("db")).unwrap();
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).ok()
}

#[test]
fn a_sound_log_is_read_as_sqlite_reads_it() {
    assert_eq!((verdict(&PLAIN).unwrap().commits, rows(&PLAIN)), (5, Some(10)));
    assert_eq!((verdict(&RESTARTED).unwrap().commits, rows(&RESTARTED)), (5, Some(50)));
    // The test means something only if there is an earlier generation behind the end.
    let used = HEADER + verdict(&RESTARTED).unwrap().frames as usize * FRAME;
    assert!(RESTARTED.log.len() > used + 10 * FRAME);
    let none = Files { log: Vec::new(), ..PLAIN.clone() };
    assert_eq!(verdict(&none), Ok(Found::default()));
}

/// Each bit of each log: what is not told is a last commit, which the log alone cannot tell from an unfinished one.
#[test]
fn a_flipped_bit_before_the_last_commit_is_told() {
    for files in [&*PLAIN, &*RESTARTED] {
        let whole = verdict(files).unwrap();
        let commits = commits(files);
        let [.., before_last, last] = commits[..] else { panic!("too few commits") };
        let mut log = files.clone();
        for at in 0..files.log.len() {
            let frame = at.checked_sub(HEADER).map(|at| at / FRAME);
            for bit in [1, 2, 4, 8, 16, 32, 64, 128] {
                log.log[at] ^= bit;
                let found = verdict(&log);
                log.log[at] ^= bit;
                match frame {
                    Some(frame) if frame > last => assert_eq!(found, Ok(whole), "byte {at}"),
                    Some(frame) => {
                        let cut = Found { frames: before_last as u64 + 1, commits: 4 };
                        let offset = (HEADER + frame * FRAME) as u64;
                        let fault = Fault::Frame { number: frame as u64, offset };
                        let is_last = frame > before_last;
                        assert!(found == Err(fault) || is_last && found == Ok(cut), "byte {at}, bit {bit}");
                    }
                    None => assert_eq!(found, Err(Fault::Header), "byte {at}"),
                }
            }
        }
    }
}

/// A header that was being written while the power went: what stands behind it is in the database already.
#[test]
fn a_torn_header_over_what_the_database_has_is_no_damage() {
    let folder = Folder::new();
    let path = folder.path("db");
    let connection = Connection::open(&path).unwrap();
    let setup = "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT); \
                 INSERT INTO t (text) VALUES (hex(randomblob(900)));";
    connection.execute_batch(setup).unwrap();
    let live = Files { database: fs::read(&path).unwrap(), log: fs::read(folder.path("db-wal")).unwrap() };
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    let done = Files { database: fs::read(&path).unwrap(), log: fs::read(folder.path("db-wal")).unwrap() };
    assert_eq!(live.log, done.log);
    let torn = |files: &Files, at: usize| {
        let mut files = files.clone();
        files.log[16..at].fill(0x5a);
        verdict(&files)
    };
    for at in 17..=HEADER {
        assert_eq!(torn(&done, at), Ok(Found::default()), "byte {at}");
        assert_eq!(torn(&live, at), Err(Fault::Header), "byte {at}");
    }
}

fn sector(bytes: &mut [u8], at: usize) -> &mut [u8] {
    let from = at / 512 * 512;
    let to = bytes.len().min(from + 512);
    &mut bytes[from.min(to)..to]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The last transaction, of which any sectors and any rest are missing, is unfinished and no damage.
    #[test]
    fn an_unfinished_last_write_is_no_damage(
        is_restarted: bool, missing in prop::collection::vec(0.0..1.0, 0..6), length in 0.0..2.0,
    ) {
        let mut files: Files = if is_restarted { RESTARTED.clone() } else { PLAIN.clone() };
        let [.., before_last, last] = commits(&files)[..] else { panic!("too few commits") };
        let (from, to) = (HEADER + (before_last + 1) * FRAME, HEADER + (last + 1) * FRAME);
        let whole = files.log.clone();
        for part in missing {
            let at = from + ((to - from) as f64 * part) as usize;
            sector(&mut files.log, at).fill(0);
        }
        files.log[..from].copy_from_slice(&whole[..from]);
        files.log[to..].copy_from_slice(&whole[to..]);
        if !is_restarted && length < 1.0 {
            files.log.truncate(from + ((to - from) as f64 * length) as usize);
        }
        let found = verdict(&files).expect("no damage");
        prop_assert!(found.commits == 4 || files.log == whole);
        prop_assert_eq!(rows(&files), rows(&Files { log: whole, ..files.clone() }).map(|all| {
            all - 2 * (5 - found.commits as i64)
        }));
    }

    /// Whatever bytes are there: an answer, and where it is one, SQLite reads as many commits.
    #[test]
    fn damage_of_any_kind_is_told_or_costs_the_last_commit(
        is_restarted: bool, edits in prop::collection::vec((0.0..1.0, any::<u8>()), 1..4),
    ) {
        let mut files: Files = if is_restarted { RESTARTED.clone() } else { PLAIN.clone() };
        let all = rows(&files).unwrap();
        for (part, byte) in edits {
            let at = (files.log.len() as f64 * part) as usize;
            files.log[at] = byte;
        }
        if let Ok(found) = verdict(&files) {
            prop_assert_eq!(rows(&files), Some(all - 2 * (5 - found.commits as i64)));
        }
    }
}
