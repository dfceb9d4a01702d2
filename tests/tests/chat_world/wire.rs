//! The connections: what is on its way, either way, and how each ends.

use super::site::{Event, Site};
use bytes::Bytes;
use serde_json::Value;
use std::collections::VecDeque;

const HIGH: usize = 3 << 10;
const LOW: usize = 1 << 10;
/// A wire has no room for more.
const FULL: usize = 96 << 10;
/// Whoever has more to take, and does not take it, is given up.
pub(super) const MAX_OUTBOX: usize = 24 << 10;
/// What a message may take on the way to one who is too slow, in milliseconds. All others take it in time.
pub(super) const SLOW: usize = 8_000;

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) person: usize,
    down: VecDeque<Bytes>,
    bytes: usize,
    pub(super) up: VecDeque<String>,
    is_congested: bool,
    /// The client hears no more.
    pub(super) is_cut: bool,
    /// The server closes it behind what is on its way.
    code: Option<u16>,
    /// What each message takes at most, in milliseconds.
    pub(super) delay: usize,
}

impl Wire {
    pub(super) fn new(person: usize, delay: usize) -> Self {
        Self { person, delay, ..Self::default() }
    }
}

impl Site {
    pub(super) fn send(&mut self, conn: u32, text: &Bytes) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        if wire.code.is_some() {
            return;
        }
        wire.bytes += text.len();
        wire.down.push_back(text.clone());
        let (bytes, delay) = (wire.bytes, wire.delay);
        if bytes > HIGH {
            wire.is_congested = true;
            self.rooms.handle_congested(conn);
        }
        self.within(delay, Event::Down(conn));
        if bytes > FULL {
            self.close(conn, 1013);
            self.rooms.handle_slow(self.now, self.wall(), conn);
        }
    }

    pub(super) fn close(&mut self, conn: u32, code: u16) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let takes_little = wire.delay == SLOW || wire.is_cut;
        assert!(code != 1013 || takes_little, "{conn} takes what it is sent, and is given up");
        wire.code = Some(code);
        self.seen.taken_over += u64::from(code == 4001);
        self.seen.slow += u64::from(code == 1013);
        self.within(10, Event::Down(conn));
    }

    pub(super) fn down(&mut self, conn: u32) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let person = wire.person;
        if wire.is_cut {
            return;
        }
        let Some(text) = wire.down.pop_front() else {
            if wire.code.is_some() {
                self.end(conn);
            }
            return;
        };
        wire.bytes -= text.len();
        let is_drained = wire.is_congested && wire.bytes <= LOW;
        wire.is_congested &= !is_drained;
        let is_over = wire.code.is_some() && wire.down.is_empty();
        let heard: Value = serde_json::from_slice(&text).expect("JSON");
        self.print(|| format!("{conn} < {heard}"));
        self.hash(&text);
        if self.people[person].conn == Some(conn) {
            for answer in self.people[person].hear(&heard, &mut self.seen) {
                self.up(person, &answer);
            }
        }
        if is_over {
            self.end(conn);
        }
        if is_drained {
            self.rooms.handle_drained(self.now, self.wall(), conn);
            self.act();
        }
    }

    /// A wire is over at its client, and the server hears of that later.
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
