//! Connections that say anything to a broker, whose store takes its time, fails, or ends with it.

use super::{moves, number, wire};
use core::str;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{Instant, Wall};
use wharf::service::bus::{
    Action, Batch, Broker, BusConfig, Change, FromBus, Letters, MAX_BATCH, Memory, Name, Record, Restoring,
    Seq, ToBus, Tokens,
};

/// The name of a connection; none is used twice.
type Conn = u32;

/// A sender and an id.
type Id = (Name, Name);

/// A connection.
#[derive(Default)]
struct Peer {
    conn: Conn,
    service: Option<Name>,
    /// Services as which it has asked to be registered, as it may.
    asked: BTreeSet<Name>,
    /// Of which it said that they are ids of messages.
    ids: BTreeSet<String>,
    is_closing: bool,
    is_owed: bool,
}

struct World {
    broker: Broker<Conn>,
    config: BusConfig,
    memory: Memory,
    now: Instant,
    /// The store works on it.
    batch: Option<Batch>,
    is_quick: bool,
    peers: [Option<Peer>; 6],
    last: Conn,
    /// What was sent under each id by a connection that was registered as its sender.
    sent: BTreeMap<Id, BTreeSet<String>>,
    /// What was ever stored, and buried.
    stored: BTreeSet<Id>,
    buried: BTreeSet<Id>,
    /// Whose message is where.
    places: BTreeMap<Seq, (Id, Name)>,
    /// What services have acknowledged, by their name.
    acks: BTreeSet<Id>,
    delivered: Vec<(Conn, Id)>,
    has_purged: bool,
    tickets: BTreeSet<u64>,
    last_ticket: u64,
}

/// What a script's moves bring about, and then an end: all that is stored is delivered and acknowledged.
///
/// Digits say the rest of their line by one of six connections; `x` closes one, `c` and `d` tell of its output. `s` has a batch stored, `f` and
/// `F` fail, `k` and `K` end the bus and begin another, the capital ones with the batch on disk. `t` is time, `r` and `p` are for dead
/// letters, `e` is a drain.
pub(super) fn play(script: &[u8]) {
    let Some((choice, script)) = script.split_first() else { return };
    let mut world = World::new(*choice);
    for (what, rest) in moves(script) {
        let conn = (number(rest) % 6) as usize;
        match what {
            b'0'..=b'5' => world.say(usize::from(what - b'0'), rest),
            b'x' => world.close(conn),
            b'c' | b'd' => world.output(conn, what == b'c'),
            b's' => world.store(),
            b'f' | b'F' => world.fail(what == b'F'),
            b'k' | b'K' => world.restart(what == b'K'),
            b't' => world.pass(Duration::from_millis(number(rest) % 100_000)),
            b'r' | b'p' => world.command(rest, what == b'p'),
            b'e' => world.broker.drain(world.now, world.wall()),
            _ => continue,
        }
        world.act();
        world.check();
    }
    world.settle();
}

impl World {
    fn new(choice: u8) -> Self {
        let mut config = BusConfig::default();
        config.ack_timeout = Duration::from_secs(3);
        (config.window, config.attempts, config.max_deliveries) = (2, 2, 3);
        (config.max_pending, config.max_pending_bytes, config.max_services) = (4, 2048, 4);
        (config.max_dead, config.max_message) = (2, 1024);
        (config.max_dedupe, config.max_ids, config.max_prefixes, config.max_gaps) = (12, 4, 2, 2);
        config.tokens =
            (choice & 1 != 0).then(|| Tokens::from_iter([("a", "secret"), (Tokens::ANY, "open sesame")]));
        Self {
            broker: Broker::new(config.clone()),
            config,
            memory: Memory::default(),
            now: Instant::ORIGIN,
            batch: None,
            is_quick: choice & 2 != 0,
            peers: Default::default(),
            last: 0,
            sent: BTreeMap::new(),
            stored: BTreeSet::new(),
            buried: BTreeSet::new(),
            places: BTreeMap::new(),
            acks: BTreeSet::new(),
            delivered: Vec::new(),
            has_purged: false,
            tickets: BTreeSet::new(),
            last_ticket: 0,
        }
    }

    fn wall(&self) -> Wall {
        Wall::from_millis(1_000_000 + self.now.as_nanos() / 1_000_000)
    }

    /// A connection, which is opened if need be.
    fn open(&mut self, at: usize) -> &mut Peer {
        if self.peers[at].is_none() {
            self.last += 1;
            self.broker.opened(self.now, self.last);
        }
        self.peers[at].get_or_insert_with(|| Peer { conn: self.last, ..Peer::default() })
    }

    fn say(&mut self, at: usize, frame: &[u8]) {
        let (now, wall, conn) = (self.now, self.wall(), self.open(at).conn);
        match str::from_utf8(frame) {
            Ok(text) => {
                wire::check(text);
                self.note(at, text);
                self.broker.receive(now, wall, conn, text);
            }
            Err(_) => self.broker.receive_binary(now, wall, conn),
        }
    }

    /// What a frame may bring about.
    fn note(&mut self, at: usize, text: &str) {
        let Some(peer) = self.peers[at].as_mut().filter(|peer| !peer.is_closing) else { return };
        match ToBus::decode(text) {
            Ok(ToBus::Register { service_id, token }) => {
                let tokens = self.config.tokens.as_ref();
                if tokens.is_none_or(|tokens| tokens.admits(&service_id, token.as_deref())) {
                    peer.asked.insert(service_id);
                }
            }
            Ok(ToBus::Message(message)) => {
                peer.ids.insert(message.id.to_string());
                if peer.service.as_ref() == Some(&message.from) {
                    let id = (message.from.clone(), message.id.clone());
                    self.sent.entry(id).or_default().insert(message.into_body());
                }
            }
            Ok(ToBus::Ack { message_id, .. }) => {
                self.acks.extend(peer.service.clone().map(|service| (service, message_id)));
            }
            Ok(_) => {}
            Err(refusal) => {
                if let FromBus::Rejected { message_id, .. } = refusal.frame() {
                    peer.ids.insert(message_id.into_owned());
                }
            }
        }
    }

    fn close(&mut self, at: usize) {
        if let Some(peer) = self.peers[at].take() {
            self.broker.closed(self.now, self.wall(), peer.conn);
        }
    }

    fn output(&mut self, at: usize, is_congested: bool) {
        match &self.peers[at] {
            Some(peer) if is_congested => self.broker.congested(peer.conn),
            Some(peer) => self.broker.drained(self.now, peer.conn),
            None => {}
        }
    }

    fn command(&mut self, letters: &[u8], is_purge: bool) {
        let letters = str::from_utf8(letters).ok().and_then(|text| text.parse().ok()).unwrap_or(Letters::All);
        self.last_ticket += 1;
        self.tickets.insert(self.last_ticket);
        self.has_purged |= is_purge;
        let ask = if is_purge { Broker::purge } else { Broker::requeue };
        let wall = self.wall();
        ask(&mut self.broker, self.now, wall, &letters, self.last_ticket);
    }

    fn act(&mut self) {
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => {
                    assert!(self.batch.is_none(), "a second batch");
                    assert!((1..=MAX_BATCH).contains(&batch.changes().len()));
                    self.batch = Some(batch);
                    if self.is_quick {
                        self.store();
                    }
                }
                Action::Send { conn, frame } => self.told(conn, &frame),
                Action::Close { conn, .. } => {
                    assert!(!core::mem::replace(&mut self.peer(conn).is_closing, true), "closed twice");
                }
                Action::Owe { conn, owes } => {
                    assert_ne!(core::mem::replace(&mut self.peer(conn).is_owed, owes), owes);
                }
                Action::Told { ticket, .. } => assert!(self.tickets.remove(&ticket), "told twice"),
                _ => {}
            }
        }
    }

    fn peer(&mut self, conn: Conn) -> &mut Peer {
        let mut peers = self.peers.iter_mut().flatten();
        peers.find(|peer| peer.conn == conn).expect("a connection that is there")
    }

    /// It is only told what is its own, and only what is so.
    fn told(&mut self, conn: Conn, text: &str) {
        let frame = FromBus::decode(text).expect("a frame");
        wire::said(&frame, text);
        let peer = self.peer(conn);
        assert!(!peer.is_closing, "{text} behind the end");
        let service = peer.service.clone();
        let own = |id: Name| (service.clone().expect("it is registered"), id);
        match frame {
            FromBus::Registered { service_id, .. } => {
                assert!(peer.asked.contains(&service_id), "it may not");
                assert!(service.is_none_or(|service| service == service_id));
                peer.service = Some(service_id.clone());
                let peers = self.peers.iter().flatten();
                let same = peers.filter(|p| !p.is_closing && p.service.as_ref() == Some(&service_id));
                assert_eq!(same.count(), 1, "two are {service_id}");
            }
            FromBus::Accepted { message_id } => {
                assert!(peer.ids.contains(message_id.as_str()), "another's answer");
                assert!(self.stored.contains(&own(message_id)), "accepted and not stored");
            }
            FromBus::Rejected { message_id, .. } => {
                assert!(peer.ids.contains(&*message_id), "another's answer")
            }
            FromBus::Message(message) => {
                assert_eq!(service.as_ref(), Some(&message.to), "another's message");
                let id = (message.from.clone(), message.id.clone());
                let is_sent = self.sent.get(&id).is_some_and(|bodies| bodies.contains(message.body()));
                assert!(is_sent, "forged or changed: {text}");
                assert!(self.stored.contains(&id) && !self.broker.has_failed(), "delivered and not stored");
                self.delivered.push((conn, id));
            }
            FromBus::Dead { message_id, .. } => assert!(self.buried.contains(&own(message_id))),
            _ => {}
        }
    }

    /// The batch is on disk.
    fn carry_out(&mut self, batch: &Batch) {
        for change in batch.changes() {
            match change {
                Change::Accept(accepted) => {
                    let id = (accepted.from.clone(), accepted.id.clone());
                    self.stored.insert(id.clone());
                    self.places.insert(accepted.seq, (id, accepted.to.clone()));
                }
                Change::Requeue { dead, seq } => {
                    self.places.insert(*seq, self.places[dead].clone());
                }
                Change::Remove(seq) => {
                    let (id, to) = &self.places[seq];
                    assert!(self.acks.contains(&(to.clone(), id.1.clone())), "removed, and not acknowledged");
                }
                Change::Bury(seq, _) => drop(self.buried.insert(self.places[seq].0.clone())),
                Change::Purge(_) => assert!(self.has_purged, "purged by itself"),
                _ => {}
            }
        }
        self.memory.carry_out(batch).expect("it fits");
    }

    fn store(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.carry_out(&batch);
            self.broker.stored(self.now, self.wall());
        }
    }

    fn fail(&mut self, is_on_disk: bool) {
        if let Some(batch) = self.batch.take() {
            if is_on_disk {
                self.carry_out(&batch);
            }
            self.broker.store_failed(self.now, self.wall());
        }
    }

    fn restart(&mut self, is_on_disk: bool) {
        if let Some(batch) = self.batch.take().filter(|_| is_on_disk && !self.broker.has_failed()) {
            self.carry_out(&batch);
        }
        let mut restoring = Restoring::new(self.config.clone());
        for record in self.memory.records() {
            restoring.record(record).expect("the broker wrote it");
        }
        self.broker = restoring.finish(self.now, self.wall());
        self.peers = Default::default();
        self.tickets.clear();
        self.delivered.clear();
    }

    /// Time passes, and all that is due is done when it is.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.broker.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.broker.handle_timeout(self.now, self.wall());
            self.act();
            assert!(self.broker.poll_timeout().is_none_or(|next| next > self.now), "time stands still");
        }
        self.now = end;
    }

    fn check(&self) {
        let (stats, config) = (self.broker.stats(), &self.config);
        assert!(stats.services <= config.max_services, "{stats:?}");
        assert!(stats.pending <= config.max_pending * stats.services, "{stats:?}");
        assert!(stats.unacknowledged <= config.window * stats.services, "{stats:?}");
        assert!(stats.dead_letters <= (config.max_dead + config.max_pending) * stats.services, "{stats:?}");
        assert!(stats.remembered <= config.max_dedupe, "{stats:?}");
        assert_eq!(stats.connections, self.peers.iter().flatten().count());
    }

    /// Another bus finds all that was stored, and each service acknowledges what is its.
    fn settle(&mut self) {
        self.config.tokens = None;
        self.is_quick = true;
        self.restart(false);
        self.act();
        let services: BTreeSet<Name> = self
            .memory
            .records()
            .filter_map(|record| match record {
                Record::Message(accepted, _) => Some(accepted.to),
                _ => None,
            })
            .collect();
        for (at, service_id) in services.into_iter().enumerate() {
            let frame = ToBus::Register { service_id, token: None }.encode();
            self.say(at, frame.as_bytes());
            self.act();
        }
        for _ in 0..100 {
            for (conn, (from, message_id)) in core::mem::take(&mut self.delivered) {
                let frame = ToBus::Ack { message_id, from: Some(from) }.encode();
                let at = self.peers.iter().position(|peer| peer.as_ref().is_some_and(|p| p.conn == conn));
                self.say(at.expect("nobody is closed"), frame.as_bytes());
                self.act();
            }
            self.pass(Duration::from_millis(100));
            if self.broker.stats().pending == 0 {
                self.pass(Duration::from_millis(100));
                self.check();
                let is_left = |record| matches!(record, Record::Message(..));
                assert!(!self.memory.records().any(is_left), "it is stored, and nobody knows of it");
                return;
            }
        }
        panic!("something stays: {:?}", self.broker.stats());
    }
}
