//! What a user asks for, done.

use super::Rooms;
use crate::chat::names::key_of;
use crate::chat::protocol::{Ask, Code, GENERAL, Member, Refusal, Reply};
use crate::chat::user::{Place, User};
use bytes::Bytes;
use std::sync::Arc;

impl<K: Copy + Ord> Rooms<K> {
    /// `is_first` if the user has said nothing before.
    pub(super) fn obey(
        &mut self,
        conn: K,
        ask: Ask,
        reference: Option<&str>,
        is_first: bool,
    ) -> Result<(), Refusal> {
        match ask {
            Ask::Join { room } => self.join(conn, &room),
            Ask::Leave { room } => self.leave(conn, &room),
            Ask::UserList { room } => {
                let (room, _) = self.place(conn, &room)?;
                self.tell_list(conn, &room);
                Ok(())
            }
            Ask::Message { room, content } => self.say(conn, &room, content, reference),
            Ask::Name { name } => self.rename(conn, name),
            Ask::Typing { room } => self.typing(conn, &room),
            Ask::Resume { token, after } if is_first => {
                self.resume(conn, token, after);
                Ok(())
            }
            Ask::Resume { .. } => {
                Err(Refusal::new(Code::BadMessage, "resume must be the first message of a connection"))
            }
        }
    }

    /// The room and the user, if that user is in that room.
    pub(super) fn place(&self, conn: K, room: &str) -> Result<(Arc<str>, &User), Refusal> {
        self.users
            .get(&conn)
            .and_then(|user| Some((user.room(room)?.clone(), user)))
            .ok_or(const { Refusal::new(Code::NotInRoom, "you are not in this room") })
    }

    pub(super) fn join(&mut self, conn: K, room: &str) -> Result<(), Refusal> {
        let Some(user) = self.users.get(&conn) else { return Ok(()) };
        if let Some(room) = user.room(room).cloned() {
            self.tell_list(conn, &room);
            return Ok(());
        }
        if user.places.len() >= self.limits.rooms_per_user {
            let limit = Some(self.limits.rooms_per_user);
            return Err(Refusal { limit, ..Refusal::new(Code::TooManyRooms, "you are in too many rooms") });
        }
        if !self.has_room_for(room) {
            let limit = Some(self.limits.max_rooms);
            return Err(Refusal { limit, ..Refusal::new(Code::TooManyRooms, "there are too many rooms") });
        }
        let from = (self.told > 0 && self.nodes.is_none()).then_some(self.told);
        let room = self.add_member(conn, room, from);
        self.tell_join(conn, &room, |_| true);
        self.tell_list(conn, &room);
        self.await_history(conn, room);
        self.keep(conn);
        Ok(())
    }

    /// Whether the room is there, or may be made.
    pub(super) fn has_room_for(&self, room: &str) -> bool {
        self.rooms.len() < self.limits.max_rooms || self.rooms.contains_key(room)
    }

    /// The user is in the room from now on, and nobody knows. `from` on it is told what is said there.
    pub(super) fn add_member(&mut self, conn: K, room: &str, from: Option<u64>) -> Arc<str> {
        let room: Arc<str> =
            self.rooms.get_key_value(room).map_or_else(|| room.into(), |(room, _)| room.clone());
        if let Some(user) = self.users.get_mut(&conn) {
            let (since, earlier) = (self.wall, Vec::new());
            user.places.push(Place { room: room.clone(), from, first: None, since, earlier, typed_at: None });
            let id = user.id.clone();
            self.rooms.entry(room.clone()).or_default().push(conn);
            self.note_room(&room);
            self.note_user(&id);
        }
        room
    }

    pub(super) fn tell_join(&mut self, conn: K, room: &str, to: impl Fn(K) -> bool) {
        let Some(user) = self.users.get(&conn) else { return };
        let text = join_text(room, &user.id, &user.name);
        let conns = self.witnesses(room).filter(|conn| to(*conn)).collect();
        self.broadcast(conns, text);
    }

    fn leave(&mut self, conn: K, room: &str) -> Result<(), Refusal> {
        let (room, user) = self.place(conn, room)?;
        let text = leave_text(&room, &user.id, &user.name);
        let conns =
            self.members(&room).filter(|member| *member == conn || self.knows(*member, &room)).collect();
        self.broadcast(conns, text);
        if let Some(user) = self.users.get_mut(&conn) {
            user.places.retain(|place| place.room != room);
            let id = user.id.clone();
            self.note_user(&id);
        }
        self.remove_member(&room, conn);
        self.note_room(&room);
        self.await_nothing(conn, &room);
        self.keep(conn);
        Ok(())
    }

    fn rename(&mut self, conn: K, name: String) -> Result<(), Refusal> {
        let Some(user) = self.users.get(&conn) else { return Ok(()) };
        if self.is_taken(&key_of(&name), &user.id) {
            return Err(Refusal::new(Code::NameTaken, "somebody is called so"));
        }
        self.be_called(conn, name.into());
        Ok(())
    }

    fn typing(&mut self, conn: K, room: &str) -> Result<(), Refusal> {
        self.place(conn, room)?;
        let (now, every) = (self.now, self.limits.typing_every);
        let Some(user) = self.users.get_mut(&conn) else { return Ok(()) };
        let Some(place) = user.places.iter_mut().find(|place| &*place.room == room) else { return Ok(()) };
        if place.typed_at.is_some_and(|at| now < at + every) {
            return Ok(());
        }
        place.typed_at = Some(now);
        let id = user.id.clone();
        let text = Reply::Typing { room_id: room, user_id: &id, name: &user.name }.to_bytes();
        let conns = self.witnesses(room).filter(|member| *member != conn).collect();
        self.broadcast(conns, text);
        self.publish_typing(room, &id);
        Ok(())
    }

    pub(super) fn members(&self, room: &str) -> impl Iterator<Item = K> {
        self.rooms.get(room).into_iter().flatten().copied()
    }

    /// The members who know who is there.
    pub(super) fn witnesses(&self, room: &str) -> impl Iterator<Item = K> {
        self.members(room).filter(move |conn| self.knows(*conn, room))
    }

    /// An empty room is gone, but for `general`.
    pub(super) fn remove_member(&mut self, room: &str, conn: K) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.retain(|member| *member != conn);
            if members.is_empty() && room != GENERAL {
                self.rooms.remove(room);
            }
        }
    }

    pub(super) fn tell_list(&mut self, conn: K, room: &str) {
        self.await_no_list(conn, room);
        let text = self.list_text(room);
        self.send(conn, text);
    }

    /// Who is in a room, at all nodes.
    pub(super) fn list_text(&self, room: &str) -> Bytes {
        let members: Vec<Member<'_>> = (self.members(room))
            .filter_map(|member| self.users.get(&member))
            .map(|user| Member { user_id: &user.id, name: &user.name })
            .chain(self.remote_members(room))
            .collect();
        let users = members.iter().map(|member| member.name).collect();
        Reply::UserList { room_id: room, users, members }.to_bytes()
    }
}

pub(super) fn join_text(room: &str, user: &str, name: &str) -> Bytes {
    let content = format!("{name} joined the room");
    Reply::Join { room_id: room, user_id: user, name, content }.to_bytes()
}

pub(super) fn leave_text(room: &str, user: &str, name: &str) -> Bytes {
    let content = format!("{name} left the room");
    Reply::Leave { room_id: room, user_id: user, name, content }.to_bytes()
}
