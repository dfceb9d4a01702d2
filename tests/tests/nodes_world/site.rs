//! The nodes, their store, the wires and all who talk.

use super::Seen;
use super::person::Person;
use super::wire::Wire;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf::base::{Instant, Message, Wall};
use wharf::service::history::{Answer, Ask, Failure, Memory};
use wharf::service::mesh::Subject;
use wharf::sim::Dice;
use wharf_cli::chat::{Action, Notice, Rooms};

pub(super) const NODES: usize = 3;
const ROOMS: [&str; 3] = ["general", "a", "b"];

/// What comes about at some time.
#[derive(Debug)]
pub(super) enum Event {
    /// The next message on a wire comes to its client.
    Down(u32),
    /// A message comes to the node.
    Up(u32),
    /// The node hears of the end of a wire.
    Gone(u32),
    /// A node's store answers what that life of it asked then.
    Answered(usize, u64, Result<Answer, Failure>),
    /// A node's mesh hears something, in that life of it.
    Noticed(usize, u64, Notice),
    /// Somebody does something.
    Act(usize),
    /// A node is killed, and started again.
    Kill(usize),
    Start(usize),
    /// A node is to end in order; that life of it waits for no more.
    End(usize),
    Ended(usize, u64),
    Cut(usize, bool),
    /// A node's transport has noticed it, if it was cut off or connected so often by then.
    Connected(usize, u64, bool),
    Away(usize, bool),
}

#[derive(Default)]
pub(super) struct Node {
    pub(super) rooms: Option<Rooms<u32>>,
    pub(super) life: u64,
    pub(super) subjects: BTreeSet<Subject>,
    pub(super) is_cut: bool,
    pub(super) cuts: u64,
    /// Its store fails.
    is_away: bool,
    pub(super) asks: u64,
    /// How far its clock is ahead, in milliseconds.
    ahead: u64,
    /// It is to end.
    pub(super) is_ending: bool,
}

pub(super) struct Site {
    pub(super) dice: Dice<'static>,
    pub(super) seed: u64,
    pub(super) now: Instant,
    pub(super) ends: Instant,
    queue: BTreeMap<(Instant, u64), Event>,
    events: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) memory: Memory,
    pub(super) wires: BTreeMap<u32, Wire>,
    pub(super) next: u32,
    /// What the mesh loses, in a hundred.
    pub(super) loss: usize,
    pub(super) people: Vec<Person>,
    /// Of the last look-up of each user's token that a node heard the answer of: its epoch, and the node.
    pub(super) looked_up: BTreeMap<String, (u64, usize)>,
    /// Where each user came back last.
    pub(super) came_back: BTreeMap<String, usize>,
    pub(super) seen: Seen,
    is_printed: bool,
}

impl Site {
    pub(super) fn new(seed: u64, is_printed: bool) -> Self {
        let mut dice = Dice::seeded(seed);
        let (people, seconds) = (dice.between(3, 7), dice.between(20, 60));
        let loss = dice.pick(&[0, 1, 10, 40]);
        let now = Instant::ORIGIN;
        let mut site = Self {
            dice,
            seed,
            now,
            ends: now + Duration::from_secs(seconds as u64),
            queue: BTreeMap::new(),
            events: 0,
            nodes: (0..NODES).map(|_| Node::default()).collect(),
            memory: Memory::new(100_000),
            wires: BTreeMap::new(),
            next: 0,
            loss,
            people: (0..people).map(Person::new).collect(),
            looked_up: BTreeMap::new(),
            came_back: BTreeMap::new(),
            seen: Seen::default(),
            is_printed,
        };
        for node in &mut site.nodes {
            node.ahead = site.dice.pick(&[0, 0, 2_000, 3_600_000]);
        }
        for node in 0..NODES {
            let at = site.dice.pick(&[1, 1, 4_000]);
            site.at(at, Event::Start(node));
        }
        for person in 0..people {
            site.within(2_000, Event::Act(person));
        }
        site.plan(seconds * 1_000);
        site
    }

    fn plan(&mut self, millis: usize) {
        for _ in 0..self.dice.below(8) {
            let (node, at) = (self.dice.below(NODES), self.dice.below(millis));
            let until = (at + self.dice.between(50, 12_000)).min(millis);
            match self.dice.below(5) {
                0 => {
                    self.at(at, Event::Kill(node));
                    self.at(until, Event::Start(node));
                }
                1 => {
                    if self.dice.percent(50) {
                        // Something waits for the store by then.
                        self.at(at.saturating_sub(3_000), Event::Away(node, true));
                        self.at(until, Event::Away(node, false));
                    }
                    self.at(at, Event::End(node));
                    self.at(until, Event::Start(node));
                }
                2 => {
                    self.at(at, Event::Away(node, true));
                    self.at(until, Event::Away(node, false));
                }
                _ => {
                    self.at(at, Event::Cut(node, true));
                    self.at(until, Event::Cut(node, false));
                }
            }
        }
        for node in 0..NODES {
            for event in [Event::Start(node), Event::Away(node, false), Event::Cut(node, false)] {
                self.at(millis, event);
            }
        }
    }

    /// All that was planned, then a calm in which all who are here talk once more; and what must be so then.
    pub(super) fn run(mut self) -> Seen {
        let ends = self.ends;
        self.advance(ends + Duration::from_secs(40));
        for i in 0..self.people.len() {
            let rooms: Vec<String> = self.people[i].members.keys().cloned().collect();
            for room in rooms {
                let message = self.people[i].say(&room);
                self.up(i, &message);
            }
        }
        self.advance(ends + Duration::from_secs(60));
        self.conclude();
        for rooms in self.nodes.iter().filter_map(|node| node.rooms.as_ref()) {
            self.seen.count(rooms);
        }
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

    pub(super) fn wall(&self, node: usize) -> Wall {
        Wall::from_millis(1_000_000 + self.nodes[node].ahead + self.now.as_nanos() / 1_000_000)
    }

    fn advance(&mut self, until: Instant) {
        loop {
            let due = |node: &Node| node.rooms.as_ref().and_then(Rooms::poll_timeout);
            let first = (0..NODES).filter_map(|node| Some((due(&self.nodes[node])?, node))).min();
            let next = self.queue.keys().next().map(|(at, _)| *at);
            let at = next.into_iter().chain(first.map(|(at, _)| at)).min().unwrap_or(until);
            if at > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(at);
            if let Some((_, node)) = first.filter(|(due, _)| *due <= self.now) {
                let (now, wall) = (self.now, self.wall(node));
                self.nodes[node].rooms.iter_mut().for_each(|rooms| rooms.handle_timeout(now, wall));
                self.act(node);
                assert!(due(&self.nodes[node]).is_none_or(|due| due > self.now), "it is due for ever");
            } else if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Down(conn) => self.down(conn),
            Event::Up(conn) => {
                let Some(wire) = self.wires.get_mut(&conn) else { return };
                let (node, Some(text)) = (wire.node, wire.up.pop_front()) else { return };
                self.print(|| format!("{conn} > {text}"));
                let wall = self.wall(node);
                let Some(rooms) = &mut self.nodes[node].rooms else { return };
                rooms.handle_message(now, wall, conn, &Message::text(text));
                self.act(node);
            }
            Event::Gone(conn) => {
                let Some(node) = self.wires.remove(&conn).map(|wire| wire.node) else { return };
                let wall = self.wall(node);
                self.nodes[node].rooms.iter_mut().for_each(|rooms| rooms.handle_closed(now, wall, conn));
                self.act(node);
            }
            Event::Answered(node, asks, answer) => {
                let wall = self.wall(node);
                let asked = &mut self.nodes[node];
                if let Some(rooms) = asked.rooms.as_mut().filter(|_| asks == asked.asks) {
                    if let Ok(Answer::Session(Some(session))) = &answer {
                        // Answers overtake each other; the epoch tells which look-up was the last one.
                        let last = self.looked_up.entry(session.user.to_string()).or_default();
                        *last = (session.epoch, node).max(*last);
                    }
                    rooms.handle_answer(now, wall, answer);
                    self.act(node);
                }
            }
            Event::Noticed(node, life, notice) if life == self.nodes[node].life => self.notice(node, &notice),
            Event::Noticed(..) => {}
            Event::Act(person) => self.person(person),
            Event::Kill(node) => self.kill(node),
            Event::End(node) => self.end_in_order(node),
            Event::Ended(node, life) if life == self.nodes[node].life => self.stop(node),
            Event::Ended(..) => {}
            Event::Start(node) => self.start(node),
            Event::Cut(node, is_cut) => self.cut(node, is_cut),
            Event::Connected(node, cuts, is_up) => self.connected(node, cuts, is_up),
            Event::Away(node, is_away) => self.nodes[node].is_away = is_away,
        }
    }

    /// Does what a node wants done, and ends it if it waits for nothing more.
    pub(super) fn act(&mut self, node: usize) {
        self.carry_out(node);
        if self.nodes[node].is_ending && self.nodes[node].rooms.as_ref().is_some_and(Rooms::is_drained) {
            self.stop(node);
        }
    }

    pub(super) fn carry_out(&mut self, node: usize) {
        while let Some(action) = self.nodes[node].rooms.as_mut().and_then(Rooms::poll_action) {
            match action {
                Action::Send { conn, text } => self.send(conn, &text),
                Action::Broadcast { conns, text } => {
                    conns.into_iter().for_each(|conn| self.send(conn, &text))
                }
                Action::Close { conn, code, .. } => {
                    if code.as_u16() == 4001 {
                        self.seen.taken_over += 1;
                        self.judge_taken_over(node, conn);
                    }
                    if let Some(wire) = self.wires.get_mut(&conn) {
                        wire.code = Some(code.as_u16());
                        self.within(10, Event::Down(conn));
                    }
                }
                Action::Ask(ask) => self.ask(node, &ask),
                Action::Mesh(action) => self.carry(node, action),
                other => panic!("{other:?}"),
            }
        }
    }

    fn ask(&mut self, node: usize, ask: &Ask) {
        self.nodes[node].asks += 1;
        let (fails, asks) = (self.nodes[node].is_away, self.nodes[node].asks);
        // A failure may come before it is carried out, or behind.
        let is_carried_out = !fails || self.dice.percent(40);
        let answer = is_carried_out.then(|| self.memory.carry_out(ask));
        let answer = answer.filter(|_| !fails).ok_or_else(|| Failure::Away("on purpose".into()));
        self.within(if fails { 200 } else { 5 }, Event::Answered(node, asks, answer));
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
            0 => return self.end(conn),
            // It comes back before its old connection is known to be over.
            1 => {
                self.end(conn);
                return self.connect(i);
            }
            2 | 3 => json!({"type": "join", "roomId": room}),
            4 => json!({"type": "leave", "roomId": room}),
            5 | 6 => json!({"type": "name", "name": format!("n{}", self.dice.below(3))}),
            7 => {
                // It takes nothing for a while.
                let wire = self.wires.get_mut(&conn).expect("it is connected");
                wire.is_congested = true;
                self.nodes[wire.node].rooms.iter_mut().for_each(|rooms| rooms.handle_congested(conn));
                return self.within(1_500, Event::Down(conn));
            }
            _ => {
                for _ in 0..self.dice.pick(&[0, 0, 0, 3, 9]) {
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

    pub(super) fn print(&self, what: impl FnOnce() -> String) {
        if self.is_printed {
            println!("{:?} {}", self.now, what());
        }
    }
}

impl Seen {
    pub(super) fn count(&mut self, rooms: &Rooms<u32>) {
        let stats = rooms.stats().nodes.expect("one of several");
        self.swept += stats.swept;
        self.told += stats.told;
        self.doubled += stats.doubled;
        self.renamed += stats.renamed;
    }
}
