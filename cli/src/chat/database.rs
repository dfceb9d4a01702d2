//! Where a chat keeps what was said.

use std::fmt;
use std::path::PathBuf;
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
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, with all that its URL says.
    Postgres(String),
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
}

impl Database {
    pub(super) fn open(at: &DatabaseAt) -> Result<Self, DatabaseError> {
        match at {
            DatabaseAt::Memory => Ok(Self::Memory(Memory::new(MEMORY))),
            DatabaseAt::Sqlite(_) | DatabaseAt::Postgres(_) => {
                Err(DatabaseError { at: at.clone(), why: "this program was built without it".to_owned() })
            }
        }
    }

    /// Does what it is asked.
    pub(super) fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.carry_out(ask)),
        }
    }
}

impl FromStr for DatabaseAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err("neither sqlite:PATH, postgres://… nor memory"),
        }
    }
}

impl fmt::Display for DatabaseAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for DatabaseAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseAt({self})")
    }
}

/// A URL without what it has to say of passwords, and without its query, which may hold one too.
fn without_password(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    // A password may have a slash, or an at sign, that was not encoded: whatever is before the last one is not told.
    match rest.rsplit_once('@') {
        None => url.to_owned(),
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{user}@{host}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_database() {
        assert_eq!("memory".parse(), Ok(DatabaseAt::Memory));
        assert_eq!("sqlite:a:b".parse(), Ok(DatabaseAt::Sqlite("a:b".into())));
        for bad in ["", "sqlite", "sqlite:", "postgres:x", "mysql://x", "chat.db", "memory:"] {
            assert!(bad.parse::<DatabaseAt>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_told() {
        for (url, told) in [
            ("postgres://localhost/chat", "postgres://localhost/chat"),
            ("postgresql://ada@h:5432/chat", "postgresql://ada@h:5432/chat"),
            ("postgres://ada:se:cret@h/chat", "postgres://ada@h/chat"),
            ("postgres://ada:s/e@cret@h/chat?sslmode=disable", "postgres://ada@h/chat"),
            ("postgres://h/chat?user=ada&password=secret", "postgres://h/chat"),
        ] {
            let at: DatabaseAt = url.parse().unwrap();
            let error = DatabaseError { at: at.clone(), why: "no".into() };
            assert_eq!(error.to_string(), format!("--database {told}: no"));
            assert_eq!(format!("{at:?}"), format!("DatabaseAt({told})"));
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_opened() {
        let at: DatabaseAt = "sqlite:/nowhere/at/all/chat.db".parse().unwrap();
        assert!(Database::open(&at).is_err());
        assert!(Database::open(&DatabaseAt::Memory).is_ok());
    }
}
