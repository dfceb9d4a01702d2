//! What the rooms want done, and what has happened.

use super::NodeStats;
use bytes::Bytes;
use wharf::base::CloseCode;
use wharf::service::history::{Ask, DeskStats, Failure, Page};
use wharf::service::mesh;

/// What the machine wants done. `text` is the payload of a text message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<K> {
    /// Send to one connection.
    Send {
        /// To whom.
        conn: K,
        /// What.
        text: Bytes,
    },
    /// Send to each of these connections; the text is shared.
    Broadcast {
        /// To whom, each once, in the order in which they came in.
        conns: Vec<K>,
        /// What.
        text: Bytes,
    },
    /// Close a connection, which is no user's, or not any more.
    Close {
        /// Which one.
        conn: K,
        /// With what.
        code: CloseCode,
        /// Why, for people.
        reason: &'static str,
    },
    /// Ask the store; what it says goes in by [`Rooms::handle_answer`](super::Rooms::handle_answer). There is no other until then.
    Ask(Ask),
    /// Do this for the mesh, if this is one of several nodes.
    Mesh(mesh::Action),
    /// What was asked for by [`Rooms::handle_page`](super::Rooms::handle_page).
    Page {
        /// By whom.
        conn: K,
        /// What came of it.
        paged: Paged,
    },
}

/// What came of the question for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paged {
    /// It is this one.
    Found(Page),
    /// There is no such room: nobody is in it, and nothing was said in it.
    NoRoom,
    /// It cannot be told now.
    Failed(Failure),
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Users now.
    pub users: usize,
    /// Rooms now: `general`, and others while they have a member.
    pub rooms: usize,
    /// Messages that were stored and passed on to a room.
    pub messages: u64,
    /// Whatever was refused.
    pub refused: u64,
    /// Users who came back by their token.
    pub resumed: u64,
    /// Users who were given up since they did not take what they were sent.
    pub slow: u64,
    /// Users who are told what they missed, now.
    pub behind: usize,
    /// Questions that wait for the store, now.
    pub readers: usize,
    /// Actions that nobody polled in time.
    pub dropped: u64,
    /// What waits for the store, and what became of it.
    pub desk: DeskStats,
    /// What has happened between nodes, if this is one of several.
    pub nodes: Option<NodeStats>,
}
