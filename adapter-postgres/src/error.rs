//! What connecting to a chat's database fails with.

/// Why a chat's database was not opened. It says so in one line, and never the password.
///
/// ```
/// use wharf_postgres::{History, HistoryError};
///
/// let error = History::connect("mysql://chat:secret@localhost/chat").unwrap_err();
/// assert!(matches!(error, HistoryError::Url));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
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
    #[error("{place}: it has the form {version}, and only those up to {} are known", crate::schema::VERSION)]
    Version {
        /// Host, port and database.
        place: Box<str>,
        /// The version of its form.
        version: i32,
    },
    /// It has a table of that name that is not ours.
    #[error("{place}: it is no database of a chat: {what}")]
    Foreign {
        /// Host, port and database.
        place: Box<str>,
        /// What the server says.
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
