//! A node of a mesh over a real server.

use crate::node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use wharf::base;
use wharf::base::Entropy;
use wharf::service::mesh::{Action, Config, Event, Mesh, NodeId, Subject};
use wharf_nats::{NatsConfig, Notice};
use wharf_tests::adapter::PATIENCE;

/// A mesh, what carries it, and what it has told.
pub(crate) struct Station {
    pub(crate) mesh: Mesh,
    pub(crate) node: Node,
    began: Instant,
    /// Up to which message of each other it has been told everything, each delivered or in a gap, none twice.
    pub(crate) told: BTreeMap<NodeId, u64>,
    /// How many of them were delivered.
    pub(crate) delivered: BTreeMap<NodeId, u64>,
    pub(crate) lost: BTreeSet<NodeId>,
    pub(crate) ups: u32,
}

/// Times that suit a test: beats are many, and a node is not lost because the machine is busy.
pub(crate) fn times(lost_after: Duration) -> Config {
    let mut config = Config::default();
    config.beat = Duration::from_millis(100);
    config.lost_after = lost_after;
    config.patience = Duration::from_millis(500);
    config.retry = Duration::from_millis(200);
    config
}

/// The group that all of a test are in.
pub(crate) fn group() -> Subject {
    Subject::group("general").expect("a token")
}

impl Station {
    /// One that has a member of this name in the [`group`].
    pub(crate) fn begin(url: &str, member: &str, nats: &NatsConfig, config: Config) -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("randomness");
        let mut station = Self {
            mesh: Mesh::new(base::Instant::ORIGIN, config, Entropy::from_seed(seed)),
            node: Node::begin(url, nats),
            began: Instant::now(),
            told: BTreeMap::new(),
            delivered: BTreeMap::new(),
            lost: BTreeSet::new(),
            ups: 0,
        };
        station.mesh.enter(base::Instant::ORIGIN, &group(), member, "".into()).expect("it enters");
        station
    }

    pub(crate) fn now(&self) -> base::Instant {
        base::Instant::ORIGIN + self.began.elapsed()
    }

    /// Publishes in the [`group`].
    pub(crate) fn say(&mut self, count: u64) {
        for _ in 0..count {
            self.mesh.publish(self.now(), &group(), "x".repeat(100).into()).expect("it is published");
        }
    }

    /// Whom it sees in the [`group`].
    pub(crate) fn sees(&self) -> Vec<String> {
        self.mesh.members(&group()).map(|(_, member, _)| member.to_owned()).collect()
    }

    /// Does what there is to do.
    pub(crate) fn turn(&mut self) {
        while let Some(notice) = self.node.notices.try_recv() {
            self.hear(notice);
            self.tell();
        }
        self.act();
        if self.mesh.poll_timeout().is_some_and(|at| at <= self.now()) {
            self.mesh.handle_timeout(self.now());
        }
        self.act();
        self.tell();
    }

    fn hear(&mut self, notice: Notice) {
        let now = self.now();
        match notice {
            Notice::Up => {
                self.ups += 1;
                self.mesh.handle_up(now);
            }
            Notice::Down => self.mesh.handle_down(now),
            Notice::Slow { dropped } => self.mesh.handle_slow(now, dropped),
            Notice::Delivered { subject, bytes } => self.mesh.handle_delivered(now, &subject, &bytes),
            _ => {}
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.mesh.poll_action() {
            match action {
                Action::Subscribe(subject) => self.node.nats.subscribe(subject.as_str()).expect("a subject"),
                Action::Unsubscribe(subject) => self.node.nats.unsubscribe(subject.as_str()),
                // What is refused is found out by the others.
                Action::Publish { subject, bytes, .. } => {
                    let _ = self.node.nats.publish(subject.as_str(), bytes);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn tell(&mut self) {
        while let Some(event) = self.mesh.poll_event() {
            match event {
                Event::Deliver { origin, sequence, .. } => {
                    self.goes_on(origin, sequence, sequence);
                    *self.delivered.entry(origin).or_default() += 1;
                }
                Event::Gap { origin, first, last, .. } => self.goes_on(origin, first, last),
                Event::Lost(node) => {
                    self.lost.insert(node);
                }
                Event::Met(node) => {
                    self.lost.remove(&node);
                }
                _ => {}
            }
        }
    }

    fn goes_on(&mut self, origin: NodeId, first: u64, last: u64) {
        let told = self.told.entry(origin).or_default();
        assert_eq!(first, *told + 1, "told twice or not at all, of {origin:?}");
        *told = last;
    }
}

/// Lets stations go on until something is so.
pub(crate) fn until(stations: &mut [Station], what: &str, mut is_so: impl FnMut(&[Station]) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        stations.iter_mut().for_each(Station::turn);
        if is_so(stations) {
            return;
        }
        assert!(
            Instant::now() < end,
            "{what}: {:?}",
            stations.iter().map(|s| s.mesh.stats()).collect::<Vec<_>>()
        );
        // Until something comes, or the next of them may be due.
        if let Some(notice) = stations[0].node.notices.recv_timeout(Duration::from_millis(1)) {
            stations[0].hear(notice);
            stations[0].tell();
        }
    }
}

/// Lets stations go on until each sees all others' members and no one else.
pub(crate) fn until_agreed(stations: &mut [Station], members: &[&str]) {
    until(stations, "all agree on who is there", |stations| {
        stations.iter().zip(members).all(|(station, own)| {
            let mut seen = station.sees();
            seen.sort();
            let mut others: Vec<_> = members.iter().filter(|member| *member != own).collect();
            others.sort();
            station.mesh.nodes().count() == members.len() - 1 && seen.iter().eq(others)
        })
    });
}

/// Lets stations go on until each has been told so many messages of each other, delivered or in gaps.
pub(crate) fn until_told(stations: &mut [Station], count: u64) {
    let ids: Vec<NodeId> = stations.iter().map(|station| station.mesh.node()).collect();
    until(stations, "all is told", |stations| {
        stations.iter().all(|station| {
            let mut others = ids.iter().filter(|id| **id != station.mesh.node());
            others.all(|id| station.told.get(id) == Some(&count))
        })
    });
}
