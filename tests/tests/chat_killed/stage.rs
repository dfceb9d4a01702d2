//! Everybody, and a chat that comes back at the same port.

use crate::ledger::{Ledger, content};
use crate::person::{Person, entry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::program::Running;

const RUNTIMES: [&str; 4] = ["tokio", "mio", "smol", "async-std"];

pub(crate) struct Stage {
    ledger: Arc<Ledger>,
    dice: u64,
    address: SocketAddr,
    database: String,
    /// There is one but while it is killed.
    chat: Option<Running>,
    runtime: Runtime,
    people: Vec<JoinHandle<Person>>,
}

impl Stage {
    /// Has so many people talk, with so many messages out at once each: all are there before the first says anything, and all have
    /// said something that is stored.
    pub(crate) fn set(database: &str, seed: u64, people: u32, lanes: usize) -> Self {
        let (chat, address) = Running::serve(["chat", "--database", database, "--log", "error"]);
        let ledger = Arc::<Ledger>::default();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let url = format!("ws://{address}/ws?join=no");
        let talk = |number| runtime.spawn(Person::new(number, lanes, &url, &ledger).talk());
        let people = (0..people).map(talk).collect::<Vec<_>>();
        ledger.play(|scene| scene.starts += 1);
        ledger.until("all are there", |books| books.joined == people.len());
        ledger.play(|scene| scene.is_open = true);
        let stage = Self {
            ledger,
            dice: seed,
            address,
            database: database.into(),
            chat: Some(chat),
            runtime,
            people,
        };
        let numbers = 0..stage.people.len() as u32;
        stage.ledger.until("all are heard", |books| {
            numbers.clone().all(|number| books.acknowledged.contains_key(&(number, 0)))
        });
        stage
    }

    fn throw(&mut self, below: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) as usize % below
    }

    /// So many more are acknowledged, at most.
    pub(crate) fn until_more(&mut self, most: usize) {
        let goal = 1 + self.throw(most) + self.ledger.books().acknowledged.len();
        self.ledger.until("nothing is acknowledged", |books| books.acknowledged.len() >= goal);
    }

    /// Senders are told so often, at most, that the database is away.
    pub(crate) fn until_more_unavailable(&mut self, most: usize) {
        let goal = 1 + self.throw(most) + self.ledger.books().unavailable;
        self.ledger.until("nobody is told", |books| books.unavailable >= goal);
    }

    /// Every connection is good for a question and its answer.
    pub(crate) fn until_all_answer(&self) {
        self.ledger.books().answered = 0;
        self.ledger.play(|scene| scene.asks += 1);
        self.ledger.until("not all answer", |books| books.answered == self.people.len());
    }

    /// Kills the chat, as nobody can prevent, and starts it on the next runtime.
    pub(crate) fn kill_and_start_again(&mut self, round: usize) {
        self.chat = None;
        let (listen, runtime) = (self.address.to_string(), RUNTIMES[round % RUNTIMES.len()]);
        let flags = ["--database", &self.database, "--listen", &listen, "--runtime", runtime];
        let chat = Running::start(["chat", "--log", "error"].into_iter().chain(flags));
        assert_eq!(chat.listening().tcp(), Some(self.address));
        self.chat = Some(chat);
        self.ledger.play(|scene| scene.starts += 1);
    }

    /// What the chat answers.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        answer
    }

    /// All messages of the room, page by page.
    fn all(&self) -> Vec<Value> {
        let mut pages = Vec::new();
        let mut before = String::new();
        loop {
            let answer = self.get(&format!("/api/rooms/general/messages?limit=200{before}"));
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
            let mut body: Value = serde_json::from_str(body).expect("JSON");
            let Value::Array(messages) = body["messages"].take() else { panic!("{answer}") };
            before = format!("&before={}", entry(messages.first().expect("a message")).0);
            pages.push(messages);
            if body["more"] == false {
                return pages.into_iter().rev().flatten().collect();
            }
        }
    }

    /// Nothing more is said, all that was said is heard, and outlasts one more kill.
    pub(crate) fn finish(mut self) -> Vec<Person> {
        self.ledger.finish();
        let last = self.ledger.books().acknowledged.values().max().copied();
        self.ledger.play(|scene| scene.last = last);
        let tasks = std::mem::take(&mut self.people);
        let people: Vec<Person> = self.runtime.block_on(async {
            let mut people = Vec::new();
            for task in tasks {
                let person = timeout(PATIENCE, task).await.expect("it hears all");
                people.push(person.expect("it ends well"));
            }
            people
        });
        self.kill_and_start_again(0);
        self.judge(&people);
        let chat = self.chat.take().expect("it runs");
        chat.signal("TERM");
        let ended = chat.wait();
        assert_eq!((ended.code, ended.err.len()), (Some(0), 0), "{ended:?}");
        people
    }

    fn judge(&self, people: &[Person]) {
        let (all, books) = (self.all(), self.ledger.books());
        let entries: Vec<(u64, String)> = all.iter().map(entry).collect();
        assert!(entries.is_sorted_by(|a, b| a.0 < b.0), "ids do not grow");
        let mut there = BTreeMap::new();
        for message in &all {
            let content = message["content"].as_str().expect("a content");
            let twice = there.insert(content, message);
            assert!(twice.is_none(), "{message} is there twice: {twice:?}");
        }
        for (named, id) in &books.acknowledged {
            let message = there.remove(&*content(*named));
            let message =
                message.unwrap_or_else(|| panic!("{named:?} was acknowledged by {id} and is missing"));
            assert_eq!(message["id"], *id, "{named:?}");
            assert_eq!(message["ref"], named.1.to_string());
            assert_eq!(message["userId"].as_str(), people[named.0 as usize].user.as_deref());
        }
        assert!(there.is_empty(), "nobody has said {there:?}");
        for person in people {
            let differs = person.heard.iter().zip(&entries).find(|(heard, stored)| heard != stored);
            assert_eq!(differs, None, "{} was told something else", person.number);
            assert_eq!(person.heard.len(), entries.len(), "{} has missed something", person.number);
        }
        println!("{} acknowledged, {} times unavailable", books.acknowledged.len(), books.unavailable);
    }
}
