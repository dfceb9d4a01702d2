//! A broker, its store and its services, each move of which is made by hand.

mod bounds;
mod dead;
mod dedupe;
mod delivering;
mod faults;
mod forgetting;
mod memory;
mod model;
mod peers;
mod restarts;
mod served;
mod storing;

use super::{
    Action, Batch, Broker, BusConfig, BusEvent, Changed, CommandError, Memory, Name, Reason, Restoring,
};
use crate::base::{CloseCode, Instant, Wall};
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

struct Bus {
    broker: Broker<Conn>,
    memory: Memory,
    config: BusConfig,
    now: Instant,
    /// The batch that the store works on.
    batch: Option<Batch>,
    /// Batches are stored at once.
    is_quick: bool,
    /// What was sent to whom and not looked at yet.
    sent: BTreeMap<Conn, Vec<String>>,
    closed: BTreeMap<Conn, (CloseCode, Reason)>,
    told: Vec<(u64, Result<Changed, CommandError>)>,
    events: Vec<BusEvent<Conn>>,
    owed: BTreeMap<Conn, bool>,
    batches: Vec<Batch>,
}

impl Bus {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(set: impl FnOnce(&mut BusConfig)) -> Self {
        let mut config = BusConfig::default();
        set(&mut config);
        Self {
            broker: Broker::new(config.clone()),
            memory: Memory::default(),
            config,
            now: Instant::ORIGIN + secs(1),
            batch: None,
            is_quick: true,
            sent: BTreeMap::new(),
            closed: BTreeMap::new(),
            told: Vec::new(),
            events: Vec::new(),
            owed: BTreeMap::new(),
            batches: Vec::new(),
        }
    }

    fn wall(&self) -> Wall {
        Wall::from_millis(1_000_000 + self.now.as_nanos() / 1_000_000)
    }

    fn act(&mut self) {
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => {
                    assert!(self.batch.is_none() && !batch.changes().is_empty());
                    assert!(batch.changes().len() <= super::MAX_BATCH);
                    self.batches.push(batch.clone());
                    self.batch = Some(batch);
                    if self.is_quick {
                        self.carry_out();
                    }
                }
                Action::Send { conn, frame } => self.sent.entry(conn).or_default().push(frame),
                Action::Close { conn, code, reason } => {
                    assert_eq!(self.closed.insert(conn, (code, reason)), None);
                }
                Action::Owe { conn, owes } => drop(self.owed.insert(conn, owes)),
                Action::Told { ticket, outcome } => self.told.push((ticket, outcome)),
                Action::Event(event) => self.events.push(event),
                Action::Ask(_) | Action::Hold { .. } => panic!("it shares no store"),
            }
        }
    }

    fn carry_out(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.memory.carry_out(&batch).unwrap();
            self.broker.stored(self.now, self.wall());
        }
    }

    /// The store is done with what it works on.
    fn store(&mut self) {
        self.carry_out();
        self.act();
    }

    fn fail_store(&mut self) {
        self.batch = None;
        self.broker.store_failed(self.now, self.wall());
        self.act();
    }

    fn open(&mut self, conn: Conn) {
        self.broker.opened(self.now, conn);
    }

    fn frame(&mut self, conn: Conn, frame: &str) {
        self.broker.receive(self.now, self.wall(), conn, frame);
        self.act();
    }

    /// Opens a connection and registers a service by it.
    fn register(&mut self, conn: Conn, service: &str) {
        self.open(conn);
        self.frame(conn, &format!(r#"{{"type":"register","serviceId":"{service}"}}"#));
    }

    /// Each service by a connection of its name, and what they were told is forgotten.
    fn register_all(&mut self, services: &[Conn]) {
        for service in services {
            self.register(service, service);
            self.heard(service);
        }
    }

    fn send(&mut self, conn: Conn, to: &str, id: &str) {
        self.send_as(conn, conn, to, id, "null");
    }

    fn send_as(&mut self, conn: Conn, from: &str, to: &str, id: &str, payload: &str) {
        self.frame(conn, &message(from, to, id, payload));
    }

    fn ack(&mut self, conn: Conn, id: &str) {
        self.frame(conn, &format!(r#"{{"type":"ack","messageId":"{id}"}}"#));
    }

    fn nack(&mut self, conn: Conn, id: &str) {
        self.frame(conn, &format!(r#"{{"type":"nack","messageId":"{id}","reason":"busy"}}"#));
    }

    fn close(&mut self, conn: Conn) {
        self.broker.closed(self.now, self.wall(), conn);
        self.act();
    }

    /// Time passes, and all that is due is done when it is.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.broker.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now + (at - self.now);
            self.broker.handle_timeout(self.now, self.wall());
            self.act();
            assert!(self.broker.poll_timeout().is_none_or(|next| next > self.now), "time stands still");
        }
        self.now = end;
        self.broker.handle_timeout(end, self.wall());
        self.act();
    }

    /// The bus dies, and another one comes up from what is stored.
    fn restart(&mut self) {
        let mut restoring = Restoring::new(self.config.clone());
        for record in self.memory.records() {
            restoring.record(record).unwrap();
        }
        self.batch = None;
        self.broker = restoring.finish(self.now, self.wall());
        self.sent.clear();
        self.closed.clear();
        self.act();
    }

    /// All that a connection was sent since it was last asked, shortened: `retryCount` and id of a message, type and id or reason of
    /// others.
    fn heard(&mut self, conn: Conn) -> Vec<String> {
        self.sent.remove(conn).unwrap_or_default().iter().map(|frame| short(frame)).collect()
    }
}

fn message(from: &str, to: &str, id: &str, payload: &str) -> String {
    format!(
        r#"{{"type":"message","message":{{"id":"{id}","from":"{from}","to":"{to}","type":"t","payload":{payload},"timestamp":0}}}}"#
    )
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
        "heartbeat" => "heartbeat".into(),
        kind => format!("{kind} {}", text("messageId")),
    }
}
