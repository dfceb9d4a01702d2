//! Users of other nodes: who is called how, and is where, as far as it is known and as it is shown.

use super::wire::About;
use crate::chat::names::key_of;
use crate::chat::protocol::Member;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::mesh::NodeId;

/// From when there is room for more until they are looked for, so that it is not done for each.
const REFILL: Duration = Duration::from_secs(1);
/// How long a user who has gone from here is not taken to be at another node since before, while that node can be heard: it has
/// told by then that the user is not.
const HIDDEN: Duration = Duration::from_secs(6);

/// Of a user who has gone from here: which of its connections that was, and until when those before it are not shown.
#[derive(Clone, Copy, Debug)]
struct Gone {
    last: (u64, NodeId),
    until: Instant,
}

/// All of them, and what of those here is to be told to the other nodes.
#[derive(Debug, Default)]
pub(super) struct People {
    /// How many may be known.
    limit: usize,
    /// By user, at most so many; of each at how many nodes, the mesh bounds.
    known: BTreeMap<Arc<str>, BTreeMap<NodeId, About>>,
    /// What members were told: at most one entry a user that is known.
    shown: BTreeMap<Arc<str>, About>,
    /// Who is shown in which room.
    pub(super) rooms: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Names of those who are shown, by what they have in common with others that count as the same.
    names: BTreeSet<(String, Arc<str>)>,
    /// Users here of whom something else is to be told: users that are there, or were a moment ago.
    pub(super) to_tell: BTreeSet<Arc<str>>,
    /// Rooms that have members for the first time, or none any more.
    pub(super) to_hear: BTreeSet<Arc<str>>,
    /// Somebody is not known for want of room.
    is_short: bool,
    /// When to see who that is.
    refill_at: Option<Instant>,
    /// At most one entry a user that is known.
    gone: BTreeMap<Arc<str>, Gone>,
    /// When to see who of them is shown again, if the others can be heard until then.
    again_at: Option<Instant>,
}

impl People {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(super) const fn refill_at(&self) -> Option<Instant> {
        self.refill_at
    }

    /// A user goes from here, whose connection that was. One before it that another node may still have is most likely over, and that node
    /// has not told.
    pub(super) fn go(&mut self, now: Instant, user: &Arc<str>, last: (u64, NodeId)) {
        let is_older =
            |places: &BTreeMap<NodeId, About>| places.iter().any(|(node, about)| (about.epoch, *node) < last);
        if self.known.get(user).is_some_and(is_older) {
            let until = now + HIDDEN;
            self.gone.insert(user.clone(), Gone { last, until });
            self.again_at.get_or_insert(until);
        }
    }

    /// The others can be heard from now on.
    pub(super) fn hear_again(&mut self, now: Instant) {
        let until = now + HIDDEN;
        self.gone.values_mut().for_each(|gone| gone.until = until);
        self.again_at = (!self.gone.is_empty()).then_some(until);
    }

    pub(super) const fn again_at(&self) -> Option<Instant> {
        self.again_at
    }

    /// Who of those who have gone is where it was before, as far as is known; called when it is due.
    pub(super) fn take_again(&mut self, now: Instant) -> Vec<Arc<str>> {
        let due = self.gone.iter().filter(|(_, gone)| gone.until <= now);
        let due: Vec<Arc<str>> = due.map(|(user, _)| user.clone()).collect();
        self.gone.retain(|_, gone| gone.until > now);
        self.again_at = self.gone.values().map(|gone| gone.until).min();
        due
    }

    /// Which of these users, who are at other nodes, are not known and can be; called when it is due.
    pub(super) fn missing<'m>(
        &mut self,
        there: impl Iterator<Item = (&'m str, &'m [u8])>,
        makes_sense: impl Fn(&str, &[u8]) -> bool,
    ) -> BTreeSet<Arc<str>> {
        let room = self.limit.saturating_sub(self.known.len());
        let mut missing = BTreeSet::<Arc<str>>::new();
        (self.is_short, self.refill_at) = (false, None);
        let is_missing =
            |(user, about): &(&str, &[u8])| !self.known.contains_key(*user) && makes_sense(user, about);
        for (user, _) in there.filter(is_missing) {
            if missing.len() < room {
                missing.insert(user.into());
            } else if !missing.contains(user) {
                self.is_short = true;
                break;
            }
        }
        missing
    }

    /// A node tells something of a user. Whether that is known from now on.
    pub(super) fn note(&mut self, now: Instant, node: NodeId, user: &Arc<str>, about: Option<About>) -> bool {
        let is_full = self.known.len() >= self.limit;
        if about.is_some() {
            self.gone.remove(user);
        }
        match (self.known.get_mut(user), about) {
            (Some(places), Some(about)) => drop(places.insert(node, about)),
            (Some(places), None) => drop(places.remove(&node)),
            (None, Some(_)) if is_full => {
                self.is_short = true;
                return false;
            }
            (None, Some(about)) => drop(self.known.insert(user.clone(), BTreeMap::from([(node, about)]))),
            (None, None) => {}
        }
        if self.known.get(user).is_some_and(BTreeMap::is_empty) {
            self.known.remove(user);
            self.gone.remove(user);
            if self.is_short {
                self.refill_at.get_or_insert(now + REFILL);
            }
        }
        true
    }

    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// How a user is called who is shown in a room.
    pub(super) fn name_in(&self, room: &str, user: &str) -> Option<&str> {
        let is_there = self.rooms.get(room).is_some_and(|users| users.contains(user));
        self.shown.get(user).filter(|_| is_there).map(|about| &*about.name)
    }

    /// How many are shown in each room.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.rooms.iter().map(|(room, users)| (&**room, users.len()))
    }

    pub(super) fn in_room(&self, room: &str) -> impl Iterator<Item = Member<'_>> {
        let users = self.rooms.get(room).into_iter().flatten();
        users.filter_map(|user| Some(Member { user_id: user, name: &self.shown.get(user)?.name }))
    }

    /// The last of a user's connections at other nodes, and which node has it.
    pub(super) fn last(&self, user: &str) -> Option<(&NodeId, &About)> {
        self.known.get(user)?.iter().max_by_key(|(node, about)| (about.epoch, **node))
    }

    /// What is to be shown of a user who is not here.
    pub(super) fn to_show(&self, user: &str) -> Option<&About> {
        let (node, about) = self.last(user)?;
        let is_over = self.gone.get(user).is_some_and(|gone| (about.epoch, *node) < gone.last);
        Some(about).filter(|_| !is_over)
    }

    /// What is shown of a user.
    pub(super) fn shown(&self, user: &str) -> Option<&About> {
        self.shown.get(user)
    }

    /// Shows this of a user; what was shown before.
    pub(super) fn show(&mut self, user: &Arc<str>, about: Option<About>) -> Option<About> {
        let before = self.shown.remove(user);
        if let Some(before) = &before {
            self.names.remove(&(key_of(&before.name), user.clone()));
            for room in &before.rooms {
                let users = self.rooms.get_mut(room);
                if users.is_some_and(|users| users.remove(user) && users.is_empty()) {
                    self.rooms.remove(room);
                }
            }
        }
        if let Some(about) = about {
            self.names.insert((key_of(&about.name), user.clone()));
            for room in &about.rooms {
                self.rooms.entry(room.clone()).or_default().insert(user.clone());
            }
            self.shown.insert(user.clone(), about);
        }
        before
    }

    /// Whether another user is called so.
    pub(super) fn has_name(&self, key: &str, user: &str) -> bool {
        let from = (key.to_owned(), Arc::from(""));
        self.names.range(from..).take_while(|(other, _)| other == key).any(|(_, other)| **other != *user)
    }
}
