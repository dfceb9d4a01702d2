//! The fuzz target of the mesh: a machine that hears whatever comes, with small limits.

use bytes::Bytes;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf::base::{Entropy, Instant};
use wharf::service::mesh::{Action, Config, Event, Mesh, NodeId, Subject};

const ROOMS: [&str; 4] = ["nodes", "all", "group.a", "group.b"];
const NAMES: [&str; 3] = ["ann", "bob", "cat"];

/// A script of moves. The first byte of each says what is done, the next one where and by whom. A first byte that is none of the letters is the
/// length of a frame, which comes there.
///
/// # Panics
/// A law is broken.
pub fn mesh(data: &[u8]) {
    let mut play = Play::new();
    let mut rest = data;
    while let Some((kind, behind)) = rest.split_first() {
        rest = play.step(*kind, behind);
        play.drain();
    }
    play.settle();
}

struct Play {
    now: Instant,
    mesh: Mesh,
    subscribed: BTreeSet<Subject>,
    met: BTreeSet<NodeId>,
    present: BTreeMap<(Subject, NodeId, Arc<str>), Bytes>,
    /// The sequence that comes next of each origin, and when the last one was told; until one is not believed any more, or forgotten.
    next: BTreeMap<(Subject, NodeId), (u64, Instant)>,
    forgotten: u64,
}

impl Play {
    fn new() -> Self {
        let mut config = Config::default();
        (config.max_nodes, config.max_subjects, config.max_members, config.max_remote_members) = (3, 2, 2, 6);
        (config.max_outbox, config.max_early, config.max_early_bytes, config.max_part) = (3, 3, 64, 32);
        let now = Instant::ORIGIN;
        let mut mesh = Mesh::new(now, config, Entropy::from_seed([1; 32]));
        mesh.handle_up(now);
        let (subscribed, met, present) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { now, mesh, subscribed, met, present, next: BTreeMap::new(), forgotten: 0 }
    }

    /// Does what is said, and hands back the rest.
    fn step<'d>(&mut self, kind: u8, rest: &'d [u8]) -> &'d [u8] {
        let Some((first, behind)) = rest.split_first() else { return rest };
        let (room, name) = (ROOMS[usize::from(first % 4)], NAMES[usize::from(first / 4 % 3)]);
        let subject: Subject = room.parse().expect("a subject");
        match kind {
            b'e' => drop(self.mesh.enter(self.now, &subject, name, Bytes::copy_from_slice(&[*first]))),
            b'l' => {
                self.mesh.leave(self.now, &subject, name);
                if !self.hears(&subject) {
                    self.present.retain(|(of, ..), _| *of != subject);
                    self.next.retain(|(of, _), _| *of != subject);
                }
            }
            b'p' => drop(self.mesh.publish(self.now, &subject, Bytes::copy_from_slice(&[*first; 3]))),
            b'u' => self.mesh.handle_up(self.now),
            b'd' => self.mesh.handle_down(self.now),
            b's' => self.mesh.handle_slow(self.now, u64::from(*first)),
            b't' => self.pass(Duration::from_millis(u64::from(*first) * 40)),
            b'c' if *first == b'!' => self.mesh.close(self.now),
            _ => {
                let (frame, behind) = behind.split_at(behind.len().min(usize::from(kind)));
                self.mesh.handle_delivered(self.now, room, &frame.to_vec().into());
                return behind;
            }
        }
        behind
    }

    fn hears(&self, subject: &Subject) -> bool {
        subject.is_all() || self.subscribed.contains(subject)
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.mesh.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.mesh.handle_timeout(self.now);
            self.drain();
            assert!(self.mesh.poll_timeout().is_none_or(|next| next > self.now), "time stands still");
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(action) = self.mesh.poll_action() {
            match action {
                Action::Subscribe(subject) => assert!(self.subscribed.insert(subject), "subscribed twice"),
                Action::Unsubscribe(subject) => {
                    assert!(self.subscribed.remove(&subject), "not subscribed");
                    self.present.retain(|(of, ..), _| *of != subject);
                    self.next.retain(|(of, _), _| *of != subject);
                }
                Action::Publish { subject, origin, bytes, .. } => {
                    assert!(origin == self.mesh.node() && self.mesh.is_up());
                    // What it says itself is its own, and no news.
                    self.mesh.handle_delivered(self.now, subject.as_str(), &bytes);
                }
                _ => {}
            }
        }
        let stats = self.mesh.stats();
        let forgotten = stats.disproved + stats.nodes_forgotten;
        if core::mem::replace(&mut self.forgotten, forgotten) != forgotten {
            self.next.clear();
        }
        while let Some(event) = self.mesh.poll_event() {
            self.told(event);
        }
        self.check();
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Deliver { subject, origin, sequence, .. } => {
                self.sequence(subject, origin, sequence, sequence)
            }
            Event::Gap { subject, origin, first, last } => self.sequence(subject, origin, first, last),
            Event::Met(node) => assert!(self.met.insert(node), "met twice"),
            Event::Lost(node) => {
                assert!(self.met.remove(&node), "not met");
                assert!(!self.present.keys().any(|(_, of, _)| *of == node), "its members stay");
            }
            Event::Found { subject, node, member, about }
            | Event::Entered { subject, node, member, about } => {
                assert!(self.present.insert((subject, node, member), about).is_none(), "it was there");
            }
            Event::Changed { subject, node, member, about } => {
                let before = self.present.insert((subject, node, member), about.clone());
                assert!(before.is_some_and(|before| before != about), "nothing changed");
            }
            Event::Left { subject, node, member } => {
                assert!(self.present.remove(&(subject, node, member)).is_some(), "it was not there");
            }
            _ => {}
        }
    }

    fn sequence(&mut self, subject: Subject, origin: NodeId, first: u64, last: u64) {
        assert!(first <= last && self.met.contains(&origin));
        // By then a subject that its node has said nothing of is forgotten, and so is a goodbye that is not true.
        let lost_after = self.mesh.config().lost_after;
        if let Some((next, at)) = self.next.insert((subject, origin), (last + 1, self.now)) {
            assert!(
                first == next || self.now - at >= lost_after,
                "twice, out of order, or not told: {next}, {first}"
            );
        }
    }

    fn check(&self) {
        let stats = self.mesh.stats();
        assert!(stats.nodes <= 3 && stats.nodes_remembered <= 3 && stats.subjects <= 2, "{stats:?}");
        assert!(stats.remote_members <= 6 && stats.local_members <= 6 && stats.outbox <= 3, "{stats:?}");
        assert!(stats.early <= 3 * 6 * 3 && stats.early_bytes <= 64, "{stats:?}");
        if self.mesh.poll_timeout().is_some() {
            assert!(self.mesh.nodes().eq(self.met.iter().copied()));
        }
    }

    /// In the end nobody is left who is not heard.
    fn settle(&mut self) {
        let is_open = self.mesh.poll_timeout().is_some();
        self.mesh.handle_up(self.now);
        self.pass(Duration::from_secs(20 * 60));
        if is_open {
            let stats = self.mesh.stats();
            assert!(self.present.is_empty() && self.met.is_empty());
            assert_eq!(
                (stats.nodes, stats.nodes_remembered, stats.remote_members, stats.early),
                (0, 0, 0, 0)
            );
        }
    }
}
