//! The chat on a hub, with clients on wires that take what they are given: no socket, no clock.

use super::*;
use serde_json::{Value, json};
use wharf::base::{End, Input, Shutdown, Wall};
use wharf::link::{Address, Event, Framing, Hub, Link};
use wharf::service::history::Memory;

mod limited;
mod lines;
mod nodes;
mod storing;
mod upgrade;
use wharf::ws::handshake::ClientRequest;

struct Site {
    hub: Hub<ChatService>,
    memory: Memory,
    is_away: bool,
    /// The store answers nothing.
    is_slow: bool,
    now: Instant,
    people: Vec<Person>,
}

struct Person {
    conn: ConnId,
    link: Link,
    heard: Vec<Value>,
    closed: Option<u16>,
    /// Takes nothing from the wire.
    stalled: bool,
}

impl Site {
    fn new() -> Self {
        let now = Instant::ORIGIN;
        let chat = ChatService::new(Access::default(), Limits::default(), Entropy::from_seed([7; 32]));
        let config = ChatService::config(&Limits::default(), Some(Duration::from_secs(30))).into();
        let hub = Hub::new(now, Wall::from_millis(1_000), chat, &config, Entropy::from_seed([8; 32]));
        Self { hub, memory: Memory::new(1000), is_away: false, is_slow: false, now, people: Vec::new() }
    }

    /// `n` people in `general`, who have heard nothing yet.
    fn of(n: usize) -> Self {
        let mut site = Self::new();
        for i in 0..n {
            site.come("/ws?join=no");
            site.say(i, &json!({"type": "join"}));
        }
        site.forget();
        site
    }

    fn forget(&mut self) {
        for person in &mut self.people {
            person.heard.clear();
        }
    }

    fn come(&mut self, path: &str) {
        let conn = self.hub.accept(self.now, Address::Unix(String::new())).expect("room for one more");
        let request = ClientRequest::new(&format!("ws://a{path}")).expect("a URL");
        let seed = Entropy::from_seed([self.people.len() as u8; 32]);
        let mut config = Config::default();
        config.ws = Arc::new(ws::Config::client());
        let link = Link::client(self.now, Wall::default(), &config.into(), &request.into(), seed).unwrap();
        self.people.push(Person { conn, link, heard: Vec::new(), closed: None, stalled: false });
        self.exchange();
    }

    fn say(&mut self, i: usize, message: &Value) {
        self.people[i].link.send(self.now, Message::text(message.to_string())).expect("an open connection");
        self.exchange();
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.hub.handle_timeout(self.now);
        self.exchange();
    }

    /// Has the store do what it is asked.
    fn store(&mut self) -> bool {
        if self.is_slow {
            return false;
        }
        let Some((token, ask)) = self.hub.poll_job() else { return false };
        let answer =
            if self.is_away { Err(Failure::Away("gone".into())) } else { Ok(self.memory.carry_out(&ask)) };
        self.hub.job_done(self.now, token, answer);
        true
    }

    /// Carries bytes until none moves.
    fn exchange(&mut self) {
        let now = self.now;
        let mut moved = true;
        while std::mem::take(&mut moved) {
            moved |= self.store();
            for person in self.people.iter_mut().filter(|person| !person.stalled) {
                let mut up = Vec::new();
                person.link.output(now).drain_into(&mut up);
                moved |= !up.is_empty();
                self.hub.receive(now, person.conn, &mut up);
                let mut down = written(&mut self.hub, now, person.conn);
                moved |= !down.is_empty();
                person.hear(now, &mut down);
                let shutdown = self.hub.wants(person.conn).and_then(|wants| wants.shutdown);
                if let Some(Shutdown::Both | Shutdown::Abort) = shutdown {
                    self.hub.release(now, person.conn);
                    person.link.receive_end(now, End::Eof);
                    person.hear(now, &mut []);
                }
            }
        }
    }

    /// The types of what `i` has heard since it was asked last.
    fn types(&mut self, i: usize) -> Vec<String> {
        let heard = std::mem::take(&mut self.people[i].heard);
        heard.iter().map(|message| message["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The names in `general`, as `i` is told them.
    fn list(&mut self, i: usize) -> Vec<String> {
        self.forget();
        self.say(i, &json!({"type": "user_list", "roomId": "general"}));
        let users = self.people[i].heard[0]["users"].as_array().cloned().unwrap_or_default();
        users.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
    }

    fn get(&mut self, head: &str) -> String {
        let conn = self.hub.accept(self.now, Address::Unix(String::new())).expect("room for one more");
        let mut bytes = format!("{head}\r\n\r\n").replace('|', "\r\n").into_bytes();
        self.hub.receive(self.now, conn, &mut bytes);
        while self.store() {}
        let answer = String::from_utf8(written(&mut self.hub, self.now, conn)).expect("text");
        self.hub.release(self.now, conn);
        answer
    }
}

impl Person {
    fn hear(&mut self, now: Instant, bytes: &mut [u8]) {
        let mut input = Input::new(bytes);
        while let Some(event) = self.link.receive(now, &mut input) {
            match event {
                Event::Message(message) => {
                    self.heard.push(serde_json::from_slice(message.payload()).expect("JSON"));
                }
                Event::Closed(closed) => self.closed = Some(closed.code.as_u16()),
                _ => {}
            }
        }
    }
}

fn written(hub: &mut Hub<ChatService>, now: Instant, conn: ConnId) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = hub.slices(conn, &mut slices);
        let bytes = slices[..filled].concat();
        if bytes.is_empty() {
            return out;
        }
        hub.handle_written(now, conn, bytes.len());
        out.extend(bytes);
    }
}

/// Fault of the sketch: nobody is ever in a room, since the room is looked up and never made.
#[test]
fn the_room_exists_and_two_people_talk_in_it() {
    let mut site = Site::new();
    site.come("/ws");
    assert_eq!(site.types(0), ["welcome"]);
    site.pass(250);
    assert_eq!(site.types(0), ["join", "user_list", "history"]);
    site.come("/ws");
    site.say(1, &json!({"type": "message", "content": "ahoy", "ref": "1"}));
    assert_eq!(site.types(1), ["welcome", "join", "user_list", "history", "message"]);
    assert_eq!(site.people[0].heard[1]["content"], "ahoy");
    assert_eq!(site.people[0].heard[1]["timestamp"], 1_250);
    assert_eq!(site.types(0), ["join", "message"]);
    assert_eq!(site.list(0).len(), 2);
    assert!(site.get("GET /api/rooms HTTP/1.1|Host: a").ends_with(r#"[{"roomId":"general","users":2}]}"#));
}

/// Fault of the sketch: cleanup runs only on a clean close.
#[test]
fn cleanup_runs_at_once_on_every_end_and_not_only_on_a_clean_close() {
    type Ending = fn(&mut Site);
    let endings: [(&str, Ending); 6] = [
        ("close", |site| {
            site.people[0].link.close(site.now, CloseCode::NORMAL, "").expect("open");
            site.exchange();
        }),
        ("going away", |site| {
            // A closed tab sends its Close and may be gone before the answer.
            site.people[0].link.close(site.now, CloseCode::GOING_AWAY, "").expect("open");
            let mut up = Vec::new();
            site.people[0].link.output(site.now).drain_into(&mut up);
            site.people[0].stalled = true;
            site.hub.receive(site.now, site.people[0].conn, &mut up);
        }),
        ("end of stream", |site| site.hub.receive_end(site.now, site.people[0].conn, End::Eof)),
        ("reset", |site| site.hub.receive_end(site.now, site.people[0].conn, End::Reset)),
        ("violation", |site| site.hub.receive(site.now, site.people[0].conn, &mut [0xff, 0xff])),
        ("dropped", |site| site.hub.release(site.now, site.people[0].conn)),
    ];
    for (name, end) in endings {
        let mut site = Site::of(3);
        end(&mut site);
        site.people[0].stalled = true;
        site.exchange();
        for i in [1, 2] {
            assert_eq!(site.types(i), ["leave"], "{name}");
        }
        assert_eq!(site.list(1).len(), 2, "{name}");
        site.pass(60_000);
        assert!(!site.types(2).contains(&"leave".into()), "{name}: told twice");
    }
}

#[test]
fn whoever_vanishes_without_a_word_is_gone_after_the_deadline() {
    let mut site = Site::of(2);
    site.people[0].stalled = true;
    for _ in 0..61 {
        site.pass(1_000);
    }
    assert_eq!(site.types(1), ["leave"]);
    assert_eq!(site.list(1).len(), 1);
}

/// Fault of the sketch: a broadcast waits for each member in turn, so a slow one stalls all.
#[test]
fn a_slow_client_stalls_no_broadcast_and_is_closed() {
    let mut site = Site::of(3);
    site.people[0].stalled = true;
    let content = "x".repeat(4_000);
    let mut sent = 0;
    while site.hub.service().rooms().stats().slow == 0 {
        site.say(1, &json!({"type": "message", "content": content}));
        sent += 1;
        assert!(sent < 400, "the slow member is never closed");
        site.pass(50);
    }
    assert!(sent * 4_000 > 900_000, "closed after {sent} messages");
    let types = site.types(2);
    assert_eq!(types.iter().filter(|kind| *kind == "message").count(), sent);
    assert_eq!(types.iter().filter(|kind| *kind == "leave").count(), 1);
    assert_eq!(site.list(1).len(), 2);
    site.people[0].stalled = false;
    site.exchange();
    assert_eq!(site.people[0].closed, Some(1013));
    assert_eq!(site.list(1).len(), 2);
}

#[test]
fn a_slow_member_that_never_reads_again_is_freed() {
    let mut site = Site::of(2);
    site.people[0].stalled = true;
    let conn = site.people[0].conn;
    for _ in 0..400 {
        site.say(1, &json!({"type": "message", "content": "x".repeat(4_000)}));
        site.pass(50);
        if site.hub.service().rooms().stats().slow > 0 {
            break;
        }
    }
    site.pass(5_000);
    assert_eq!(site.hub.wants(conn).and_then(|wants| wants.shutdown), Some(Shutdown::Abort));
}

#[test]
fn a_message_over_64_kib_closes_with_1009() {
    let mut site = Site::of(2);
    let fits = json!({"type": "user_list", "roomId": "general", "pad": "x".repeat(60_000)});
    site.say(0, &fits);
    assert_eq!(site.types(0), ["user_list"]);
    site.say(0, &json!({"type": "message", "content": "x".repeat(66_000)}));
    assert_eq!(site.people[0].closed, Some(1009));
    assert_eq!(site.types(1), ["leave"]);
}

#[test]
fn bad_messages_are_told_and_the_connection_stays() {
    let mut site = Site::of(1);
    for (text, code) in [("{", "bad_json"), ("[]", "bad_message"), (r#"{"type":"x"}"#, "unknown_type")] {
        site.people[0].link.send(site.now, Message::text(text)).expect("open");
        site.exchange();
        assert_eq!(site.people[0].heard.pop().expect("an answer")["code"], code);
    }
    site.people[0].link.send(site.now, Message::binary(&b"{}"[..])).expect("open");
    site.exchange();
    assert_eq!(site.people[0].heard.pop().expect("an answer")["code"], "bad_message");
    assert_eq!(site.list(0).len(), 1);
}

#[test]
fn a_switch_keeps_a_client_out_of_the_general_room() {
    let mut site = Site::new();
    site.come("/ws?join=no");
    site.pass(10_000);
    assert_eq!(site.types(0), ["welcome"]);
    assert!(site.hub.service().expected.is_empty());
}

#[test]
fn failed_handshakes_leave_nothing_behind() {
    let mut site = Site::new();
    for _ in 0..200 {
        let answer = site.get("GET /ws?join=no HTTP/1.1|Host: a|Upgrade: websocket|Connection: Upgrade");
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(site.hub.service().expected.is_empty() && site.hub.is_empty());
}

#[test]
fn one_port_serves_the_page_beside() {
    let mut site = Site::of(1);
    for (head, status, part) in [
        ("GET / HTTP/1.1|Host: a", "200 OK", "<title>Wharf chat</title>"),
        ("HEAD / HTTP/1.1|Host: a", "200 OK", "frame-ancestors 'none'"),
        ("GET /chat.js HTTP/1.1|Host: a", "200 OK", "text/javascript"),
        ("GET /ws HTTP/1.1|Host: a", "426 ", "Upgrade: websocket"),
        ("POST / HTTP/1.1|Host: a", "405 ", "Allow: GET, HEAD"),
        ("POST /ws HTTP/1.1|Host: a", "405 ", "nosniff"),
        ("GET / HTTP/1.1", "400 ", "nosniff"),
        ("GET /else HTTP/1.1|Host: a", "404 ", "nosniff"),
        (
            "GET /ws HTTP/1.1|Host: a|Origin: http://b|Upgrade: websocket|Connection: Upgrade|\
             Sec-WebSocket-Version: 13|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "403 ",
            "nosniff",
        ),
    ] {
        let answer = site.get(head);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(part),
            "{head}: {answer}"
        );
        assert_eq!(head.starts_with("HEAD"), answer.ends_with("\r\n\r\n"), "{head}");
    }
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    let run = || {
        let mut site = Site::new();
        for i in 0..5 {
            site.come(if i % 2 == 0 { "/ws" } else { "/ws?join=no" });
            site.say(i, &json!({"type": "join", "roomId": format!("r{}", i % 2)}));
        }
        site.pass(1_000);
        site.say(2, &json!({"type": "message", "roomId": "r0", "content": "a"}));
        site.hub.receive_end(site.now, site.people[0].conn, End::Reset);
        site.exchange();
        site.people.into_iter().map(|person| person.heard).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
