//! A client as a page is one: it comes back with its token, at any node, and says again what was not acknowledged.

use super::Seen;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One who talks.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) index: usize,
    pub(super) conn: Option<u32>,
    /// Where it is, and whether it was elsewhere before.
    node: usize,
    has_moved: bool,
    pub(super) user: String,
    pub(super) name: String,
    token: Option<String>,
    /// What a fresh welcome said, in case the token is no good.
    fresh: (String, String, String),
    is_resuming: bool,
    pub(super) is_welcome: bool,
    /// Up to where it has heard all, as it was told.
    settled: u64,
    /// From which id on it is to have seen all of a room.
    pub(super) stays: BTreeMap<String, u64>,
    /// Rooms whose history is to come.
    unsure: BTreeSet<String>,
    /// Who is where, and is called how, as it was told.
    pub(super) members: BTreeMap<String, BTreeMap<String, String>>,
    /// All that it has heard: what the message was.
    pub(super) received: BTreeMap<u64, (String, String)>,
    /// Over this connection.
    here: BTreeSet<u64>,
    last: u64,
    /// What is not acknowledged, by reference, and where it was said.
    pub(super) pending: BTreeMap<String, String>,
    resent: BTreeSet<String>,
    pub(super) acknowledged: BTreeMap<String, u64>,
    said: u64,
}

impl Person {
    pub(super) fn new(index: usize) -> Self {
        Self { index, ..Self::default() }
    }

    /// What it says first on a new connection.
    pub(super) fn connected(&mut self, conn: u32, node: usize) -> Option<Value> {
        self.conn = Some(conn);
        (self.is_welcome, self.is_resuming) = (false, false);
        self.members.clear();
        self.here.clear();
        self.last = 0;
        let token = self.token.as_ref()?;
        self.is_resuming = true;
        // It says no more than it was told, so it may hear again what it has heard.
        let resume = json!({"type": "resume", "token": token, "after": self.settled});
        self.has_moved = std::mem::replace(&mut self.node, node) != node;
        Some(resume)
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
        let (room, user, name) = (text("roomId"), text("userId"), text("name"));
        let is_me = user == self.user;
        match heard["type"].as_str().expect("a type") {
            "welcome" => return self.welcomed(heard, seen),
            "user_list" => self.list(&room, heard),
            "join" if !is_me => {
                let members = self.members.get_mut(&room);
                let is_new = members.is_some_and(|members| members.insert(user, name).is_none());
                assert!(is_new, "{} knows that already: {heard}", self.index);
            }
            "leave" if is_me => {
                self.members.remove(&room);
                self.stays.remove(&room);
                self.unsure.remove(&room);
                // Whether that is stored it is not told any more.
                self.pending.retain(|_, at| *at != room);
            }
            "leave" => {
                let members = self.members.get_mut(&room);
                let was_there = members.is_some_and(|members| members.remove(&user).is_some());
                assert!(was_there, "{} knows nothing of it: {heard}", self.index);
            }
            "name" => {
                if is_me {
                    self.name.clone_from(&name);
                }
                for members in self.members.values_mut() {
                    members.get_mut(&user).into_iter().for_each(|called| called.clone_from(&name));
                }
            }
            "history" => self.history(&room, heard),
            "message" => self.message(&room, is_me, heard, seen),
            "error" => return self.refused(heard, seen),
            _ => {}
        }
        Vec::new()
    }

    fn list(&mut self, room: &str, heard: &Value) {
        let members = heard["members"].as_array().expect("a list");
        let text = |member: &Value, key: &str| member[key].as_str().expect("a text").to_owned();
        let all: BTreeMap<String, String> =
            members.iter().map(|member| (text(member, "userId"), text(member, "name"))).collect();
        assert_eq!(all.len(), members.len(), "somebody is twice in {heard}");
        assert!(all.contains_key(&self.user), "{} is not in its own list", self.index);
        self.members.insert(room.to_owned(), all);
        if !self.stays.contains_key(room) {
            self.unsure.insert(room.to_owned());
        }
    }

    fn welcomed(&mut self, heard: &Value, seen: &mut Seen) -> Vec<Value> {
        let text = |key: &str| heard[key].as_str().unwrap_or_default().to_owned();
        let settled = heard["settled"].as_u64().expect("it is said over several nodes");
        if heard["resumed"] == false {
            self.fresh = (text("userId"), text("token"), text("name"));
            if !self.is_resuming {
                self.settled = settled;
                self.be_fresh();
            }
            return self.again();
        }
        seen.resumed += 1;
        seen.elsewhere += u64::from(self.has_moved);
        assert!(self.is_resuming && text("userId") == self.user && settled == self.settled, "{heard}");
        (self.is_resuming, self.is_welcome) = (false, true);
        self.name = text("name");
        let rooms: Vec<&str> = heard["rooms"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        self.stays.retain(|room, _| rooms.contains(&room.as_str()));
        self.unsure.clear();
        for room in rooms {
            // All above what it said that it has seen comes.
            self.stays.entry(room.to_owned()).or_insert(self.settled);
        }
        self.again()
    }

    fn be_fresh(&mut self) {
        let (user, token, name) = self.fresh.clone();
        (self.user, self.token, self.name) = (user, Some(token), name);
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

    fn history(&mut self, room: &str, heard: &Value) {
        assert!(self.unsure.remove(room), "a history of {room} that nobody waits for");
        let mut newest = 0;
        for message in heard["messages"].as_array().unwrap() {
            let id = message["id"].as_u64().unwrap();
            assert!(id > newest, "out of order: {heard}");
            newest = id;
            self.here.insert(id);
            self.keep(id, message);
        }
        self.settle(heard);
        // All that is said there from the newest on comes, or has come.
        self.stays.insert(room.to_owned(), newest);
    }

    fn settle(&mut self, heard: &Value) {
        self.settled = self.settled.max(heard["settled"].as_u64().unwrap_or(0));
    }

    fn message(&mut self, room: &str, is_me: bool, heard: &Value, seen: &mut Seen) {
        let id = heard["id"].as_u64().expect("an id");
        let reference = heard["ref"].as_str().unwrap_or_default();
        let mut may_be_told_again = false;
        if is_me {
            self.pending.remove(reference);
            self.acknowledged.insert(reference.to_owned(), id);
            seen.acknowledged += 1;
            may_be_told_again = self.resent.contains(reference);
        }
        if !may_be_told_again {
            assert!(self.members.contains_key(room), "{} is not in {room}: {heard}", self.index);
            assert!(!self.here.contains(&id), "{} hears it twice: {heard}", self.index);
        }
        seen.again += u64::from(self.received.contains_key(&id));
        seen.late += u64::from(id < self.last);
        self.last = self.last.max(id);
        self.here.insert(id);
        self.keep(id, heard);
        self.settle(heard);
        if !may_be_told_again && self.unsure.remove(room) {
            // There was no history to be had.
            self.stays.insert(room.to_owned(), id);
        }
    }

    fn keep(&mut self, id: u64, message: &Value) {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let what = (text("roomId"), text("content"));
        let before = self.received.insert(id, what.clone());
        assert!(before.is_none_or(|before| before == what), "it has changed: {message}");
    }

    fn refused(&mut self, heard: &Value, seen: &mut Seen) -> Vec<Value> {
        match heard["code"].as_str().unwrap_or_default() {
            "bad_token" => {
                self.settled = 0;
                self.be_fresh();
            }
            "unavailable" if self.is_resuming && !heard["ref"].is_string() => {
                let token = self.token.as_ref().expect("what it has shown");
                return vec![json!({"type": "resume", "token": token, "after": self.settled})];
            }
            code @ ("unavailable" | "not_in_room" | "rate_limited") => {
                seen.unavailable += u64::from(code == "unavailable");
                if let Some(reference) = heard["ref"].as_str() {
                    self.pending.remove(reference);
                }
            }
            "too_many_rooms" | "name_taken" => {}
            _ => panic!("{heard}"),
        }
        Vec::new()
    }
}

fn message(room: &str, reference: &str) -> Value {
    json!({"type": "message", "roomId": room, "content": reference, "ref": reference})
}
