//! The connections: what is on its way, either way, and how each ends.

use super::site::{Event, NODES, Site};
use bytes::Bytes;
use serde_json::Value;
use std::collections::VecDeque;

/// A connection.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) node: usize,
    pub(super) person: usize,
    down: VecDeque<Bytes>,
    pub(super) up: VecDeque<String>,
    pub(super) is_congested: bool,
    is_cut: bool,
    pub(super) code: Option<u16>,
}

impl Site {
    pub(super) fn connect(&mut self, i: usize) {
        let node = self.dice.below(NODES);
        let (now, wall) = (self.now, self.wall(node));
        let auto_join = self.dice.percent(70);
        if self.nodes[node].rooms.is_none() {
            return;
        }
        self.next += 1;
        let conn = self.next;
        self.wires.insert(conn, Wire { node, person: i, ..Wire::default() });
        let first = self.people[i].connected(conn, node);
        self.print(|| format!("person {i} connects to {node} by {conn}"));
        self.nodes[node].rooms.iter_mut().for_each(|rooms| rooms.handle_opened(now, wall, conn, auto_join));
        if let Some(first) = first {
            self.up(i, &first);
        }
        self.act(node);
    }

    pub(super) fn send(&mut self, conn: u32, text: &Bytes) {
        if text.starts_with(b"{\"type\":\"welcome\"")
            && let Some(node) = self.wires.get(&conn).map(|wire| wire.node)
        {
            let welcome: Value = serde_json::from_slice(text).expect("JSON");
            if welcome["resumed"] == true {
                self.came_back.insert(welcome["userId"].as_str().expect("an id").to_owned(), node);
            }
        }
        if let Some(wire) = self.wires.get_mut(&conn).filter(|wire| wire.code.is_none()) {
            wire.down.push_back(text.clone());
            let delay = self.dice.pick(&[5, 20]);
            self.within(delay, Event::Down(conn));
        }
    }

    pub(super) fn down(&mut self, conn: u32) {
        let Some(wire) = self.wires.get_mut(&conn).filter(|wire| !wire.is_cut) else { return };
        let (node, person) = (wire.node, wire.person);
        let text = wire.down.pop_front();
        let is_drained = wire.down.is_empty() && std::mem::take(&mut wire.is_congested);
        let is_over = wire.code.is_some() && wire.down.is_empty();
        if let Some(text) = text {
            let heard: Value = serde_json::from_slice(&text).expect("JSON");
            self.print(|| format!("{conn} < {heard}"));
            for byte in &text {
                self.seen.hash = (self.seen.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            if self.people[person].conn == Some(conn) {
                for answer in self.people[person].hear(&heard, &mut self.seen) {
                    self.up(person, &answer);
                }
            }
        }
        if is_over {
            self.end(conn);
        }
        if is_drained {
            let (now, wall) = (self.now, self.wall(node));
            self.nodes[node].rooms.iter_mut().for_each(|rooms| rooms.handle_drained(now, wall, conn));
            self.act(node);
        }
    }

    /// A wire is over at its client, and the node hears of that later.
    pub(super) fn end(&mut self, conn: u32) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        wire.is_cut = true;
        let person = wire.person;
        // What was on its way up may still arrive, or not.
        if self.dice.percent(50) {
            self.wires.get_mut(&conn).into_iter().for_each(|wire| wire.up.clear());
        }
        if self.people[person].conn == Some(conn) {
            self.people[person].lost();
            if self.now >= self.ends {
                // It does nothing any more but come back.
                self.within(1_500, Event::Act(person));
            }
        }
        self.within(4_000, Event::Gone(conn));
    }

    pub(super) fn up(&mut self, person: usize, message: &Value) {
        let Some(conn) = self.people[person].conn else { return };
        if let Some(wire) = self.wires.get_mut(&conn).filter(|wire| !wire.is_cut) {
            wire.up.push_back(message.to_string());
            self.within(40, Event::Up(conn));
        }
    }
}
