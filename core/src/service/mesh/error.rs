//! Why a mesh takes something not.

/// Why a member does not enter. Nothing has changed.
///
/// ```
/// use wharf::service::mesh::EnterError;
///
/// assert_eq!(EnterError::TooManySubjects { limit: 2 }.to_string(), "there are 2 subjects and may be no more");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EnterError {
    /// `nodes` is the machines' own.
    #[error("nobody enters the subject of the machines")]
    Reserved,
    /// The member's name is empty or longer than [`Config::max_name`](super::Config::max_name).
    #[error("a member's name has 1 to {limit} bytes")]
    BadName {
        /// The limit in bytes.
        limit: usize,
    },
    /// More is to be told about it than [`Config::max_about`](super::Config::max_about).
    #[error("what is told about a member has at most {limit} bytes")]
    AboutTooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// The node has [`Config::max_members`](super::Config::max_members) in it; retry once one has left.
    #[error("the node has {limit} members in it and may have no more")]
    TooManyMembers {
        /// The limit.
        limit: usize,
    },
    /// It would be a new subject, and there are members in [`Config::max_subjects`](super::Config::max_subjects); retry once one is empty.
    #[error("there are {limit} subjects and may be no more")]
    TooManySubjects {
        /// The limit.
        limit: usize,
    },
    /// The mesh is closed; do not retry.
    #[error("the mesh is closed")]
    Closed,
}

/// Why a message is not published. Nothing has changed, and no sequence is used up.
///
/// ```
/// use wharf::service::mesh::PublishError;
///
/// assert_eq!(PublishError::Closed.to_string(), "the mesh is closed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// `nodes` is the machines' own.
    #[error("nobody publishes on the subject of the machines")]
    Reserved,
    /// It is longer than [`Config::max_payload`](super::Config::max_payload), or than all that may wait.
    #[error("a payload has at most {limit} bytes")]
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// It would be a new subject, and there are members in [`Config::max_subjects`](super::Config::max_subjects); retry once one is empty.
    #[error("there are {limit} subjects and may be no more")]
    TooManySubjects {
        /// The limit.
        limit: usize,
    },
    /// The mesh is closed; do not retry.
    #[error("the mesh is closed")]
    Closed,
}
