//! Users of other nodes who were there before this node knew of them: it was just started, or it had lost theirs, or knew of too many.
//!
//! They have not come, so nobody is told that they have: once all is known that came at once, the members of a room are told who is there.
//! Only where that would cost far more than to tell of each, they are told to have come. It is one room after the other, so that it is
//! known who takes less than that, and has the newest list alone once it has taken what it was sent.

use super::{Rooms, wire};
use crate::chat::rooms::obeying::join_text;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf::service::mesh::{NodeId, Subject};

/// How many times as many as were found a room may have for a list of all. One in a list takes about half of what tells of one who comes.
const MOST_LISTED: usize = 8;

/// Who was found in each room, until members are told: at most all who are shown.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<Arc<str>, BTreeSet<Arc<str>>>);

impl<K: Copy + Ord> Rooms<K> {
    /// Another node has one of its users since before it was known here.
    pub(super) fn find(&mut self, subject: &Subject, node: NodeId, user: &Arc<str>, about: &[u8]) {
        let is_shown = self.nodes.as_ref().is_some_and(|nodes| nodes.people.shown(user).is_some());
        if is_shown || !subject.is_all() {
            return self.learn(subject, node, user, Some(about));
        }
        self.note_about(subject, node, user, Some(about));
        self.show_found(user);
    }

    /// Shows one who was there all along, and notes in which rooms that is to be told.
    pub(super) fn show_found(&mut self, user: &Arc<str>) {
        // One that was here until now was told to have gone on there.
        let Some((None, Some(about))) = self.show(user) else { return };
        if let Some(nodes) = &mut self.nodes {
            for room in &about.rooms {
                nodes.found.0.entry(room.clone()).or_default().insert(user.clone());
            }
        }
        self.settle_name(user, &about.name);
    }

    /// Tells members who was found in one of their rooms. Whether there was anybody in any.
    pub(super) fn tell_found(&mut self) -> bool {
        let found = self.nodes.as_mut().and_then(|nodes| nodes.found.0.pop_first());
        found.map(|(room, users)| self.tell_found_in(&room, &users)).is_some()
    }

    /// What is to be told of a user who was found comes behind that.
    pub(super) fn tell_found_before(&mut self, user: &str) {
        let Some(nodes) = self.nodes.as_ref().filter(|nodes| !nodes.found.0.is_empty()) else { return };
        let Some(shown) = nodes.people.shown(user) else { return };
        if self.to_show(user).is_some_and(|about| (&about.name, &about.rooms) == (&shown.name, &shown.rooms))
        {
            return;
        }
        for room in shown.rooms.clone() {
            let Some(nodes) = &mut self.nodes else { return };
            if nodes.found.0.get(&room).is_some_and(|users| users.contains(user))
                && let Some(users) = nodes.found.0.remove(&room)
            {
                self.tell_found_in(&room, &users);
            }
        }
    }

    fn tell_found_in(&mut self, room: &Arc<str>, users: &BTreeSet<Arc<str>>) {
        let conns: Vec<K> = self.witnesses(room).collect();
        if conns.is_empty() {
            return;
        }
        let there = self.members(room).count() + self.remote_members(room).count();
        let has_room = self.actions.len() + users.len() < self.limits.max_actions / 2;
        if users.len().saturating_mul(MOST_LISTED) >= there || !has_room {
            return self.tell_list_to(conns, room);
        }
        let Some(nodes) = &self.nodes else { return };
        let text = |user: &Arc<str>| Some(join_text(room, user, nodes.people.name_in(room, user)?));
        let texts: Vec<_> = users.iter().filter_map(text).collect();
        texts.into_iter().for_each(|text| self.broadcast(conns.clone(), text));
    }

    /// Who takes less than it is sent is told who is there once it has taken that.
    fn tell_list_to(&mut self, mut conns: Vec<K>, room: &Arc<str>) {
        for conn in conns.extract_if(.., |conn| self.congested.has(*conn)).collect::<Vec<_>>() {
            self.await_list(conn, room.clone());
        }
        if !conns.is_empty() {
            let text = self.list_text(room);
            self.broadcast(conns, text);
        }
    }

    /// Takes those in who are there and were too many, if it is due.
    pub(super) fn refill(&mut self) {
        let Some(nodes) = self.nodes.as_mut() else { return };
        if nodes.people.refill_at().is_none_or(|at| at > self.now) {
            return;
        }
        let (all, max_rooms) = (Subject::all(), self.limits.rooms_per_user);
        let makes_sense = |user: &str, about: &[u8]| wire::read_about(user, about, max_rooms).is_some();
        let there = nodes.mesh.members(&all).map(|(_, user, about)| (user, &**about));
        let missing = nodes.people.missing(there, makes_sense);
        let there = nodes.mesh.members(&all);
        let there: Vec<_> = there
            .filter_map(|(node, user, about)| Some((node, missing.get(user)?.clone(), about.clone())))
            .collect();
        for (node, user, about) in there {
            self.find(&all, node, &user, &about);
        }
    }
}
