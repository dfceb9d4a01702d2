//! What the store answers a node.

use super::Fence;
use crate::service::bus::{Accepted, DeadReason, Name, Progress, Record, Seq};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Most [deaths](DeathNotice) that a node is told of at once.
pub const MAX_NOTICES: usize = 256;

/// Most [deaths](DeathNotice) that are kept for a node to be told; past it there is no word of them, and the dead letters are there.
pub const MAX_KEPT_NOTICES: usize = 10_000;

/// What became of a [`NodeAsk`](super::NodeAsk).
///
/// ```
/// use wharf::service::bus::NodeAnswer;
///
/// assert_ne!(NodeAnswer::Fenced, NodeAnswer::Away);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeAnswer {
    /// It is a node.
    Joined {
        /// Under this fence.
        fence: Fence,
        /// Nothing that was ever put in has a greater [place](crate::service::bus::Change::place): no message, and no age.
        floor: Seq,
    },
    /// There are as many nodes in force as may be: [`MAX_NODES`](super::MAX_NODES).
    Crowded,
    /// The changes are carried out.
    Committed {
        /// Places of the accepted messages that are not taken, in rising order.
        left: Vec<Seq>,
    },
    /// Nothing is carried out, since there is no room for these messages; there would be for the others.
    Full {
        /// Their places, in rising order, at least one.
        seqs: Vec<Seq>,
    },
    /// What became of claims.
    Claimed {
        /// Nothing that was ever put in has a greater [place](crate::service::bus::Change::place): no message, and no age.
        floor: Seq,
        /// Of each, in the order in which they were asked for.
        outcomes: Vec<ClaimOutcome>,
    },
    /// More ids.
    Recalled {
        /// By their names.
        records: Vec<Record>,
        /// There are no more.
        is_all: bool,
    },
    /// What is remembered of the sender is damaged.
    Damaged {
        /// Where, and what is wrong there.
        what: String,
    },
    /// What was taken, and what the node is told.
    Looked {
        /// Messages, each with what is known of its deliveries.
        messages: Vec<(Accepted, Progress)>,
        /// Services of whose messages one is damaged, and where: none of theirs was handed over, and the claims are good for nothing but to
        /// be given up.
        damaged: Vec<(Name, String)>,
        /// The last service that was served, where not all were: there is more to be taken.
        next: Option<Name>,
        /// Claims of this node that others want, at most [`MAX_NOTICES`], and how long ago the service registered there; they are told
        /// each time.
        wanted: Vec<(Name, Duration)>,
        /// Deaths of messages whose senders this node has claimed, at most [`MAX_NOTICES`]; each is told once.
        notices: Vec<DeathNotice>,
        /// How things stand.
        standing: Standing,
    },
    /// Dead letters were looked at.
    Changed {
        /// Those that were requeued or purged.
        letters: u64,
        /// Those that stay dead, since their service has as many messages as it may have.
        full: u64,
        /// The last one that was looked at, where not all were.
        next: Option<Seq>,
    },
    /// So much was forgotten.
    Trimmed {
        /// Ids and prefixes.
        forgotten: u64,
    },
    /// It is done.
    Done,
    /// The asker is no node any more, or another one has taken its place: nothing is done, nor will be under this fence.
    Fenced,
    /// Nothing is done, for certain: the store is not to be reached, or refused for a reason that passes.
    Away,
}

/// What became of a claim.
///
/// ```
/// use wharf::service::bus::ClaimOutcome;
///
/// assert_ne!(ClaimOutcome::Wanted, ClaimOutcome::Replaced);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimOutcome {
    /// The node has it.
    Had {
        /// Messages that wait for the service.
        pending: u64,
        /// All [numbers](Record::Numbers) of it as a sender, and the first [ids](Record::Id) by their names.
        records: Vec<Record>,
        /// There are no more ids.
        is_all: bool,
    },
    /// Another node has it, and will be told that it is wanted.
    Wanted,
    /// Another node has or wants it for a registration that is younger: whoever registered there replaces whoever did here.
    Replaced,
    /// There are as many services as may be.
    TooMany,
    /// What is remembered of it is damaged, so nobody has it.
    Damaged {
        /// Where, and what is wrong there.
        what: String,
    },
}

/// The death of a message, to be told to its sender.
///
/// ```
/// use wharf::service::bus::{DeadReason, DeathNotice, Name};
///
/// let notice = DeathNotice::new(Name::new("shop")?, Name::new("m-1")?, DeadReason::AckTimeout);
/// assert_eq!(&*notice.id, "m-1");
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeathNotice {
    /// Who sent it.
    pub from: Name,
    /// Its id.
    pub id: Name,
    /// Of what.
    pub reason: DeadReason,
}

impl DeathNotice {
    /// All of it.
    #[must_use]
    pub const fn new(from: Name, id: Name, reason: DeadReason) -> Self {
        Self { from, id, reason }
    }
}

/// What there is in a store, of all nodes.
///
/// ```
/// assert_eq!(wharf::service::bus::Standing::default().pending, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Services that are claimed, have messages, or dead letters.
    pub services: u64,
    /// Messages that are neither acknowledged nor dead.
    pub pending: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

impl Standing {
    /// All of it.
    #[must_use]
    pub const fn new(services: u64, pending: u64, dead_letters: u64) -> Self {
        Self { services, pending, dead_letters }
    }
}
