//! The other nodes of a chat: what is said there, who is there, and what of it only the database can tell.
//!
//! A message of another node comes by the mesh, or is found in the database by a *sweep*; whatever comes first, it is told once. Nothing
//! waits for another node, so a message may come behind one with a greater id, and no id says by itself what a user has heard.
//! What does is the order in which this node has told its messages, and for each room of a user an id up to which all came from
//! the database. For clients, who know neither, there is the *settled* id: all messages of its rooms up to that one were told. Only
//! what the database says makes it grow. What it has is told even where the mesh has told something else with that id, and what it has
//! not when it is asked is forgotten, so nothing that comes by the mesh can keep a message from anybody.

mod catching_up;
mod finding;
mod known;
mod passing;
mod people;
mod sweeping;
mod wire;

use self::finding::Found;
use self::known::People;
use self::passing::Fresh;
use self::sweeping::{RETRY, Sweep};
use super::{Action, Rooms};
use crate::chat::Limits;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Entropy, Instant, Wall};
use wharf::service::mesh::{self, Event, Mesh, Subject};

/// From a gap until it is looked for in the database: it is there already, and others may be told of meanwhile.
const AFTER_A_GAP: Duration = Duration::from_millis(50);
/// How many nodes may hear as many rooms as there can be.
const MOST_NODES: usize = 16;

/// What a transport tells of a mesh.
///
/// ```
/// use wharf_cli::chat::Notice;
///
/// let came = Notice::Delivered { subject: "all".into(), bytes: bytes::Bytes::from_static(b"?") };
/// assert_ne!(came, Notice::Up);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// It is connected.
    Up,
    /// It is not connected any more.
    Down,
    /// So many messages were dropped on their way in, as far as is known.
    Slow(u64),
    /// Something came.
    Delivered {
        /// On which subject.
        subject: Arc<str>,
        /// What.
        bytes: Bytes,
    },
}

/// What has happened between nodes so far.
///
/// ```
/// assert_eq!(wharf_cli::chat::NodeStats::default().told, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStats {
    /// Users of other nodes now.
    pub users: usize,
    /// All messages up to this id were told; 0 as long as the database has not said how far it is.
    pub settled: u64,
    /// Messages of other nodes that came by the mesh and were told.
    pub told: u64,
    /// Messages of other nodes that a sweep found and told.
    pub swept: u64,
    /// Messages that had been told before they came by the mesh.
    pub doubled: u64,
    /// Messages that came by the mesh and were left to a sweep: too far ahead, too early or too many.
    pub deferred: u64,
    /// What came by the mesh and makes no sense, or is not what the database has.
    pub poisoned: u64,
    /// Sweeps that came to their end.
    pub sweeps: u64,
    /// Messages that the mesh did not take; the others find them in the database.
    pub unpublished: u64,
    /// Users who go on at another node.
    pub moved: u64,
    /// Users of other nodes who were not taken, as there were too many; each as often as something was told of it.
    pub users_refused: u64,
    /// Users who lost their name to one of another node.
    pub renamed: u64,
    /// The mesh's own.
    pub mesh: mesh::Stats,
}

/// All that is known of the others.
#[derive(Debug)]
pub(super) struct Nodes {
    mesh: Mesh,
    settled: Option<u64>,
    /// The greatest id that the database has told: with no other answer it grows, and what it says when asked how far it is it says last.
    confirmed: u64,
    /// Ids above the settled one that were told, and as what. At most [`MAX_FRESH`](passing::MAX_FRESH) of the mesh's, and what is stored
    /// or read beside it until the next sweep.
    fresh: BTreeMap<u64, Fresh>,
    /// How often the database was asked how far it is.
    asks: u64,
    sweep: Sweep,
    people: People,
    found: Found,
    is_up: bool,
    stats: NodeStats,
}

impl Nodes {
    pub(super) const fn settled(&self) -> Option<u64> {
        self.settled
    }

    pub(super) const fn confirmed(&self) -> u64 {
        self.confirmed
    }

    fn stats(&self) -> NodeStats {
        let (users, settled, mesh) = (self.people.len(), self.settled.unwrap_or(0), self.mesh.stats());
        NodeStats { users, settled, mesh, ..self.stats }
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// As [`new`](Self::new), for one of several nodes over one database: the messages of each are told by all. What a transport tells
    /// goes in by [`handle_notice`](Self::handle_notice), what it is to do comes out as [`Action::Mesh`].
    ///
    /// The store must have ids appear in their order, as that in PostgreSQL does. What was not told to have been stored and may be is
    /// never handed back: others may have told it.
    ///
    /// ```
    /// use wharf::base::{Entropy, Instant};
    /// use wharf_cli::chat::{Action, Limits, Rooms};
    ///
    /// let mut rooms = Rooms::<u32>::among_nodes(Instant::ORIGIN, Limits::default(), Entropy::from_seed([7; 32]));
    /// assert!(matches!(rooms.poll_action(), Some(Action::Mesh(_))));
    /// assert!(!rooms.is_up().unwrap());
    /// ```
    #[must_use]
    pub fn among_nodes(now: Instant, limits: Limits, mut entropy: Entropy) -> Self {
        let mut limits = limits;
        limits.desk.withdraws = false;
        let mut config = mesh::Config::default();
        config.max_subjects = limits.max_rooms;
        config.max_members = limits.max_users.max(1);
        // In each room's subject there is one a node, so that of users is not the mesh's limit.
        let listeners = limits.max_rooms.saturating_mul(MOST_NODES);
        config.max_remote_members = limits.max_remote_users.saturating_mul(2).saturating_add(listeners);
        config.max_about = limits.longest_about();
        let mesh = Mesh::new(now, config, Entropy::from_seed(entropy.bytes()));
        let nodes = Nodes {
            mesh,
            settled: None,
            confirmed: 0,
            fresh: BTreeMap::new(),
            asks: 0,
            sweep: Sweep::new(now),
            people: People::new(limits.max_remote_users),
            found: Found::default(),
            is_up: false,
            stats: NodeStats::default(),
        };
        Self { nodes: Some(Box::new(nodes)), ..Self::new(now, limits, entropy) }
    }

    /// What the transport of the mesh tells. Whatever comes by it, there is no harm in it but that it is believed.
    pub fn handle_notice(&mut self, now: Instant, wall: Wall, notice: &Notice) {
        let now = self.advance(now, wall);
        let Some(nodes) = &mut self.nodes else { return };
        match notice {
            Notice::Up => {
                nodes.mesh.handle_up(now);
                nodes.people.hear_again(now);
            }
            Notice::Down => nodes.mesh.handle_down(now),
            Notice::Slow(dropped) => nodes.mesh.handle_slow(now, *dropped),
            Notice::Delivered { subject, bytes } => nodes.mesh.handle_delivered(now, subject, bytes),
        }
        if let Notice::Up | Notice::Down = notice {
            nodes.is_up = *notice == Notice::Up;
        }
        if !matches!(notice, Notice::Delivered { .. }) {
            nodes.sweep.hasten(now + AFTER_A_GAP);
        }
    }

    /// Tells the other nodes that all who are here leave, and hears no more of them.
    pub fn leave_nodes(&mut self, now: Instant) {
        self.announce();
        if let Some(nodes) = &mut self.nodes {
            nodes.mesh.close(now);
        }
    }

    /// Whether the other nodes can be heard, if there may be any.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        self.nodes.as_ref().map(|nodes| nodes.is_up)
    }

    /// Acts on what the mesh has to tell. Whether it had anything.
    pub(super) fn hear_nodes(&mut self) -> bool {
        self.announce();
        let Some(event) = self.nodes.as_mut().and_then(|nodes| nodes.mesh.poll_event()) else {
            return self.tell_found();
        };
        match event {
            Event::Found { subject, node, member, about } => self.find(&subject, node, &member, &about),
            Event::Deliver { subject, payload, .. } => self.hear(&subject, &payload),
            Event::Gap { .. } | Event::Lost(_) => {
                let at = self.now + AFTER_A_GAP;
                if let Some(nodes) = &mut self.nodes {
                    nodes.sweep.hasten(at);
                }
            }
            Event::Entered { subject, node, member, about }
            | Event::Changed { subject, node, member, about } => {
                self.learn(&subject, node, &member, Some(&about));
            }
            Event::Left { subject, node, member } => self.learn(&subject, node, &member, None),
            _ => {}
        }
        true
    }

    pub(super) fn mesh_action(&mut self) -> Option<Action<K>> {
        self.nodes.as_mut()?.mesh.poll_action().map(Action::Mesh)
    }

    pub(super) fn nodes_due(&self) -> Option<Instant> {
        let nodes = self.nodes.as_ref()?;
        let again = nodes.people.again_at().filter(|_| nodes.is_up);
        let due = [nodes.mesh.poll_timeout(), nodes.sweep.poll_timeout(), nodes.people.refill_at(), again];
        due.into_iter().flatten().min()
    }

    pub(super) fn handle_nodes_timeout(&mut self) {
        if let Some(nodes) = &mut self.nodes {
            nodes.mesh.handle_timeout(self.now);
            nodes.sweep.handle_timeout(self.now, nodes.is_up);
        }
        self.refill();
        self.show_again();
    }

    pub(super) fn node_stats(&self) -> Option<NodeStats> {
        self.nodes.as_ref().map(|nodes| nodes.stats())
    }

    /// Has what is said in these rooms come here, or not any more.
    fn listen(&mut self, room: &Arc<str>) {
        let members = self.rooms.get(room).map_or(0, Vec::len);
        let (now, Some(nodes)) = (self.now, &mut self.nodes) else { return };
        let subject = subject_of(room);
        if members == 1 {
            // What is said before the transport has been asked for it comes by no other way, and is no gap.
            nodes.sweep.hasten(now + RETRY);
        }
        if members > 0 {
            // Beyond all limits what is said there comes by sweeps.
            let _ = nodes.mesh.enter(now, &subject, LISTENER, Bytes::new());
        } else {
            nodes.mesh.leave(now, &subject, LISTENER);
        }
    }
}

/// Who is in each room's subject, so that it is heard: nobody looks at who that is, since all users are in `all`.
const LISTENER: &str = "node";

/// Where what is said in a room is published. A room may be called what no subject can be.
fn subject_of(room: &str) -> Subject {
    let token =
        crate::chat::token::hash_of(room).0.iter().fold(String::with_capacity(64), |mut token, byte| {
            token.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            token.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
            token
        });
    Subject::group(&token).expect("hexadecimal digits make a token")
}
