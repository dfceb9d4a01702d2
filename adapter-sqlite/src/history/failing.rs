//! What SQLite's errors mean to who asked.

use super::error::HistoryError;
use crate::damage::{Damage, Place};
use crate::error::Failure as Trouble;
use rusqlite::{Error, ErrorCode};
use std::path::Path;
use wharf::service::history::Failure;

/// What came between.
#[derive(Debug)]
pub(crate) enum Failing {
    /// SQLite said no.
    Sqlite(Error),
    /// This cannot be stored, or is not understood.
    Refused(&'static str),
}

impl From<Error> for Failing {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failing {
    /// What is told of it.
    pub(crate) fn told(&self, path: &Path) -> Failure {
        match self {
            Self::Sqlite(error) => {
                let text = format!("{}: {error}", path.display()).into();
                if is_passing(error) { Failure::Away(text) } else { Failure::Refused(text) }
            }
            Self::Refused(what) => Failure::Refused((*what).into()),
        }
    }

    /// Whether the connection is to be given up: its file may have become another one, or a better one.
    pub(crate) fn is_of_the_file(&self) -> bool {
        use ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase, SystemIoFailure};
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Refused(_) => None,
        };
        matches!(code, Some(SystemIoFailure | DatabaseCorrupt | NotADatabase | CannotOpen))
    }
}

/// Whether it may be otherwise later: somebody else writes, the disk is full, the file cannot be written at the moment.
fn is_passing(error: &Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OperationInterrupted,
        OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
    };
    let passing = [
        CannotOpen,
        DatabaseBusy,
        DatabaseLocked,
        DiskFull,
        FileLockingProtocolFailed,
        OperationInterrupted,
        OutOfMemory,
        PermissionDenied,
        ReadOnly,
        SystemIoFailure,
    ];
    error.sqlite_error_code().is_some_and(|code| passing.contains(&code))
}

/// Why it was not opened.
pub(crate) fn not_opened(path: &Path, error: Error) -> HistoryError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => HistoryError::Foreign { path: path.to_owned() },
        Some(ErrorCode::DatabaseCorrupt) => Damage::new(path, Place::File, error.to_string()).into(),
        _ => Trouble::new(path, "the database cannot be opened", error).into(),
    }
}

/// What an ask is told while it cannot be opened.
pub(crate) fn still_closed(error: &HistoryError) -> Failure {
    let text = error.to_string().into();
    match error {
        HistoryError::Failed(_) => Failure::Away(text),
        _ => Failure::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn told(code: i32) -> Failure {
        let error = Error::SqliteFailure(ffi::Error::new(code), None);
        Failing::from(error).told(Path::new("chat.db"))
    }

    #[test]
    fn what_passes_is_away_and_what_does_not_is_refused() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DIRECTORY,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_PERM,
        ] {
            assert!(matches!(told(code), Failure::Away(text) if text.starts_with("chat.db: ")), "{code}");
        }
        for code in
            [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CONSTRAINT_CHECK, ffi::SQLITE_TOOBIG]
        {
            assert!(matches!(told(code), Failure::Refused(_)), "{code}");
        }
        let large = Failing::Refused("there are no ids left").told(Path::new("chat.db"));
        assert_eq!(large, Failure::Refused("there are no ids left".into()));
    }
}
