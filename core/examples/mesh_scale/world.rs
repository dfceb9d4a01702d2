//! Nodes, and what each of them knows of the others.

use crate::network::{Network, Traffic};
use crate::population::{Plan, Population, about, below, name, person, placed};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{Entropy, Instant};
use wharf::service::mesh::{Config, Event, Mesh, NodeId};

/// How often it is looked whether all agree.
const LOOK: Duration = Duration::from_millis(100);

/// People of a node in a room: how many, and the sum of [`placed`].
#[derive(Clone, Copy, Default)]
struct Own {
    count: u32,
    sum: u64,
}

/// A node that has a mesh.
struct Node {
    mesh: Mesh,
    is_alive: bool,
    is_up: bool,
    due: Option<Instant>,
    own: BTreeMap<usize, Own>,
    /// By room: the sum of [`placed`] of all of other nodes that it was told of.
    known: BTreeMap<usize, u64>,
}

/// Messages and gaps that nodes were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) messages: u64,
    pub(crate) missed: u64,
    pub(crate) lost_nodes: u64,
}

/// All of it, under a time of its own.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) population: Population,
    pub(crate) entropy: Entropy,
    pub(crate) told: Told,
    nodes: Vec<Node>,
    indexes: BTreeMap<NodeId, usize>,
    network: Network,
    due: BTreeSet<(Instant, usize)>,
    /// By room: people of all nodes.
    truth: Vec<Own>,
}

impl World {
    /// All people are connected; the nodes are not.
    pub(crate) fn new(plan: &Plan, config: Config, seed: u8) -> Self {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let population = Population::new(plan, &mut entropy);
        let now = Instant::ORIGIN;
        let node = |_| Node {
            mesh: Mesh::new(now, config, entropy.fork()),
            is_alive: true,
            is_up: false,
            due: None,
            own: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        let nodes: Vec<Node> = (0..plan.nodes).map(node).collect();
        let indexes = nodes.iter().enumerate().map(|(i, node)| (node.mesh.node(), i)).collect();
        let truth = vec![Own::default(); population.subjects.len()];
        let (network, due) = (Network::new(plan.nodes), BTreeSet::new());
        let told = Told::default();
        let mut new = Self { now, population, entropy, told, nodes, indexes, network, due, truth };
        for who in 0..new.population.people.len() {
            new.enter(who, new.population.people[who].node);
        }
        new
    }

    /// A person connects to a node.
    pub(crate) fn enter(&mut self, who: usize, to: usize) {
        self.population.people[who].node = to;
        let room = self.population.people[who].room;
        let (node, sum) = (&mut self.nodes[to], placed(who, to));
        let subject = &self.population.subjects[room];
        node.mesh.enter(self.now, subject, &name(who), about(who).into()).expect("within all limits");
        for own in [node.own.entry(room).or_default(), &mut self.truth[room]] {
            own.count += 1;
            own.sum = own.sum.wrapping_add(sum);
        }
        self.settle(to);
    }

    /// A person's connection ends, and the node notices.
    pub(crate) fn leave(&mut self, who: usize) {
        let person = self.population.people[who];
        let node = &mut self.nodes[person.node];
        node.mesh.leave(self.now, &self.population.subjects[person.room], &name(who));
        let own = node.own.get_mut(&person.room).expect("it is there");
        for own in [&mut *own, &mut self.truth[person.room]] {
            own.count -= 1;
            own.sum = own.sum.wrapping_sub(placed(who, person.node));
        }
        if own.count == 0 {
            node.own.remove(&person.room);
            node.known.remove(&person.room);
        }
        self.settle(person.node);
    }

    /// A person says something; to how many nodes it is to go.
    pub(crate) fn say(&mut self, who: usize, payload: &'static [u8]) -> u64 {
        let person = self.population.people[who];
        let subject = &self.population.subjects[person.room];
        let mesh = &mut self.nodes[person.node].mesh;
        mesh.publish(self.now, subject, payload.into()).expect("within all limits");
        self.settle(person.node);
        let hears = |node: &&Node| node.is_alive && node.own.contains_key(&person.room);
        self.nodes.iter().filter(hears).count() as u64 - 1
    }

    /// A node's transport comes up.
    pub(crate) fn up(&mut self, node: usize) {
        self.nodes[node].is_up = true;
        self.nodes[node].mesh.handle_up(self.now);
        self.settle(node);
    }

    /// A node's transport goes down.
    pub(crate) fn down(&mut self, node: usize) {
        self.nodes[node].is_up = false;
        self.nodes[node].mesh.handle_down(self.now);
        self.settle(node);
    }

    /// A node dies without a word; the people who were connected to it.
    pub(crate) fn kill(&mut self, gone: usize) -> Vec<usize> {
        let node = &mut self.nodes[gone];
        (node.is_alive, node.is_up) = (false, false);
        if let Some(at) = node.due.take() {
            self.due.remove(&(at, gone));
        }
        for (room, own) in core::mem::take(&mut node.own) {
            self.truth[room].count -= own.count;
            self.truth[room].sum = self.truth[room].sum.wrapping_sub(own.sum);
        }
        self.network.forget(gone);
        let people = self.population.people.iter().enumerate();
        people.filter(|(_, person)| person.node == gone).map(|(who, _)| who).collect()
    }

    /// Nodes that live.
    pub(crate) fn living(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_alive).collect()
    }

    /// Any node, to kill it.
    pub(crate) fn any(&mut self) -> usize {
        below(&mut self.entropy, self.nodes.len())
    }

    /// A node that lives, to which a person connects.
    pub(crate) fn near(&mut self, who: usize) -> usize {
        loop {
            let node = self.population.near(self.population.people[who].room, &mut self.entropy);
            if self.nodes[node].is_alive {
                return node;
            }
        }
    }

    /// Runs until then.
    pub(crate) fn run_until(&mut self, end: Instant) {
        loop {
            let due = self.due.first().copied();
            let flight = self.network.next().filter(|at| due.is_none_or(|(due, _)| *at <= due));
            let Some(at) = flight.or(due.map(|(at, _)| at)).filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            self.network.tick(self.now);
            if flight.is_some() {
                self.arrive();
            } else if let Some((_, node)) = due {
                self.nodes[node].mesh.handle_timeout(self.now);
                self.settle(node);
            }
        }
        self.now = end;
    }

    /// Runs until all agree, or so long at most; how long it took.
    pub(crate) fn run_until_agreed(&mut self, most: Duration) -> Option<Duration> {
        let began = self.now;
        while !self.is_agreed() {
            if self.now - began >= most {
                return None;
            }
            self.run_until(self.now + LOOK);
        }
        Some(self.now - began)
    }

    /// Whether each node knows who is in each room that it hears, and on which node; and nothing else.
    pub(crate) fn is_agreed(&self) -> bool {
        self.nodes.iter().filter(|node| node.is_alive).all(|node| {
            let mut members = 0;
            let knows = node.own.iter().all(|(room, own)| {
                let truth = self.truth[*room];
                members += (truth.count - own.count) as usize;
                node.known.get(room).copied().unwrap_or(0) == truth.sum.wrapping_sub(own.sum)
            });
            knows && node.mesh.stats().remote_members == members
        })
    }

    /// What went between the nodes since this was asked last.
    pub(crate) fn traffic(&mut self) -> Traffic {
        self.network.traffic(self.now)
    }

    /// Members of other nodes that a node knows, and subjects that it hears, in the mean.
    pub(crate) fn known(&self) -> (usize, usize) {
        let all = self.nodes.iter().map(|node| node.mesh.stats());
        let (members, subjects) = all.fold((0, 0), |(members, subjects), stats| {
            (members + stats.remote_members, subjects + stats.subjects)
        });
        (members / self.nodes.len(), subjects / self.nodes.len())
    }

    fn arrive(&mut self) {
        let Some((flight, to)) = self.network.arrive(self.now) else { return };
        for node in to {
            if self.nodes[node].is_up {
                self.network.handed(node, &flight);
                self.nodes[node].mesh.handle_delivered(self.now, flight.subject.as_str(), &flight.bytes);
                self.settle(node);
            }
        }
    }

    /// Takes from a node what it has to do and to tell.
    fn settle(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while let Some(action) = node.mesh.poll_action() {
            self.network.act(self.now, index, action);
        }
        while let Some(event) = node.mesh.poll_event() {
            let change = match event {
                Event::Found { subject, node, member, .. } | Event::Entered { subject, node, member, .. } => {
                    (subject, node, member, true)
                }
                Event::Left { subject, node, member } => (subject, node, member, false),
                Event::Deliver { .. } => {
                    self.told.messages += 1;
                    continue;
                }
                Event::Gap { first, last, .. } => {
                    self.told.missed += last - first + 1;
                    continue;
                }
                Event::Lost(_) => {
                    self.told.lost_nodes += 1;
                    continue;
                }
                _ => continue,
            };
            let (subject, origin, member, is_in) = change;
            let room = subject.token().and_then(|token| token[4..].parse().ok()).expect("a room's");
            let sum = placed(person(&member), self.indexes[&origin]);
            let known = node.known.entry(room).or_default();
            *known = if is_in { known.wrapping_add(sum) } else { known.wrapping_sub(sum) };
        }
        let due = node.mesh.poll_timeout();
        if due != node.due {
            node.due.map(|at| self.due.remove(&(at, index)));
            due.map(|at| self.due.insert((at, index)));
            node.due = due;
        }
    }
}
