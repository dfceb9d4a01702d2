use super::*;
use serde_json::{Value, json};
use std::borrow::Cow;

mod auto_join;
mod congestion;
mod history;
mod limits;
mod missed;
mod naming;
mod nodes;
mod properties;
mod resuming;
mod storing;

use wharf::service::history::{Answer, Ask as StoreAsk, Failure, Memory};

/// How the store is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Away,
    /// It answers when it is told to.
    Slow,
}

/// The machine with its store, and what each connection has heard of it.
struct Site {
    rooms: Rooms<u32>,
    now: Instant,
    memory: Memory,
    mood: Mood,
    asked: Option<StoreAsk>,
    heard: BTreeMap<u32, Vec<Value>>,
    closed: Vec<(u32, u16)>,
    pages: Vec<(u32, Paged)>,
}

impl Site {
    fn new(limits: Limits) -> Self {
        Self::over(Memory::new(10_000), limits, 7)
    }

    fn over(memory: Memory, limits: Limits, seed: u8) -> Self {
        Self {
            rooms: Rooms::new(Instant::ORIGIN, limits, Entropy::from_seed([seed; 32])),
            now: Instant::ORIGIN,
            memory,
            mood: Mood::Well,
            asked: None,
            heard: BTreeMap::new(),
            closed: Vec::new(),
            pages: Vec::new(),
        }
    }

    /// Users 1 to `n` in `general`, who have heard nothing yet.
    fn of(n: u32) -> Self {
        let mut site = Self::new(Limits::default());
        for conn in 1..=n {
            site.enter(conn);
        }
        site.heard.clear();
        site
    }

    fn enter(&mut self, conn: u32) {
        self.open(conn, false);
        self.say(conn, json!({"type": "join"}));
    }

    /// The server is killed, and started again over the same database.
    fn restart(&mut self) {
        let memory = self.memory.clone();
        let now = self.now;
        *self = Self::over(memory, Limits::default(), 8);
        self.now = now;
    }

    fn wall(&self) -> Wall {
        Wall::from_millis(1_000 + self.now.as_nanos() / 1_000_000)
    }

    fn drain(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            let (conns, text) = match action {
                Action::Send { conn, text } => (vec![conn], text),
                Action::Broadcast { conns, text } => (conns, text),
                Action::Close { conn, code, .. } => {
                    self.closed.push((conn, code.as_u16()));
                    continue;
                }
                Action::Page { conn, paged } => {
                    self.pages.push((conn, paged));
                    continue;
                }
                Action::Ask(ask) => {
                    assert!(self.asked.replace(ask).is_none(), "two at once");
                    match self.mood {
                        Mood::Well => self.take_answer(),
                        Mood::Away => self.fail(Failure::Away("gone".into())),
                        Mood::Slow => {}
                    }
                    continue;
                }
                Action::Mesh(action) => panic!("there are no other nodes: {action:?}"),
            };
            for conn in conns {
                self.heard.entry(conn).or_default().push(serde_json::from_slice(&text).expect("JSON"));
            }
        }
    }

    fn take_answer(&mut self) {
        let ask = self.asked.take().expect("something is asked");
        let answer = self.memory.carry_out(&ask);
        self.rooms.handle_answer(self.now, self.wall(), Ok(answer));
    }

    fn fail(&mut self, failure: Failure) {
        self.asked.take().expect("something is asked");
        self.rooms.handle_answer(self.now, self.wall(), Err(failure));
    }

    /// A slow store answers, once.
    fn answer(&mut self) {
        self.take_answer();
        self.drain();
    }

    /// The store is well from now on.
    fn heal(&mut self) {
        self.mood = Mood::Well;
        if self.asked.is_some() {
            self.answer();
        }
        self.pass(500);
    }

    fn open(&mut self, conn: u32, auto_join: bool) {
        self.rooms.handle_opened(self.now, self.wall(), conn, auto_join);
        self.drain();
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
    fn say(&mut self, conn: u32, message: Value) {
        self.say_text(conn, &message.to_string());
    }

    fn say_text(&mut self, conn: u32, text: &str) {
        self.rooms.handle_message(self.now, self.wall(), conn, &Message::text(text));
        self.drain();
    }

    fn close(&mut self, conn: u32) {
        self.rooms.handle_closed(self.now, self.wall(), conn);
        self.drain();
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.rooms.handle_timeout(self.now, self.wall());
        self.drain();
    }

    /// What `conn` has heard since this was asked last.
    fn heard(&mut self, conn: u32) -> Vec<Value> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    fn types(&mut self, conn: u32) -> Vec<String> {
        self.heard(conn).iter().map(|m| m["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The ids of the messages that `conn` has heard, of those in histories too, in their order.
    fn ids(&mut self, conn: u32) -> Vec<u64> {
        let heard = self.heard(conn);
        heard.iter().flat_map(ids_of).collect()
    }

    /// The token that `conn` has heard last.
    fn token(&self, conn: u32) -> String {
        let heard = self.heard[&conn].iter().rev().find_map(|m| m["token"].as_str());
        heard.expect("a welcome").to_owned()
    }

    /// The code of the one error that `conn` has heard.
    fn code(&mut self, conn: u32) -> String {
        let heard = self.heard(conn);
        assert_eq!((heard.len(), &heard[0]["type"]), (1, &json!("error")), "{heard:?}");
        heard[0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Fault of the sketch: the room is looked up and never made, so nobody is ever in it.
#[test]
fn the_room_exists() {
    let mut site = Site::new(Limits::default());
    assert_eq!(site.rooms.list().collect::<Vec<_>>(), [("general", 0)]);
    site.open(1, false);
    site.say(1, json!({"type": "join", "roomId": "new"}));
    assert_eq!(site.rooms.list().collect::<Vec<_>>(), [("general", 0), ("new", 1)]);
    let heard = site.heard(1);
    let (id, name) = (&heard[0]["userId"], &heard[0]["name"]);
    let token = &heard[0]["token"];
    assert_eq!(
        heard[0],
        json!({"type": "welcome", "userId": id, "name": name, "token": token, "rooms": [], "resumed": false})
    );
    assert_ne!(token, id);
    let content = format!("{} joined the room", name.as_str().unwrap_or_default());
    assert_eq!(
        heard[1],
        json!({"type": "join", "roomId": "new", "userId": id, "name": name, "content": content})
    );
    let members = json!([{"userId": id, "name": name}]);
    assert_eq!(heard[2], json!({"type": "user_list", "roomId": "new", "users": [name], "members": members}));
    assert_eq!(heard[3], json!({"type": "history", "roomId": "new", "messages": [], "more": false}));
}

/// Fault of the sketch: cleanup runs only on a clean close. Here every end is the same call.
#[test]
fn cleanup_runs_on_every_end_for_each_room_once_and_at_once() {
    let mut site = Site::of(3);
    for conn in [1, 2] {
        site.say(conn, json!({"type": "join", "roomId": "x"}));
    }
    site.heard.clear();
    site.close(1);
    let leaves = site.heard(2);
    let rooms: Vec<_> = leaves.iter().map(|m| (&m["type"], &m["roomId"])).collect();
    assert_eq!(rooms, [(&json!("leave"), &json!("general")), (&json!("leave"), &json!("x"))]);
    let name = leaves[0]["name"].as_str().unwrap_or_default();
    assert_eq!(leaves[0]["content"], json!(format!("{name} left the room")));
    assert_eq!(site.types(3), ["leave"]);
    assert!(site.heard(1).is_empty());
    site.close(1);
    assert!(site.heard.is_empty());
    site.say(2, json!({"type": "user_list", "roomId": "general"}));
    assert_eq!(site.heard(2)[0]["users"].as_array().map(Vec::len), Some(2));
    site.close(2);
    assert_eq!(site.rooms.list().collect::<Vec<_>>(), [("general", 1)]);
}

#[test]
fn a_message_goes_to_all_in_the_room_and_is_the_acknowledgement() {
    let mut site = Site::of(3);
    site.say(3, json!({"type": "leave", "roomId": "general"}));
    site.heard.clear();
    site.say(1, json!({"type": "message", "content": " <b>é\n", "ref": "r1"}));
    let (one, two) = (site.heard(1), site.heard(2));
    assert_eq!(one, two);
    assert_eq!((&one[0]["content"], &one[0]["ref"]), (&json!(" <b>é\n"), &json!("r1")));
    assert_eq!((&one[0]["timestamp"], &one[0]["roomId"]), (&json!(1000), &json!("general")));
    assert!(site.heard(3).is_empty());
    assert_eq!(site.rooms.stats().messages, 1);
}

#[test]
fn joining_twice_tells_nobody_else() {
    let mut site = Site::of(2);
    site.say(1, json!({"type": "join"}));
    assert_eq!((site.types(1), site.types(2)), (vec!["user_list".into()], vec![]));
}

#[test]
fn who_leaves_hears_it_last() {
    let mut site = Site::of(2);
    site.say(1, json!({"type": "leave", "roomId": "general"}));
    site.say(2, json!({"type": "message", "content": "a"}));
    assert_eq!(site.types(1), ["leave"]);
    assert_eq!(site.types(2), ["leave", "message"]);
}

#[test]
fn not_in_that_room() {
    let mut site = Site::of(1);
    for kind in ["leave", "message", "user_list", "typing"] {
        site.say(1, json!({"type": kind, "roomId": "other", "content": "a", "ref": "r"}));
        assert_eq!(site.heard[&1][0]["ref"], "r");
        assert_eq!(site.code(1), "not_in_room");
    }
}

#[test]
fn binary_messages_are_refused() {
    let mut site = Site::of(1);
    let message = Message::Binary(Cow::Borrowed(b"{}"));
    site.rooms.handle_message(site.now, site.wall(), 1, &message);
    site.drain();
    assert_eq!(site.code(1), "bad_message");
}

#[test]
fn time_never_runs_backwards() {
    let mut site = Site::new(Limits::default());
    site.pass(1000);
    site.rooms.handle_opened(Instant::ORIGIN, site.wall(), 1, true);
    assert_eq!(site.rooms.poll_timeout(), Some(site.now + Duration::from_millis(250)));
}

/// The ids of the messages in a message, or in a history.
fn ids_of(message: &Value) -> Vec<u64> {
    let many = message["messages"].as_array().into_iter().flatten();
    many.chain([message]).filter_map(|message| message["id"].as_u64()).collect()
}
