//! Who is in which group, both ways.

use super::Config;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Why a connection does not become a member. Nothing has changed.
///
/// ```
/// use wharf::service::groups::SubscribeError;
///
/// assert_eq!(SubscribeError::GroupFull { limit: 2 }.to_string(), "the group has 2 members and takes no more");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The name is empty, or longer than [`Config::max_name`].
    #[error("a group's name has 1 to {limit} bytes")]
    BadName {
        /// The limit in bytes.
        limit: usize,
    },
    /// The member is in [`Config::max_groups_per_member`] groups.
    #[error("the member is in {limit} groups and may be in no more")]
    TooManyOfMember {
        /// The limit.
        limit: usize,
    },
    /// The group has [`Config::max_members`] members.
    #[error("the group has {limit} members and takes no more")]
    GroupFull {
        /// The limit.
        limit: usize,
    },
    /// It would be a new group, and there are [`Config::max_groups`].
    #[error("there are {limit} groups and may be no more")]
    TooManyGroups {
        /// The limit.
        limit: usize,
    },
    /// The connection is not open, or is being closed.
    #[error("the connection is not open")]
    NotOpen,
}

/// Groups by name, members by their key. No group is without a member and no member without a group.
#[derive(Debug)]
pub(super) struct Membership<K> {
    /// At most [`Config::max_groups`], of at most [`Config::max_members`] each.
    groups: BTreeMap<Arc<str>, BTreeSet<K>>,
    /// Of at most [`Config::max_groups_per_member`] each.
    members: BTreeMap<K, BTreeSet<Arc<str>>>,
    subscriptions: usize,
}

impl<K: Copy + Ord> Membership<K> {
    pub(super) const fn new() -> Self {
        Self { groups: BTreeMap::new(), members: BTreeMap::new(), subscriptions: 0 }
    }

    /// Makes `member` one of `group`, which is there from its first member on; whether it was none before.
    pub(super) fn join(&mut self, config: &Config, member: K, group: &str) -> Result<bool, SubscribeError> {
        check_name(config, group)?;
        let own = self.members.get(&member);
        if own.is_some_and(|own| own.contains(group)) {
            return Ok(false);
        }
        if own.map_or(0, BTreeSet::len) >= config.max_groups_per_member {
            return Err(SubscribeError::TooManyOfMember { limit: config.max_groups_per_member });
        }
        let name = match self.groups.get_key_value(group) {
            Some((name, _)) => name.clone(),
            None if self.groups.len() >= config.max_groups => {
                return Err(SubscribeError::TooManyGroups { limit: config.max_groups });
            }
            None => group.into(),
        };
        if self.groups.get(group).map_or(0, BTreeSet::len) >= config.max_members {
            return Err(SubscribeError::GroupFull { limit: config.max_members });
        }
        self.groups.entry(name.clone()).or_default().insert(member);
        self.members.entry(member).or_default().insert(name);
        self.subscriptions += 1;
        Ok(true)
    }

    /// Whether `member` was one of `group`; it is none now.
    pub(super) fn leave(&mut self, member: K, group: &str) -> bool {
        let Some(own) = self.members.get_mut(&member) else { return false };
        let was_member = own.remove(group);
        if own.is_empty() {
            self.members.remove(&member);
        }
        if was_member {
            self.remove(member, group);
        }
        was_member
    }

    /// Takes `member` out of all groups; the names of those it was in, in order.
    pub(super) fn leave_all(&mut self, member: K) -> Vec<Arc<str>> {
        let groups: Vec<_> = self.members.remove(&member).into_iter().flatten().collect();
        for group in &groups {
            self.remove(member, group);
        }
        groups
    }

    pub(super) fn members_of(&self, group: &str) -> impl Iterator<Item = K> + '_ {
        self.groups.get(group).into_iter().flatten().copied()
    }

    pub(super) fn groups_of(&self, member: K) -> impl Iterator<Item = &str> {
        self.members.get(&member).into_iter().flatten().map(|name| &**name)
    }

    /// All members of anything, each once.
    pub(super) fn members(&self) -> impl Iterator<Item = K> + '_ {
        self.members.keys().copied()
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.groups.iter().map(|(name, members)| (&**name, members.len()))
    }

    pub(super) fn is_member(&self, member: K) -> bool {
        self.members.contains_key(&member)
    }

    /// Groups, members, subscriptions.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.groups.len(), self.members.len(), self.subscriptions)
    }

    /// An empty group is gone.
    fn remove(&mut self, member: K, group: &str) {
        self.subscriptions -= 1;
        if let Some(members) = self.groups.get_mut(group) {
            members.remove(&member);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

/// Whether a group may be called so.
pub(super) fn check_name(config: &Config, group: &str) -> Result<(), SubscribeError> {
    if group.is_empty() || group.len() > config.max_name {
        return Err(SubscribeError::BadName { limit: config.max_name });
    }
    Ok(())
}
