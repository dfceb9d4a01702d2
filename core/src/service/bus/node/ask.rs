//! What a node of a bus asks of the store that it shares with others.

use crate::service::bus::{Batch, Letters, Name, Seq};
use alloc::vec::Vec;
use core::time::Duration;

/// Most nodes of one store.
pub const MAX_NODES: u16 = 63;

/// How far apart two places are that a node names one after the other. Each slot has one of as many, and the store itself the one behind
/// the last slot, [`MAX_NODES`]: by it, it names places of messages that were dead letters.
pub const STEP: u64 = MAX_NODES as u64 + 1;

/// A node whose lease has been over for so long does not come back, as far as anybody can tell: [`Trim`](NodeRequest::Trim) fences it.
pub const OVERDUE: Duration = Duration::from_secs(60);

/// Which node, in which of its lives. Whoever joins gets one that nobody had; what is asked under one that is no longer in force
/// is answered by [`NodeAnswer::Fenced`](super::NodeAnswer::Fenced) and changes nothing.
///
/// ```
/// use wharf::service::bus::Fence;
///
/// assert_ne!(Fence::new(0, 1), Fence::new(0, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Fence {
    /// Its slot, below [`MAX_NODES`]: no two nodes that are in force have the same one. It names places of messages
    /// ([`Seq`]): those whose number leaves this rest when it is divided by [`STEP`].
    pub slot: u16,
    /// Rises with every join, whoever's.
    pub epoch: u64,
}

impl Fence {
    /// Both.
    #[must_use]
    pub const fn new(slot: u16, epoch: u64) -> Self {
        Self { slot, epoch }
    }
}

/// What the services of a store may have, all nodes together.
///
/// ```
/// use wharf::service::bus::{BusConfig, NodeLimits};
///
/// assert_eq!(NodeLimits::of(&BusConfig::default()).max_pending, 10_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeLimits {
    /// Most messages of a service that are neither acknowledged nor dead.
    pub max_pending: u64,
    /// Most bytes of them, as [`Accepted::size`](crate::service::bus::Accepted::size) counts.
    pub max_pending_bytes: u64,
    /// Dead letters of a service from which on no message is accepted for it.
    pub max_dead: u64,
    /// Bytes of them past which none is.
    pub max_dead_bytes: u64,
    /// Most services that are claimed, have messages, or dead letters.
    pub max_services: u64,
}

impl NodeLimits {
    /// Those of a bus.
    #[must_use]
    pub const fn of(config: &crate::service::bus::BusConfig) -> Self {
        Self {
            max_pending: config.max_pending as u64,
            max_pending_bytes: config.max_pending_bytes as u64,
            max_dead: config.max_dead as u64,
            max_dead_bytes: config.max_dead_bytes as u64,
            max_services: config.max_services as u64,
        }
    }
}

/// How much a node has room for in its memory. What there is no room for stays where it is, and loses nothing by it.
///
/// ```
/// use wharf::service::bus::NodeRoom;
///
/// assert_eq!(NodeRoom::default().rows, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeRoom {
    /// Most messages.
    pub rows: u32,
    /// Most bytes of them, as [`Accepted::size`](crate::service::bus::Accepted::size) counts; but one message always has room where
    /// `rows` is not 0.
    pub bytes: u64,
    /// Most messages of one service.
    pub each: u32,
    /// Services of which the node has no room for more. In rising order.
    pub except: Vec<Name>,
}

impl NodeRoom {
    /// All of it.
    #[must_use]
    pub const fn new(rows: u32, bytes: u64, each: u32, except: Vec<Name>) -> Self {
        Self { rows, bytes, each, except }
    }
}

/// One transaction: all of it or nothing, and on disk before it is answered.
///
/// Whoever carries it out answers only when it knows the outcome. Where it was lost, it looks whether `number` is written under the
/// fence, and carries the ask out again if it is not. A node asks one thing at a time.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::bus::{Fence, NodeAsk, NodeRequest};
///
/// let ask = NodeAsk::new(Fence::default(), 1, Duration::from_secs(10), NodeRequest::Join);
/// assert_eq!(ask.number, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeAsk {
    /// Who asks. Nobody yet when it is to join.
    pub fence: Fence,
    /// One more than that of the last ask of this machine, but if that was answered by
    /// [`NodeAnswer::Away`](super::NodeAnswer::Away): then it is the same, and so may the request be.
    pub number: u64,
    /// For how long the node is in force once it is carried out, by the store's clock: every ask extends it.
    pub lease: Duration,
    /// What is asked.
    pub request: NodeRequest,
}

impl NodeAsk {
    /// All of it.
    #[must_use]
    pub const fn new(fence: Fence, number: u64, lease: Duration, request: NodeRequest) -> Self {
        Self { fence, number, lease, request }
    }
}

/// What is asked. [`SharedMemory`](super::SharedMemory) carries all of it out in memory, and so says what it means.
///
/// The store knows each service that is *claimed*, has messages or dead letters. It has a claim of at most one node at a time: that
/// node alone hands its messages out, and alone accepts messages from it. Each message of a service is with the node that has the
/// claim (*taken*), or waits in the store. A claim begins with all of them waiting.
///
/// ```
/// use wharf::service::bus::NodeRequest;
///
/// let _ = NodeRequest::Leave;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeRequest {
    /// Be a node: in the first slot that is free; where none is, in that of a node whose lease is over, which is fenced by it.
    /// [`Joined`](super::NodeAnswer::Joined), or [`Crowded`](super::NodeAnswer::Crowded).
    Join,
    /// Carry out changes. [`Committed`](super::NodeAnswer::Committed), or [`Full`](super::NodeAnswer::Full) and nothing is.
    ///
    /// All but [`Accept`](crate::service::bus::Change::Accept) are about messages of services, and of ids of senders, that this node
    /// has claimed; none is a requeue or a purge. To forget what is not remembered is to change nothing. A message that is accepted is
    /// taken if the node has the claim of its receiver, nothing waits for that in the store, and there is `room`; otherwise it waits
    /// there. Where a message is buried whose sender another node in force has claimed, that node is noted to be told.
    Commit {
        /// What is changed.
        batch: Batch,
        /// How much may be taken.
        room: NodeRoom,
        /// What services may have.
        limits: NodeLimits,
    },
    /// Have claims of services. [`Claimed`](super::NodeAnswer::Claimed), with an [outcome](super::ClaimOutcome) of each.
    ///
    /// Nodes whose lease is over and which have one of them are fenced, and lose all their claims. Then each is had
    /// ([`Had`](super::ClaimOutcome::Had)) that nobody has. If another node has it, that is noted to be told that it is wanted, for
    /// this node and no other: [`Wanted`](super::ClaimOutcome::Wanted). Where another node has it, or wants it, for a registration that
    /// is younger, this one is [`Replaced`](super::ClaimOutcome::Replaced). [`TooMany`](super::ClaimOutcome::TooMany) if there would be
    /// more services than may be.
    Claim {
        /// The services, none twice, and how long ago each registered at this node. Whoever registers last has it, wherever that is and
        /// whatever is asked first.
        services: Vec<(Name, Duration)>,
        /// Most remembered ids of each that are told at once.
        rows: u32,
        /// What services may have.
        limits: NodeLimits,
    },
    /// Tell more of what is remembered of a sender that this node has claimed. [`Recalled`](super::NodeAnswer::Recalled).
    Recall {
        /// The sender.
        name: Name,
        /// Ids that follow this one.
        after: Name,
        /// Most of them.
        rows: u32,
    },
    /// Give claims up, and that they are wanted; a name that this node neither has nor wants is left alone.
    /// [`Done`](super::NodeAnswer::Done).
    Release {
        /// Of these services.
        names: Vec<Name>,
    },
    /// Take messages that wait for services that this node has claimed, and what it is to be told.
    /// [`Looked`](super::NodeAnswer::Looked).
    ///
    /// Services come in the order of their names, beginning behind `after` and from the begin again. Of each, those that were handed
    /// out before come first, then the others, both by their places.
    Look {
        /// How much may be taken.
        room: NodeRoom,
        /// The last service that was served.
        after: Option<Name>,
        /// Claims that were wanted and that this node keeps, since the service came back to it so long ago: whoever wants one for an
        /// older registration is [`Replaced`](super::ClaimOutcome::Replaced).
        kept: Vec<(Name, Duration)>,
    },
    /// Make messages of dead letters, which wait in the store, in the order of their places: behind all that was ever put in, at places
    /// that the store names.
    /// [`Changed`](super::NodeAnswer::Changed).
    Requeue {
        /// Which.
        letters: Letters,
        /// Those of a greater place.
        after: Seq,
        /// Most of them that are looked at.
        rows: u32,
        /// What services may have.
        limits: NodeLimits,
    },
    /// Throw dead letters away, in the order of their places. [`Changed`](super::NodeAnswer::Changed).
    Purge {
        /// Which.
        letters: Letters,
        /// Those of a greater place.
        after: Seq,
        /// Most of them.
        rows: u32,
    },
    /// Forget what is remembered of senders that nobody has claimed, the oldest first, until there is no more than `max` of all
    /// senders. [`Trimmed`](super::NodeAnswer::Trimmed). A large store may look at a part of it at a time.
    ///
    /// Before, nodes whose lease has been over for [`OVERDUE`] are fenced, and lose all their claims, or services that never come back
    /// would be theirs for ever; but not if the asker's own lease was over, too: then the store was away, and others may be right behind.
    Trim {
        /// Most ids and prefixes that are remembered.
        max: u64,
        /// Most that are forgotten at once.
        rows: u32,
    },
    /// Be no node any more: its claims are given up. [`Done`](super::NodeAnswer::Done).
    Leave,
}
