//! Who is here, by connection, name, id and token.

use super::Rooms;
use super::obeying::leave_text;
use crate::chat::names::key_of;
use crate::chat::protocol::Reply;
use crate::chat::user::User;
use std::collections::BTreeSet;
use std::sync::Arc;

impl<K: Copy + Ord> Rooms<K> {
    /// The connection is this user's from now on.
    pub(super) fn enter(&mut self, conn: K, user: User) {
        self.names.insert(key_of(&user.name), conn);
        self.ids.insert(user.id.clone(), conn);
        self.tokens.insert(user.token, conn);
        let id = user.id.clone();
        self.users.insert(conn, user);
        self.note_user(&id);
        self.refresh(&id);
    }

    /// The connection is no user's from now on. Each of its rooms is told.
    pub(super) fn part(&mut self, conn: K) -> Option<User> {
        self.cancel_auto_join(conn);
        let user = self.users.remove(&conn)?;
        self.names.remove(&key_of(&user.name));
        self.ids.remove(&user.id);
        self.tokens.remove(&user.token);
        self.behind.remove(&conn);
        self.ready.remove(&conn);
        self.congested.leave(conn);
        self.spent.keep(self.now, &user, &self.limits);
        for room in user.rooms() {
            self.remove_member(room, conn);
            self.note_room(room);
            let conns = self.witnesses(room).collect();
            self.broadcast(conns, leave_text(room, &user.id, &user.name));
        }
        self.note_user(&user.id);
        self.go(&user.id, user.epoch);
        Some(user)
    }

    /// The user is called so from now on: it is told so, and each who shares a room with it, once, if that is new.
    pub(super) fn be_called(&mut self, conn: K, name: Arc<str>) {
        let Some(user) = self.users.get_mut(&conn) else { return };
        let is_new = user.name != name;
        self.names.remove(&key_of(&user.name));
        self.names.insert(key_of(&name), conn);
        user.name = name;
        let id = user.id.clone();
        let text = Reply::Name { user_id: &id, name: &user.name }.to_bytes();
        let mut conns = BTreeSet::from([conn]);
        if is_new {
            let rooms: Vec<Arc<str>> = user.rooms().cloned().collect();
            rooms.iter().for_each(|room| conns.extend(self.witnesses(room)));
            self.keep(conn);
            self.note_user(&id);
        }
        self.broadcast(conns.into_iter().collect(), text);
    }

    /// `after` as it comes back, if it does.
    pub(super) fn welcome(&mut self, conn: K, token: &str, after: Option<u64>) {
        let Some(user) = self.users.get(&conn) else { return };
        let rooms = user.rooms().map(|room| &**room).collect();
        let settled = self.nodes.as_ref().map(|nodes| after.or(nodes.settled()).unwrap_or(0));
        let (user_id, name, resumed) = (&user.id, &user.name, after.is_some());
        let welcome = Reply::Welcome { user_id, name, token, rooms, resumed, settled };
        let text = welcome.to_bytes();
        self.send(conn, text);
    }
}
