//! Who is here, by connection, name, id and token.

use super::Rooms;
use super::obeying::leave_text;
use crate::chat::names::key_of;
use crate::chat::protocol::Reply;
use crate::chat::user::User;

impl<K: Copy + Ord> Rooms<K> {
    /// The connection is this user's from now on.
    pub(super) fn enter(&mut self, conn: K, user: User) {
        self.names.insert(key_of(&user.name), conn);
        self.ids.insert(user.id.clone(), conn);
        self.tokens.insert(user.token, conn);
        self.users.insert(conn, user);
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
            let conns = self.witnesses(room).collect();
            self.broadcast(conns, leave_text(room, &user));
        }
        Some(user)
    }

    pub(super) fn welcome(&mut self, conn: K, token: &str, resumed: bool) {
        let Some(user) = self.users.get(&conn) else { return };
        let rooms = user.rooms().map(|room| &**room).collect();
        let welcome = Reply::Welcome { user_id: &user.id, name: &user.name, token, rooms, resumed };
        let text = welcome.to_bytes();
        self.send(conn, text);
    }
}
