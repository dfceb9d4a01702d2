//! What can go wrong, and when.

use wharf::base::{Closed, Message, SendError, When};
use wharf::service::schedule::Retryable;

/// A message that was not taken, given back.
///
/// ```
/// use wharf::base::{Message, SendError};
/// use wharf_async::{Error, SendFailed};
///
/// let failed = SendFailed { error: SendError::Full, message: Message::from("later".to_owned()) };
/// assert_eq!(Error::from(failed).into_message(), Some(Message::text("later")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct SendFailed<'m> {
    /// Why.
    pub error: SendError,
    /// The message, as it was handed over.
    pub message: Message<'m>,
}

/// Why a socket's stream or sink failed.
///
/// ```
/// use wharf::base::{SendError, When};
/// use wharf_async::Error;
///
/// let error = Error::Send { error: SendError::Full, message: None };
/// assert!(error.is_retryable());
/// assert_eq!(error.when(), When::Write);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection ended, and not cleanly by its classifier.
    #[error("{0}")]
    Closed(Box<Closed>),
    /// A message was not taken.
    #[error("{error}")]
    Send {
        /// Why.
        error: SendError,
        /// The message, if it was owned. A lent one is still the caller's.
        message: Option<Message<'static>>,
    },
    /// A close was not taken: its code or reason cannot be sent, or the connection is closing already.
    #[error("{0}")]
    Close(SendError),
}

impl Error {
    /// Whether the same may succeed later: on a new connection where this one ended ([`Closed::is_retryable`]), on the
    /// same one where the output was full, or that of all connections of a service.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Closed(closed) => closed.is_retryable(),
            Self::Send { error, .. } => matches!(error, SendError::Full | SendError::Overload),
            Self::Close(_) => false,
        }
    }

    /// In which part of the connection's life it failed.
    #[must_use]
    pub fn when(&self) -> When {
        match self {
            Self::Closed(closed) => closed.when(),
            Self::Send { .. } => When::Write,
            Self::Close(_) => When::Close,
        }
    }

    /// The report, if the connection ended.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        match self {
            Self::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// The message that was not taken, if it was owned.
    #[must_use]
    pub fn into_message(self) -> Option<Message<'static>> {
        match self {
            Self::Send { message, .. } => message,
            _ => None,
        }
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }
}

impl From<SendFailed<'_>> for Error {
    fn from(failed: SendFailed<'_>) -> Self {
        let SendFailed { error, message } = failed;
        Self::Send { error, message: (!message.is_lent()).then(|| message.into_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::base::{Cause, Classifier, CloseCode, End, Origin, Timeout};

    #[test]
    fn when_and_whether_to_retry() {
        let closed = |cause| {
            let report = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
            Error::Closed(Box::new(report))
        };
        let send = |error| Error::Send { error, message: None };
        for (error, when, retryable) in [
            (closed(Cause::Timeout(Timeout::WriteStall)), When::Write, true),
            (closed(Cause::Transport(End::Reset)), When::Read, true),
            (closed(Cause::Aborted), When::Close, false),
            (send(SendError::Full), When::Write, true),
            (send(SendError::Overload), When::Write, true),
            (send(SendError::Closed), When::Write, false),
            (Error::Close(SendError::InvalidClose), When::Close, false),
        ] {
            assert_eq!((error.when(), error.is_retryable()), (when, retryable), "{error:?}");
        }
    }

    #[test]
    fn a_lent_message_stays_with_its_owner() {
        let text = "lent".to_owned();
        let failed = SendFailed { error: SendError::Closed, message: Message::from(&*text) };
        assert_eq!(Error::from(failed).into_message(), None);
    }
}
