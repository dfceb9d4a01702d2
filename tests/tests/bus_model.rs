//! All that can happen, in any order, to two messages between two services and a broker that crashes once: none is lost, none is handed
//! to two owners, none is handed out before it is on disk.
//!
//! What is explored is the broker itself. A state is how it came about; two that look alike, inside and outside, are one.
#![forbid(unsafe_code)]

use stateright::{Checker, Model, Property};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;
use wharf::base::{Instant, Wall};
use wharf::service::bus::{Action, Batch, Broker, BusConfig, FromBus, Memory, Record, Restoring};

const MESSAGES: [&str; 2] = ["m-1", "m-2"];
/// How often each may happen.
const CONNECTS: u8 = 2;
const TICKS: u8 = 2;
const SAYS: u8 = 2;

/// The two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Who {
    Shop,
    Mail,
}

/// What may happen next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// A new connection registers, whether there is one already or not.
    Connect(Who),
    /// The connection that is registered ends.
    Drop(Who),
    /// The shop sends a message, for the first time or again.
    Say(usize),
    /// The batch that is under way is on disk.
    Store,
    /// The mail acknowledges a message that it was handed on its connection.
    Ack(usize),
    Nack(usize),
    /// The time for an acknowledgement passes.
    Tick,
    /// The process is killed. What was under way is on disk, or it is not.
    Crash {
        is_stored: bool,
    },
}

/// A connection, by number.
type Conn = u32;

/// The broker, its disk, and what its services have seen.
#[derive(Debug)]
struct World {
    broker: Broker<Conn>,
    disk: Memory,
    under_way: Option<Batch>,
    now: Instant,
    next: Conn,
    /// Who is registered, as far as that service knows.
    conns: BTreeMap<Who, Conn>,
    /// Connections that neither side has ended.
    alive: BTreeSet<Conn>,
    /// What each connection was handed and has neither acknowledged nor refused.
    handed: BTreeMap<(Conn, usize), ()>,
    accepted: BTreeSet<usize>,
    said: BTreeSet<usize>,
    acknowledged: BTreeSet<usize>,
    connects: BTreeMap<Who, u8>,
    says: BTreeMap<usize, u8>,
    ticks: u8,
    has_crashed: bool,
    /// What must not be.
    wrong: Option<&'static str>,
}

fn config() -> BusConfig {
    let mut config = BusConfig::default();
    // Nothing but what is explored takes time.
    (config.heartbeat, config.gone_after) = (Duration::from_secs(1 << 20), Duration::from_secs(1 << 20));
    (config.register_timeout, config.batch_wait) = (Duration::from_secs(1 << 20), Duration::ZERO);
    config.attempts = 4;
    config
}

impl World {
    fn new() -> Self {
        let broker = Broker::new(config());
        Self {
            broker,
            disk: Memory::default(),
            under_way: None,
            now: Instant::ORIGIN,
            next: 0,
            conns: BTreeMap::new(),
            alive: BTreeSet::new(),
            handed: BTreeMap::new(),
            accepted: BTreeSet::new(),
            said: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            connects: BTreeMap::new(),
            says: BTreeMap::new(),
            ticks: 0,
            has_crashed: false,
            wrong: None,
        }
    }

    fn of(steps: &[Step]) -> Self {
        let mut world = Self::new();
        steps.iter().for_each(|step| world.take(step));
        world
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for who in [Who::Shop, Who::Mail] {
            if self.connects.get(&who).is_none_or(|count| *count < CONNECTS) {
                steps.push(Step::Connect(who));
            }
            if self.conns.contains_key(&who) {
                steps.push(Step::Drop(who));
            }
        }
        for k in 0..MESSAGES.len() {
            let is_first = self.says.get(&k).is_none_or(|count| *count < SAYS);
            if self.conns.contains_key(&Who::Shop) && is_first {
                steps.push(Step::Say(k));
            }
            if self.conns.get(&Who::Mail).is_some_and(|conn| self.handed.contains_key(&(*conn, k))) {
                steps.extend([Step::Ack(k), Step::Nack(k)]);
            }
        }
        if self.under_way.is_some() {
            steps.push(Step::Store);
        }
        if self.ticks < TICKS {
            steps.push(Step::Tick);
        }
        if !self.has_crashed {
            steps.push(Step::Crash { is_stored: false });
            if self.under_way.is_some() {
                steps.push(Step::Crash { is_stored: true });
            }
        }
        steps
    }

    fn take(&mut self, step: &Step) {
        let wall = Wall::default();
        match *step {
            Step::Connect(who) => {
                let conn = self.next;
                self.next += 1;
                *self.connects.entry(who).or_default() += 1;
                self.alive.insert(conn);
                self.conns.insert(who, conn);
                self.broker.opened(self.now, conn);
                let id = if who == Who::Shop { "shop" } else { "mail" };
                self.say(conn, &format!(r#"{{"type":"register","serviceId":"{id}"}}"#));
            }
            Step::Drop(who) => {
                if let Some(conn) = self.conns.remove(&who) {
                    self.end(conn);
                    self.broker.closed(self.now, wall, conn);
                }
            }
            Step::Say(k) => {
                *self.says.entry(k).or_default() += 1;
                self.said.insert(k);
                let id = MESSAGES[k];
                let message = format!(
                    r#"{{"id":"{id}","from":"shop","to":"mail","type":"t","payload":{k},"timestamp":0}}"#
                );
                self.say(self.conns[&Who::Shop], &format!(r#"{{"type":"message","message":{message}}}"#));
            }
            Step::Store => self.store(),
            Step::Ack(k) => {
                let conn = self.conns[&Who::Mail];
                self.handed.remove(&(conn, k));
                self.acknowledged.insert(k);
                self.say(conn, &format!(r#"{{"type":"ack","messageId":"{}"}}"#, MESSAGES[k]));
            }
            Step::Nack(k) => {
                let conn = self.conns[&Who::Mail];
                self.handed.remove(&(conn, k));
                let id = MESSAGES[k];
                self.say(conn, &format!(r#"{{"type":"nack","messageId":"{id}","reason":"busy"}}"#));
            }
            Step::Tick => {
                self.ticks += 1;
                self.now += Duration::from_secs(31);
                // Whoever was handed something has lost it by now.
                self.handed.clear();
                self.broker.handle_timeout(self.now, wall);
            }
            Step::Crash { is_stored } => {
                if is_stored {
                    self.write();
                }
                self.crash();
            }
        }
        self.settle();
    }

    fn say(&mut self, conn: Conn, frame: &str) {
        self.broker.receive(self.now, Wall::default(), conn, frame);
    }

    fn end(&mut self, conn: Conn) {
        self.alive.remove(&conn);
        self.handed.retain(|(other, _), ()| *other != conn);
    }

    fn write(&mut self) {
        if let Some(batch) = self.under_way.take()
            && self.disk.carry_out(&batch).is_err()
        {
            self.wrong = Some("a batch does not fit what is stored");
        }
    }

    fn store(&mut self) {
        self.write();
        self.broker.stored(self.now, Wall::default());
    }

    fn crash(&mut self) {
        self.has_crashed = true;
        self.under_way = None;
        self.conns.clear();
        self.alive.clear();
        self.handed.clear();
        let mut restoring = Restoring::new(config());
        for record in self.disk.records() {
            if restoring.record(record).is_err() {
                self.wrong = Some("what was stored cannot be restored");
            }
        }
        self.broker = restoring.finish(self.now, Wall::default());
    }

    fn settle(&mut self) {
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => self.under_way = Some(batch),
                Action::Send { conn, frame } => self.hear(conn, &frame),
                Action::Close { conn, .. } => {
                    self.end(conn);
                    self.conns.retain(|_, other| *other != conn);
                    self.broker.closed(self.now, Wall::default(), conn);
                }
                _ => {}
            }
        }
    }

    fn hear(&mut self, conn: Conn, frame: &str) {
        let index = |id: &str| MESSAGES.iter().position(|message| *message == id);
        match FromBus::decode(frame) {
            Ok(FromBus::Accepted { message_id }) => {
                let Some(k) = index(message_id.as_str()) else { return self.wrong = Some("who is that?") };
                if !self.is_kept(k) && !self.acknowledged.contains(&k) {
                    self.wrong = Some("accepted and not on disk");
                }
                self.accepted.insert(k);
            }
            Ok(FromBus::Message(envelope)) => {
                let Some(k) = index(envelope.id.as_str()) else { return self.wrong = Some("an invention") };
                if !self.said.contains(&k) || !self.is_kept(k) {
                    self.wrong = Some("handed out and not on disk");
                }
                if self
                    .handed
                    .keys()
                    .any(|(other, held)| *held == k && *other != conn && self.alive.contains(other))
                {
                    self.wrong = Some("two owners");
                }
                self.handed.insert((conn, k), ());
            }
            Ok(FromBus::Error { .. } | FromBus::Rejected { .. }) => {}
            Ok(_) => {}
            Err(_) => self.wrong = Some("no frame"),
        }
    }

    /// Whether it is on disk, alive or dead.
    fn is_kept(&self, k: usize) -> bool {
        self.disk.records().any(|record| match record {
            Record::Message(accepted, _) | Record::Dead(accepted, _) => accepted.id.as_str() == MESSAGES[k],
            _ => false,
        })
    }

    fn is_lost(&self) -> bool {
        self.accepted.iter().any(|k| !self.is_kept(*k) && !self.acknowledged.contains(k))
    }
}

/// A state, by what led to it and what it looks like.
#[derive(Clone, Debug)]
struct State {
    steps: Vec<Step>,
    looks: u64,
    wrong: Option<&'static str>,
    is_lost: bool,
    is_done: bool,
}

impl State {
    fn of(steps: Vec<Step>) -> Self {
        let world = World::of(&steps);
        let mut hasher = std::hash::DefaultHasher::new();
        format!("{world:?}").hash(&mut hasher);
        let is_done = world.acknowledged.len() == MESSAGES.len();
        Self { steps, looks: hasher.finish(), wrong: world.wrong, is_lost: world.is_lost(), is_done }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.looks == other.looks
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.looks.hash(state);
    }
}

struct Bus {
    /// Most steps.
    depth: usize,
}

impl Model for Bus {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::of(Vec::new())]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        if state.steps.len() < self.depth {
            actions.extend(World::of(&state.steps).steps());
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut steps = last.steps.clone();
        steps.push(step);
        Some(State::of(steps))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is wrong", |_, state: &State| state.wrong.is_none()),
            Property::always("nothing accepted is lost", |_, state: &State| !state.is_lost),
            Property::sometimes("all is done after a crash", |_, state: &State| {
                state.is_done && state.steps.iter().any(|step| matches!(step, Step::Crash { .. }))
            }),
        ]
    }
}

/// `WHARF_MODEL_DEPTH` says how many steps are explored.
#[test]
fn no_order_of_events_loses_a_message_or_hands_it_to_two() {
    let depth = std::env::var("WHARF_MODEL_DEPTH").ok().and_then(|depth| depth.parse().ok()).unwrap_or(8);
    let checker = Bus { depth }.checker().threads(2).spawn_bfs().join();
    println!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    for (property, path) in checker.discoveries() {
        let last = path.last_state();
        assert!(
            property == "all is done after a crash",
            "{property}: {:?} after {:#?}",
            last.wrong,
            last.steps
        );
    }
}
