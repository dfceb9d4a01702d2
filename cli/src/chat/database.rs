//! Where a chat keeps what was said.

use crate::database::DatabaseUrl;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use wharf::service::history::{Answer, Ask, Failure, Memory};

/// How many messages are kept in memory.
const MEMORY: usize = 10_000;

/// A database.
///
/// ```
/// use wharf_cli::chat::DatabaseAt;
///
/// let database: DatabaseAt = "postgres://ada:secret@localhost/chat".parse().unwrap();
/// assert_eq!(database.to_string(), "postgres://ada@localhost/chat");
/// assert!(!format!("{database:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseAt {
    /// In memory alone: the last 10,000 messages, until the end of the program.
    Memory,
    /// An SQLite file. Its folder is made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL server, with all that its URL says.
    Postgres(DatabaseUrl),
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("--database {at}: {why}")]
pub struct DatabaseError {
    /// Which; its password is not told.
    pub at: DatabaseAt,
    /// Why not.
    pub why: String,
}

/// A database that is open. It is asked by one thread, and may keep that waiting.
#[derive(Debug)]
pub(super) enum Database {
    Memory(Memory),
    Sqlite(Box<wharf_sqlite::History>),
    Postgres(Box<wharf_postgres::History>),
}

impl Database {
    pub(super) fn open(at: &DatabaseAt) -> Result<Self, DatabaseError> {
        let opened = match at {
            DatabaseAt::Memory => return Ok(Self::Memory(Memory::new(MEMORY))),
            DatabaseAt::Sqlite(path) => open_file(path),
            DatabaseAt::Postgres(url) => wharf_postgres::History::connect(url.as_str())
                .map(|history| Self::Postgres(Box::new(history)))
                .map_err(|error| error.to_string()),
        };
        opened.map_err(|why| DatabaseError { at: at.clone(), why })
    }

    /// Does what it is asked.
    pub(super) fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.carry_out(ask)),
            Self::Sqlite(history) => history.carry_out(ask),
            Self::Postgres(history) => history.carry_out(ask),
        }
    }
}

impl DatabaseAt {
    /// Where it is when nobody says: `wharf/chat.db` in the folder for the user's data, or in memory where there is none.
    #[must_use]
    pub fn usual() -> Self {
        dirs::data_dir().map_or(Self::Memory, |folder| Self::Sqlite(folder.join("wharf").join("chat.db")))
    }
}

fn open_file(path: &Path) -> Result<Database, String> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| format!("its folder cannot be made: {error}"))?;
    }
    let history = wharf_sqlite::History::open(path).map_err(|error| error.to_string())?;
    Ok(Database::Sqlite(Box::new(history)))
}

impl FromStr for DatabaseAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => DatabaseUrl::of(text)
                .map(Self::Postgres)
                .ok_or("neither sqlite:PATH, postgres://… nor memory"),
        }
    }
}

impl fmt::Display for DatabaseAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseAt({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_database() {
        assert_eq!("memory".parse(), Ok(DatabaseAt::Memory));
        assert_eq!("sqlite:a:b".parse(), Ok(DatabaseAt::Sqlite("a:b".into())));
        assert_eq!("POSTGRES://h/chat".parse::<DatabaseAt>(), "postgres://h/chat".parse());
        for bad in ["", "sqlite", "sqlite:", "postgres:x", "mysql://x", "chat.db", "memory:"] {
            assert!(bad.parse::<DatabaseAt>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_is_made_or_cannot_be_opened() {
        let folder = std::env::temp_dir().join(format!("wharf-chat-database-{}", std::process::id()));
        let file = folder.join("new").join("chat.db");
        assert!(Database::open(&DatabaseAt::Sqlite(file.clone())).is_ok());
        let below_a_file = DatabaseAt::Sqlite(file.join("chat.db"));
        assert!(Database::open(&below_a_file).is_err());
        assert!(Database::open(&"postgres://localhost:1/chat".parse().unwrap()).is_err());
        assert!(Database::open(&DatabaseAt::Memory).is_ok());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
