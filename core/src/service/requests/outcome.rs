//! What calls come to.

use super::{CallId, Data, ErrorReply};
use crate::base::{Closed, Message};
use crate::framed::json::JsonError;
use alloc::sync::Arc;

/// What became of a message that came.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::requests::{Received, Requests};
///
/// let mut requests = Requests::new(Default::default());
/// let news = Message::text(r#"{"type": "news"}"#);
/// assert_eq!(requests.receive(&news), Received::NotOurs);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<'m> {
    /// A call has come to its end.
    Reply {
        /// The call.
        id: CallId,
        /// What it came to.
        outcome: Result<Data<'m>, ReplyError>,
    },
    /// A reply to a call that was given up or has timed out. It is counted.
    Late(CallId),
    /// A reply to a call that had one. It is counted.
    Duplicate(CallId),
    /// No reply to any call of this connection: the program may make something of it. It is counted.
    NotOurs,
}

/// A reply that is no answer.
///
/// ```
/// use wharf::service::requests::{ErrorReply, ReplyError};
///
/// let refused = ReplyError::from(ErrorReply::new("not_found", "no user 7"));
/// assert_eq!(refused.to_string(), "not_found: no user 7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The peer says that it failed.
    #[error(transparent)]
    Refused(#[from] ErrorReply),
    /// It has neither data nor an error of the right shape.
    #[error("a reply with neither data nor error")]
    Malformed,
}

/// A call that came to its end without a reply.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Instant, Message};
/// use wharf::service::requests::{Failure, Requests};
///
/// let mut requests = Requests::new(Default::default());
/// let (id, _) = requests.call(Instant::ORIGIN, "ahoy", None).unwrap();
/// requests.handle_timeout(Instant::ORIGIN + Duration::from_secs(30));
/// let failed = requests.poll_failed().unwrap();
/// assert_eq!((failed.id, failed.failure), (id, Failure::TimedOut));
/// assert_eq!(failed.cancel, Some(Message::text(r#"{"id":1,"cancel":true}"#)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// The call.
    pub id: CallId,
    /// Why.
    pub failure: Failure,
    /// To be sent, so that the peer works on it no longer.
    pub cancel: Option<Message<'static>>,
}

/// Why a call had no reply.
///
/// ```
/// assert_eq!(wharf::service::requests::Failure::TimedOut.to_string(), "no reply in time");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// None came in time.
    #[error("no reply in time")]
    TimedOut,
    /// The connection ended.
    #[error("{0}")]
    Closed(Arc<Closed>),
}

/// Why a call was not made. Nothing of it is left.
///
/// ```
/// use wharf::service::requests::{CallError, Requests, RequestsConfig};
///
/// let mut config = RequestsConfig::default();
/// config.max_in_flight = 0;
/// let error = Requests::new(config).call(Default::default(), "ahoy", None).unwrap_err();
/// assert!(matches!(error, CallError::TooMany { limit: 0 }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// As many as may be are in flight. Try again when one has ended.
    #[error("{limit} requests are in flight")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The connection has ended.
    #[error("{0}")]
    Closed(Arc<Closed>),
    /// The data has no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
}
