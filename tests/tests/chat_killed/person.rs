//! One who talks, as a page does: with a token, references and the greatest id seen, over whatever connection there is.

use crate::ledger::{Ledger, Scene, content};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use wharf::base::{CloseCode, Message};
use wharf::link::Config;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::client::config;
use wharf_tokio::{Socket, connect_with};

/// From one message to the next, for who was told to be slower: a user has 20 a second.
const PACE: Duration = Duration::from_millis(50);

pub(crate) struct Person {
    pub(crate) number: u32,
    /// Its user's id, once it is known.
    pub(crate) user: Option<String>,
    /// Each message of the room as it was told, with its id.
    pub(crate) heard: Vec<(u64, String)>,
    /// How many of its connections have ended.
    pub(crate) lost: u32,
    ledger: Arc<Ledger>,
    scene: watch::Receiver<Scene>,
    url: String,
    config: Arc<Config>,
    token: Option<Value>,
    is_in: bool,
    /// How many of its messages wait for an answer at most.
    lanes: usize,
    next: u32,
    /// Sent over this connection, and not answered.
    out: BTreeSet<u32>,
    /// To be sent again.
    again: BTreeSet<u32>,
    /// Those that may have been stored though nobody said so, and may be told twice.
    in_doubt: BTreeSet<u32>,
    is_slow: bool,
    /// Nothing is sent before.
    pause: Option<Instant>,
    asks: u32,
}

/// The id of a message, and what it is.
pub(crate) fn entry(message: &Value) -> (u64, String) {
    (message["id"].as_u64().expect("an id"), message.to_string())
}

impl Person {
    pub(crate) fn new(number: u32, lanes: usize, url: &str, ledger: &Arc<Ledger>) -> Self {
        Self {
            number,
            user: None,
            heard: Vec::new(),
            lost: 0,
            ledger: ledger.clone(),
            scene: ledger.scene(),
            url: url.to_owned(),
            config: Arc::new(config()),
            token: None,
            is_in: false,
            lanes,
            next: 0,
            out: BTreeSet::new(),
            again: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            is_slow: false,
            pause: None,
            asks: 0,
        }
    }

    /// Talks until it has heard the last message of all.
    pub(crate) async fn talk(mut self) -> Self {
        let mut starts = 0;
        loop {
            let scene = self.scene.wait_for(|scene| scene.starts > starts).await;
            starts = scene.expect("the stage stands").starts;
            if let Ok(socket) = connect_with(&*self.url, &self.config).await {
                if self.converse(socket).await {
                    return self;
                }
                self.lost += 1;
                self.in_doubt.extend(&self.out);
                self.again.append(&mut self.out);
                (self.is_slow, self.pause) = (false, None);
            }
        }
    }

    /// Whether it has heard all. Else the connection has ended.
    async fn converse(&mut self, mut socket: Socket) -> bool {
        let seen = self.heard.last().map_or(0, |(id, _)| *id);
        let first = match &self.token {
            None => json!({"type": "join"}),
            Some(token) => json!({"type": "resume", "token": token, "after": seen}),
        };
        self.say(&mut socket, &first);
        loop {
            let scene = *self.scene.borrow_and_update();
            if self.speak(&mut socket, scene) {
                // How it goes is not of interest any more.
                drop(socket.close(CloseCode::NORMAL, "").await);
                return true;
            }
            let pause = self.pause.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                heard = timeout_at(pause, socket.next()) => match heard {
                    Ok(Some(Ok(message))) => self.hear(&message),
                    Ok(_) => return false,
                    Err(_) => self.pause = None,
                },
                changed = self.scene.changed() => changed.expect("the stage stands"),
            }
        }
    }

    /// Whether it is taken.
    fn say(&self, socket: &mut Socket, message: &Value) -> bool {
        socket.queue(message.to_string()).is_ok()
    }

    /// Says what is to be said now. Whether all is said, and heard.
    fn speak(&mut self, socket: &mut Socket, scene: Scene) -> bool {
        if self.asks < scene.asks && self.say(socket, &json!({"type": "user_list", "roomId": "general"})) {
            self.asks = scene.asks;
        }
        while self.is_in && self.pause.is_none() && self.out.len() < self.lanes {
            let number = match self.again.pop_first() {
                Some(number) => number,
                None if scene.is_open && self.ledger.may_send((self.number, self.next)) => {
                    self.next += 1;
                    self.next - 1
                }
                None => break,
            };
            let content = content((self.number, number));
            let message = json!({"type": "message", "content": content, "ref": number.to_string()});
            self.out.insert(number);
            if !self.say(socket, &message) {
                break;
            }
            if self.is_slow {
                self.pause = Some(Instant::now() + PACE);
            }
        }
        let has_heard = |last| self.heard.last().is_some_and(|(id, _)| *id >= last);
        self.out.is_empty() && self.again.is_empty() && scene.last.is_some_and(has_heard)
    }

    fn hear(&mut self, message: &Message<'_>) {
        let message: Value = serde_json::from_slice(message.payload()).expect("JSON");
        match message["type"].as_str().expect("a type") {
            "welcome" => self.be_welcomed(&message),
            "message" => self.hear_message(&message),
            "history" => {
                assert_eq!(message["messages"], json!([]), "nobody has talked yet");
                self.is_in = true;
                self.ledger.write(|books| books.joined += 1);
            }
            "user_list" if self.asks > 0 => self.ledger.write(|books| books.answered += 1),
            "user_list" | "join" | "leave" => {}
            "error" => self.be_refused(&message),
            other => panic!("{other}: {message}"),
        }
    }

    fn be_welcomed(&mut self, message: &Value) {
        match (&self.user, message["resumed"].as_bool()) {
            (None, Some(false)) => {
                self.user = message["userId"].as_str().map(str::to_owned);
                self.token = Some(message["token"].clone());
            }
            // A stranger, until it shows its token.
            (Some(_), Some(false)) => {}
            (Some(user), Some(true)) => {
                assert_eq!((&message["userId"], &message["rooms"]), (&json!(user), &json!(["general"])));
            }
            _ => panic!("{message}"),
        }
    }

    fn hear_message(&mut self, message: &Value) {
        let is_own = message["userId"].as_str() == self.user.as_deref();
        let number: u32 = message["ref"].as_str().and_then(|text| text.parse().ok()).expect("a reference");
        let (id, text) = entry(message);
        if self.heard.last().is_none_or(|(last, _)| *last < id) {
            self.heard.push((id, text));
        } else {
            // Said again by who did not know that it had been stored, and told to nobody else.
            let at = self.heard.binary_search_by_key(&id, |(id, _)| *id);
            let first = at.ok().map(|at| &self.heard[at].1);
            assert_eq!(first, Some(&text), "out of order");
            assert!(is_own && self.in_doubt.contains(&number), "{} is told {text} twice", self.number);
        }
        if is_own {
            self.out.remove(&number);
            self.again.remove(&number);
            self.ledger.acknowledge((self.number, number), id);
        }
    }

    fn be_refused(&mut self, message: &Value) {
        let number = message["ref"].as_str().and_then(|text| text.parse::<u32>().ok());
        let number = number.unwrap_or_else(|| panic!("{message}"));
        match message["code"].as_str() {
            Some("rate_limited") => {
                let millis = message["retryAfterMs"].as_u64().expect("a time");
                self.pause = Some(Instant::now() + Duration::from_millis(millis));
            }
            Some("unavailable") => self.ledger.write(|books| books.unavailable += 1),
            _ => panic!("{message}"),
        }
        self.is_slow = true;
        if self.out.remove(&number) {
            self.again.insert(number);
        }
    }
}
