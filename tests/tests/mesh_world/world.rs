//! Nodes and what carries their frames, from begin to end.

use super::setup::{MEMBERS, Setup};
use super::spoiling;
use super::station::Station;
use super::truth::Truth;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::mesh::{NodeId, PublishError, Subject};
use wharf::sim::Dice;
use wharf_tests::bus_world::Tally;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) hash: u64,
    pub(super) tally: Tally,
}

#[derive(Debug)]
struct Arrival {
    /// For which node, where.
    to: (usize, NodeId),
    subject: Subject,
    bytes: Bytes,
}

/// Nodes, and what carries their frames.
#[derive(Debug)]
pub(super) struct World {
    now: Instant,
    dice: Dice<'static>,
    setup: Setup,
    /// `None`: it is dead, and another may start in its place.
    stations: Vec<Option<Station>>,
    arrivals: BTreeMap<(Instant, u64), Arrival>,
    /// When the last frame of a node comes to another.
    lines: BTreeMap<(usize, usize), Instant>,
    /// Pairs between which nothing comes through.
    cut: BTreeSet<(usize, usize)>,
    truth: Truth,
    subjects: Vec<Subject>,
    count: u64,
}

impl World {
    pub(super) fn new(seed: u64, is_printed: bool) -> Self {
        let mut dice = Dice::seeded(seed);
        let setup = Setup::any(&mut dice);
        let groups = (0..setup.groups).map(|i| Subject::group(&format!("g{i}")).expect("a token"));
        let subjects = groups.chain([Subject::all()]).collect();
        let truth = Truth::new(&setup, is_printed);
        truth.say(format_args!("{setup:?}"));
        Self {
            now: Instant::ORIGIN,
            dice,
            setup,
            stations: (0..setup.nodes).map(|_| None).collect(),
            arrivals: BTreeMap::new(),
            lines: BTreeMap::new(),
            cut: BTreeSet::new(),
            truth,
            subjects,
            count: 0,
        }
    }

    /// All of it.
    pub(super) fn run(mut self) -> Report {
        for slot in 0..self.stations.len() {
            self.start(slot);
        }
        let end = self.now + self.setup.lasts;
        while self.now < end {
            self.happen();
            let pause = self.dice.below(2 * self.setup.pace.as_millis() as usize);
            self.pass(self.now + Duration::from_millis(pause as u64));
        }
        let deadline = self.setup.deadline();
        self.heal();
        self.pass(self.now + deadline);
        self.agree();
        self.say_and_see();
        self.agree();
        self.finish()
    }

    /// Faults are over.
    fn heal(&mut self) {
        self.truth.say(format_args!("{:?}: healed", self.now));
        self.setup = self.setup.healed();
        self.cut.clear();
        for slot in 0..self.stations.len() {
            self.up(slot, true);
        }
    }

    /// Messages under light losses alone: each comes to all, or they are told that it did not.
    fn say_and_see(&mut self) {
        let before = self.setup;
        if !self.truth.is_calm {
            self.setup.drops = 30;
        }
        let mut said = Vec::new();
        for slot in 0..self.stations.len() {
            let Some(station) = &self.stations[slot] else { continue };
            let (node, subjects) = (station.mesh.node(), station.own.keys().cloned().collect::<Vec<_>>());
            for _ in 0..3 {
                for subject in &subjects {
                    said.extend(
                        self.publish(slot, subject).map(|sequence| (node, subject.clone(), sequence)),
                    );
                }
                self.pass(self.now + Duration::from_millis(30));
            }
        }
        self.setup = before;
        self.pass(self.now + self.setup.deadline());
        for station in self.stations.iter().flatten() {
            for (node, subject, sequence) in &said {
                if *node != station.mesh.node() && station.hears(subject) {
                    let book = station.books.get(&(subject.clone(), *node));
                    assert!(
                        book.is_some_and(|book| book.has_told(*sequence)),
                        "{sequence} of {node} is not told"
                    );
                }
            }
        }
    }

    /// All know of all what there is.
    fn agree(&self) {
        let live = || self.stations.iter().flatten();
        let nodes: BTreeSet<NodeId> = live().map(|station| station.mesh.node()).collect();
        for station in live() {
            let own = station.mesh.node();
            let others: Vec<NodeId> = nodes.iter().copied().filter(|node| *node != own).collect();
            assert_eq!(station.mesh.nodes().collect::<Vec<_>>(), others, "{own} knows of others");
            for subject in self.subjects.iter().filter(|subject| station.hears(subject)) {
                let known: BTreeMap<_, _> =
                    station.mesh.members(subject).map(|(node, name, about)| ((node, name), about)).collect();
                let there = live().filter(|other| other.mesh.node() != own);
                let there = there.flat_map(|other| {
                    let members = other.own.get(subject).into_iter().flatten();
                    members.map(move |(name, about)| ((other.mesh.node(), name.as_str()), about))
                });
                assert_eq!(known, there.collect(), "{own} in {subject}");
            }
        }
    }

    fn finish(mut self) -> Report {
        for slot in 0..self.stations.len() {
            self.retire(slot);
        }
        Report { hash: self.truth.hash(), tally: self.truth.tally }
    }

    /// One thing is done.
    fn happen(&mut self) {
        let slot = self.dice.below(self.stations.len());
        if self.stations[slot].is_none() {
            if self.dice.percent(20) {
                self.start(slot);
            }
            return;
        }
        let subject = self.subjects[self.dice.below(self.subjects.len())].clone();
        let member = self.dice.pick(&MEMBERS);
        match self.dice.below(100) {
            0..25 => self.enter(slot, &subject, member),
            25..35 => {
                let now = self.now;
                self.with(slot, |station| station.leave(now, &subject, member));
            }
            35..90 => {
                self.publish(slot, &subject);
            }
            90..92 if self.setup.deaths => self.die(slot, false),
            92..93 if self.setup.deaths => self.die(slot, true),
            93..96 if self.setup.downs => {
                let is_up = self.stations[slot].as_ref().is_some_and(|station| station.mesh.is_up());
                self.up(slot, !is_up);
            }
            96..98 if self.setup.partitions => self.partition(slot),
            98 => {
                let (now, dropped) = (self.now, self.dice.below(9) as u64);
                self.with(slot, |station| station.mesh.handle_slow(now, dropped));
            }
            _ => {}
        }
    }

    fn start(&mut self, slot: usize) {
        let mut seed = [0; 32];
        self.dice.fill(&mut seed);
        self.stations[slot] = Some(Station::new(self.now, self.setup.config, seed));
        self.with(slot, |_| {});
        self.up(slot, true);
    }

    fn up(&mut self, slot: usize, is_up: bool) {
        let now = self.now;
        if !is_up {
            self.truth.tally.count("downs");
        }
        let up = |station: &mut Station| {
            if is_up { station.mesh.handle_up(now) } else { station.mesh.handle_down(now) }
        };
        self.with(slot, up);
    }

    fn die(&mut self, slot: usize, says_goodbye: bool) {
        self.truth.tally.count(if says_goodbye { "goodbyes" } else { "deaths" });
        let now = self.now;
        if says_goodbye {
            self.with(slot, |station| station.mesh.close(now));
            let mesh = self.stations[slot].as_ref().map(|station| &station.mesh);
            assert!(mesh.is_some_and(|mesh| mesh.poll_timeout().is_none()), "it still waits");
        }
        self.truth.say(format_args!("{now:?}: {slot} dies, {says_goodbye}"));
        self.retire(slot);
    }

    fn retire(&mut self, slot: usize) {
        let Some(station) = self.stations[slot].take() else { return };
        let (stats, tally) = (station.mesh.stats(), &mut self.truth.tally);
        tally.add("duplicates", stats.duplicates);
        tally.add("hurried", stats.hurried);
        tally.add("rolls sent", stats.rolls_sent);
        tally.add("rolls taken", stats.rolls_taken);
        tally.add("outbox dropped", stats.outbox_dropped);
        tally.add("late", stats.late);
        tally.add("own", stats.own);
        tally.add("malformed", stats.malformed);
        tally.add("misplaced", stats.misplaced);
        tally.add("disproved", stats.disproved);
        tally.add("leaps", stats.leaps);
        tally.add("members refused", stats.members_refused);
        tally.add("nodes forgotten", stats.nodes_forgotten);
        tally.add("nodes refused", stats.nodes_refused);
        tally.add("subjects forgotten", stats.subjects_forgotten);
        assert!(stats.disproved == 0 || self.truth.is_forged, "a node is not believed");
    }

    fn partition(&mut self, slot: usize) {
        if self.cut.is_empty() {
            self.truth.tally.count("partitions");
            let side: Vec<bool> =
                (0..self.stations.len()).map(|at| at == slot || self.dice.percent(30)).collect();
            let one_way = self.dice.percent(20);
            for (a, b) in (0..side.len()).flat_map(|a| (0..side.len()).map(move |b| (a, b))) {
                if side[a] != side[b] && (side[a] || !one_way) {
                    self.cut.insert((a, b));
                }
            }
        } else {
            self.cut.clear();
        }
        self.truth.say(format_args!("{:?}: cut {:?}", self.now, self.cut));
    }

    fn enter(&mut self, slot: usize, subject: &Subject, member: &str) {
        let (now, is_tight) = (self.now, self.setup.is_tight);
        let about = self.dice.pick(&["", "x", "is away", "types"]);
        self.with(slot, |station| {
            station.enter(now, subject, member, Bytes::from_static(about.as_bytes()), is_tight)
        });
    }

    fn publish(&mut self, slot: usize, subject: &Subject) -> Option<u64> {
        self.count += 1;
        let (now, payload) = (self.now, Bytes::from(format!("{:>1$}", self.count, self.dice.below(40))));
        let station = self.stations[slot].as_mut()?;
        let sequence = match station.mesh.publish(now, subject, payload.clone()) {
            Err(PublishError::TooManySubjects { .. }) if self.setup.is_tight => return None,
            taken => taken.expect("it is taken"),
        };
        let node = station.mesh.node();
        self.truth.publish(now, node, subject, sequence, payload);
        self.with(slot, |_| {});
        Some(sequence)
    }

    /// Does something to a node, and what comes of it.
    fn with(&mut self, slot: usize, act: impl FnOnce(&mut Station)) {
        let Some(station) = &mut self.stations[slot] else { return };
        act(station);
        station.tell(&mut self.truth);
        let frames = station.act(self.now);
        for (subject, bytes) in frames {
            self.carry(slot, &subject, &bytes);
        }
    }

    /// Brings a frame to all who are to hear it, as well as it goes.
    fn carry(&mut self, from: usize, subject: &Subject, bytes: &Bytes) {
        for to in 0..self.stations.len() {
            let Some(station) = &self.stations[to] else { continue };
            let node = station.mesh.node();
            let is_lost =
                self.cut.contains(&(from, to)) || (from != to && self.dice.percent(self.setup.drops));
            if !station.mesh.is_up() || !station.subscribed.contains_key(subject) || is_lost {
                continue;
            }
            let copies = 1 + usize::from(self.dice.percent(self.setup.duplicates));
            for _ in 0..copies {
                let nanos = self.setup.delay.as_nanos() as usize;
                let mut at = self.now + Duration::from_nanos(self.dice.below(nanos.saturating_add(1)) as u64);
                if self.setup.is_ordered {
                    let line = self.lines.entry((from, to)).or_default();
                    at = at.max(*line);
                    *line = at;
                }
                self.count += 1;
                let bytes = if self.dice.percent(self.setup.garbage) {
                    spoiling::garbage(&mut self.dice, bytes)
                } else if self.dice.percent(self.setup.forged) {
                    self.truth.tally.count("forged");
                    spoiling::forged(&mut self.dice, bytes)
                } else {
                    bytes.clone()
                };
                let arrival = Arrival { to: (to, node), subject: subject.clone(), bytes };
                self.arrivals.insert((at, self.count), arrival);
            }
        }
    }

    /// Time passes; all comes that is to come, and all is done that is due.
    fn pass(&mut self, end: Instant) {
        loop {
            let due = self.stations.iter().enumerate();
            let due =
                due.filter_map(|(slot, station)| Some((station.as_ref()?.mesh.poll_timeout()?, slot))).min();
            let arrival = self.arrivals.first_key_value().map(|(key, _)| *key);
            match (arrival, due) {
                (Some((at, _)), due) if at <= end && due.is_none_or(|(due, _)| at <= due) => {
                    self.now = self.now.max(at);
                    let (_, Arrival { to: (slot, node), subject, bytes }) =
                        self.arrivals.pop_first().expect("it is there");
                    let is_there = |station: &Station| station.mesh.node() == node && station.mesh.is_up();
                    if self.stations[slot].as_ref().is_some_and(is_there) {
                        let now = self.now;
                        self.with(slot, |station| {
                            station.mesh.handle_delivered(now, subject.as_str(), &bytes)
                        });
                    }
                }
                (_, Some((at, slot))) if at <= end => {
                    self.now = self.now.max(at);
                    let now = self.now;
                    self.with(slot, |station| {
                        station.mesh.handle_timeout(now);
                        let next = station.mesh.poll_timeout();
                        assert!(next.is_none_or(|next| next > now), "time stands still");
                    });
                }
                _ => break,
            }
        }
        self.now = end;
    }
}
