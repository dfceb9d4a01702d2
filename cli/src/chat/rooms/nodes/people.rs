//! Users of other nodes: who is called how, and is where.
//!
//! Each node tells in `all` of all users who are somewhere. A user is shown once however many nodes have it: one that is here is
//! here, else it is where it came last. What members are told are the differences between what was shown and what is.

use super::wire::{self, About};
use super::{LISTENER, Rooms};
use crate::chat::names::key_of;
use crate::chat::protocol::{MAX_ID, Member, Reply};
use crate::chat::rooms::obeying::{join_text, leave_text};
use crate::chat::user::default_name;
use std::collections::BTreeSet;
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf::service::mesh::{NodeId, Subject};

impl<K: Copy + Ord> Rooms<K> {
    /// Another node tells of one of its users, or that it is there no more.
    pub(super) fn learn(&mut self, subject: &Subject, node: NodeId, user: &Arc<str>, about: Option<&[u8]>) {
        self.note_about(subject, node, user, about);
        self.refresh(user);
    }

    /// Learns it, and nobody is told yet.
    pub(super) fn note_about(
        &mut self,
        subject: &Subject,
        node: NodeId,
        user: &Arc<str>,
        about: Option<&[u8]>,
    ) {
        let max_rooms = self.limits.rooms_per_user;
        let Some(nodes) = &mut self.nodes else { return };
        if !subject.is_all() {
            // Of rooms it is of no interest which nodes hear them.
            if **user != *LISTENER {
                nodes.stats.poisoned += 1;
            }
            return;
        }
        let is_told = about.is_some();
        let about = about.and_then(|about| wire::read_about(user, about, max_rooms));
        nodes.stats.poisoned += u64::from(is_told && about.is_none());
        let epoch = about.as_ref().map(|about| about.epoch);
        if !nodes.people.note(self.now, node, user, about) {
            nodes.stats.users_refused += 1;
        }
        if let Some(epoch) = epoch {
            self.judge_move(user, epoch, node);
        }
    }

    /// A user who is here is at another node, too: where it came last it goes on.
    fn judge_move(&mut self, user: &str, epoch: u64, node: NodeId) {
        let Some(nodes) = &mut self.nodes else { return };
        let Some(conn) = self.ids.get(user).copied() else { return };
        let own = self.users.get(&conn).map_or(0, |own| own.epoch);
        if (own, nodes.mesh.node()) < (epoch, node) {
            nodes.stats.moved += 1;
            self.take_over(conn);
        }
    }

    /// The epoch of a user who comes back now, above all that are known of it. Those that are not known come before it by what the store
    /// said of its token, whatever clocks say.
    pub(in crate::chat::rooms) fn next_epoch(&self, user: &str, here: u64, stored: u64) -> u64 {
        let Some(nodes) = &self.nodes else { return 0 };
        let there = nodes.people.last(user).map_or(0, |(_, about)| about.epoch);
        // One above what may be told would be taken for poison by the others.
        (there.max(here) + 1).max(stored.saturating_mul(BETWEEN_LOOK_UPS)).min(MAX_ID)
    }

    /// Whether somebody else is called so, here or at another node.
    pub(in crate::chat::rooms) fn is_taken(&self, key: &str, user: &str) -> bool {
        let here = self.names.get(key).and_then(|conn| self.users.get(conn));
        here.is_some_and(|other| *other.id != *user)
            || self.nodes.as_ref().is_some_and(|nodes| nodes.people.has_name(key, user))
    }

    /// Users of other nodes in a room.
    pub(in crate::chat::rooms) fn remote_members(&self, room: &str) -> impl Iterator<Item = Member<'_>> {
        self.nodes.iter().flat_map(move |nodes| nodes.people.in_room(room))
    }

    /// How many users of other nodes are in each room.
    pub(in crate::chat::rooms) fn remote_counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.nodes.iter().flat_map(|nodes| nodes.people.counts())
    }

    /// A user came, went or has changed, here or there: members are told what is new of it at other nodes.
    pub(in crate::chat::rooms) fn refresh(&mut self, user: &Arc<str>) {
        self.tell_found_before(user);
        let Some((before, about)) = self.show(user) else { return };
        self.tell_difference(user, before.as_ref(), about.as_ref());
        if let Some(about) = about {
            self.settle_name(user, &about.name);
        }
    }

    /// A user has gone from here, whose connection that was: what is known of it at other nodes is from before, but for those where it has
    /// gone on.
    pub(in crate::chat::rooms) fn go(&mut self, user: &Arc<str>, epoch: u64) {
        if let Some(nodes) = &mut self.nodes {
            nodes.people.go(self.now, user, (epoch, nodes.mesh.node()));
        }
        self.refresh(user);
    }

    /// Shows those again who have gone from here and are at another node after all, if it is due.
    pub(super) fn show_again(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        if nodes.is_up && nodes.people.again_at().is_some_and(|at| at <= self.now) {
            let again = nodes.people.take_again(self.now);
            again.iter().for_each(|user| self.show_found(user));
        }
    }

    /// What is to be shown of a user as it is: nothing of one who is here.
    pub(super) fn to_show(&self, user: &str) -> Option<&About> {
        let is_here = self.ids.contains_key(user);
        self.nodes.as_ref().filter(|_| !is_here)?.people.to_show(user)
    }

    /// Shows a user as it is: what was shown before, and what is.
    pub(super) fn show(&mut self, user: &Arc<str>) -> Option<(Option<About>, Option<About>)> {
        let about = self.to_show(user).cloned();
        let before = self.nodes.as_mut()?.people.show(user, about.clone());
        Some((before, about))
    }

    fn tell_difference(&mut self, user: &str, before: Option<&About>, after: Option<&About>) {
        let rooms = |about: Option<&About>| about.map(|about| about.rooms.clone()).unwrap_or_default();
        let [were, are] = [rooms(before), rooms(after)];
        if let (Some(before), Some(after)) = (before, after)
            && before.name != after.name
        {
            let shared = were.iter().filter(|room| are.contains(room));
            let conns: BTreeSet<K> = shared.flat_map(|room| self.witnesses(room)).collect();
            let text = Reply::Name { user_id: user, name: &after.name }.to_bytes();
            self.broadcast(conns.into_iter().collect(), text);
        }
        if let Some(About { name, .. }) = before {
            for room in were.iter().filter(|room| !are.contains(room)) {
                let conns = self.witnesses(room).collect();
                self.broadcast(conns, leave_text(room, user, name));
            }
        }
        if let Some(About { name, .. }) = after {
            for room in are.iter().filter(|room| !were.contains(room)) {
                let conns = self.witnesses(room).collect();
                self.broadcast(conns, join_text(room, user, name));
            }
        }
    }

    /// Two are called the same, as neither node knew of the other: who has the lower id keeps the name, on all nodes alike.
    pub(super) fn settle_name(&mut self, user: &str, name: &str) {
        let Some(conn) = self.names.get(&key_of(name)).copied() else { return };
        let Some(id) = self.users.get(&conn).map(|own| own.id.clone()).filter(|id| **id > *user) else {
            return;
        };
        let name = self.name_for(default_name(&id), &id);
        self.be_called(conn, name);
        if let Some(nodes) = &mut self.nodes {
            nodes.stats.renamed += 1;
        }
    }

    /// Of a user here something is new: the other nodes are told.
    pub(in crate::chat::rooms) fn note_user(&mut self, user: &Arc<str>) {
        if let Some(nodes) = &mut self.nodes {
            nodes.people.to_tell.insert(user.clone());
        }
    }

    /// Somebody here has entered a room, or left it.
    pub(in crate::chat::rooms) fn note_room(&mut self, room: &Arc<str>) {
        if let Some(nodes) = &mut self.nodes {
            nodes.people.to_hear.insert(room.clone());
        }
    }

    /// Whether users of other nodes are in a room.
    pub(in crate::chat::rooms) fn has_remote_members(&self, room: &str) -> bool {
        self.nodes.as_ref().is_some_and(|nodes| nodes.people.rooms.contains_key(room))
    }

    /// Tells the other nodes what is new here, and hears what there is to be heard.
    pub(super) fn announce(&mut self) {
        while let Some(room) = self.nodes.as_mut().and_then(|nodes| nodes.people.to_hear.pop_first()) {
            self.listen(&room);
        }
        while let Some(id) = self.nodes.as_mut().and_then(|nodes| nodes.people.to_tell.pop_first()) {
            let user = self.ids.get(&id).and_then(|conn| self.users.get(conn));
            // One that is nowhere and nobody yet may be about to show its token.
            let user = user.filter(|user| {
                user.epoch > 0 || !user.places.is_empty() || user.name != default_name(&user.id)
            });
            let about = user
                .map(|user| wire::about(user.epoch, &user.name, user.rooms().map(|room| &**room).collect()));
            let (now, Some(nodes)) = (self.now, &mut self.nodes) else { return };
            match about {
                // Of those beyond all limits the other nodes do not know.
                Some(about) => drop(nodes.mesh.enter(now, &Subject::all(), &id, about)),
                None => nodes.mesh.leave(now, &Subject::all(), &id),
            }
        }
    }

    /// A user goes on over another connection: this one ends as any does.
    pub(in crate::chat::rooms) fn take_over(&mut self, conn: K) {
        self.part(conn);
        self.close(conn, CloseCode::from(TAKEN_OVER), "the user goes on over another connection");
    }
}

/// What a connection is closed with whose user goes on over another one.
const TAKEN_OVER: u16 = 4001;
/// So many times a user may come back without being looked up, each a step above what is known, and still be before the next look-up.
const BETWEEN_LOOK_UPS: u64 = 1024;
