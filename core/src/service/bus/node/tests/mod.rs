//! Two nodes, their store and their services, each move of which is made by hand.

mod claims;
mod commands;
mod late;
mod masses;
mod moving;
mod refusing;
mod shared;
mod standing;

use super::asking::BREATH;
use super::{NodeAnswer, NodeAsk, NodeRequest, NodeSettings, SharedMemory};
use crate::base::{Instant, Wall};
use crate::service::bus::{Action, Broker, BusConfig, BusEvent, Changed, CommandError, Name, Reason};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Connections have names here.
type Conn = &'static str;

struct Nodes {
    shared: SharedMemory,
    nodes: Vec<Broker<Conn>>,
    now: Instant,
    /// Nodes that do not reach the store.
    cut: Vec<usize>,
    /// Asks that wait to be carried out by hand.
    by_hand: Vec<usize>,
    asked: BTreeMap<usize, NodeAsk>,
    asks: Vec<(usize, NodeRequest, NodeAnswer)>,
    sent: BTreeMap<Conn, Vec<String>>,
    closed: BTreeMap<Conn, Reason>,
    held: BTreeMap<Conn, bool>,
    told: Vec<(u64, Result<Changed, CommandError>)>,
    events: Vec<(usize, BusEvent<Conn>)>,
}

impl Nodes {
    fn new() -> Self {
        Self::with(|_, _| {})
    }

    fn with(set: impl FnOnce(&mut BusConfig, &mut NodeSettings)) -> Self {
        let (mut config, mut settings) = (BusConfig::default(), NodeSettings::default());
        set(&mut config, &mut settings);
        let mut nodes = Self {
            shared: SharedMemory::default(),
            nodes: (0..2).map(|_| Broker::node(config.clone(), settings.clone())).collect(),
            now: Instant::ORIGIN + secs(1),
            cut: Vec::new(),
            by_hand: Vec::new(),
            asked: BTreeMap::new(),
            asks: Vec::new(),
            sent: BTreeMap::new(),
            closed: BTreeMap::new(),
            held: BTreeMap::new(),
            told: Vec::new(),
            events: Vec::new(),
        };
        nodes.act();
        nodes
    }

    fn wall(&self) -> Wall {
        Wall::from_millis(1_000_000 + self.now.as_nanos() / 1_000_000)
    }

    /// All that the nodes want done is done, and nodes are woken.
    fn act(&mut self) {
        loop {
            let before = self.asks.len();
            for at in 0..self.nodes.len() {
                while let Some(action) = self.nodes[at].poll_action() {
                    self.take(at, action);
                }
            }
            let mut is_woken = false;
            while let Some(fence) = self.shared.poll_wake() {
                let of = self.nodes.iter().position(|node| node.fence() == Some(fence));
                of.into_iter().for_each(|at| self.nodes[at].woken(self.now));
                is_woken = true;
            }
            if before == self.asks.len() && !is_woken {
                return;
            }
        }
    }

    fn take(&mut self, at: usize, action: Action<Conn>) {
        match action {
            Action::Ask(ask) => {
                assert!(self.asked.insert(at, ask).is_none(), "it asks two things at a time");
                if !self.by_hand.contains(&at) {
                    self.carry_out(at);
                }
            }
            Action::Send { conn, frame } => self.sent.entry(conn).or_default().push(frame),
            Action::Close { conn, reason, .. } => drop(self.closed.insert(conn, reason)),
            Action::Hold { conn, holds } => drop(self.held.insert(conn, holds)),
            Action::Told { ticket, outcome } => self.told.push((ticket, outcome)),
            Action::Event(event) => self.events.push((at, event)),
            Action::Owe { .. } => {}
            Action::Store(_) => panic!("a node has no store of its own"),
        }
    }

    /// The store does what a node asked.
    fn carry_out(&mut self, at: usize) {
        self.carry_out_but(at, |_| {});
    }

    /// The same, and answers something else.
    fn carry_out_but(&mut self, at: usize, change: impl FnOnce(&mut NodeAnswer)) {
        let Some(ask) = self.asked.remove(&at) else { return };
        let mut answer = match self.cut.contains(&at) {
            true => NodeAnswer::Away,
            false => self.shared.carry_out(self.now, &ask).unwrap(),
        };
        change(&mut answer);
        self.asked.insert(at, ask);
        self.answer(at, answer);
    }

    /// The store does nothing of what a node asked, and answers this.
    fn answer(&mut self, at: usize, answer: NodeAnswer) {
        let Some(ask) = self.asked.remove(&at) else { return };
        self.asks.push((at, ask.request, answer.clone()));
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].answered(now, wall, answer);
    }

    fn frame(&mut self, at: usize, conn: Conn, frame: &str) {
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].receive(now, wall, conn, frame);
        self.act();
    }

    /// Opens a connection at a node and registers a service by it.
    fn begin(&mut self, at: usize, conn: Conn, service: &str) {
        self.nodes[at].opened(self.now, conn);
        self.frame(at, conn, &format!(r#"{{"type":"register","serviceId":"{service}"}}"#));
    }

    /// The same, and waits until its claim is asked for.
    fn register(&mut self, at: usize, conn: Conn, service: &str) {
        self.begin(at, conn, service);
        self.pass(BREATH);
    }

    /// The same, of the connection's name; and what it was told is forgotten.
    fn settle(&mut self, at: usize, service: Conn) {
        self.register(at, service, service);
        self.pass(Duration::from_millis(10));
        self.heard(service);
    }

    fn send(&mut self, at: usize, conn: Conn, to: &str, id: &str) {
        self.send_as(at, conn, conn, to, id);
    }

    fn send_as(&mut self, at: usize, conn: Conn, from: &str, to: &str, id: &str) {
        let message =
            format!(r#"{{"id":"{id}","from":"{from}","to":"{to}","type":"t","payload":null,"timestamp":0}}"#);
        self.frame(at, conn, &format!(r#"{{"type":"message","message":{message}}}"#));
    }

    fn ack(&mut self, at: usize, conn: Conn, id: &str) {
        self.frame(at, conn, &format!(r#"{{"type":"ack","messageId":"{id}"}}"#));
    }

    fn close(&mut self, at: usize, conn: Conn) {
        let (now, wall) = (self.now, self.wall());
        self.nodes[at].closed(now, wall, conn);
        self.act();
    }

    /// Time passes, and all that is due is done when it is.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let next = |nodes: &Self| nodes.nodes.iter().filter_map(Broker::poll_timeout).min();
        while let Some(at) = next(self).filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let (now, wall) = (self.now, self.wall());
            self.nodes.iter_mut().for_each(|node| node.handle_timeout(now, wall));
            self.act();
            assert!(next(self).is_none_or(|next| next > self.now), "time stands still");
        }
        self.now = end;
        self.act();
    }

    /// All that a connection was sent since it was last asked, shortened.
    fn heard(&mut self, conn: Conn) -> Vec<String> {
        self.sent.remove(conn).unwrap_or_default().iter().map(|frame| short(frame)).collect()
    }

    fn pending(&self) -> usize {
        self.shared
            .records()
            .filter(|record| matches!(record, crate::service::bus::Record::Message(..)))
            .count()
    }
}

fn short(frame: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(frame).unwrap();
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
    match &*text("type") {
        "message" => {
            format!("{}#{}", value["message"]["id"].as_str().unwrap(), value["message"]["retryCount"])
        }
        "registered" => format!("registered {}", value["pending"]),
        "rejected" => format!("rejected {}: {}", text("messageId"), text("reason")),
        "dead" => format!("dead {}: {}", text("messageId"), text("reason")),
        "error" => format!("error: {}", text("reason")),
        kind => format!("{kind} {}", text("messageId")).trim().into(),
    }
}
