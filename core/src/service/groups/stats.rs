//! What is counted: in all, and for a connection.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Counters of all groups and members. Each message that was meant for somebody is in exactly one of `sent`, `dropped`,
/// `unsent`, `unsendable` and `behind_messages`.
///
/// ```
/// let stats = wharf::service::groups::Stats::default();
/// assert_eq!((stats.groups, stats.sent), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Stats {
    /// Groups now.
    pub groups: usize,
    /// Connections that are in a group now.
    pub members: usize,
    /// Members of all groups now, each as often as it is in one.
    pub subscriptions: usize,
    /// Connections now for whom messages wait, or whose output is congested.
    pub behind: usize,
    /// Messages that wait now, for each member by itself.
    pub behind_messages: usize,
    /// Bytes of their payload.
    pub behind_bytes: usize,
    /// Messages handed to connections, for each by itself.
    pub sent: u64,
    /// Messages dropped because a member was too slow, or because nothing at all could be sent
    /// ([`SendError::Overload`](crate::base::SendError::Overload)).
    pub dropped: u64,
    /// Messages that went with their member, which ended or was disconnected before it took them.
    pub unsent: u64,
    /// Messages that a member's transport cannot carry, because of their kind, size or content.
    pub unsendable: u64,
    /// Members disconnected because they were too slow.
    pub disconnected: u64,
    /// Subscriptions refused.
    pub refused: u64,
}

/// Counters of one connection.
///
/// ```
/// let stats = wharf::service::groups::MemberStats::default();
/// assert!(stats.dropped == 0 && !stats.is_disconnected);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct MemberStats {
    /// Messages that wait for it now.
    pub behind: usize,
    /// Bytes of their payload.
    pub behind_bytes: usize,
    /// Messages that it did not get because it was too slow, or nothing at all could be sent.
    pub dropped: u64,
    /// Messages that it did not get because it ended or was disconnected.
    pub unsent: u64,
    /// Messages that its transport cannot carry.
    pub unsendable: u64,
    /// It was disconnected because it was too slow.
    pub is_disconnected: bool,
}

/// What a connection leaves behind.
///
/// ```
/// let left = wharf::service::groups::Left::default();
/// assert!(left.groups.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The groups that it was in until it left or was disconnected, by name.
    pub groups: Vec<Arc<str>>,
    /// Its counters, for the last time.
    pub stats: MemberStats,
}
