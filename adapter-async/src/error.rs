//! What can go wrong, and when.

use wharf::base::{Closed, SendError};

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
