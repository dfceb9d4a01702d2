//! How a journal is opened: nothing is written before all of it was found good.

use crate::damage::{Damage, Place};
use crate::error::{Failure, OpenError};
use crate::header::{self, Kind};
use crate::lock::Lock;
use crate::migration::Step;
use crate::records::{Standing, read_all, refusal};
use crate::schema::{self, TABLES, VERSION};
use crate::sidecar::{beside, resolved};
use crate::wal::{self, Fault, Found, Unreadable};
use crate::{mark, migration};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use wharf::service::bus::{Record, RestoreError};

/// A VFS without locks, which our lock makes up for: so a log is read without its index, which would be a file.
const WITHOUT_LOCKS: &str = if cfg!(windows) { "win32-none" } else { "unix-none" };

/// A journal that was found good, its lock held.
#[derive(Debug)]
pub(crate) struct Opened<T> {
    pub(crate) path: PathBuf,
    pub(crate) lock: Lock,
    pub(crate) standing: Standing,
    pub(crate) restored: T,
}

/// Takes the lock, makes the journal if there is none, checks it, and hands its records to `restore`.
pub(crate) fn open<T>(
    path: &Path,
    steps: &[Step],
    restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Result<T, RestoreError>,
) -> Result<Opened<T>, OpenError> {
    let path = resolved(path).map_err(|cause| Failure::new(path, "the journal cannot be found", cause))?;
    let lock = Lock::take(&path)?;
    let marked = mark::number_at(&beside(&path, ".mark"))?;
    if is_absent(&path)? {
        nothing_lost(&path, marked)?;
        schema::create(&path)?;
    }
    let found = check_files(&path)?;
    let (standing, restored) = read(&path, found, marked, steps, restore)?;
    Ok(Opened { path, lock, standing, restored })
}

/// There is no file, or nothing in it.
fn is_absent(path: &Path) -> Result<bool, Failure> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file() && found.len() == 0),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(cause) => Err(Failure::new(path, "the journal cannot be found", cause)),
    }
}

/// Where no journal is, none has been.
fn nothing_lost(path: &Path, marked: Option<u64>) -> Result<(), OpenError> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let what = match marked {
        Some(batches @ 1..) => {
            format!("it is gone, and its mark says that {batches} batches were carried out")
        }
        _ if has_log => "it is gone, and its write-ahead log is there".into(),
        _ => return Ok(()),
    };
    Err(Damage::new(path, Place::File, what).into())
}

/// Looks at the files before SQLite does.
fn check_files(path: &Path) -> Result<Found, OpenError> {
    let failed = |cause| Failure::new(path, "the journal cannot be read", cause);
    let mut database = File::open(path).map_err(failed)?;
    let mut head = Vec::new();
    (&mut database).take(header::LENGTH as u64).read_to_end(&mut head).map_err(failed)?;
    let foreign = || OpenError::Foreign { path: path.to_owned() };
    let head: [u8; header::LENGTH] = head.try_into().map_err(|_| foreign())?;
    let page_size = match header::kind(&head) {
        Kind::Journal { page_size } => page_size,
        Kind::Foreign => return Err(foreign()),
        Kind::Damaged(what) => return Err(Damage::new(path, Place::Header, what).into()),
    };
    // A journal never has one, and SQLite would take it for the past to go back to.
    if fs::metadata(beside(path, "-journal")).is_ok_and(|found| found.len() > 0) {
        let what = "a rollback journal lies beside it";
        return Err(Damage::new(path, Place::File, what).into());
    }
    let log_path = beside(path, "-wal");
    let log = match File::open(&log_path) {
        Ok(log) => log,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(cause) => return Err(Failure::new(&log_path, "the log cannot be read", cause).into()),
    };
    wal::check(&mut BufReader::with_capacity(1 << 16, log), &mut database, page_size).map_err(|fault| {
        let (place, what) = match fault {
            Unreadable::Io(cause) => return Failure::new(&log_path, "the log cannot be read", cause).into(),
            Unreadable::Damaged(Fault::Header) => {
                (Place::Header, "its checksum is wrong, and commits stand behind it")
            }
            Unreadable::Damaged(Fault::PageSize) => {
                (Place::Header, "its pages are of another size than the journal's")
            }
            Unreadable::Damaged(Fault::Frame { number, offset }) => {
                (Place::Frame { number, offset }, "its checksum is wrong, and commits stand behind it")
            }
        };
        Damage::new(&log_path, place, what).into()
    })
}

/// Reads all of a journal by a connection that cannot write.
fn read<T>(
    path: &Path,
    found: Found,
    marked: Option<u64>,
    steps: &[Step],
    restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Result<T, RestoreError>,
) -> Result<(Standing, T), OpenError> {
    let contradiction = |source| OpenError::Contradiction { path: path.to_owned(), source };
    let connection = read_only(path, found).map_err(|e| refusal(path, Place::File, e))?;
    let version = version(path, &connection)?;
    if version != VERSION {
        drop(connection);
        return migration::migrate(path, version, marked, steps, restore);
    }
    let (standing, restored) = check_content(path, &connection, marked, restore)?;
    Ok((standing, restored.map_err(contradiction)?))
}

fn read_only(path: &Path, found: Found) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if found.frames == 0 {
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        let connection = Connection::open_with_flags_and_vfs(path, flags, WITHOUT_LOCKS)?;
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        connection
    };
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// The URI of a file that is read as it is, with no log.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// The version of a journal's form.
pub(crate) fn version(path: &Path, connection: &Connection) -> Result<u32, OpenError> {
    let number = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0));
    number.map(i32::cast_unsigned).map_err(|e| refusal(path, Place::Header, e))
}

/// Checks all that a journal of today's form has, and hands its records out.
pub(crate) fn check_content<T>(
    path: &Path,
    connection: &Connection,
    marked: Option<u64>,
    restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> T,
) -> Result<(Standing, T), OpenError> {
    check_tables(path, connection)?;
    check_integrity(path, connection)?;
    let (standing, restored) = read_all(path, connection, restore)?;
    match marked {
        Some(marked) if standing.batches < marked => {
            let what = format!("its last batch is {}, and {marked} were carried out", standing.batches);
            Err(Damage::new(path, Place::File, what).into())
        }
        _ => Ok((standing, restored)),
    }
}

fn check_tables(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name";
    let read = || {
        let mut statement = connection.prepare(sql)?;
        let rows = statement
            .query_map([], |row| Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let found = read().map_err(|e| refusal(path, Place::Table("sqlite_schema"), e))?;
    if found == TABLES.map(|(name, sql)| ["table", name, name, sql].map(str::to_owned)) {
        return Ok(());
    }
    Err(Damage::new(path, Place::Table("sqlite_schema"), "its tables are not those of a journal").into())
}

/// Asks SQLite whether its trees are whole.
pub(crate) fn check_integrity(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let verdict = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match verdict.map_err(|e| refusal(path, Place::File, e))? {
        fine if fine == "ok" => Ok(()),
        what => Err(Damage::new(path, Place::File, what.lines().collect::<Vec<_>>().join(" ")).into()),
    }
}
