//! What is to be done for a mesh.

use super::{NodeId, Subject};
use bytes::Bytes;

/// What is to be done for a mesh, by whatever carries it. In the order in which they come: a subscription counts before what is
/// published after it.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::mesh::{Action, Mesh, Subject};
///
/// let mut mesh = Mesh::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// assert_eq!(mesh.poll_action(), Some(Action::Subscribe(Subject::all())));
/// assert_eq!(mesh.poll_action(), Some(Action::Subscribe(Subject::nodes())));
/// assert_eq!(mesh.poll_action(), None, "nothing is published before it is up");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Hear a subject from now on. It is asked for whether the transport is up or down, and once only: who carries it keeps the
    /// subscriptions over a lost connection.
    Subscribe(Subject),
    /// Hear it no more.
    Unsubscribe(Subject),
    /// Publish bytes. Only asked for while the transport is up; what is lost on the way, by an end of the connection too, the others
    /// find out.
    Publish {
        /// Where.
        subject: Subject,
        /// The node itself.
        origin: NodeId,
        /// The sequence of the message, 0 for what the machines tell each other.
        sequence: u64,
        /// What.
        bytes: Bytes,
    },
}
