//! The tables, and how a file with them is made.

use crate::error::Failure;
use crate::fingerprint::{Fingerprint, stored};
use crate::header::APPLICATION;
use crate::mark::Mark;
use crate::sidecar::{beside, sync_folder};
use crate::tally::Tallies;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The version of the form that is written.
pub(crate) const VERSION: u32 = 1;

/// The tables, each by its name and what makes it, in the order of their names.
///
/// What is looked at often stands before what is long. `sum` is the row's checksum, `progress` is JSON and NULL for the default.
pub(crate) const TABLES: [(&str, &str); 5] = [
    (
        "dead",
        "CREATE TABLE dead (seq INTEGER PRIMARY KEY, sum INTEGER NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, \
         sender TEXT NOT NULL, receiver TEXT NOT NULL, kind TEXT NOT NULL, progress TEXT, died_at INTEGER NOT NULL, \
         reason TEXT NOT NULL, body BLOB NOT NULL) STRICT",
    ),
    (
        "ids",
        "CREATE TABLE ids (sender TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, sum INTEGER NOT NULL, \
         PRIMARY KEY (sender, id)) STRICT, WITHOUT ROWID",
    ),
    (
        "messages",
        "CREATE TABLE messages (seq INTEGER PRIMARY KEY, sum INTEGER NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, \
         sender TEXT NOT NULL, receiver TEXT NOT NULL, kind TEXT NOT NULL, progress TEXT, body BLOB NOT NULL) STRICT",
    ),
    (
        "meta",
        "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), batches INTEGER NOT NULL, tallies BLOB NOT NULL, \
         sum INTEGER NOT NULL) STRICT",
    ),
    (
        "numbers",
        "CREATE TABLE numbers (sender TEXT NOT NULL, prefix TEXT NOT NULL, used INTEGER NOT NULL, high INTEGER NOT NULL, \
         gaps BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (sender, prefix)) STRICT, WITHOUT ROWID",
    ),
];

/// The checksum of the row that speaks of the tables.
pub(crate) fn meta_sum(print: &mut Fingerprint, batches: u64, tallies: &Tallies) -> i64 {
    print.meta().number(batches).blob(&tallies.to_bytes()).sum()
}

/// Makes an empty journal, which is there as a whole or not at all.
pub(crate) fn create(path: &Path) -> Result<(), Failure> {
    let new = beside(path, ".new");
    let failed = |cause| Failure::new(path, "the journal cannot be made", cause);
    for left_over in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(&new, left_over)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
    }
    fill(&new).map_err(|cause| Failure::new(path, "the journal cannot be made", cause))?;
    File::open(&new).and_then(|file| file.sync_all()).map_err(failed)?;
    // The mark comes first: one without a journal is a journal lost, but for one that says 0.
    Mark::create(&beside(path, ".mark"), 0)?;
    sync_folder(path).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

fn fill(new: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(new, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("BEGIN")?;
    connection.pragma_update(None, "application_id", APPLICATION.cast_signed())?;
    connection.pragma_update(None, "user_version", VERSION)?;
    make_tables(&connection)?;
    connection.execute_batch("COMMIT")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.close().map_err(|(_, cause)| cause)
}

/// Makes the tables, empty.
pub(crate) fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    for (_, sql) in TABLES {
        connection.execute_batch(sql)?;
    }
    let tallies = Tallies::default();
    let sum = meta_sum(&mut Fingerprint::default(), 0, &tallies);
    let row = params![stored(0), &tallies.to_bytes()[..], sum];
    connection.execute("INSERT INTO meta (one, batches, tallies, sum) VALUES (1, ?1, ?2, ?3)", row)?;
    Ok(())
}
