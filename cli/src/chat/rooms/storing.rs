//! Messages on their way into the store and to their room, and sessions.

use super::Rooms;
use crate::chat::protocol::{Code, Refusal, Reply};
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::history::{Draft, Entry, Key, Session, Stored};

pub(super) const UNAVAILABLE: Refusal =
    Refusal::new(Code::Unavailable, "the database is away: the message was not stored");
pub(super) const REFUSED: Refusal =
    Refusal::new(Code::Unavailable, "the database refused: the message was not stored");
const DRAINING: Refusal = Refusal::new(Code::Unavailable, "the server is ending: the message was not stored");

/// The session of a user who stays is not stored again before it is so old.
pub(super) const STAYING: Duration = Duration::from_secs(24 * 3600);
/// That of one who goes is, unless it has just been.
pub(super) const LEAVING: Duration = Duration::from_secs(60);

impl<K: Copy + Ord> Rooms<K> {
    pub(super) fn say(
        &mut self,
        conn: K,
        room: &str,
        content: String,
        reference: Option<&str>,
    ) -> Result<(), Refusal> {
        let (room, user) = self.place(conn, room)?;
        if self.is_draining {
            return Err(DRAINING);
        }
        let (user, name) = (user.id.clone(), user.name.clone());
        let key = Key(self.entropy.bytes());
        let mut draft = Draft::new(key, room, user, name, content.into(), self.wall);
        draft.reference = reference.map(Into::into);
        self.desk.push(self.now, draft).map_err(|_| UNAVAILABLE)
    }

    /// A message is stored: its room is told, or its sender alone where it had been before.
    pub(super) fn tell(&mut self, draft: Draft, stored: Stored) {
        let entry = match stored {
            Stored::New(id) => draft.into_entry(id),
            Stored::Before(entry) => return self.tell_again(&entry),
            _ => return,
        };
        if self.nodes.is_some() {
            return self.tell_stored(&entry);
        }
        if self.told == 0 {
            self.place_all_before(entry.id);
        }
        let text = Reply::message(&entry).to_bytes();
        self.told = entry.id;
        self.stats.messages += 1;
        let mut conns: Vec<K> = self.members(&entry.room).collect();
        self.leave_behind(entry.id, &conns, text.len());
        conns.retain(|conn| !self.behind.contains_key(conn));
        self.recent.push(entry.id, entry.room, text.clone());
        self.broadcast(conns, text);
    }

    /// Who said it is told what is stored, unless it hears of it anyway as one of those that it has missed.
    fn tell_again(&mut self, entry: &Entry) {
        let Some(conn) = self.ids.get(&entry.user).copied() else { return };
        let text = Reply::message(entry).to_bytes();
        let is_to_come = self.comes_to(conn, &entry.room, entry.id);
        let is_alone = self.nodes.is_none();
        match self.behind.get_mut(&conn) {
            // Over several nodes an id says nothing of others, but what is to be read is told then.
            Some(behind) if !is_alone && behind.must_read && is_to_come && entry.id > behind.seen => {}
            Some(behind) if is_alone && entry.id > behind.seen => {
                // Told now, it would have the client believe that it has seen all before it.
                if !is_to_come && behind.owed.len() < self.limits.max_held {
                    behind.owed.push(text);
                }
            }
            _ => self.send(conn, text),
        }
    }

    /// A message is not stored: its sender is told, if it is there.
    pub(super) fn hand_back(&mut self, draft: &Draft, refusal: &Refusal) {
        if let Some(conn) = self.ids.get(&draft.user).copied() {
            self.refuse(conn, refusal, draft.reference.as_deref());
        }
    }

    /// Has a user's session stored as it is now.
    pub(super) fn keep(&mut self, conn: K) {
        let Some(user) = self.users.get_mut(&conn) else { return };
        user.kept_at = Some(self.wall);
        let lifetime = u64::try_from(self.limits.token_lifetime.as_millis()).unwrap_or(u64::MAX);
        let expires = Wall::from_millis(self.wall.as_millis().saturating_add(lifetime));
        let rooms = user.rooms().cloned().collect();
        self.desk.keep(Session::new(user.token, user.id.clone(), user.name.clone(), rooms, expires));
    }

    /// Has a session stored again that is as old, so that it is good for as long as it should be.
    pub(super) fn renew(&mut self, conn: K, from: Duration) {
        let kept_at = self.users.get(&conn).and_then(|user| user.kept_at);
        let age = kept_at.map(|at| self.wall.as_millis().saturating_sub(at.as_millis()));
        if age.is_some_and(|age| u128::from(age) >= from.as_millis()) {
            self.keep(conn);
        }
    }
}
