//! One who talks, as a page does: with a token, references and what it was told to be settled, at whatever node there is.

use crate::ledger::{Books, Ledger, Scene, content};
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

/// How many of its messages wait for an answer at most.
const LANES: usize = 4;

pub(crate) struct Person {
    number: u32,
    ledger: Arc<Ledger>,
    scene: watch::Receiver<Scene>,
    config: Arc<Config>,
    /// The node where it is whenever that runs, and where it is now.
    home: usize,
    node: usize,
    user: Option<String>,
    token: Option<Value>,
    settled: u64,
    is_in: bool,
    /// Its token could not be looked up: it shows it again.
    resumes: bool,
    next: u32,
    /// Sent over this connection, and not answered.
    out: BTreeSet<u32>,
    /// To be sent again.
    again: BTreeSet<u32>,
    /// Those that may have been stored though nobody said so, and may be told twice.
    in_doubt: BTreeSet<u32>,
    /// Ids that were heard over this connection.
    here: BTreeSet<u64>,
    members: BTreeSet<String>,
    /// Nothing is sent before.
    pause: Option<Instant>,
}

impl Person {
    pub(crate) fn new(number: u32, node: usize, ledger: &Arc<Ledger>) -> Self {
        Self {
            number,
            ledger: ledger.clone(),
            scene: ledger.scene(),
            config: Arc::new(config()),
            home: node,
            node,
            user: None,
            token: None,
            settled: 0,
            is_in: false,
            resumes: false,
            next: 0,
            out: BTreeSet::new(),
            again: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            here: BTreeSet::new(),
            members: BTreeSet::new(),
            pause: None,
        }
    }

    /// Talks until it is to go.
    pub(crate) async fn talk(mut self) {
        loop {
            let scene = self.scene.borrow_and_update().clone();
            // At home, or at the next one.
            let nodes = (self.home..).take(scene.nodes.len()).map(|node| node % scene.nodes.len());
            let there = nodes.filter_map(|node| Some((node, scene.nodes[node]?)));
            for (node, address) in there {
                let url = format!("ws://{address}/ws?join=no");
                let Ok(socket) = connect_with(&*url, &self.config).await else { continue };
                self.node = node;
                self.ledger.write(|books| _ = books.nodes.insert(self.number, node));
                if self.converse(socket).await {
                    return;
                }
                if self.scene.borrow().lost.contains(&self.number) {
                    return self.vanish();
                }
                self.in_doubt.extend(&self.out);
                self.again.append(&mut self.out);
                self.members.clear();
                self.tell_list();
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Nobody hears of it any more, and it does not hear what became of the last that it said.
    fn vanish(&self) {
        let Self { number, out, again, .. } = self;
        self.ledger.write(|books| {
            books.users.remove(number);
            books.lists.remove(number);
            books.move_now();
            books
                .sent
                .retain(|(person, said)| person != number || !(out.contains(said) || again.contains(said)));
        });
    }

    /// Whether it is to go. Else the connection has ended.
    async fn converse(&mut self, mut socket: Socket) -> bool {
        self.pause = None;
        self.here.clear();
        say(&mut socket, &self.first());
        loop {
            if std::mem::take(&mut self.resumes) {
                say(&mut socket, &self.first());
            }
            let scene = self.scene.borrow_and_update().clone();
            if scene.gone.contains(&self.number) && self.out.is_empty() && self.again.is_empty() {
                // How it goes is not of interest any more.
                drop(socket.close(CloseCode::NORMAL, "").await);
                self.ledger.write(|books| {
                    books.users.remove(&self.number);
                    books.lists.remove(&self.number);
                    books.move_now();
                });
                return true;
            }
            if self.node != self.home && scene.nodes[self.home].is_some() {
                return false;
            }
            self.speak(&mut socket, &scene);
            let pause = self.pause.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                heard = timeout_at(pause, socket.next()) => match heard {
                    Ok(Some(Ok(message))) => self.hear(&message),
                    Ok(_) => return false,
                    Err(_) => self.pause = None,
                },
                changed = self.scene.changed() => if changed.is_err() { return true },
            }
        }
    }

    /// What it says first.
    fn first(&self) -> Value {
        match &self.token {
            None => json!({"type": "join"}),
            Some(token) => json!({"type": "resume", "token": token, "after": self.settled}),
        }
    }

    fn speak(&mut self, socket: &mut Socket, scene: &Scene) {
        let may_begin = scene.is_open && !scene.gone.contains(&self.number);
        while self.is_in && self.pause.is_none() && self.out.len() < LANES {
            let number = match self.again.pop_first() {
                Some(number) => number,
                None if may_begin && self.ledger.may_send((self.number, self.next)) => {
                    self.next += 1;
                    self.next - 1
                }
                None => break,
            };
            self.out.insert(number);
            let content = content((self.number, number));
            if !say(socket, &json!({"type": "message", "content": content, "ref": number.to_string()})) {
                break;
            }
        }
    }

    fn hear(&mut self, message: &Message<'_>) {
        let message: Value = serde_json::from_slice(message.payload()).expect("JSON");
        let user = message["userId"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().expect("a type") {
            "welcome" => self.be_welcomed(&message),
            "message" => self.hear_message(&message),
            "history" => {
                assert_eq!(message["messages"], json!([]), "nobody has talked yet");
                self.is_in = true;
                let (number, user) = (self.number, self.user.clone().expect("it is welcome"));
                self.ledger.write(|books| {
                    books.users.insert(number, user);
                    books.move_now();
                });
            }
            "user_list" => {
                let members = message["members"].as_array().expect("members").iter();
                self.members =
                    members.map(|member| member["userId"].as_str().expect("an id").to_owned()).collect();
            }
            "join" if Some(&user) != self.user.as_ref() => {
                assert!(self.members.insert(user), "{} knows that already: {message}", self.number);
            }
            "leave" => {
                assert!(self.members.remove(&user), "{} knows nothing of it: {message}", self.number);
            }
            "error" => self.be_refused(&message),
            "join" | "name" => {}
            other => panic!("{other}: {message}"),
        }
        self.settled = self.settled.max(message["settled"].as_u64().filter(|_| self.is_in).unwrap_or(0));
        self.tell_list();
    }

    fn tell_list(&self) {
        let (number, members) = (self.number, self.members.clone());
        if self.ledger.books().lists.get(&number) != Some(&members) {
            self.ledger.write(|books| drop(books.lists.insert(number, members)));
        }
    }

    fn be_welcomed(&mut self, message: &Value) {
        match (&self.user, message["resumed"].as_bool()) {
            (None, Some(false)) => {
                self.user = message["userId"].as_str().map(str::to_owned);
                self.token = Some(message["token"].clone());
            }
            // A stranger, until it shows its token.
            (Some(_), Some(false)) => self.is_in = false,
            (Some(user), Some(true)) => {
                assert_eq!((&message["userId"], &message["rooms"]), (&json!(user), &json!(["general"])));
                self.is_in = true;
                self.ledger.write(Books::move_now);
            }
            _ => panic!("{message}"),
        }
    }

    fn hear_message(&mut self, message: &Value) {
        let is_own = message["userId"].as_str() == self.user.as_deref();
        let number: u32 = message["ref"].as_str().and_then(|text| text.parse().ok()).expect("a reference");
        let id = message["id"].as_u64().expect("an id");
        let may_come_again = is_own && self.in_doubt.contains(&number);
        assert!(self.here.insert(id) || may_come_again, "{} hears it twice: {message}", self.number);
        let said = message["content"].as_str().expect("a content").to_owned();
        let named = (self.number, number);
        self.ledger.write(|books| {
            let before = books.heard.entry(named.0).or_default().insert(id, said.clone());
            assert!(before.is_none_or(|before| before == said), "it has changed: {message}");
            if is_own {
                let other = books.acknowledged.insert(named, id).filter(|other| *other != id);
                assert_eq!(other, None, "{named:?} is there twice: by {id} as well");
            }
        });
        if is_own {
            self.out.remove(&number);
            self.again.remove(&number);
        }
    }

    fn be_refused(&mut self, message: &Value) {
        let number = message["ref"].as_str().and_then(|text| text.parse::<u32>().ok());
        if number.is_none() && !self.is_in && message["code"] == "unavailable" {
            self.resumes = true;
            return;
        }
        let number = number.unwrap_or_else(|| panic!("{message}"));
        let millis = match message["code"].as_str() {
            Some("rate_limited") => message["retryAfterMs"].as_u64().expect("a time"),
            Some("unavailable") => 200,
            _ => panic!("{message}"),
        };
        self.pause = Some(Instant::now() + Duration::from_millis(millis));
        if self.out.remove(&number) {
            self.again.insert(number);
        }
    }
}

/// Whether it is taken.
fn say(socket: &mut Socket, message: &Value) -> bool {
    socket.queue(message.to_string()).is_ok()
}
