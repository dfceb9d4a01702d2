//! What opening a bus's store fails with.

use crate::error::HistoryError;

/// Why the store of a bus was not opened. It says so in one line, and never the password.
///
/// ```
/// use wharf_postgres::{BusStore, BusStoreError};
///
/// let error = BusStore::connect("mysql://bus:secret@localhost/bus").unwrap_err();
/// assert!(matches!(error, BusStoreError::Url));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BusStoreError {
    /// The URL is none of PostgreSQL's.
    #[error("{}", HistoryError::Url)]
    Url,
    /// It asks for TLS, which cannot be had.
    #[error("sslmode=require cannot be met: {0}")]
    Tls(Box<str>),
    /// The database does not keep Unicode.
    #[error("{place}: its encoding is {encoding}, and UTF8 is needed")]
    Encoding {
        /// Host, port and database.
        place: Box<str>,
        /// The encoding.
        encoding: Box<str>,
    },
    /// A newer version of this crate has brought it to a form that is not known here.
    #[error(
        "{place}: its bus has the form {version}, and only those up to {} are known",
        super::schema::VERSION
    )]
    Version {
        /// Host, port and database.
        place: Box<str>,
        /// The version of its form.
        version: i32,
    },
    /// It has no bus, and is not to get one.
    #[error("{place}: there is no bus in it")]
    Missing {
        /// Host, port and database.
        place: Box<str>,
    },
    /// It has a table of that name that is not ours.
    #[error("{place}: it is no database of a bus: {what}")]
    Foreign {
        /// Host, port and database.
        place: Box<str>,
        /// What the server says.
        what: Box<str>,
    },
    /// What is stored is damaged, or no bus wrote it.
    #[error("{place}: {what}")]
    Damaged {
        /// Host, port and database.
        place: Box<str>,
        /// Where, and what is wrong there.
        what: Box<str>,
    },
    /// It cannot be reached, or refuses.
    #[error("{place}: {what}")]
    Failed {
        /// Host, port and database.
        place: Box<str>,
        /// What failed.
        what: Box<str>,
    },
}

impl From<HistoryError> for BusStoreError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Url => Self::Url,
            HistoryError::Tls(what) => Self::Tls(what),
            HistoryError::Encoding { place, encoding } => Self::Encoding { place, encoding },
            HistoryError::Version { place, version } => Self::Version { place, version },
            HistoryError::Foreign { place, what } => Self::Foreign { place, what },
            HistoryError::Failed { place, what } => Self::Failed { place, what },
        }
    }
}
