//! A client of the bus, to which anything is said.

use super::{moves, number, wire};
use core::str;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wharf::base::{
    Cause, Classifier, CloseCode, Closed, End, Entropy, Extent, Instant, Message, Origin, Progress, Wall,
};
use wharf::link::DialError;
use wharf::service::bus::client::{
    BusClient, BusClientConfig, BusClientEvent, Delivery, Outcome, Outgoing, Seen,
};
use wharf::service::bus::{FromBus, Name, Reason, ToBus};
use wharf::service::client::{Action, Attempt, Machine};

/// A sender and an id.
type Id = (Name, Name);

struct Line {
    attempt: Attempt,
    progress: Progress,
    /// Where frames end that are not written.
    up: VecDeque<u64>,
    /// Messages that went out on it and are not answered.
    open: BTreeSet<Name>,
    /// Answers that do not say to which.
    nameless: usize,
    has_greeted: bool,
    is_registered: bool,
    is_closing: bool,
}

struct World {
    client: BusClient,
    config: BusClientConfig,
    now: Instant,
    dialing: Option<Attempt>,
    line: Option<Line>,
    /// Messages whose outcome is not told.
    untold: BTreeSet<Name>,
    /// Those of which the bus has said that it has them: at all, and as an answer.
    accepted: BTreeSet<Name>,
    answered: BTreeSet<Name>,
    /// What the bus has delivered.
    said: BTreeMap<Id, BTreeSet<String>>,
    work: Vec<Delivery>,
    nacked: BTreeSet<Id>,
    is_idle: bool,
    is_stopped: bool,
}

/// What a script's moves bring about, and then an end.
///
/// `<` has the bus say the rest of the line, `=` as bytes. `o` and `n` answer a dial, `w` writes frames, `l` loses the connection. `m` sends to the
/// service that is named, `i` under an id; `u` takes one back. `a` and `j` end a delivery, `z` has the program look at nothing for a
/// while. `t` is time, `e` and `q` are its end, `k` that of its process.
pub(super) fn play(script: &[u8]) {
    let mut world = World::new(Seen::default(), Instant::ORIGIN);
    for (what, rest) in moves(script) {
        match what {
            b'<' | b'=' => world.hear(rest, what == b'<'),
            b'o' => world.open(),
            b'n' => world.refuse(),
            b'w' => world.write(number(rest)),
            b'l' => world.lose(),
            b'm' | b'i' => world.send(rest, what == b'i'),
            b'u' => world.cancel(rest),
            b'a' | b'j' => world.end(number(rest) as usize, what == b'a'),
            b'z' => world.is_idle ^= true,
            b't' => world.pass(Duration::from_millis(number(rest) % 100_000)),
            b'e' => world.client.drain(world.now, world.now + Duration::from_secs(5)),
            b'q' => world.client.stop(world.now),
            b'k' => world = World::new(world.client.seen().clone(), world.now),
            _ => continue,
        }
        world.drive();
    }
    world.finish();
}

impl World {
    fn new(seen: Seen, now: Instant) -> Self {
        let mut config = BusClientConfig::new("me".parse().expect("an id"));
        config.prefix = Some("p".parse().expect("an id"));
        config.token = Some("secret".into());
        config.seen = seen;
        (config.max_messages, config.max_bytes, config.max_in_flight) = (6, 1024, 3);
        (config.max_deliveries, config.max_delivery_bytes, config.max_frame) = (4, 512, 512);
        let client = BusClient::new(now, config.clone(), Entropy::from_seed([7; 32]));
        let mut world = Self {
            client,
            config,
            now,
            dialing: None,
            line: None,
            untold: BTreeSet::new(),
            accepted: BTreeSet::new(),
            answered: BTreeSet::new(),
            said: BTreeMap::new(),
            work: Vec::new(),
            nacked: BTreeSet::new(),
            is_idle: false,
            is_stopped: false,
        };
        world.drive();
        world
    }

    fn hear(&mut self, bytes: &[u8], is_text: bool) {
        let Some(line) = &mut self.line else { return };
        line.progress.received += bytes.len() as u64;
        let (attempt, progress) = (line.attempt, line.progress);
        self.client.client_mut().handle_progress(self.now, attempt, &progress);
        let Some(text) = str::from_utf8(bytes).ok().filter(|_| is_text) else {
            return self.client.receive(self.now, &Message::binary(bytes));
        };
        wire::check(text);
        match FromBus::decode(text) {
            Ok(FromBus::Registered { service_id, .. }) => {
                line.is_registered |= service_id == self.config.service_id;
            }
            Ok(FromBus::Accepted { message_id }) => {
                self.answered.extend(line.open.take(&message_id));
                self.accepted.extend(self.untold.get(&message_id).cloned());
            }
            Ok(FromBus::Rejected { message_id, .. }) => drop(line.open.remove(&*message_id)),
            Ok(FromBus::Error { reason: Reason::TooBig, .. }) => line.nameless += 1,
            Ok(FromBus::Message(message)) => {
                let id = (message.from.clone(), message.id.clone());
                self.said.entry(id).or_default().insert(message.into_body());
            }
            _ => {}
        }
        self.client.receive(self.now, &Message::text(text));
    }

    fn open(&mut self) {
        let Some(attempt) = self.dialing.take() else { return };
        if self.client.client_mut().handle_opened(self.now, Wall::default(), attempt, false) {
            let (progress, up, open, nameless) = Default::default();
            let (has_greeted, is_registered, is_closing) = Default::default();
            let line = Line { attempt, progress, up, open, nameless, has_greeted, is_registered, is_closing };
            self.line = Some(line);
        }
    }

    fn refuse(&mut self) {
        if let Some(attempt) = self.dialing.take() {
            let (now, wall) = (self.now, Wall::default());
            self.client.client_mut().handle_dial_failed(now, wall, attempt, &DialError::Connect);
        }
    }

    fn write(&mut self, frames: u64) {
        let Some(line) = &mut self.line else { return };
        for _ in 0..frames {
            line.progress.written = line.up.pop_front().unwrap_or(line.progress.written);
        }
        let (attempt, progress) = (line.attempt, line.progress);
        self.client.client_mut().handle_progress(self.now, attempt, &progress);
    }

    fn lose(&mut self) {
        if let Some(line) = self.line.take() {
            let cause = Cause::Transport(End::Reset);
            let closed = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
            self.client.client_mut().handle_closed(self.now, line.attempt, &closed);
            self.client.client_mut().handle_gone(self.now, line.attempt, &line.progress);
        }
    }

    /// To a service, or under an id to another.
    fn send(&mut self, rest: &[u8], is_id: bool) {
        let text = String::from_utf8_lossy(rest);
        let to = text.parse().ok().filter(|_| !is_id).unwrap_or_else(|| "b".parse().expect("an id"));
        let mut message = Outgoing::new(to, "t", &*text, Wall::default()).expect("it has JSON");
        message.id = text.parse().ok().filter(|_| is_id);
        message.deadline = (rest.len() % 4 == 3).then(|| self.now + Duration::from_secs(20));
        if let Ok(id) = self.client.send(self.now, message) {
            assert!(self.untold.insert(id), "an id twice");
        }
    }

    fn cancel(&mut self, id: &[u8]) {
        let id = String::from_utf8_lossy(id);
        if let Some(outcome) = self.client.cancel(self.now, &id) {
            assert!(self.untold.remove(&*id), "it was not there");
            assert!(!outcome.is_accepted());
        }
    }

    fn end(&mut self, at: usize, is_applied: bool) {
        if self.work.is_empty() {
            return;
        }
        let delivery = self.work.remove(at % self.work.len());
        let id = (delivery.envelope.from, delivery.envelope.id);
        if is_applied {
            assert!(self.client.ack(self.now, delivery.id));
            assert!(self.client.seen().contains(&id.0, &id.1));
        } else {
            self.nacked.insert(id);
            assert!(self.client.nack(self.now, delivery.id, "not now"));
        }
        assert!(!self.client.ack(self.now, delivery.id), "twice");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now);
            assert!(self.client.poll_timeout().is_none_or(|next| next > self.now), "time stands still");
            self.drive();
        }
        self.now = end;
    }

    fn drive(&mut self) {
        loop {
            let action = self.client.poll_action();
            let (event, delivery) = if self.is_idle {
                (None, None)
            } else {
                (self.client.poll_event(), self.client.poll_delivery())
            };
            if action.is_none() && event.is_none() && delivery.is_none() {
                return self.check();
            }
            action.into_iter().for_each(|action| self.carry_out(action));
            event.into_iter().for_each(|event| self.told(event));
            delivery.into_iter().for_each(|delivery| self.handed(delivery));
        }
    }

    fn told(&mut self, event: BusClientEvent) {
        assert!(!self.is_stopped, "{event:?} behind the last one");
        match event {
            BusClientEvent::Sent { id, outcome } => {
                assert!(self.untold.remove(&id), "{id} is told twice");
                match outcome {
                    Outcome::Accepted => assert!(self.accepted.contains(&id), "{id} is not accepted"),
                    Outcome::Undelivered { message, may_be_accepted, .. } => {
                        assert_eq!((&message.id, &message.from), (&id, &self.config.service_id));
                        assert!(may_be_accepted || !self.answered.contains(&id), "{id} may be");
                    }
                    _ => {}
                }
            }
            BusClientEvent::Stopped(_) => {
                self.is_stopped = true;
                assert!(self.untold.is_empty(), "{:?} is lost", self.untold);
            }
            _ => {}
        }
    }

    fn handed(&mut self, delivery: Delivery) {
        let Delivery { envelope, .. } = &delivery;
        let id = (envelope.from.clone(), envelope.id.clone());
        assert!(!self.client.seen().contains(&id.0, &id.1), "it was applied");
        assert!(self.said[&id].contains(envelope.body()), "invented");
        assert!(!self.work.iter().any(|other| (&other.envelope.from, &other.envelope.id) == (&id.0, &id.1)));
        self.work.push(delivery);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial(attempt) => {
                assert!(self.dialing.is_none() && self.line.is_none());
                self.dialing = Some(attempt);
            }
            Action::Greet(_, message) | Action::Heartbeat(_, message) => {
                self.push(message.as_text().expect("a text"));
            }
            Action::Send { ticket, payload, .. } => {
                let extent = self.push(str::from_utf8(&payload).expect("a text"));
                self.client.client_mut().handle_sent(self.now, ticket, extent);
            }
            Action::Close(_) => self.line.as_mut().expect("a connection").is_closing = true,
            Action::Abort(attempt) => match self.line.take() {
                Some(line) => self.client.client_mut().handle_gone(self.now, attempt, &line.progress),
                None => self.dialing = None,
            },
            other => panic!("{other:?}"),
        }
    }

    /// What it says is its own, and what it may say now.
    fn push(&mut self, text: &str) -> Extent {
        wire::check(text);
        let line = self.line.as_mut().expect("a connection");
        assert!(!line.is_closing);
        match ToBus::decode(text).expect("a frame") {
            ToBus::Register { service_id, token } => {
                assert_eq!((&service_id, &token), (&self.config.service_id, &Some("secret".into())));
                assert!(!core::mem::replace(&mut line.has_greeted, true), "it greets twice");
            }
            ToBus::Message(message) => {
                assert!(line.is_registered && message.from == self.config.service_id);
                assert!(text.len() <= self.config.max_frame);
                assert!(line.open.insert(message.id.clone()), "twice over one connection");
                let most = self.config.max_in_flight + line.nameless;
                assert!(line.open.len() <= most, "{:?} are open", line.open);
            }
            ToBus::Ack { message_id, from } => {
                let from = from.expect("it says whose");
                assert!(line.is_registered && self.client.seen().contains(&from, &message_id));
            }
            ToBus::Nack { message_id, from, .. } => {
                let from = from.expect("it says whose");
                assert!(line.is_registered && self.nacked.contains(&(from, message_id)));
            }
            ToBus::Heartbeat => assert!(line.has_greeted),
            _ => {}
        }
        let before = line.progress;
        line.progress.queued += text.len() as u64 + 1;
        line.up.push_back(line.progress.queued);
        Extent::between(&before, &line.progress)
    }

    fn check(&self) {
        let stats = self.client.stats();
        let told = stats.accepted + stats.undelivered + stats.cancelled;
        assert!(stats.taken <= told + self.client.unanswered() as u64, "{stats:?}");
        assert!(self.client.unanswered() <= self.config.max_messages);
        assert!(self.client.waiting() + self.client.working() <= self.config.max_deliveries);
        assert_eq!(self.client.working(), self.work.len());
        let ended =
            stats.acked + stats.nacked + stats.duplicates + stats.repeated + stats.overflowed + stats.let_go;
        let here = (self.client.waiting() + self.client.working()) as u64;
        assert_eq!(stats.deliveries, ended + here, "{stats:?}");
        if self.client.client().is_stopped() {
            assert_eq!((self.client.poll_timeout(), self.client.unanswered()), (None, 0));
        }
    }

    /// It stops, and everything has come to something.
    fn finish(&mut self) {
        self.is_idle = false;
        self.client.stop(self.now);
        self.drive();
        self.lose();
        self.drive();
        assert!(self.is_stopped && self.untold.is_empty(), "{:?} is lost", self.untold);
    }
}
