//! A few machines, and what they say to each other.

mod bounds;
mod messages;
mod nodes;
mod rolls;
mod subjects;

use super::wire::{Frame, decode};
use super::*;
use crate::base::{Entropy, Instant};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// A frame on its way.
struct Flying {
    from: usize,
    subject: Subject,
    bytes: Bytes,
}

impl Flying {
    /// What it is.
    fn kind(&self) -> &'static str {
        match decode(&self.bytes).expect("a machine says it").1 {
            Frame::Message { .. } => "message",
            Frame::Step(_) => "step",
            Frame::Roll(_) => "roll",
            Frame::Ask(_) => "ask",
            Frame::Page(_) => "page",
            Frame::Goodbye => "goodbye",
        }
    }
}

/// Machines, all up.
struct Few {
    now: Instant,
    meshes: Vec<Mesh>,
    flying: Vec<Flying>,
    /// Frames that were carried, by kind.
    carried: Vec<(&'static str, usize)>,
}

fn room() -> Subject {
    Subject::group("room").unwrap()
}

fn id(mesh: usize) -> NodeId {
    Mesh::new(Instant::ORIGIN, Config::default(), entropy(mesh)).node()
}

fn entropy(mesh: usize) -> Entropy {
    Entropy::from_seed([mesh as u8 + 1; 32])
}

impl Few {
    fn new(count: usize, config: Config) -> Self {
        let now = Instant::ORIGIN;
        let meshes = (0..count).map(|mesh| Mesh::new(now, config, entropy(mesh))).collect();
        let mut few = Self { now, meshes, flying: Vec::new(), carried: Vec::new() };
        few.meshes.iter_mut().for_each(|mesh| mesh.handle_up(now));
        few.run();
        few.pass(Duration::from_secs(3));
        (0..count).for_each(|mesh| drop(few.told(mesh)));
        few
    }

    /// What all publish now is on its way.
    fn fly(&mut self) {
        for (from, mesh) in self.meshes.iter_mut().enumerate() {
            while let Some(action) = mesh.poll_action() {
                if let Action::Publish { subject, bytes, .. } = action {
                    self.flying.push(Flying { from, subject, bytes });
                }
            }
        }
    }

    /// All that is on its way comes, to all; what it brings forth, too.
    fn run(&mut self) {
        self.lose(|_, _| false);
    }

    /// The same, but for what is lost: which frame, to whom.
    fn lose(&mut self, is_lost: impl Fn(&Flying, usize) -> bool) {
        self.fly();
        while !self.flying.is_empty() {
            for flying in core::mem::take(&mut self.flying) {
                self.carried.push((flying.kind(), flying.from));
                for to in (0..self.meshes.len()).filter(|to| !is_lost(&flying, *to)) {
                    self.meshes[to].handle_delivered(self.now, flying.subject.as_str(), &flying.bytes);
                }
            }
            self.fly();
        }
    }

    /// Time passes, and all is done when it is due.
    fn pass(&mut self, time: Duration) {
        self.pass_losing(time, |_, _| false);
    }

    fn pass_losing(&mut self, time: Duration, is_lost: impl Fn(&Flying, usize) -> bool) {
        let end = self.now + time;
        while let Some(at) = self.meshes.iter().filter_map(Mesh::poll_timeout).min().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            for mesh in &mut self.meshes {
                mesh.handle_timeout(self.now);
                assert!(mesh.poll_timeout().is_none_or(|at| at > self.now), "time stands still");
            }
            self.lose(&is_lost);
        }
        self.now = end;
    }

    fn enter(&mut self, mesh: usize, member: &str) {
        self.meshes[mesh].enter(self.now, &room(), member, Bytes::new()).unwrap();
    }

    fn publish(&mut self, mesh: usize, payload: &'static str) -> u64 {
        self.meshes[mesh].publish(self.now, &room(), payload.into()).unwrap()
    }

    /// What one has told.
    fn told(&mut self, mesh: usize) -> Vec<String> {
        let name = |node: NodeId| (0..9).find(|mesh| id(*mesh) == node).unwrap_or(9);
        let mut told = Vec::new();
        while let Some(event) = self.meshes[mesh].poll_event() {
            told.push(match event {
                Event::Deliver { origin, sequence, payload, .. } => {
                    format!("{}:{sequence} {}", name(origin), core::str::from_utf8(&payload).unwrap())
                }
                Event::Gap { origin, first, last, .. } => format!("{}:{first}..{last}", name(origin)),
                Event::Met(node) => format!("met {}", name(node)),
                Event::Lost(node) => format!("lost {}", name(node)),
                Event::Found { node, member, .. } => format!("{}={member}", name(node)),
                Event::Entered { node, member, .. } => format!("{}+{member}", name(node)),
                Event::Changed { node, member, .. } => format!("{}~{member}", name(node)),
                Event::Left { node, member, .. } => format!("{}-{member}", name(node)),
            });
        }
        told
    }

    /// Who one thinks is in the room.
    fn members(&self, mesh: usize) -> Vec<String> {
        let mut members: Vec<String> =
            self.meshes[mesh].members(&room()).map(|(_, name, _)| name.into()).collect();
        members.sort();
        members
    }

    /// How many frames of a kind were carried.
    fn count(&self, kind: &str) -> usize {
        self.carried.iter().filter(|(of, _)| *of == kind).count()
    }
}
