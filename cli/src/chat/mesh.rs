//! What carries the mesh between a chat's nodes.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

#[cfg(feature = "nats")]
mod nats;
#[cfg(not(feature = "nats"))]
mod none;

#[cfg(feature = "nats")]
pub(super) use nats::Carrier;
#[cfg(not(feature = "nats"))]
pub(super) use none::Carrier;

/// Where a mesh is, as it was given: what is wrong with it is told when it is connected to, without what it has to say of passwords.
///
/// ```
/// use wharf_cli::chat::MeshAt;
///
/// let at: MeshAt = "nats://chat:secret@localhost/chat".parse().unwrap();
/// assert_eq!(format!("{at:?}"), "MeshAt(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MeshAt(String);

/// A mesh that cannot be had.
///
/// ```
/// use wharf_cli::chat::MeshError;
///
/// assert!(MeshError::Database.to_string().contains("postgres"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// The nodes would have no database in common, or one whose ids do not appear in their order for all.
    #[error("--mesh: the nodes share a database: give --database postgres://…, the same to each")]
    Database,
    /// It is not in this build.
    #[error("--mesh: this build has no mesh: build it with the feature nats")]
    Missing,
    /// It is not understood, or there is no thread to be had.
    #[error("--mesh: {0}")]
    Connect(Box<str>),
}

impl FromStr for MeshAt {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for MeshAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeshAt(…)")
    }
}
