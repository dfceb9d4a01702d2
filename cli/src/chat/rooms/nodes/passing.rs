//! Messages: those of this node on their way to the others, and those of the others on their way to the members here.

use super::sweeping::RETRY;
use super::wire::{self, Told};
use super::{Nodes, Rooms, subject_of};
use crate::chat::protocol::Reply;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use wharf::service::history::Entry;
use wharf::service::mesh::Subject;

/// Most ids that were told by the mesh and are not settled. What comes beyond is left to a sweep.
pub(super) const MAX_FRESH: usize = 65_536;
/// How far the id of a message may be above all that the database has told. One that is further is left to a sweep, which finds it if it
/// is there.
const MAX_LEAD: u64 = 1 << 20;

/// A message that was told, while it is not settled.
#[derive(Debug)]
pub(super) struct Fresh {
    /// What it said.
    print: u64,
    /// How often the database had been asked how far it is.
    asks: u64,
}

/// What tells a message from another of the same id.
fn print_of(entry: &Entry) -> u64 {
    let Entry { id, room, user, name, content, reference, .. } = entry;
    let mut hasher = DefaultHasher::new();
    (id, room, user, name, content, reference, entry.at.as_millis()).hash(&mut hasher);
    hasher.finish()
}

impl Nodes {
    /// The database has no greater id than that one. Nodes tell of a message when it is stored, so what was told before the database was
    /// asked and is above was none: the message that gets that id is to be told.
    pub(super) fn forget_above(&mut self, last: u64) {
        let (before, asks) = (self.fresh.len(), self.asks);
        self.fresh.retain(|id, fresh| *id <= last || fresh.asks >= asks);
        self.stats.poisoned += (before - self.fresh.len()) as u64;
    }
}

impl<K: Copy + Ord> Rooms<K> {
    /// A message of a user here is stored: the room is told at once, and the other nodes.
    pub(in crate::chat::rooms) fn tell_stored(&mut self, entry: &Entry) {
        if self.nodes.as_ref().is_some_and(|nodes| nodes.settled() >= Some(entry.id)) {
            self.set_back(entry.id - 1);
        }
        self.note_first(entry);
        let now = self.now;
        let Some(nodes) = &mut self.nodes else { return };
        nodes.confirmed = nodes.confirmed.max(entry.id);
        let subject = subject_of(&entry.room);
        if nodes.mesh.publish(now, &subject, wire::said(entry)).is_err() {
            nodes.stats.unpublished += 1;
        }
        self.stats.messages += 1;
        if self.is_unsaid(entry) {
            self.pass_on(entry);
        }
    }

    /// A sweep has found a message.
    pub(super) fn tell_swept(&mut self, entry: &Entry) {
        let is_news = self.is_unsaid(entry);
        let Some(nodes) = &mut self.nodes else { return };
        nodes.confirmed = nodes.confirmed.max(entry.id);
        if is_news {
            nodes.stats.swept += 1;
            self.pass_on(entry);
        }
    }

    /// Something was said in a room at another node.
    pub(super) fn hear(&mut self, subject: &Subject, payload: &[u8]) {
        let told = wire::read(payload).filter(|told| {
            let (Told::Said(Entry { room, .. }) | Told::Typing(room, _)) = told;
            *subject == subject_of(room)
        });
        match told {
            Some(Told::Said(entry)) => self.hear_said(&entry),
            Some(Told::Typing(room, user)) => self.hear_typing(&room, &user),
            None => self.nodes.iter_mut().for_each(|nodes| nodes.stats.poisoned += 1),
        }
    }

    fn hear_said(&mut self, entry: &Entry) {
        let print = print_of(entry);
        let has_members = self.members(&entry.room).next().is_some();
        let Some(nodes) = &mut self.nodes else { return };
        let is_settled = nodes.settled.is_some_and(|settled| entry.id <= settled);
        let told = nodes.fresh.get(&entry.id).map(|fresh| fresh.print);
        let can_be_told = nodes.settled.is_some()
            && nodes.fresh.len() < MAX_FRESH
            && told.is_none()
            && entry.id <= nodes.confirmed.saturating_add(MAX_LEAD);
        match () {
            () if is_settled || told == Some(print) => nodes.stats.doubled += 1,
            () if !has_members => {}
            () if !can_be_told => {
                nodes.stats.deferred += 1;
                self.sweep_by(self.now + RETRY);
            }
            () => {
                nodes.stats.told += 1;
                self.pass_on(entry);
            }
        }
    }

    /// Whether a message that the database has was not told here. What the mesh told in its place is no message.
    fn is_unsaid(&mut self, entry: &Entry) -> bool {
        let Some(nodes) = &mut self.nodes else { return true };
        let Some(fresh) = nodes.fresh.get(&entry.id) else {
            return nodes.settled.is_none_or(|settled| entry.id > settled);
        };
        let is_other = fresh.print != print_of(entry);
        nodes.stats.poisoned += u64::from(is_other);
        is_other
    }

    /// Tells the members here, but for those who have it from the database.
    fn pass_on(&mut self, entry: &Entry) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.fresh.insert(entry.id, Fresh { print: print_of(entry), asks: nodes.asks });
        let settled = nodes.settled;
        let mut reply = Reply::message(entry);
        reply.settle(settled);
        let text = reply.to_bytes();
        let mut conns: Vec<K> = self.members(&entry.room).collect();
        self.leave_behind(entry.id, &conns, text.len());
        conns.retain(|conn| !self.behind.contains_key(conn) && self.comes_to(*conn, &entry.room, entry.id));
        self.recent.push(entry.id, entry.room.clone(), text.clone());
        self.broadcast(conns, text);
    }

    /// A user's own first message in a room whose history it still waits for: it is told as what it is, the acknowledgement, and what
    /// is older is history. All that was told in the room before the user was in it is older; but not than what it said when it was there
    /// before, which is told beside the history.
    fn note_first(&mut self, entry: &Entry) {
        let user = self.ids.get(&entry.user).and_then(|conn| self.users.get_mut(conn));
        let place = user.and_then(|user| user.places.iter_mut().find(|place| place.room == entry.room));
        if let Some(place) = place.filter(|place| place.from.is_none()) {
            if entry.at < place.since {
                place.earlier.push(entry.id);
            } else {
                place.first.get_or_insert(entry.id);
            }
        }
    }

    /// Tells the other nodes that a user writes something.
    pub(in crate::chat::rooms) fn publish_typing(&mut self, room: &str, user: &str) {
        let now = self.now;
        if let Some(nodes) = &mut self.nodes
            // What waits until the mesh is up again is said too late.
            && nodes.is_up
            && nodes.mesh.publish(now, &subject_of(room), wire::typing(room, user)).is_err()
        {
            nodes.stats.unpublished += 1;
        }
    }

    fn hear_typing(&mut self, room: &Arc<str>, user: &Arc<str>) {
        let Some(nodes) = &self.nodes else { return };
        let Some(name) = nodes.people.name_in(room, user) else { return };
        let text = Reply::Typing { room_id: room, user_id: user, name }.to_bytes();
        let conns = self.witnesses(room).collect();
        self.broadcast(conns, text);
    }
}
