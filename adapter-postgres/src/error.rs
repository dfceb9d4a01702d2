//! What opening a database fails with.

/// Why a database was not opened, or is not good. It says so in one line, and never the password.
///
/// ```
/// use wharf_postgres::{DatabaseError, History};
///
/// let error = History::connect("mysql://chat:secret@localhost/chat").unwrap_err();
/// assert!(matches!(error, DatabaseError::Url));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL is none of PostgreSQL's.
    #[error(
        "the database's URL is not understood: postgres://USER:PASSWORD@HOST:PORT/DATABASE is, where what is special in a \
         password is written as % and two hexadecimal digits"
    )]
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
    #[error("{place}: its {of} has the form {version}, and only those up to {known} are known")]
    Version {
        /// Host, port and database.
        place: Box<str>,
        /// What is kept there: `chat` or `bus`.
        of: &'static str,
        /// The version of its form.
        version: i32,
        /// The newest that is known.
        known: i32,
    },
    /// It has no such tables, and is not to get any.
    #[error("{place}: there is no {of} in it")]
    Missing {
        /// Host, port and database.
        place: Box<str>,
        /// What is to be kept there: `chat` or `bus`.
        of: &'static str,
    },
    /// It has a table of that name that is not ours.
    #[error("{place}: it is no database of a {of}: {what}")]
    Foreign {
        /// Host, port and database.
        place: Box<str>,
        /// What is to be kept there: `chat` or `bus`.
        of: &'static str,
        /// What the server says.
        what: Box<str>,
    },
    /// What is stored is damaged, or none of ours wrote it.
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

impl DatabaseError {
    /// What fails, at a place.
    pub(crate) fn failed(place: &str, what: impl Into<Box<str>>) -> Self {
        Self::Failed { place: place.into(), what: what.into() }
    }
}
