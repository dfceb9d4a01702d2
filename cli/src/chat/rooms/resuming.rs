//! Users who come back.

use super::Rooms;
use crate::chat::names::key_of;
use crate::chat::protocol::{Code, Refusal};
use crate::chat::token::hash_of;
use crate::chat::user::{Resuming, default_name};
use std::collections::VecDeque;
use std::sync::Arc;
use wharf::service::history::{Ask, Session, TokenHash};

impl<K: Copy + Ord> Rooms<K> {
    /// A fresh user says whose token it has. What it says behind that waits until it is known who it is.
    pub(super) fn resume(&mut self, conn: K, token: String, after: u64) {
        let was_to_join = self.cancel_auto_join(conn);
        let (hash, is_unknown) = (hash_of(&token), token.is_empty());
        let Some(user) = self.users.get_mut(&conn) else { return };
        let auto_join = std::mem::take(&mut user.owes_auto_join) || was_to_join;
        let resuming = Resuming { token, after, auto_join, held: VecDeque::new() };
        user.resuming = Some(resuming);
        self.came += 1;
        user.came = self.came;
        match self.known_session(&hash) {
            // Nobody was given it, so there is nothing to look up.
            None if is_unknown => self.settle_resume(conn, Ok(None)),
            // Over several nodes the store knows where the user was last, if it can say so now.
            Some(session) if self.nodes.is_none() || self.is_away() => {
                self.settle_resume(conn, Ok(Some(session)));
            }
            _ => self.await_session(conn),
        }
    }

    /// What is known of a token without asking: whoever is there has it, or it waits to be stored.
    fn known_session(&self, hash: &TokenHash) -> Option<Session> {
        if let Some(user) = self.tokens.get(hash).and_then(|conn| self.users.get(conn)) {
            let rooms = user.rooms().cloned().collect();
            return Some(Session::new(*hash, user.id.clone(), user.name.clone(), rooms, self.wall));
        }
        self.desk.session(hash).filter(|session| session.expires > self.wall).cloned()
    }

    /// What was read is older than what waits to be stored, also if somebody else has come with the token since it was asked, and gone on. Each
    /// change is stored, so where none waits it is at least as new as what is known here: the user may have been at another node since.
    fn newest_session(
        &self,
        hash: &TokenHash,
        read: Result<Option<Session>, ()>,
    ) -> Result<Option<Session>, ()> {
        match (read, self.known_session(hash)) {
            (Ok(Some(read)), _) if self.desk.session(hash).is_none() => Ok(Some(read)),
            (_, Some(known)) => Ok(Some(known)),
            (read, None) => read,
        }
    }

    /// Whether it is known without the store whose token a user shows.
    pub(super) fn is_known(&self, conn: K) -> bool {
        let resuming = self.users.get(&conn).and_then(|user| user.resuming.as_ref());
        resuming.is_some_and(|resuming| self.known_session(&hash_of(&resuming.token)).is_some())
    }

    /// What is to be asked for a user whose token is to be looked up, if there still is one.
    pub(super) fn ask_session(&self, conn: K) -> Option<Ask> {
        let resuming = self.users.get(&conn)?.resuming.as_ref()?;
        Some(Ask::Session(hash_of(&resuming.token), self.wall))
    }

    /// It is known what a token is good for, or that this cannot be known now.
    pub(super) fn settle_resume(&mut self, conn: K, session: Result<Option<Session>, ()>) {
        let Some(resuming) = self.users.get_mut(&conn).and_then(|user| user.resuming.take()) else { return };
        let Resuming { token, after, auto_join, held } = resuming;
        let stored = session.as_ref().ok().and_then(|session| Some(session.as_ref()?.epoch)).unwrap_or(0);
        let hash = hash_of(&token);
        if self.is_passed(conn, &hash) {
            return self.take_over(conn);
        }
        match self.newest_session(&hash, session) {
            Ok(Some(session)) => self.come_back(conn, &token, after, session, stored),
            Ok(None) => {
                let refusal = Refusal::new(Code::BadToken, "this token is not known, or not any more");
                self.refuse(conn, &refusal, None);
                if auto_join {
                    self.await_auto_join(conn);
                }
            }
            Err(()) => {
                // It may try again, and is nowhere and says nothing as somebody else meanwhile.
                if let Some(user) = self.users.get_mut(&conn) {
                    (user.is_fresh, user.owes_auto_join) = (true, auto_join);
                }
                let refusal =
                    Refusal::new(Code::Unavailable, "the database is away: the token cannot be looked up");
                self.refuse(conn, &refusal, None);
                for frame in held {
                    self.refuse(conn, &refusal, frame.reference.as_deref());
                }
                return;
            }
        }
        for frame in held {
            self.handle_frame(conn, frame);
        }
    }

    /// Whether the user of a token is here over a connection that has shown it later: who waits to have it looked up may be passed by.
    fn is_passed(&self, conn: K, token: &TokenHash) -> bool {
        let came = |conn: &K| self.users.get(conn).map(|user| user.came);
        self.tokens.get(token).is_some_and(|other| came(other) > came(&conn))
    }

    /// The connection's fresh user makes way for the one who is back.
    fn come_back(&mut self, conn: K, token: &str, after: u64, session: Session, stored: u64) {
        let old = self.tokens.get(&session.token).copied().filter(|old| *old != conn);
        let epoch = old.and_then(|old| self.users.get(&old)).map_or(0, |user| user.epoch);
        let epoch = self.next_epoch(&session.user, epoch, stored);
        if let Some(old) = old {
            self.take_over(old);
        }
        let is_congested = self.congested.has(conn);
        let Some(mut user) = self.part(conn) else { return };
        user.id = session.user;
        (user.token, user.epoch) = (session.token, epoch);
        user.name = self.name_for(session.name, &user.id);
        user.places.clear();
        if let Some((messages, requests)) = self.spent.take(&user.id) {
            (user.messages, user.requests) = (messages, requests);
        }
        self.enter(conn, user);
        if is_congested {
            self.congested.enter(conn);
        }
        self.stats.resumed += 1;
        let mut rooms = Vec::new();
        for room in session.rooms.iter().take(self.limits.rooms_per_user) {
            if self.has_room_for(room) {
                rooms.push(self.add_member(conn, room, Some(0)));
            }
        }
        self.welcome(conn, token, Some(after));
        for room in &rooms {
            self.tell_join(conn, room, |member| member != conn);
        }
        self.fall_behind(conn, after, rooms);
        self.keep(conn);
    }

    /// What a user is called who was called so, if nobody else is by now.
    pub(super) fn name_for(&mut self, name: Arc<str>, id: &str) -> Arc<str> {
        let mut name = name;
        let mut next = default_name(id);
        while self.is_taken(&key_of(&name), id) {
            name = std::mem::replace(&mut next, default_name(&format!("{:016x}", self.entropy.next_u64())));
        }
        name
    }
}
