//! What a mesh tells.

use super::{NodeId, Subject};
use alloc::sync::Arc;
use bytes::Bytes;

/// What a mesh tells. Messages and gaps of one origin on one subject come in that origin's order.
///
/// Of a subject nothing is told any more once its last local member has left: who was in it is forgotten without a word.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::mesh::Mesh;
///
/// let mut mesh = Mesh::new(Instant::ORIGIN, Default::default(), Entropy::from_seed([7; 32]));
/// assert_eq!(mesh.poll_event(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message of another node.
    Deliver {
        /// Where it was published.
        subject: Subject,
        /// Whose it is.
        origin: NodeId,
        /// Which of the origin's on this subject, from 1.
        sequence: u64,
        /// What [`Mesh::publish`](super::Mesh::publish) was handed.
        payload: Bytes,
    },
    /// Messages that did not come. They are not delivered any more, if they should come yet. There may be fewer: who hears a subject
    /// only since a moment ago can be told of one from before, and what an origin published under another sequence long ago
    /// leaves a gap.
    Gap {
        /// Where they were published.
        subject: Subject,
        /// Whose they are.
        origin: NodeId,
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Another node is there.
    Met(NodeId),
    /// A node said goodbye, or was not heard for [`Config::lost_after`](super::Config::lost_after). That its members have left was told
    /// before.
    Lost(NodeId),
    /// Another node has a member in a subject, and had it before it was known whom it has there: its first roll has come.
    Found {
        /// In which.
        subject: Subject,
        /// Which has it.
        node: NodeId,
        /// Who.
        member: Arc<str>,
        /// What is told about it.
        about: Bytes,
    },
    /// Another node has a member in a subject, which it had not before.
    Entered {
        /// In which.
        subject: Subject,
        /// Which has it.
        node: NodeId,
        /// Who.
        member: Arc<str>,
        /// What is told about it.
        about: Bytes,
    },
    /// What is told about a member is something else now.
    Changed {
        /// In which subject.
        subject: Subject,
        /// Which node has it.
        node: NodeId,
        /// Who.
        member: Arc<str>,
        /// What is told about it.
        about: Bytes,
    },
    /// Another node has a member in a subject no more.
    Left {
        /// In which.
        subject: Subject,
        /// Which had it.
        node: NodeId,
        /// Who.
        member: Arc<str>,
    },
}
