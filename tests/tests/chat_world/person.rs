//! A client as a page is one: it comes back with its token, and says again what was not acknowledged.

use super::Seen;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One who talks.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) index: usize,
    pub(super) conn: Option<u32>,
    /// Who it is, once it has been welcomed.
    pub(super) user: String,
    token: Option<String>,
    /// What a fresh welcome said, in case the token is no good.
    fresh: (String, String),
    /// It has shown its token and heard nothing of it.
    is_resuming: bool,
    pub(super) is_welcome: bool,
    /// The greatest id of a message that it has seen.
    last: u64,
    /// From which id on it is to have seen all of a room.
    pub(super) stays: BTreeMap<String, u64>,
    /// Rooms that it is in without knowing from where on.
    unsure: BTreeSet<String>,
    /// Who is where, as it was told.
    pub(super) members: BTreeMap<String, BTreeSet<String>>,
    pub(super) received: BTreeMap<u64, Value>,
    /// What is not acknowledged, by reference, and where it was said.
    pub(super) pending: BTreeMap<String, String>,
    resent: BTreeSet<String>,
    pub(super) acknowledged: BTreeMap<String, u64>,
    /// Told to be unavailable, and never said again.
    pub(super) unavailable: BTreeSet<String>,
    said: u64,
}

impl Person {
    pub(super) fn new(index: usize) -> Self {
        Self { index, ..Self::default() }
    }

    /// What it says first on a new connection.
    pub(super) fn connected(&mut self, conn: u32) -> Option<Value> {
        self.conn = Some(conn);
        (self.is_welcome, self.is_resuming) = (false, false);
        self.members.clear();
        let token = self.token.as_ref()?;
        self.is_resuming = true;
        Some(json!({"type": "resume", "token": token, "after": self.last}))
    }

    pub(super) fn lost(&mut self) {
        (self.conn, self.is_welcome) = (None, false);
    }

    /// A new message.
    pub(super) fn say(&mut self, room: &str) -> Value {
        self.said += 1;
        let reference = format!("{}-{}", self.index, self.said);
        self.pending.insert(reference.clone(), room.to_owned());
        message(room, &reference)
    }

    /// What it hears; returns what it says to that.
    pub(super) fn hear(&mut self, heard: &Value, seen: &mut Seen) -> Vec<Value> {
        let text = |key: &str| heard[key].as_str().unwrap_or_default().to_owned();
        let (room, user) = (text("roomId"), text("userId"));
        let is_me = user == self.user;
        match heard["type"].as_str().expect("a type") {
            "welcome" => return self.welcomed(heard, seen),
            "user_list" => {
                let members = heard["members"].as_array().expect("a list");
                let ids: BTreeSet<String> =
                    members.iter().map(|member| member["userId"].as_str().unwrap().to_owned()).collect();
                assert_eq!(ids.len(), members.len(), "somebody is twice in {heard}");
                assert!(ids.contains(&self.user), "{} is not in its own list", self.index);
                self.members.insert(room.clone(), ids);
                if !self.stays.contains_key(&room) {
                    self.unsure.insert(room);
                }
            }
            "join" if !is_me => {
                assert!(self.members.get_mut(&room).is_some_and(|members| members.insert(user)), "{heard}");
            }
            "leave" if is_me => {
                self.members.remove(&room);
                self.stays.remove(&room);
                self.unsure.remove(&room);
                // Whether that is stored it is not told any more.
                self.pending.retain(|_, at| *at != room);
            }
            "leave" => {
                assert!(self.members.get_mut(&room).is_some_and(|members| members.remove(&user)), "{heard}");
            }
            "history" => self.history(&room, heard, seen),
            "message" => self.message(&room, is_me, heard, seen),
            "error" => return self.refused(heard, seen),
            _ => {}
        }
        Vec::new()
    }

    fn welcomed(&mut self, heard: &Value, seen: &mut Seen) -> Vec<Value> {
        let text = |key: &str| heard[key].as_str().unwrap_or_default().to_owned();
        if heard["resumed"] == false {
            self.fresh = (text("userId"), text("token"));
            if !self.is_resuming {
                self.be_fresh();
            }
            return self.again();
        }
        seen.resumed += 1;
        assert!(self.is_resuming && text("userId") == self.user, "{heard}");
        (self.is_resuming, self.is_welcome) = (false, true);
        let rooms: Vec<&str> = heard["rooms"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        self.stays.retain(|room, _| rooms.contains(&room.as_str()));
        self.unsure.clear();
        for room in rooms {
            // All above what it said that it has seen comes.
            self.stays.entry(room.to_owned()).or_insert(self.last);
        }
        self.again()
    }

    fn be_fresh(&mut self) {
        (self.user, self.token) = (self.fresh.0.clone(), Some(self.fresh.1.clone()));
        (self.is_resuming, self.is_welcome) = (false, true);
        self.stays.clear();
        self.unsure.clear();
        // Another user's references are others.
        self.pending.clear();
    }

    /// What was not acknowledged is said again, if it is known by whom.
    fn again(&mut self) -> Vec<Value> {
        if !self.is_welcome {
            return Vec::new();
        }
        self.resent.extend(self.pending.keys().cloned());
        self.pending.iter().map(|(reference, room)| message(room, reference)).collect()
    }

    fn history(&mut self, room: &str, heard: &Value, seen: &mut Seen) {
        seen.histories += 1;
        assert!(self.unsure.remove(room), "a history of {room} that nobody waits for");
        let mut newest = 0;
        for message in heard["messages"].as_array().unwrap() {
            let id = message["id"].as_u64().unwrap();
            assert!(id > newest, "out of order: {heard}");
            newest = id;
            self.keep(id, message);
        }
        self.last = self.last.max(newest);
        self.stays.insert(room.to_owned(), newest);
    }

    fn message(&mut self, room: &str, is_me: bool, heard: &Value, seen: &mut Seen) {
        let id = heard["id"].as_u64().expect("an id");
        let reference = heard["ref"].as_str().unwrap_or_default();
        if is_me {
            self.pending.remove(reference);
            self.acknowledged.insert(reference.to_owned(), id);
            seen.acknowledged += 1;
            if self.resent.contains(reference) {
                // It may be told again what it was told before.
                seen.doubled += u64::from(self.received.contains_key(&id));
                self.keep(id, heard);
                self.last = self.last.max(id);
                return;
            }
        }
        assert!(self.members.contains_key(room), "{} is not in {room}: {heard}", self.index);
        assert!(id > self.last, "{} has seen {} before {heard}", self.index, self.last);
        assert!(!self.received.contains_key(&id), "twice: {heard}");
        self.keep(id, heard);
        self.last = id;
        if self.unsure.remove(room) {
            // There was no history to be had.
            self.stays.insert(room.to_owned(), id);
        }
    }

    fn keep(&mut self, id: u64, message: &Value) {
        let before = self.received.insert(id, message.clone());
        assert!(before.is_none_or(|before| before == *message), "it has changed: {message}");
    }

    fn refused(&mut self, heard: &Value, seen: &mut Seen) -> Vec<Value> {
        match heard["code"].as_str().unwrap_or_default() {
            "bad_token" => {
                seen.forgotten += 1;
                self.be_fresh();
            }
            "unavailable" if heard["ref"].is_string() => {
                seen.unavailable += 1;
                self.give_up(heard);
            }
            "unavailable" if self.is_resuming => {
                let token = self.token.as_ref().expect("what it has shown");
                return vec![json!({"type": "resume", "token": token, "after": self.last})];
            }
            "not_in_room" | "rate_limited" => self.give_up(heard),
            // A history that is not to be had, one room too many, a name that somebody has.
            "unavailable" | "too_many_rooms" | "name_taken" => {}
            _ => panic!("{heard}"),
        }
        Vec::new()
    }

    fn give_up(&mut self, heard: &Value) {
        let Some(reference) = heard["ref"].as_str() else { return };
        if self.pending.remove(reference).is_some() && !self.resent.contains(reference) {
            self.unavailable.insert(reference.to_owned());
        }
    }
}

fn message(room: &str, reference: &str) -> Value {
    // Some are long.
    let pad = if reference.ends_with(['0', '3', '7']) { 1_500 } else { 0 };
    let content = format!("{reference}{:pad$}", "");
    json!({"type": "message", "roomId": room, "content": content, "ref": reference})
}
