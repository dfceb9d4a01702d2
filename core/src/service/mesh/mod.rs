//! A mesh: groups that span nodes, over a fan-out that may lose what it carries.
//!
//! [`Mesh`] is one node. Members of its own [`enter`](Mesh::enter) and [`leave`](Mesh::leave) subjects; what is
//! [`published`](Mesh::publish) on a subject goes to all other nodes that have a member in it. Between the nodes is something that hands what
//! is published on a subject to all who subscribed to it, such as a NATS server: it may lose messages, bring one twice, bring those of
//! several nodes in any order, and be away for a while. Nodes come, go and die. What a node makes of all that is told as
//! [`Event`]s: messages of each node in that node's order, none twice, and a [`gap`](Event::Gap) for what did not come; who of the other nodes'
//! members is in a subject; which nodes are there.
//!
//! - **Messages** are numbered by their origin on each subject. One that comes too early waits [`Config::patience`] for those before it, then they
//!   are given up. Every [`Config::beat`] a node tells the others the number of its last message on each subject, so that the loss of a last
//!   one is found, too.
//! - **Members**: all that a node has in a subject is its *roll*. Each change is told as a step from one version of the roll to the next; the beat
//!   tells the version. Who missed a step asks for the roll, on the subject itself, and the node tells it there once for all who asked,
//!   at most once in [`Config::retry`].
//! - **Nodes** that are not heard for [`Config::lost_after`] are lost, and their members have left; those that say
//!   [goodbye](Mesh::close) are so at once. A lost node that is heard again goes on where it was: what was missed is told as a gap.
//! - **Trust**: whoever can publish on the subjects is believed, as frames carry no proof of their origin. But what is said in another's
//!   name does not stay: numbers that a node's beats do not confirm are given up after [`Config::lost_after`].
//!
//! Nothing is kept on disk: a node that is started again is another node.

mod action;
mod alarms;
mod asking;
mod beating;
mod config;
mod doubt;
mod error;
mod event;
mod events;
mod members;
mod mesh;
mod node;
mod outbox;
mod own;
mod peers;
mod receiving;
mod roll;
mod stats;
mod stream;
mod subject;
#[cfg(test)]
mod tests;
mod wire;

pub use action::Action;
pub use config::Config;
pub use error::{EnterError, PublishError};
pub use event::Event;
pub use mesh::Mesh;
pub use node::NodeId;
pub use stats::Stats;
pub use subject::{MAX_TOKEN, Subject, SubjectError};
