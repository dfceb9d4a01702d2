//! The room machine: who is where, and who hears what.

use super::Limits;
use super::protocol::{Ask, Code, Frame, FrameType, GENERAL, Member, Refusal, Reply};
use super::user::User;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use wharf::base::{CloseCode, Entropy, Instant, Message, Wall};

/// What the machine wants done. `text` is the payload of a text message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<K> {
    /// Send to one connection.
    Send {
        /// To whom.
        conn: K,
        /// What.
        text: Bytes,
    },
    /// Send to each of these connections; the text is shared.
    Broadcast {
        /// To whom, each once, in the order in which they came in.
        conns: Vec<K>,
        /// What.
        text: Bytes,
    },
    /// Close a connection, which is no user's.
    Close {
        /// Which one.
        conn: K,
        /// With what.
        code: CloseCode,
    },
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Users now.
    pub users: usize,
    /// Rooms now: `general`, and others while they have a member.
    pub rooms: usize,
    /// Messages that were passed on to a room.
    pub messages: u64,
    /// Whatever was refused.
    pub refused: u64,
    /// Actions that nobody polled in time.
    pub dropped: u64,
}

/// The rooms and the users in them, by connection. It does no IO and reads no clock: what happened goes in by
/// `handle_*`, what to do comes out of [`poll_action`](Self::poll_action), to be polled until `None` after each call.
/// The same calls give the same actions, in the same order. Calls about connections that are no users' do nothing.
///
/// `K` names a connection; a key must not be used again while somebody may still act on its old meaning.
///
/// ```
/// use wharf::base::{Entropy, Instant, Message, Wall};
/// use wharf_cli::chat::{Action, Limits, Rooms};
///
/// let mut rooms = Rooms::new(Limits::default(), Entropy::from_seed([7; 32]));
/// rooms.handle_opened(Instant::ORIGIN, 'a', true);
/// let hello = Message::text(r#"{"type": "message", "content": "hello"}"#);
/// rooms.handle_message(Instant::ORIGIN, Wall::from_millis(5), 'a', &hello);
/// let mut texts = Vec::new();
/// while let Some(action) = rooms.poll_action() {
///     let (Action::Send { text, .. } | Action::Broadcast { text, .. }) = action else { continue };
///     texts.push(String::from_utf8(text.into()).unwrap());
/// }
/// // welcome, join, user_list, and the message
/// assert!(texts[0].starts_with(r#"{"type":"welcome""#));
/// assert!(texts[3].contains(r#""content":"hello","timestamp":5"#));
/// assert_eq!(rooms.list().collect::<Vec<_>>(), [("general", 1)]);
/// ```
#[derive(Debug)]
pub struct Rooms<K> {
    limits: Limits,
    entropy: Entropy,
    now: Instant,
    /// At most [`Limits::max_users`].
    users: BTreeMap<K, User>,
    /// `general`, and others while they have a member; the members in the order in which they came in.
    rooms: BTreeMap<Arc<str>, Vec<K>>,
    /// Who enters `general` by itself, and when: one entry a user at most.
    auto_joins: BTreeSet<(Instant, K)>,
    /// At most [`Limits::max_actions`].
    actions: VecDeque<Action<K>>,
    stats: Stats,
}

impl<K: Copy + Ord> Rooms<K> {
    /// One empty room, `general`. The ids of users are drawn from `entropy`.
    #[must_use]
    pub fn new(limits: Limits, entropy: Entropy) -> Self {
        Self {
            limits,
            entropy,
            now: Instant::ORIGIN,
            users: BTreeMap::new(),
            rooms: BTreeMap::from([(GENERAL.into(), Vec::new())]),
            auto_joins: BTreeSet::new(),
            actions: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// A connection is there: it becomes a user and is welcomed. With `auto_join` it enters `general` after a while
    /// without a message, or with its first one, unless that is a `join`.
    pub fn handle_opened(&mut self, now: Instant, conn: K, auto_join: bool) {
        let now = self.advance(now);
        if self.users.contains_key(&conn) {
            return;
        }
        if self.users.len() >= self.limits.max_users {
            self.stats.refused += 1;
            self.push(Action::Close { conn, code: CloseCode::TRY_AGAIN_LATER });
            return;
        }
        let user = User::new(now, &mut self.entropy);
        let welcome = Reply::Welcome { user_id: &user.id, name: &user.name }.to_bytes();
        self.users.insert(conn, user);
        self.push(Action::Send { conn, text: welcome });
        if auto_join {
            self.await_auto_join(conn);
        }
    }

    /// A connection says something. What comes back is why that was refused, if it was, for a log: the client is told
    /// already.
    pub fn handle_message(
        &mut self,
        now: Instant,
        wall: Wall,
        conn: K,
        message: &Message<'_>,
    ) -> Option<Code> {
        let now = self.advance(now);
        if !self.users.contains_key(&conn) {
            return None;
        }
        let frame = Frame::parse(message);
        self.judge_auto_join(conn, frame.kind);
        let reference = frame.reference.as_deref();
        let obeyed = frame.ask.and_then(|ask| {
            self.check_rate(now, conn, &ask)?;
            self.obey(wall, conn, &ask, reference)
        });
        let refusal = obeyed.err()?;
        self.stats.refused += 1;
        self.push(Action::Send { conn, text: refusal.reply(reference).to_bytes() });
        Some(refusal.code)
    }

    /// A connection is over, however it ended, or is given up: each of its rooms is told, once.
    pub fn handle_closed(&mut self, now: Instant, conn: K) {
        self.advance(now);
        self.cancel_auto_join(conn);
        let Some(user) = self.users.remove(&conn) else { return };
        for room in &user.rooms {
            self.remove_member(room, conn);
            if let Some(conns) = self.rooms.get(room).filter(|conns| !conns.is_empty()) {
                let action = Action::Broadcast { conns: conns.clone(), text: leave_text(room, &user) };
                self.push(action);
            }
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action<K>> {
        let action = self.actions.pop_front();
        if self.actions.is_empty() && self.actions.capacity() > 64 {
            self.actions = VecDeque::new();
        }
        action
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.auto_joins.first().map(|(at, _)| *at)
    }

    /// Acts on what is due. An early or spurious call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        while let Some((_, conn)) = self.auto_joins.first().copied().filter(|(at, _)| *at <= now) {
            self.auto_join(conn);
        }
    }

    /// The rooms by id, with how many users are in each: `general`, and others while they have a member.
    pub fn list(&self) -> impl Iterator<Item = (&str, usize)> {
        self.rooms.iter().map(|(id, members)| (&**id, members.len()))
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { users: self.users.len(), rooms: self.rooms.len(), ..self.stats }
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn push(&mut self, action: Action<K>) {
        if self.actions.len() < self.limits.max_actions {
            self.actions.push_back(action);
        } else {
            self.stats.dropped += 1;
        }
    }

    /// The first message says whether the client sees to its rooms itself. A `name` or a `resume` leaves that open.
    fn judge_auto_join(&mut self, conn: K, kind: FrameType) {
        if self.users.get(&conn).is_none_or(|user| user.auto_join.is_none()) {
            return;
        }
        match kind {
            FrameType::Join => self.cancel_auto_join(conn),
            FrameType::Name | FrameType::Resume => self.await_auto_join(conn),
            _ => self.auto_join(conn),
        }
    }

    fn await_auto_join(&mut self, conn: K) {
        self.cancel_auto_join(conn);
        let at = self.now + self.limits.auto_join_after;
        if let Some(user) = self.users.get_mut(&conn) {
            user.auto_join = Some(at);
            self.auto_joins.insert((at, conn));
        }
    }

    fn cancel_auto_join(&mut self, conn: K) {
        if let Some(at) = self.users.get_mut(&conn).and_then(|user| user.auto_join.take()) {
            self.auto_joins.remove(&(at, conn));
        }
    }

    fn auto_join(&mut self, conn: K) {
        self.cancel_auto_join(conn);
        // A fresh user is in no room, so this is not refused but by a limit of 0 rooms.
        let _ = self.join(conn, GENERAL);
    }

    fn check_rate(&mut self, now: Instant, conn: K, ask: &Ask) -> Result<(), Refusal> {
        let Some(user) = self.users.get_mut(&conn) else { return Ok(()) };
        let taken = match ask {
            Ask::Message { .. } => user.messages.take(now, self.limits.messages),
            _ => user.requests.take(now, self.limits.requests),
        };
        taken.map_err(|wait| {
            // Rounded up: who waits as told is served.
            let millis = wait.as_nanos().div_ceil(1_000_000) as u64;
            Refusal {
                retry_after_ms: Some(millis),
                ..Refusal::new(Code::RateLimited, "too much at once, wait a little")
            }
        })
    }

    fn obey(&mut self, wall: Wall, conn: K, ask: &Ask, reference: Option<&str>) -> Result<(), Refusal> {
        match ask {
            Ask::Join { room } => self.join(conn, room),
            Ask::Leave { room } => self.leave(conn, room),
            Ask::UserList { room } => {
                let (room, _) = self.place(conn, room)?;
                self.tell_list(conn, &room);
                Ok(())
            }
            Ask::Message { room, content } => {
                let (room_id, user) = self.place(conn, room)?;
                let text = Reply::Message {
                    room_id: &room_id,
                    user_id: &user.id,
                    name: &user.name,
                    content,
                    timestamp: wall.as_millis(),
                    reference,
                }
                .to_bytes();
                self.stats.messages += 1;
                self.broadcast(&room_id, text);
                Ok(())
            }
        }
    }

    /// The room and the user, if that user is in that room.
    fn place(&self, conn: K, room: &str) -> Result<(Arc<str>, &User), Refusal> {
        self.users
            .get(&conn)
            .and_then(|user| Some((user.rooms.get(room)?.clone(), user)))
            .ok_or(const { Refusal::new(Code::NotInRoom, "you are not in this room") })
    }

    fn join(&mut self, conn: K, room: &str) -> Result<(), Refusal> {
        let Some(user) = self.users.get_mut(&conn) else { return Ok(()) };
        if let Some(room) = user.rooms.get(room).cloned() {
            self.tell_list(conn, &room);
            return Ok(());
        }
        if user.rooms.len() >= self.limits.rooms_per_user {
            let limit = Some(self.limits.rooms_per_user);
            return Err(Refusal { limit, ..Refusal::new(Code::TooManyRooms, "you are in too many rooms") });
        }
        let room: Arc<str> =
            self.rooms.get_key_value(room).map_or_else(|| room.into(), |(room, _)| room.clone());
        user.rooms.insert(room.clone());
        let text = Reply::Join {
            room_id: &room,
            user_id: &user.id,
            name: &user.name,
            content: format!("{} joined the room", user.name),
        }
        .to_bytes();
        self.rooms.entry(room.clone()).or_default().push(conn);
        self.broadcast(&room, text);
        self.tell_list(conn, &room);
        Ok(())
    }

    fn leave(&mut self, conn: K, room: &str) -> Result<(), Refusal> {
        let (room, user) = self.place(conn, room)?;
        let text = leave_text(&room, user);
        self.broadcast(&room, text);
        if let Some(user) = self.users.get_mut(&conn) {
            user.rooms.remove(&room);
        }
        self.remove_member(&room, conn);
        Ok(())
    }

    fn broadcast(&mut self, room: &str, text: Bytes) {
        let conns = self.rooms.get(room).cloned().unwrap_or_default();
        self.push(Action::Broadcast { conns, text });
    }

    /// An empty room is gone, but for `general`.
    fn remove_member(&mut self, room: &str, conn: K) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.retain(|member| *member != conn);
            if members.is_empty() && room != GENERAL {
                self.rooms.remove(room);
            }
        }
    }

    fn tell_list(&mut self, conn: K, room: &str) {
        let members: Vec<Member<'_>> = (self.rooms.get(room).into_iter().flatten())
            .filter_map(|member| self.users.get(member))
            .map(|user| Member { user_id: &user.id, name: &user.name })
            .collect();
        let users = members.iter().map(|member| member.name).collect();
        let text = Reply::UserList { room_id: room, users, members }.to_bytes();
        self.push(Action::Send { conn, text });
    }
}

fn leave_text(room: &str, user: &User) -> Bytes {
    let content = format!("{} left the room", user.name);
    Reply::Leave { room_id: room, user_id: &user.id, name: &user.name, content }.to_bytes()
}

#[cfg(test)]
mod tests;
