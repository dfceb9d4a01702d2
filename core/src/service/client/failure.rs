//! Why a client is not connected.

use crate::base::{Closed, Origin};
use crate::link::DialError;
use core::time::Duration;

/// Why an attempt failed, or a connection was lost.
///
/// ```
/// use wharf::link::DialError;
/// use wharf::service::client::Failure;
///
/// let failure = Failure::from(DialError::Connect);
/// assert!(!failure.is_fatal());
/// assert_eq!(failure.to_string(), "connect: no address could be connected to");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing came of the dial.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection ended.
    #[error("{closed}")]
    Closed {
        /// How.
        closed: Closed,
        /// Whether the transport has Close frames. Where it has none, an end of stream between two messages is told as 1000, and
        /// says nothing about why.
        has_close_frames: bool,
    },
    /// The peer gave no sign of life in answer to a heartbeat: the connection is half open, or as good as that.
    #[error("no sign of life within {0:?} of a heartbeat")]
    Silent(Duration),
    /// What is done on connect took longer than [`ClientConfig::ready_timeout`](super::ClientConfig::ready_timeout).
    #[error("not ready within {0:?} of connecting")]
    NotReady(Duration),
    /// The program gave the connection up ([`Client::reconnect`](super::Client::reconnect)).
    #[error("given up by the local program")]
    GivenUp,
}

impl Failure {
    /// Whether it is no use to try again, as [`Fatal::Default`](super::Fatal::Default) has it:
    ///
    /// | | |
    /// |---|---|
    /// | a dial | if [`DialError::is_retryable`] says so: refused with 401, 403 or 404, no TLS, a certificate that is not trusted |
    /// | closed by the peer with a code that [`is_retryable`](crate::base::CloseCode::is_retryable) does not name: 1000, 1002, 1008, 3000 to 4999 and so on | yes, where there are Close frames |
    /// | closed here | yes |
    /// | lost, silent, damaged, given up | no |
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Dial(error) => !error.is_retryable(),
            Self::Closed { closed, has_close_frames } => match closed.origin {
                Origin::Local => true,
                Origin::Remote => *has_close_frames && !closed.code.is_retryable(),
                Origin::Abnormal => false,
            },
            Self::Silent(_) | Self::NotReady(_) | Self::GivenUp => false,
        }
    }
}

/// `{kind, detail, isFatal}`.
#[cfg(feature = "json")]
impl serde::Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let kind = match self {
            Self::Dial(_) => "dial",
            Self::Closed { .. } => "closed",
            Self::Silent(_) => "silent",
            Self::NotReady(_) => "notReady",
            Self::GivenUp => "givenUp",
        };
        let mut out = serializer.serialize_struct("Failure", 3)?;
        out.serialize_field("kind", kind)?;
        out.serialize_field("detail", &format_args!("{self}"))?;
        out.serialize_field("isFatal", &self.is_fatal())?;
        out.end()
    }
}

/// Why a client stopped.
///
/// ```
/// use wharf::service::client::Stopped;
///
/// assert_eq!(Stopped::Asked.to_string(), "stopped by the local program");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The program asked for it ([`Client::stop`](super::Client::stop)).
    #[error("stopped by the local program")]
    Asked,
    /// A failure that makes another try useless ([`Fatal`](super::Fatal)).
    #[error("{0}")]
    Fatal(Failure),
    /// The schedule has come to its end. The last failure.
    #[error("given up: {0}")]
    GaveUp(Failure),
}
