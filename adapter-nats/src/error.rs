//! What is refused, and why.

/// Why there is no connection to be had at all. It never says a password.
///
/// A server that is not there is no error: it is tried for ever.
///
/// ```
/// use wharf_nats::{ConnectError, Nats};
///
/// let error = Nats::connect("nats://ada:secret@localhost").unwrap_err();
/// assert!(matches!(error, ConnectError::Url));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not understood.
    #[error(
        "the mesh's URL is not understood: nats://HOST:PORT/NAME or tls://HOST:PORT/NAME is, with USER:PASSWORD@ or TOKEN@ before \
         the host, where NAME is 1 to 64 of A-Z a-z 0-9 _ - and what is special in a password is written as % and two hexadecimal \
         digits"
    )]
    Url,
    /// The operating system has no thread, no randomness or nothing to wait with.
    #[error("the mesh's thread does not start: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a subject is not subscribed to.
///
/// ```
/// # fn main() -> Result<(), wharf_nats::ConnectError> {
/// use wharf_nats::{Nats, SubscribeError};
///
/// let (nats, _notices) = Nats::connect("nats://localhost/chat")?;
/// assert_eq!(nats.subscribe("rooms.*"), Err(SubscribeError::Subject));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// It is none: 1 to 1,024 bytes of visible ASCII without `*` and `>`, in which dots part what is not empty.
    #[error("that is no subject")]
    Subject,
    /// There are as many as [`NatsConfig::max_subscriptions`](crate::NatsConfig::max_subscriptions) allows.
    #[error("there are too many subscriptions")]
    Full,
    /// The connection has been closed here.
    #[error("the connection is closed")]
    Closed,
}

/// Why something is not published. Nothing of it was sent.
///
/// ```
/// # fn main() -> Result<(), wharf_nats::ConnectError> {
/// use wharf_nats::{Nats, PublishError};
///
/// let (nats, _notices) = Nats::connect("nats://localhost/chat")?;
/// nats.close();
/// assert_eq!(nats.publish("rooms.general", "hello".into()), Err(PublishError::Closed));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The subject is none, as [`SubscribeError::Subject`] says.
    #[error("that is no subject")]
    Subject,
    /// It is larger than the server takes.
    #[error("it is larger than the {limit} bytes that the server takes")]
    TooLarge {
        /// The most that the server takes, in bytes.
        limit: usize,
    },
    /// As much waits for the server as [`NatsConfig::max_outgoing`](crate::NatsConfig::max_outgoing) and
    /// [`NatsConfig::max_outgoing_bytes`](crate::NatsConfig::max_outgoing_bytes) allow.
    #[error("too much waits for the server")]
    Full,
    /// The server is not there. Try again after [`Notice::Up`](crate::Notice::Up).
    #[error("the server is not there")]
    Down,
    /// The connection has been closed here.
    #[error("the connection is closed")]
    Closed,
}
