//! What errors mean to who asked.

use crate::error::DatabaseError;
use std::error::Error;
use tokio_postgres::error::SqlState;
use wharf::service::history::Failure;

/// What came between.
#[derive(Debug)]
pub(crate) enum Failing {
    /// The server, or the way to it.
    Postgres(tokio_postgres::Error),
    /// There was no answer in time.
    Late,
    /// This cannot be stored, or is not understood.
    Refused(&'static str),
}

impl From<tokio_postgres::Error> for Failing {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl Failing {
    /// What is told of it.
    pub(crate) fn told(&self, place: &str) -> Failure {
        match self {
            Self::Postgres(error) => {
                let text = format!("{place}: {}", text_of(error)).into();
                if is_passing(error) { Failure::Away(text) } else { Failure::Refused(text) }
            }
            Self::Late => Failure::Away(format!("{place}: {LATE}").into()),
            Self::Refused(what) => Failure::Refused((*what).into()),
        }
    }
}

/// What is said where no answer came.
pub(crate) const LATE: &str = "it does not answer in time";

/// What an error says of itself: of the server's neither detail nor statement, in which messages may stand.
pub(crate) fn text_of(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} ({})", told.message().replace(['\n', '\r'], " "), told.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(&format!(": {more}"));
        }
        source = error.source();
    }
    text
}

/// Whether it may be otherwise later.
pub(crate) fn is_passing(error: &tokio_postgres::Error) -> bool {
    // Without a code the connection is gone, or never was.
    error.code().is_none_or(|state| is_passing_state(state.code()))
}

/// The same of a code. Classes by <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_passing_state(code: &str) -> bool {
    // Connections, transactions that were ended or may only read, rollbacks by conflicts, resources, objects in use, operators, systems.
    let classes = ["08", "25", "40", "53", "55", "57", "58"];
    code == SqlState::INTERNAL_ERROR.code() || code.get(..2).is_some_and(|class| classes.contains(&class))
}

/// What an ask is told while it cannot be connected to.
pub(crate) fn still_closed(error: &DatabaseError) -> Failure {
    let text = error.to_string().into();
    match error {
        DatabaseError::Failed { .. } => Failure::Away(text),
        _ => Failure::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass() {
        for code in [
            "08006", "25006", "25P03", "25P04", "40001", "40P01", "53100", "55P03", "57014", "57P01",
            "58030", "XX000",
        ] {
            assert!(is_passing_state(code), "{code}");
        }
        for code in ["", "22021", "23505", "23514", "42P01", "42501", "28P01", "3D000", "XX001"] {
            assert!(!is_passing_state(code), "{code}");
        }
    }
}
