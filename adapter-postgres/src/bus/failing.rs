//! What came between while an ask was carried out.

use super::rows::Flaw;
use crate::error::DatabaseError;
use crate::failing::{is_passing, text_of};

/// Why an ask was not carried out, or may not have been.
#[derive(Debug)]
pub(crate) enum Failing {
    /// The server, or the way to it, before anything was to last: nothing is done.
    Postgres(tokio_postgres::Error),
    /// There is no connection.
    Dial(DatabaseError),
    /// There was no answer in time, before anything was to last.
    Late,
    /// It is not known whether it is done.
    Doubt,
    /// Another node has changed what was being looked at.
    Conflict,
    /// The ask does not fit what is stored.
    Misfit(&'static str),
    /// What is stored is damaged.
    Flaw(Flaw),
}

impl From<tokio_postgres::Error> for Failing {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<DatabaseError> for Failing {
    fn from(error: DatabaseError) -> Self {
        Self::Dial(error)
    }
}

impl From<Flaw> for Failing {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl Failing {
    /// Whether it may be otherwise later, and is done for nobody now.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Postgres(error) => is_passing(error),
            Self::Dial(error) => matches!(error, DatabaseError::Failed { .. }),
            Self::Late | Self::Doubt | Self::Conflict => true,
            Self::Misfit(_) | Self::Flaw(_) => false,
        }
    }

    /// Whether it was ended for another one's sake, and is good at once.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Postgres(error) => {
                error.code().is_some_and(|state| ["40001", "40P01"].contains(&state.code()))
            }
            _ => false,
        }
    }

    /// What is told of it to who asked.
    pub(crate) fn told(self, place: &str) -> DatabaseError {
        let (place, what) = (place.into(), self.text().into());
        match self {
            Self::Dial(error) => error,
            Self::Flaw(_) => DatabaseError::Damaged { place, what },
            _ => DatabaseError::Failed { place, what },
        }
    }

    /// For people.
    fn text(&self) -> String {
        match self {
            Self::Postgres(error) => text_of(error),
            Self::Dial(error) => error.to_string(),
            Self::Late => crate::failing::LATE.to_owned(),
            Self::Conflict => "another node has changed it meanwhile".to_owned(),
            Self::Doubt => "it is not known whether it is done".to_owned(),
            Self::Misfit(what) => format!("what is asked does not fit what is stored: {what}"),
            Self::Flaw(Flaw(what)) => what.clone(),
        }
    }
}
