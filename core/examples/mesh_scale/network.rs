//! The fan-out between the nodes, and what goes through it.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use wharf::base::Instant;
use wharf::service::mesh::{Action, Subject};

/// From one node to another.
const DELAY: Duration = Duration::from_millis(1);
/// Bytes of a protocol line of NATS besides the subject, `MSG wharf.chat.SUBJECT 1234567 1234`, its end and that of the payload.
const LINE: u64 = 31;
/// What frames are for.
pub(crate) const KINDS: [&str; 5] = ["beats", "steps", "rolls", "asks", "messages"];

/// Something on its way to all who hear its subject.
pub(crate) struct Flight {
    at: Instant,
    pub(crate) from: usize,
    pub(crate) subject: Subject,
    pub(crate) bytes: bytes::Bytes,
    pub(crate) kind: usize,
}

/// Frames and their bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.frames += 1;
        self.bytes += bytes;
    }
}

/// What went through a network since it was asked last.
#[derive(Clone, Default)]
pub(crate) struct Traffic {
    /// By kind: what nodes published.
    pub(crate) out: [Count; KINDS.len()],
    /// By kind: what was handed to nodes.
    pub(crate) into: [Count; KINDS.len()],
    /// The most bytes that one node published in one second, and that one was handed.
    pub(crate) most: [u64; 2],
    /// The most bytes that were handed out to all in one second.
    pub(crate) most_of_all: u64,
}

/// A server that hands what is published on a subject to all who have subscribed, but the publisher; in order, and nothing is lost.
pub(crate) struct Network {
    subscribed: BTreeMap<Subject, Vec<usize>>,
    flights: VecDeque<Flight>,
    traffic: Traffic,
    /// Bytes out of each node and into it in the current second.
    second: Vec<[u64; 2]>,
    second_ends: Instant,
}

impl Network {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            subscribed: BTreeMap::new(),
            flights: VecDeque::new(),
            traffic: Traffic::default(),
            second: vec![[0; 2]; nodes],
            second_ends: Instant::ORIGIN + Duration::from_secs(1),
        }
    }

    /// Does what a node says.
    pub(crate) fn act(&mut self, now: Instant, from: usize, action: Action) {
        match action {
            Action::Subscribe(subject) => {
                let nodes = self.subscribed.entry(subject).or_default();
                if let Err(at) = nodes.binary_search(&from) {
                    nodes.insert(at, from);
                }
            }
            Action::Unsubscribe(subject) => {
                if let Some(nodes) = self.subscribed.get_mut(&subject) {
                    nodes.retain(|node| *node != from);
                }
            }
            Action::Publish { subject, bytes, sequence, .. } => {
                let kind = kind_of(&subject, sequence, &bytes);
                let len = LINE + (subject.as_str().len() + bytes.len()) as u64;
                self.traffic.out[kind].add(len);
                self.second[from][0] += len;
                self.flights.push_back(Flight { at: now + DELAY, from, subject, bytes, kind });
            }
            _ => unreachable!("the mesh asks for nothing else"),
        }
    }

    /// A node is there no more.
    pub(crate) fn forget(&mut self, gone: usize) {
        self.subscribed.values_mut().for_each(|nodes| nodes.retain(|node| *node != gone));
    }

    /// When something arrives next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.flights.front().map(|flight| flight.at)
    }

    /// What arrives by `now`, and where.
    pub(crate) fn arrive(&mut self, now: Instant) -> Option<(Flight, Vec<usize>)> {
        self.flights.front().filter(|flight| flight.at <= now)?;
        let flight = self.flights.pop_front()?;
        let nodes = self.subscribed.get(&flight.subject).into_iter().flatten();
        let others = nodes.copied().filter(|node| *node != flight.from).collect();
        Some((flight, others))
    }

    /// A node is handed something.
    pub(crate) fn handed(&mut self, to: usize, flight: &Flight) {
        let len = LINE + (flight.subject.as_str().len() + flight.bytes.len()) as u64;
        self.traffic.into[flight.kind].add(len);
        self.second[to][1] += len;
    }

    /// The time goes on.
    pub(crate) fn tick(&mut self, now: Instant) {
        if now < self.second_ends {
            return;
        }
        self.second_ends = now + Duration::from_secs(1);
        let of_all = self.second.iter().map(|[_, into]| into).sum();
        self.traffic.most_of_all = self.traffic.most_of_all.max(of_all);
        for node in &mut self.second {
            for (most, now) in self.traffic.most.iter_mut().zip(*node) {
                *most = (*most).max(now);
            }
            *node = [0; 2];
        }
    }

    /// What went through it since this was asked last.
    pub(crate) fn traffic(&mut self, now: Instant) -> Traffic {
        self.second_ends = now;
        self.tick(now);
        core::mem::take(&mut self.traffic)
    }
}

/// What a frame is for; the fourth byte of the machine's own frames says so.
fn kind_of(subject: &Subject, sequence: u64, bytes: &[u8]) -> usize {
    match bytes[3] {
        _ if subject.is_nodes() => 0,
        _ if sequence > 0 => 4,
        2 | 3 => 1,
        4 => 2,
        _ => 3,
    }
}
