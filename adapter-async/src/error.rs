//! What can go wrong, and when.

use std::io;
use wharf::base::{Closed, End, SendError};
use wharf::ws::handshake::{HandshakeError, RequestError};

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The request cannot be made; do not retry.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The name has no address; retry later.
    #[error("lookup: {0}")]
    Lookup(#[source] io::Error),
    /// No address could be connected to; retry later. The error is that of the last one.
    #[error("connect: {0}")]
    Connect(#[source] io::Error),
    /// Lookup and connect took longer than the open timeout; retry later.
    #[error("connect: timed out")]
    TimedOut,
    /// The URL is `wss` and no TLS is built in. It never falls back to plain text.
    #[error("wss needs TLS, which is not built in")]
    NoTls,
    /// The opening handshake failed; whether to retry depends on how.
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    /// The operating system gave no randomness for the handshake's key and the masks.
    #[error("entropy: {0}")]
    Entropy(getrandom::Error),
}

/// Why a socket's stream or sink failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection ended, and not cleanly by its classifier.
    #[error("{0}")]
    Closed(Box<Closed>),
    /// A message was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What an error of reading means to the machine.
pub(crate) fn end_of(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            End::Reset
        }
        io::ErrorKind::TimedOut => End::TimedOut,
        _ => End::ReadFailed,
    }
}
