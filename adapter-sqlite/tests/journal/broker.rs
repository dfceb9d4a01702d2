//! A broker over its journal: what it has accepted is there after a restart, and is delivered until it is acknowledged.

use crate::folder::Folder;
use std::path::Path;
use std::time::Duration;
use wharf::base::{Instant, Wall};
use wharf::service::bus::{Action, Broker, BusConfig, Restoring};
use wharf_sqlite::Journal;

const WALL: Wall = Wall::from_millis(1);

/// A bus whose connections are called by their service.
struct Bus {
    broker: Broker<&'static str>,
    journal: Journal,
    now: Instant,
}

impl Bus {
    fn open(path: &Path) -> Self {
        let restore = |records: &mut dyn Iterator<Item = _>| {
            let mut restoring = Restoring::new(BusConfig::default());
            for record in records {
                restoring.record(record)?;
            }
            Ok(restoring)
        };
        let (journal, restoring) = Journal::open(path, restore).expect("it opens");
        let mut bus = Self { broker: restoring.finish(Instant::ORIGIN, WALL), journal, now: Instant::ORIGIN };
        for service in ["shop", "mail"] {
            bus.broker.opened(bus.now, service);
            bus.says(service, &format!(r#"{{"type":"register","serviceId":"{service}"}}"#));
        }
        bus
    }

    /// What a frame brings about: whom what was sent.
    fn says(&mut self, service: &'static str, frame: &str) -> Vec<(&'static str, String)> {
        self.broker.receive(self.now, WALL, service, frame);
        let mut sent = self.done();
        // What nobody waits for is stored a little later.
        self.now += Duration::from_millis(100);
        self.broker.handle_timeout(self.now, WALL);
        sent.extend(self.done());
        sent
    }

    fn done(&mut self) -> Vec<(&'static str, String)> {
        let mut sent = Vec::new();
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => {
                    self.journal.carry_out(&batch).expect("it is carried out");
                    self.broker.stored(self.now, WALL);
                }
                Action::Send { conn, frame } => sent.push((conn, frame)),
                _ => {}
            }
        }
        sent
    }

    fn sends(&mut self, id: &str) -> Vec<(&'static str, String)> {
        let message =
            format!(r#"{{"id":"{id}","from":"shop","to":"mail","type":"sold","payload":7,"timestamp":0}}"#);
        self.says("shop", &format!(r#"{{"type":"message","message":{message}}}"#))
    }
}

#[test]
fn what_was_accepted_is_there_after_a_restart() {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let mut bus = Bus::open(&path);
    for id in ["m-1", "m-2", "other"] {
        let sent = bus.sends(id);
        let accepted = format!(r#"{{"type":"accepted","messageId":"{id}"}}"#);
        assert!(sent.contains(&("shop", accepted)) && sent.iter().any(|(to, _)| *to == "mail"), "{sent:?}");
    }
    assert!(bus.says("mail", r#"{"type":"ack","messageId":"m-1"}"#).is_empty());
    drop(bus);

    let mut bus = Bus::open(&path);
    assert_eq!(bus.broker.stats().pending, 2);
    // What is known already changes nothing.
    for id in ["m-1", "m-2", "other"] {
        assert_eq!(bus.sends(id), [("shop", format!(r#"{{"type":"accepted","messageId":"{id}"}}"#))]);
    }
    for id in ["m-2", "other"] {
        assert!(bus.says("mail", &format!(r#"{{"type":"ack","messageId":"{id}"}}"#)).is_empty());
    }
    drop(bus);
    assert_eq!(Bus::open(&path).broker.stats().pending, 0);
}
