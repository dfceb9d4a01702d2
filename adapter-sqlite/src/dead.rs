//! Dead letters, read beside a running bus.

use crate::damage::Place;
use crate::error::{Failure, OpenError};
use crate::fingerprint::Fingerprint;
use crate::header::APPLICATION;
use crate::opening::version;
use crate::records::{damage, refusal};
use crate::row::{self, columns};
use crate::schema::VERSION;
use crate::sidecar::resolved;
use crate::tally::Table;
use rusqlite::{Connection, OpenFlags, Params, params};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf::service::bus::{Accepted, Death, Name, Record};

/// The dead letters of a journal, to be read, whether a bus runs on it or not.
///
/// Each letter is checked when it is read; the journal as a whole is checked by a bus that opens it.
///
/// ```
/// let folder = std::env::temp_dir().join(format!("wharf-dead-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let (bus, ()) = wharf_sqlite::Journal::open(folder.join("bus.db"), |_| Ok(()))?;
/// let letters = wharf_sqlite::DeadLetters::open(folder.join("bus.db"))?;
/// letters.each(|letter| println!("{}", letter.accepted.id))?;
/// # drop((letters, bus));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DeadLetters {
    connection: Connection,
    path: PathBuf,
}

/// A dead letter. In JSON `{from, id, to, type, reason, attempts, diedAt}`, the last one in ms since 1970.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::bus::{Accepted, DeadReason, Death, Name, Progress, Seq};
///
/// let (id, from, to) = (Name::new("m-1")?, Name::new("shop")?, Name::new("mail")?);
/// let accepted = Accepted::new(Seq(1), id, from, to, "sold", "{}".into(), Wall::from_millis(1));
/// let death = Death::new(DeadReason::AckTimeout, Wall::from_millis(5), Progress::default());
/// let json = serde_json::to_string(&wharf_sqlite::DeadLetter { accepted, death })?;
/// assert!(json.starts_with(r#"{"from":"shop","id":"m-1","to":"mail","type":"sold","reason":"ack timeout""#));
/// assert!(json.ends_with(r#""attempts":0,"diedAt":5}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message.
    pub accepted: Accepted,
    /// What it died of.
    pub death: Death,
}

impl DeadLetters {
    /// Opens a journal for reading.
    ///
    /// # Errors
    /// There is none, it is foreign or of another version, or it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let failed = |cause| Failure::new(path, "the journal cannot be found", cause);
        let path = resolved(path).map_err(failed)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let foreign = || OpenError::Foreign { path: path.clone() };
        let open = || {
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            let application =
                connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))?;
            Ok((connection, application.cast_unsigned()))
        };
        let (connection, application) = open().map_err(|e: rusqlite::Error| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => foreign(),
            _ => refusal(&path, Place::Header, e),
        })?;
        if application != APPLICATION {
            return Err(foreign());
        }
        match version(&path, &connection)? {
            VERSION => Ok(Self { connection, path }),
            version => Err(OpenError::Version { path, version }),
        }
    }

    /// Hands all dead letters out, the first accepted first.
    ///
    /// # Errors
    /// One of them is damaged, or cannot be read.
    pub fn each(&self, letter: impl FnMut(DeadLetter)) -> Result<(), OpenError> {
        self.select("", [], letter)
    }

    /// Those that have this id, from whomever or from one sender.
    ///
    /// # Errors
    /// Those of [`each`](Self::each).
    pub fn with_id(&self, id: &Name, from: Option<&Name>) -> Result<Vec<DeadLetter>, OpenError> {
        let mut found = Vec::new();
        let key = params![id.as_str(), from.map(Name::as_str)];
        self.select("WHERE id = ?1 AND sender = coalesce(?2, sender)", key, |letter| found.push(letter))?;
        Ok(found)
    }

    fn select(
        &self,
        which: &str,
        key: impl Params,
        mut letter: impl FnMut(DeadLetter),
    ) -> Result<(), OpenError> {
        let table = Table::Dead;
        let failed = |e| refusal(&self.path, Place::Table(table.name()), e);
        let sql = format!("SELECT {} FROM {} {which} ORDER BY seq", columns(table), table.name());
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(key).map_err(failed)?;
        let mut print = Fingerprint::default();
        while let Some(row) = rows.next().map_err(failed)? {
            let record = row::record(table, row, &mut print).map_err(|flaw| damage(&self.path, flaw))?;
            if let Record::Dead(accepted, death) = record.0 {
                letter(DeadLetter { accepted, death });
            }
        }
        Ok(())
    }
}

impl Serialize for DeadLetter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (accepted, death) = (&self.accepted, &self.death);
        let mut letter = serializer.serialize_struct("DeadLetter", 7)?;
        letter.serialize_field("from", &accepted.from)?;
        letter.serialize_field("id", &accepted.id)?;
        letter.serialize_field("to", &accepted.to)?;
        letter.serialize_field("type", &*accepted.kind)?;
        letter.serialize_field("reason", &death.reason.to_string())?;
        letter.serialize_field("attempts", &death.progress.attempts)?;
        letter.serialize_field("diedAt", &death.at.as_millis())?;
        letter.end()
    }
}
