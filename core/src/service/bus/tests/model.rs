//! The broker beside a naive one: a list of all messages that there ever were, looked through each time.

use super::{Bus, Conn, name};
use crate::base::Instant;
use crate::service::bus::{Change, Record};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

const SERVICES: [Conn; 3] = ["a", "b", "c"];
/// Two connections for each service.
const CONNS: [[Conn; 2]; 3] = [["a1", "a2"], ["b1", "b2"], ["c1", "c2"]];
const WINDOW: usize = 2;
const ATTEMPTS: u32 = 3;
const DELIVERIES: u32 = 4;
const ACK: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
enum Step {
    Send { from: usize, to: usize, n: usize },
    Ack { by: usize, which: usize },
    Nack { by: usize, which: usize },
    Register { service: usize, conn: usize },
    Close { service: usize, conn: usize },
    Congest { service: usize },
    Drain { service: usize },
    Store,
    Pass { millis: u64 },
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let service = 0..3_usize;
    let step = prop_oneof![
        8 => (service.clone(), service.clone(), 0..30_usize).prop_map(|(from, to, n)| Step::Send { from, to, n }),
        5 => (service.clone(), 0..3_usize).prop_map(|(by, which)| Step::Ack { by, which }),
        4 => (service.clone(), 0..3_usize).prop_map(|(by, which)| Step::Nack { by, which }),
        4 => (service.clone(), 0..2_usize).prop_map(|(service, conn)| Step::Register { service, conn }),
        2 => (service.clone(), 0..2_usize).prop_map(|(service, conn)| Step::Close { service, conn }),
        1 => service.clone().prop_map(|service| Step::Congest { service }),
        2 => service.prop_map(|service| Step::Drain { service }),
        10 => Just(Step::Store),
        5 => prop_oneof![0..20_u64, 0..4000_u64].prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..200)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Unstored,
    Waiting,
    Again,
    Out(Instant),
    Resting(Instant),
    Dead,
    Done,
    /// A crash came before it was stored: it never was.
    Void,
}

#[derive(Clone, Debug)]
struct Message {
    from: usize,
    to: usize,
    id: String,
    state: State,
    attempts: u32,
    deliveries: u32,
}

/// All messages, by their places less one.
#[derive(Default)]
struct Model {
    all: Vec<Message>,
    conns: [Option<usize>; 3],
    congested: [bool; 3],
    /// What each connection is to have heard of messages.
    heard: BTreeMap<Conn, Vec<String>>,
    /// Deaths that senders were told of.
    told: BTreeSet<(usize, String)>,
}

impl Model {
    fn with(&self, to: usize, is: impl Fn(State) -> bool) -> Vec<usize> {
        (0..self.all.len()).filter(|i| self.all[*i].to == to && is(self.all[*i].state)).collect()
    }

    fn out(&self, to: usize) -> Vec<usize> {
        self.with(to, |state| matches!(state, State::Out(_)))
    }

    fn is_known(&self, from: usize, id: &str) -> bool {
        self.all.iter().any(|m| m.from == from && m.id == id && m.state != State::Void)
    }

    /// A delivery ends: by a nack, in time, or since the connection did.
    fn end(&mut self, now: Instant, i: usize, is_nack: bool, is_lost: bool) {
        let message = &mut self.all[i];
        message.attempts += u32::from(!is_lost);
        let rest = Duration::from_secs(u64::from(message.attempts)).min(ACK);
        message.state = match () {
            () if !is_lost && message.attempts >= ATTEMPTS => State::Dead,
            () if is_nack => State::Resting(now + rest),
            () if message.deliveries >= DELIVERIES => State::Dead,
            () => State::Again,
        };
    }

    fn detach(&mut self, now: Instant, service: usize) {
        self.conns[service] = None;
        self.congested[service] = false;
        self.out(service).into_iter().for_each(|i| self.end(now, i, false, true));
    }

    fn expire(&mut self, now: Instant) {
        for i in 0..self.all.len() {
            match self.all[i].state {
                State::Out(until) if until <= now => self.end(now, i, false, false),
                State::Resting(until) if until <= now => self.all[i].state = State::Again,
                _ => {}
            }
        }
    }

    fn deliver(&mut self, now: Instant) {
        for (service, conns) in CONNS.iter().enumerate() {
            let Some(conn) = self.conns[service].filter(|_| !self.congested[service]) else { continue };
            while self.out(service).len() < WINDOW {
                let first = |state| self.with(service, |s| s == state).first().copied();
                let Some(i) = first(State::Again).or_else(|| first(State::Waiting)) else { break };
                let message = &mut self.all[i];
                message.state = State::Out(now + ACK);
                message.deliveries += 1;
                let frame = format!("{}#{}", message.id, message.attempts);
                self.heard.entry(conns[conn]).or_default().push(frame);
            }
        }
    }
}

struct Run {
    bus: Bus,
    model: Model,
}

impl Run {
    fn new() -> Self {
        let mut bus = Bus::with(|config| {
            (config.window, config.attempts, config.max_deliveries) = (WINDOW, ATTEMPTS, DELIVERIES);
            (config.ack_timeout, config.gone_after) = (ACK, Duration::from_secs(1_000_000));
            config.heartbeat = Duration::from_secs(1_000_000);
        });
        bus.is_quick = false;
        Self { bus, model: Model::default() }
    }

    fn conn(&self, service: usize) -> Option<Conn> {
        self.model.conns[service].map(|conn| CONNS[service][conn])
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send { from, to, n } => self.send(from, to, n),
            Step::Ack { by, which } | Step::Nack { by, which } => {
                self.end(by, which, matches!(step, Step::Nack { .. }))
            }
            Step::Register { service, conn } if self.model.conns[service] != Some(conn) => {
                if self.model.conns[service].is_some() {
                    self.model.detach(self.bus.now, service);
                }
                self.model.conns[service] = Some(conn);
                let waits = |s| !matches!(s, State::Unstored | State::Dead | State::Done | State::Void);
                let pending = self.model.with(service, waits).len();
                let conn = CONNS[service][conn];
                self.bus.closed.remove(conn);
                self.bus.register(conn, SERVICES[service]);
                let registered =
                    self.bus.sent[conn].iter().map(|f| super::short(f)).find(|f| f.starts_with("reg"));
                assert_eq!(registered, Some(format!("registered {pending}")));
            }
            Step::Register { .. } => {}
            Step::Close { service, conn } => {
                if self.model.conns[service] == Some(conn) {
                    self.model.detach(self.bus.now, service);
                }
                self.bus.close(CONNS[service][conn]);
            }
            Step::Congest { service } => {
                if let Some(conn) = self.conn(service) {
                    self.model.congested[service] = true;
                    self.bus.broker.congested(conn);
                }
            }
            Step::Drain { service } => {
                if let Some(conn) = self.conn(service) {
                    self.model.congested[service] = false;
                    self.bus.broker.drained(self.bus.now, conn);
                    self.bus.act();
                }
            }
            Step::Store => self.store(),
            Step::Pass { millis } => self.pass(Duration::from_millis(millis)),
            Step::Crash => self.crash(),
        }
        self.model.deliver(self.bus.now);
        self.check();
    }

    fn send(&mut self, from: usize, to: usize, n: usize) {
        let Some(conn) = self.conn(from) else { return };
        let id = if n.is_multiple_of(3) { format!("x{n}") } else { format!("p-{n}") };
        if !self.model.is_known(from, &id) {
            let state = State::Unstored;
            self.model.all.push(Message { from, to, id: id.clone(), state, attempts: 0, deliveries: 0 });
        }
        self.bus.send_as(conn, SERVICES[from], SERVICES[to], &id, "0");
    }

    /// Acknowledges or refuses one that is out, or was.
    fn end(&mut self, by: usize, which: usize, is_nack: bool) {
        let Some(conn) = self.conn(by) else { return };
        let out = self.model.out(by);
        let was = self.model.with(by, |s| matches!(s, State::Again | State::Resting(_)));
        let Some(i) = out.get(which).or_else(|| was.first()).copied() else { return };
        let message = &self.model.all[i];
        let kind = if is_nack { "nack" } else { "ack" };
        let frame = format!(
            r#"{{"type":"{kind}","messageId":"{}","from":"{}","reason":"no"}}"#,
            message.id, SERVICES[message.from]
        );
        if !is_nack {
            self.model.all[i].state = State::Done;
        } else if out.contains(&i) {
            self.model.end(self.bus.now, i, true, false);
        }
        self.bus.frame(conn, &frame);
    }

    /// The store is done; what it has now is stored.
    fn store(&mut self) {
        for change in self.bus.batch.iter().flat_map(|batch| batch.changes()) {
            if let Change::Accept(accepted) = change {
                let message = &mut self.model.all[accepted.seq.0 as usize - 1];
                assert_eq!((&*message.id, message.state), (&*accepted.id, State::Unstored));
                message.state = State::Waiting;
            }
        }
        self.bus.store();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.bus.now + time;
        loop {
            let next = self.bus.broker.poll_timeout().filter(|at| *at <= end).unwrap_or(end);
            self.bus.pass(next - self.bus.now);
            self.model.expire(self.bus.now);
            self.model.deliver(self.bus.now);
            if next == end && self.bus.broker.poll_timeout().is_none_or(|at| at > end) {
                return;
            }
        }
    }

    /// The bus is killed while the store works on a batch, and comes up again from what was stored before.
    fn crash(&mut self) {
        let mut stored = vec![None; self.model.all.len()];
        for record in self.bus.memory.records() {
            match record {
                Record::Message(accepted, progress) => {
                    stored[accepted.seq.0 as usize - 1] = Some((false, progress));
                }
                Record::Dead(accepted, death) => {
                    stored[accepted.seq.0 as usize - 1] = Some((true, death.progress));
                }
                _ => {}
            }
        }
        for (message, stored) in self.model.all.iter_mut().zip(stored) {
            let lives = !matches!(message.state, State::Unstored | State::Done | State::Void);
            assert!(stored.is_some() || !lives, "{message:?} is lost");
            let was_told = self.model.told.contains(&(message.from, message.id.clone()));
            let Some((is_dead, progress)) = stored else {
                // One that was never stored never was, and may come again; one that was done has gone for good.
                if message.state == State::Unstored {
                    message.state = State::Void;
                }
                continue;
            };
            assert!(is_dead || !was_told, "{message:?} is told to be dead and is not");
            assert!(
                message.state != State::Unstored && message.state != State::Void,
                "{message:?} is invented"
            );
            (message.attempts, message.deliveries) = (progress.attempts, progress.deliveries);
            message.state = match () {
                () if is_dead || (progress.is_out && progress.deliveries >= DELIVERIES) => State::Dead,
                () if progress.deliveries == 0 => State::Waiting,
                () => State::Again,
            };
        }
        // Places of what never was are given again, if nothing after them was stored.
        let last = |message: &Message| message.state != State::Void;
        let len = self.model.all.iter().rposition(last).map_or(0, |i| i + 1);
        self.model.all.truncate(len);
        self.model.conns = [None; 3];
        self.model.congested = [false; 3];
        self.model.heard.clear();
        self.bus.restart();
    }

    fn check(&mut self) {
        for (service, conns) in CONNS.iter().enumerate() {
            for conn in conns {
                let heard = self.bus.heard(conn);
                let messages: Vec<_> = heard.iter().filter(|frame| frame.contains('#')).cloned().collect();
                assert_eq!(messages, self.model.heard.remove(conn).unwrap_or_default(), "{conn}");
                for frame in heard {
                    if let Some((id, _)) = frame.strip_prefix("dead ").and_then(|rest| rest.split_once(':')) {
                        assert!(self.model.told.insert((service, id.into())), "{id} died twice");
                    }
                    if let Some(id) = frame.strip_prefix("accepted ") {
                        let known =
                            |m: &Message| m.from == service && m.id == id && m.state != State::Unstored;
                        assert!(self.model.all.iter().any(known), "{id} is accepted before it is stored");
                    }
                }
            }
        }
        let count = |is: fn(State) -> bool| (0..3).map(|to| self.model.with(to, is).len()).sum::<usize>();
        let stats = self.bus.broker.stats();
        assert_eq!(stats.unacknowledged, count(|s| matches!(s, State::Out(_))));
        assert_eq!(stats.dead_letters, count(|s| s == State::Dead));
        assert_eq!(stats.pending, count(|s| !matches!(s, State::Dead | State::Done | State::Void)));
    }
}

proptest! {
    #[test]
    fn it_does_what_a_naive_one_does(steps in steps()) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        // All that is stored is what the broker knows: with nothing under way, it comes up as it was.
        while run.bus.batch.is_some() || run.bus.broker.poll_timeout().is_some_and(|at| at <= run.bus.now + Duration::from_millis(5)) {
            run.step(Step::Store);
            run.step(Step::Pass { millis: 5 });
        }
        let ids: Vec<_> = run.model.all.iter().map(|m| (m.from, m.id.clone(), m.state)).collect();
        run.step(Step::Crash);
        for (from, id, state) in ids {
            let is_known = run.model.is_known(from, &id);
            prop_assert_eq!(is_known, state != State::Void);
            prop_assert_eq!(run.bus.broker.dedupe.has(&name(SERVICES[from]), &name(&id)), is_known);
        }
        // And all that lives arrives.
        for service in 0..3 {
            run.step(Step::Register { service, conn: 0 });
        }
        for _ in 0..1000 {
            (0..3).for_each(|by| run.step(Step::Ack { by, which: 0 }));
            run.step(Step::Pass { millis: 20 });
            run.step(Step::Store);
        }
        run.step(Step::Pass { millis: 10_000 });
        (0..3).for_each(|by| run.step(Step::Ack { by, which: 0 }));
        prop_assert_eq!(run.bus.broker.stats().pending, 0);
    }
}
