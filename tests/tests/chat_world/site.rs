//! The rooms, their store, the wires and all who talk.

use super::Seen;
use super::person::Person;
use super::store::Mood;
use super::wire::{MAX_OUTBOX, SLOW, Wire};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf::base::{Entropy, Instant, Message, Wall};
use wharf::service::history::{Answer, Failure, Memory};
use wharf::sim::Dice;
use wharf_cli::chat::{Action, Limits, Rooms};

const ROOMS: [&str; 3] = ["general", "a", "b"];

/// What comes about at some time.
#[derive(Debug)]
pub(super) enum Event {
    /// The next message on a wire comes to its client.
    Down(u32),
    /// A message comes to the server.
    Up(u32),
    /// The server hears of the end of a wire.
    Gone(u32),
    /// The store answers what was asked then.
    Answered(u64, Result<Answer, Failure>),
    /// Somebody does something.
    Act(usize),
    /// The server is killed, and started again.
    Crash,
    Mood(Mood),
}

pub(super) struct Site {
    pub(super) dice: Dice<'static>,
    seed: u64,
    pub(super) now: Instant,
    pub(super) ends: Instant,
    queue: BTreeMap<(Instant, u64), Event>,
    events: u64,
    pub(super) rooms: Rooms<u32>,
    pub(super) memory: Memory,
    pub(super) mood: Mood,
    pub(super) asks: u64,
    pub(super) wires: BTreeMap<u32, Wire>,
    next: u32,
    pub(super) people: Vec<Person>,
    pub(super) seen: Seen,
    is_printed: bool,
}

impl Site {
    pub(super) fn new(seed: u64, is_printed: bool) -> Self {
        let mut dice = Dice::seeded(seed);
        let (people, seconds) = (dice.between(2, 6), dice.between(20, 120) as u64);
        let now = Instant::ORIGIN;
        let mut site = Self {
            rooms: rooms(now, seed, 0),
            dice,
            seed,
            now,
            ends: now + Duration::from_secs(seconds),
            queue: BTreeMap::new(),
            events: 0,
            memory: Memory::new(100_000),
            mood: Mood::Well,
            asks: 0,
            wires: BTreeMap::new(),
            next: 0,
            people: (0..people).map(Person::new).collect(),
            seen: Seen::default(),
            is_printed,
        };
        for person in 0..people {
            site.within(2_000, Event::Act(person));
        }
        for _ in 0..site.dice.below(6) {
            let mood = site.dice.pick(&[Mood::Slow, Mood::Failing, Mood::Away]);
            let at = site.dice.below(seconds as usize * 1_000);
            let until = at + site.dice.between(100, 25_000);
            site.at(at, Event::Mood(mood));
            site.at(until, Event::Mood(Mood::Well));
        }
        for _ in 0..site.dice.below(3) {
            let at = site.dice.below(seconds as usize * 1_000);
            site.at(at, Event::Crash);
        }
        site
    }

    /// All that was planned, then a calm in which all who are here talk once more; and what must be so then.
    pub(super) fn run(mut self) -> Seen {
        let ends = self.ends;
        self.advance(ends);
        self.mood = Mood::Well;
        self.advance(ends + Duration::from_secs(60));
        for i in 0..self.people.len() {
            let rooms: Vec<String> = self.people[i].members.keys().cloned().collect();
            for room in rooms {
                let message = self.people[i].say(&room);
                self.up(i, &message);
            }
        }
        self.advance(ends + Duration::from_secs(120));
        self.conclude();
        self.seen
    }

    fn at(&mut self, millis: usize, event: Event) {
        self.events += 1;
        self.queue.insert((Instant::ORIGIN + Duration::from_millis(millis as u64), self.events), event);
    }

    pub(super) fn within(&mut self, millis: usize, event: Event) {
        self.events += 1;
        let at = self.now + Duration::from_millis(self.dice.between(1, millis.max(1)) as u64);
        self.queue.insert((at, self.events), event);
    }

    pub(super) fn wall(&self) -> Wall {
        Wall::from_millis(1_000_000 + self.now.as_nanos() / 1_000_000)
    }

    fn advance(&mut self, until: Instant) {
        loop {
            let next = self.queue.keys().next().map(|(at, _)| *at);
            let due = self.rooms.poll_timeout();
            let at = next.into_iter().chain(due).min().unwrap_or(until);
            if at > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(at);
            if due.is_some_and(|due| due <= self.now) {
                self.rooms.handle_timeout(self.now, self.wall());
                self.act();
                let due = self.rooms.poll_timeout();
                assert!(due.is_none_or(|due| due > self.now), "it is due for ever");
            } else if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let (now, wall) = (self.now, self.wall());
        match event {
            Event::Down(conn) => return self.down(conn),
            Event::Up(conn) => {
                let Some(text) = self.wires.get_mut(&conn).and_then(|wire| wire.up.pop_front()) else {
                    return;
                };
                self.print(|| format!("{conn} > {text}"));
                self.rooms.handle_message(now, wall, conn, &Message::text(text));
            }
            Event::Gone(conn) => {
                self.wires.remove(&conn);
                self.rooms.handle_closed(now, wall, conn);
            }
            Event::Answered(ask, answer) if ask == self.asks => self.rooms.handle_answer(now, wall, answer),
            // It was asked by a server that is no more.
            Event::Answered(..) => return,
            Event::Act(person) => self.person(person),
            Event::Crash => self.crash(),
            Event::Mood(mood) => self.mood = mood,
        }
        self.act();
    }

    /// Does what the rooms want done.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Send { conn, text } => self.send(conn, &text),
                Action::Broadcast { conns, text } => {
                    conns.into_iter().for_each(|conn| self.send(conn, &text))
                }
                Action::Close { conn, code, .. } => self.close(conn, code.as_u16()),
                Action::Ask(ask) => self.ask(&ask),
                other => panic!("{other:?}"),
            }
        }
    }

    fn crash(&mut self) {
        self.seen.crashes += 1;
        self.asks += 1;
        let all: Vec<u32> = self.wires.keys().copied().collect();
        for conn in all {
            self.end(conn);
        }
        self.wires.clear();
        self.rooms = rooms(self.now, self.seed, self.seen.crashes);
    }

    /// One does something, and again later.
    fn person(&mut self, i: usize) {
        let is_over = self.now >= self.ends;
        if !is_over || self.people[i].conn.is_none() {
            self.within(1_500, Event::Act(i));
        }
        let Some(conn) = self.people[i].conn else { return self.connect(i) };
        if is_over || !self.people[i].is_welcome {
            return;
        }
        let room = self.dice.pick(&ROOMS);
        let said = match self.dice.below(20) {
            0 => {
                self.print(|| format!("{conn} is cut"));
                return self.end(conn);
            }
            // It comes back before its old connection is known to be over.
            1 => {
                self.end(conn);
                return self.connect(i);
            }
            2 | 3 => json!({"type": "join", "roomId": room}),
            4 => json!({"type": "leave", "roomId": room}),
            5 => json!({"type": "name", "name": format!("n{}", self.dice.below(4))}),
            6 => json!({"type": "typing", "roomId": room}),
            7 => json!({"type": "user_list", "roomId": room}),
            _ => {
                for _ in 0..self.dice.pick(&[0, 0, 0, 5, 12]) {
                    let message = self.people[i].say(room);
                    self.seen.said += 1;
                    self.up(i, &message);
                }
                self.seen.said += 1;
                self.people[i].say(room)
            }
        };
        self.up(i, &said);
    }

    fn connect(&mut self, i: usize) {
        self.next += 1;
        let conn = self.next;
        let is_over = self.now >= self.ends;
        let delay = if is_over { 20 } else { self.dice.pick(&[5, 20, 20, 600, SLOW]) };
        self.wires.insert(conn, Wire::new(i, delay));
        let auto_join = self.dice.percent(70);
        let first = self.people[i].connected(conn);
        self.rooms.handle_opened(self.now, self.wall(), conn, auto_join);
        if let Some(first) = first {
            self.up(i, &first);
        }
        self.act();
    }

    pub(super) fn print(&self, what: impl FnOnce() -> String) {
        if self.is_printed {
            println!("{:?} {}", self.now, what());
        }
    }

    pub(super) fn hash(&mut self, text: &[u8]) {
        for byte in text {
            self.seen.hash = (self.seen.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A server that begins, with tokens of its own.
fn rooms(now: Instant, seed: u64, life: u64) -> Rooms<u32> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&life.to_le_bytes());
    let mut limits = Limits::default();
    limits.max_outbox = MAX_OUTBOX;
    Rooms::new(now, limits, Entropy::from_seed(bytes))
}
