//! What a service asks of the outside: dials and jobs.

use super::{Address, DialId};
use crate::base::Instant;
use crate::ws::handshake::{ClientRequest, HandshakeError};

/// A connection that a service wants made. An adapter looks the host up, connects and tells
/// [`Hub::dialed`](super::Hub::dialed), or [`Hub::dial_failed`](super::Hub::dial_failed).
///
/// ```
/// # fn adapter(dial: wharf::link::Dial) -> (String, u16) {
/// (dial.request.url().host().to_owned(), dial.request.url().port())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dial {
    /// Its name, to be told with the outcome.
    pub id: DialId,
    /// Where to.
    pub request: ClientRequest,
    /// An address to use instead of looking the host up.
    pub address: Option<Address>,
    /// When the connection must be open at the latest, its handshake done.
    pub deadline: Instant,
}

/// Why a dial came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address. Retry later.
    #[error("the name has no address")]
    Lookup,
    /// No address could be connected to. Retry later.
    #[error("no address could be connected to")]
    Connect,
    /// Lookup and connect took too long. Retry later.
    #[error("connecting timed out")]
    TimedOut,
    /// The URL asks for TLS, which this program cannot do.
    #[error("wss needs TLS, which is not built in")]
    NoTls,
    /// The opening handshake failed; whether to retry depends on how.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The hub is draining.
    #[error("the hub is draining")]
    Draining,
}
