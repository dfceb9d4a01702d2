//! Whatever is lost, comes twice or is restarted.

use super::scripted::Bus;
use super::side::{Side, config, message, name};
use crate::base::{Entropy, Instant};
use crate::service::bus::Name;
use crate::service::bus::client::{BusClientConfig, Outcome, Seen};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

/// What a receiver's program keeps on disk.
#[derive(Default)]
struct Disk {
    seen: Option<alloc::string::String>,
    applied: Vec<u64>,
}

struct World {
    bus: Bus,
    senders: Vec<Side>,
    receivers: Vec<Side>,
    disks: Vec<Disk>,
    entropy: Entropy,
    lives: u64,
    next: u64,
    /// What a sender's program knows of its messages: by id, the number in it.
    known: BTreeMap<(usize, Name), u64>,
    /// Those of them that it has stored with an id of its own, and whose outcome it does not know.
    stored: Vec<BTreeMap<Name, (Name, u64)>>,
    accepted: BTreeSet<u64>,
    sent: BTreeSet<u64>,
    now: Instant,
}

const SERVICES: usize = 2;

fn small(service: &str) -> BusClientConfig {
    let mut config = config(service);
    config.max_in_flight = 5;
    config.max_messages = 40;
    config
}

impl World {
    fn new(seed: u64) -> Self {
        let mut bytes = [3; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let now = Instant::from_nanos(1 << 30);
        let side = |kind, i| Side::born(now, small(&format!("{kind}{i}")), i);
        Self {
            bus: Bus::default(),
            senders: (0..SERVICES as u64).map(|i| side("s", i)).collect(),
            receivers: (0..SERVICES as u64).map(|i| side("r", i)).collect(),
            disks: (0..SERVICES).map(|_| Disk::default()).collect(),
            entropy: Entropy::from_seed(bytes),
            lives: 100,
            next: 0,
            known: BTreeMap::new(),
            stored: (0..SERVICES).map(|_| BTreeMap::new()).collect(),
            accepted: BTreeSet::new(),
            sent: BTreeSet::new(),
            now,
        }
    }

    fn roll(&mut self, n: usize) -> usize {
        usize::try_from(self.entropy.next_u64() % n as u64).unwrap()
    }

    fn send(&mut self, i: usize) {
        let to = name(&format!("r{}", self.roll(SERVICES)));
        let mut outgoing = message(&to, self.next);
        if self.roll(3) == 0 {
            // Some look like numbers, and are none of the client's.
            let id = name(&format!("own{}{}", ["", "-"][self.roll(2)], self.next));
            outgoing.id = Some(id.clone());
            self.stored[i].insert(id, (to, self.next));
        }
        let own = outgoing.id.clone();
        match self.senders[i].client.send(self.now, outgoing) {
            Ok(id) => {
                self.sent.insert(self.next);
                self.known.insert((i, id), self.next);
            }
            Err(_) => drop(own.and_then(|own| self.stored[i].remove(&own))),
        }
        self.next += 1;
    }

    /// Its process ends, and another begins: what its program has stored it sends again.
    fn restart_sender(&mut self, i: usize) {
        self.learn();
        self.lives += 1;
        self.senders[i].lose(&mut self.bus);
        self.senders[i] = Side::born(self.now, small(&format!("s{i}")), self.lives);
        for (id, (to, n)) in self.stored[i].clone() {
            let mut outgoing = message(&to, n);
            outgoing.id = Some(id);
            self.senders[i].client.send(self.now, outgoing).expect("there is room");
        }
        self.senders[i].drive();
    }

    fn restart_receiver(&mut self, i: usize) {
        self.lives += 1;
        self.receivers[i].lose(&mut self.bus);
        let mut config = small(&format!("r{i}"));
        if let Some(seen) = &self.disks[i].seen {
            config.seen = serde_json::from_str(seen).unwrap();
        }
        self.receivers[i] = Side::born(self.now, config, self.lives);
    }

    /// In one transaction; then it is acknowledged, or the process ends first.
    fn apply(&mut self, i: usize, is_last_act: bool) {
        let count = self.receivers[i].deliveries.len();
        if count == 0 {
            return;
        }
        let at = self.roll(count);
        let delivery = &self.receivers[i].deliveries[at];
        let disk = &mut self.disks[i];
        let mut seen: Seen =
            disk.seen.as_ref().map_or_else(Seen::default, |s| serde_json::from_str(s).unwrap());
        assert!(
            seen.insert(&delivery.envelope.from, &delivery.envelope.id),
            "it was applied, and is handed over"
        );
        disk.applied.push(delivery.payload().unwrap());
        disk.seen = Some(serde_json::to_string(&seen).unwrap());
        if is_last_act {
            self.restart_receiver(i);
        } else {
            self.receivers[i].ack(at);
        }
    }

    fn lose(&mut self, is_sender: bool, i: usize) {
        let (written, arrived) = (self.roll(4), self.roll(4));
        let Self { bus, senders, receivers, .. } = self;
        let side = if is_sender { &mut senders[i] } else { &mut receivers[i] };
        for _ in 0..arrived {
            side.up(bus);
        }
        side.write(written);
        side.lose(bus);
    }

    /// Its programs look at what became of their messages.
    fn learn(&mut self) {
        for i in 0..SERVICES {
            for (id, outcome) in core::mem::take(&mut self.senders[i].outcomes) {
                let n = self.known[&(i, id.clone())];
                assert_eq!(outcome, Outcome::Accepted, "nothing here is given up");
                let key = (self.senders[i].name.clone(), id.clone());
                assert!(self.bus.accepted.contains(&key), "{n} is told to be accepted, and is not");
                self.stored[i].remove(&id);
                self.accepted.insert(n);
            }
        }
    }

    fn step(&mut self) {
        let (i, pick) = (self.roll(SERVICES), self.roll(100));
        match pick {
            0..15 => self.send(i),
            15..35 => _ = self.senders[i].up(&mut self.bus),
            35..50 => _ = self.senders[i].down(),
            50..60 => _ = self.receivers[i].up(&mut self.bus),
            60..72 => _ = self.receivers[i].down(),
            72..76 => {
                let n = self.entropy.next_u64();
                let who = self.receivers[i].name.clone();
                let (delivered, again) = (self.bus.deliver(&who), self.bus.again(&who, n));
                if let Some(wire) = &mut self.receivers[i].wire {
                    wire.down.extend(delivered.into_iter().chain(again));
                }
            }
            76..86 => self.apply(i, pick == 76),
            86 if !self.receivers[i].deliveries.is_empty() => self.receivers[i].nack(0, "not now"),
            87..90 => self.lose(pick == 87, i),
            90 => self.restart_sender(i),
            91 => self.restart_receiver(i),
            // The bus is restarted.
            92 if self.roll(4) == 0 => {
                for side in self.senders.iter_mut().chain(&mut self.receivers) {
                    side.lose(&mut self.bus);
                }
            }
            93 => self.senders[i].refuse(),
            _ => self.pass(Duration::from_millis(700)),
        }
        self.learn();
        for side in &self.senders {
            assert!(side.client.unanswered() <= 40);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        for side in self.senders.iter_mut().chain(&mut self.receivers) {
            side.pass(time);
            side.open();
        }
    }

    /// The faults are over.
    fn settle(&mut self) {
        for _ in 0..400 {
            self.pass(Duration::from_millis(500));
            for side in self.senders.iter_mut().chain(&mut self.receivers) {
                side.exchange(&mut self.bus);
            }
            for i in 0..SERVICES {
                while !self.receivers[i].deliveries.is_empty() {
                    self.apply(i, false);
                }
            }
            self.learn();
        }
    }

    fn check(&self) {
        for side in &self.senders {
            assert_eq!(side.client.unanswered(), 0, "{:?}", side.client.state());
        }
        assert_eq!(self.bus.held(), 0);
        let mut effects = BTreeMap::new();
        for n in self.disks.iter().flat_map(|disk| &disk.applied) {
            *effects.entry(*n).or_insert(0) += 1;
        }
        assert!(effects.values().all(|times| *times == 1), "applied twice: {effects:?}");
        assert!(effects.keys().all(|n| self.sent.contains(n)), "invented");
        assert!(self.accepted.iter().all(|n| effects.contains_key(n)), "accepted, and lost");
        // Those of one life of a sender are accepted in the order of their sending.
        let mut last = BTreeMap::new();
        for (from, id) in &self.bus.accepted {
            if let Some((prefix, number)) =
                crate::service::bus::numbers::split(id).filter(|(prefix, _)| *prefix != "own")
            {
                let before = last.insert((from.clone(), prefix), number);
                assert!(before < Some(number), "{number} of {prefix} behind {before:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn effects_are_there_exactly_once_whatever_is_lost_or_restarted(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..1200 {
            world.step();
        }
        world.settle();
        world.check();
    }
}

#[derive(Clone, Debug)]
enum Id {
    Numbered(u8, u8, u64),
    Other(u8, u8),
}

fn ids() -> impl Strategy<Value = Vec<Id>> {
    let numbered = (0u8..2, 0u8..2, prop_oneof![0u64..40, u64::MAX - 3..=u64::MAX]);
    let id = prop_oneof![
        4 => numbered.prop_map(|(f, p, n)| Id::Numbered(f, p, n)),
        1 => (0u8..2, 0u8..30).prop_map(|(f, n)| Id::Other(f, n)),
    ];
    prop::collection::vec(id, 0..120)
}

proptest! {
    #[test]
    fn what_is_remembered_is_what_a_set_remembers(ids in ids(), cut in 0usize..120) {
        let mut naive = BTreeSet::new();
        let (mut seen, mut later) = (Seen::default(), Seen::default());
        for (i, id) in ids.iter().enumerate() {
            let (from, id) = match id {
                Id::Numbered(from, prefix, n) => (format!("f{from}"), format!("p{prefix}-{n}")),
                Id::Other(from, n) => (format!("f{from}"), format!("x{n:02}-0{n}")),
            };
            let (from, id) = (name(&from), name(&id));
            let is_new = naive.insert((from.clone(), id.clone()));
            prop_assert_eq!(seen.insert(&from, &id), is_new);
            if i >= cut {
                later.insert(&from, &id);
            }
            prop_assert!(seen.len() <= naive.len());
        }
        for from in ["f0", "f1"] {
            for id in (0..2).flat_map(|p| (0..41).map(move |n| format!("p{p}-{n}"))).chain((0..31).map(|n| format!("x{n:02}-0{n}"))) {
                prop_assert_eq!(seen.contains(from, &id), naive.contains(&(name(from), name(&id))));
            }
        }
        // It comes back from where it was stored, whole or in parts.
        let stored = serde_json::to_string(&seen).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Seen>(&stored).unwrap(), &seen);
        let mut parts = seen.of("f1");
        parts.merge(seen.of("f0"));
        parts.merge(later);
        prop_assert_eq!(parts, seen);
    }

    #[test]
    fn the_last_that_were_applied_are_remembered_whatever_their_ids(picks in prop::collection::vec((0u8..3, 0u64..4000), 1500..2500)) {
        let mut seen = Seen::new(0);
        let mut order = Vec::new();
        for (kind, n) in picks {
            let id = name(&match kind {
                0 => format!("m-{n}"),
                1 => format!("w-{}", n * 2),
                _ => format!("id{n}"),
            });
            if seen.insert(&name("shop"), &id) {
                order.push(id);
            }
            prop_assert!(seen.len() <= Seen::LEAST_LIMIT);
        }
        for id in order.iter().rev().take(Seen::LEAST_LIMIT) {
            prop_assert!(seen.contains("shop", id), "{}", id);
        }
        // Also once it was stored.
        let stored: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        prop_assert_eq!(stored, seen);
    }
}
