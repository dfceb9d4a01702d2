//! The tables, and how a file comes to have them.

use super::error::HistoryError;
use super::failing::not_opened;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::path::Path;
use std::time::Instant;

/// The version of the form that is written.
pub(crate) const VERSION: u32 = STEPS.len() as u32;

/// What a chat's database is marked by.
pub(crate) const APPLICATION: u32 = u32::from_be_bytes(*b"Whrc");

/// From no table at all to those of today. Each step makes one version of the one before, and is never changed: a new file takes all.
///
/// `timestamp` and `expires` are ms since 1970, `rooms` is a list in JSON. An index on a room is in the order of ids by itself. What others put
/// in need have no key.
pub(crate) const STEPS: [&str; 2] = [
    "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room_id TEXT NOT NULL, user_id TEXT NOT NULL, \
     name TEXT NOT NULL, content TEXT NOT NULL, timestamp INTEGER NOT NULL) STRICT; \
     CREATE INDEX messages_of_room ON messages (room_id);",
    "ALTER TABLE messages ADD COLUMN ref TEXT; \
     ALTER TABLE messages ADD COLUMN key BLOB; \
     CREATE UNIQUE INDEX messages_by_ref ON messages (user_id, ref) WHERE ref IS NOT NULL; \
     CREATE UNIQUE INDEX messages_by_key ON messages (key) WHERE key IS NOT NULL; \
     CREATE TABLE sessions (token BLOB PRIMARY KEY, user_id TEXT NOT NULL, name TEXT NOT NULL, rooms TEXT NOT NULL, \
     expires INTEGER NOT NULL) STRICT, WITHOUT ROWID; \
     CREATE INDEX sessions_by_expiry ON sessions (expires);",
];

/// Brings a file to the form of today, in one transaction, whoever else does so at the same time. Ids go on behind `last`.
pub(crate) fn migrate(
    path: &Path,
    connection: &mut Connection,
    last: u64,
    until: Instant,
) -> Result<u64, HistoryError> {
    let failed = |e| not_opened(path, e);
    // A file that is not ours is not even brought to another mode.
    version_of(path, connection)?;
    write_ahead(connection, until).map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let version = version_of(path, &transaction)?;
    let bring = || {
        for step in &STEPS[version as usize..] {
            transaction.execute_batch(step)?;
        }
        if version != VERSION {
            transaction.pragma_update(None, "application_id", APPLICATION.cast_signed())?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        let known: Option<i64> = transaction.query_row(
            "SELECT max(seq) FROM sqlite_sequence WHERE name = 'messages'",
            [],
            |row| row.get(0),
        )?;
        let known = known.and_then(|id| u64::try_from(id).ok());
        if known.unwrap_or(0) < last {
            transaction.execute("DELETE FROM sqlite_sequence WHERE name = 'messages'", [])?;
            let id = last.cast_signed();
            transaction.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?1)", [id])?;
        }
        Ok(known.unwrap_or(0).max(last))
    };
    let known = bring().map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(known)
}

/// The version of a file's form: 0 of an empty one.
fn version_of(path: &Path, connection: &Connection) -> Result<u32, HistoryError> {
    let read = || {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        let [application, version] = [number("application_id")?, number("user_version")?];
        Ok((application.cast_unsigned(), version.cast_unsigned(), tables))
    };
    match read().map_err(|e| not_opened(path, e))? {
        (0, 0, 0) => Ok(0),
        (APPLICATION, version @ 1..=VERSION, _) => Ok(version),
        (APPLICATION, version, _) if version > VERSION => {
            Err(HistoryError::Version { path: path.to_owned(), version })
        }
        _ => Err(HistoryError::Foreign { path: path.to_owned() }),
    }
}

/// Switches to the write-ahead log, so that others read while this writes.
fn write_ahead(connection: &Connection, until: Instant) -> rusqlite::Result<()> {
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            // Of two who do so one is told that it is busy, without having waited.
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < until => {
                std::thread::yield_now();
            }
            other => return other.map(drop),
        }
    }
}
