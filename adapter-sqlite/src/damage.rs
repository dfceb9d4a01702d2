//! Where a journal is damaged.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a journal, and where.
///
/// ```
/// let folder = std::env::temp_dir().join(format!("wharf-damage-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let file = folder.join("bus.db");
/// drop(wharf_sqlite::Journal::open(&file, |_| Ok(()))?);
/// let mut bytes = std::fs::read(&file)?;
/// let at = bytes.windows(8).position(|part| part == b"messages").expect("the name of a table");
/// bytes[at] ^= 1;
/// std::fs::write(&file, &bytes)?;
/// let refused = wharf_sqlite::Journal::open(&file, |_| Ok(())).unwrap_err();
/// assert!(matches!(&refused, wharf_sqlite::OpenError::Damaged(damage) if damage.file.ends_with("bus.db")), "{refused}");
/// assert_eq!(std::fs::read(&file)?, bytes);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is damaged ({place}): {what}", .file.display())]
#[non_exhaustive]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong there.
    pub what: String,
}

impl Damage {
    pub(crate) fn new(file: &Path, place: Place, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place, what: what.into() }
    }
}

/// A place in a journal.
///
/// ```
/// let place = wharf_sqlite::Place::Row { table: "messages", key: "7".into() };
/// assert_eq!(place.to_string(), "row 7 of messages");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    File,
    /// Its header.
    Header,
    /// A frame of the write-ahead log.
    Frame {
        /// Which, from 0.
        number: u64,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// A table as a whole.
    Table(&'static str),
    /// A row.
    Row {
        /// Of which table.
        table: &'static str,
        /// Its key: a number, or two names with a slash between.
        key: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("all of it"),
            Self::Header => f.write_str("its header"),
            Self::Frame { number, offset } => write!(f, "frame {number}, byte {offset}"),
            Self::Table(table) => write!(f, "table {table}"),
            Self::Row { table, key } => write!(f, "row {key} of {table}"),
        }
    }
}
