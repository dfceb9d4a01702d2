//! What becomes of each message, as it is seen by one who sees all.

use super::Tally;
use std::collections::BTreeMap;
use std::fmt;
use wharf::service::bus::client::Outcome;
use wharf::service::bus::{BusConfig, DeadReason, Envelope, Name, Seq};

/// A message: its sender and the id that it gave it.
pub type Key = (Name, Name);

/// Where a message is, by what is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not on disk.
    Sent,
    /// On disk, neither acknowledged nor dead.
    Alive,
    /// Acknowledged.
    Acknowledged,
    /// A dead letter.
    Dead,
    /// A dead letter that was thrown away.
    Purged,
}

/// What is known of a message.
#[derive(Debug)]
pub struct Entry {
    /// Who is to have it.
    pub to: Name,
    /// Where it is.
    pub state: State,
    /// How often it was applied.
    pub effects: u32,
    /// Its sender sends it until it knows that it was accepted.
    pub is_durable: bool,
    /// Its sender gave it up.
    pub was_given_up: bool,
    pub(super) payload: String,
    /// Bytes of it on disk.
    pub(super) bytes: usize,
    /// Its place in the order of sending.
    pub(super) number: u64,
    /// How many clients had it to send.
    hands: u32,
    /// Its sender was told that it is not accepted.
    pub(super) is_denied: bool,
    pub(super) seq: Seq,
    /// Why its receiver refused it, each time that it did.
    pub(super) nacks: Vec<String>,
    pub(super) deaths: Vec<DeadReason>,
    deaths_told: usize,
    was_handed_out: bool,
    pub(super) was_requeued: bool,
    /// How often the bus had come up, and its receiver had registered, when it came to the disk.
    pub(super) born: (u32, u32),
}

impl Entry {
    /// Whether it died at least once.
    #[must_use]
    pub fn was_buried(&self) -> bool {
        !self.deaths.is_empty()
    }
}

/// All messages.
#[derive(Debug)]
pub struct Ledger {
    /// What became of each.
    pub entries: BTreeMap<Key, Entry>,
    /// How often each thing happened.
    pub tally: Tally,
    /// Nothing was rejected, and nobody sends by two clients: what is sent is accepted in its order.
    pub keeps_order: bool,
    pub(super) limits: BusConfig,
    pub(super) has_steady_calendar: bool,
    /// Nobody is cut off for long: a frame that was sent comes, or its connection ends.
    is_calm: bool,
    /// How often the bus came up.
    pub restarts: u32,
    /// How often each service was registered.
    registrations: BTreeMap<Name, u32>,
    pub(super) by_seq: BTreeMap<Seq, Key>,
    /// The last that was accepted, by sender and receiver.
    pub(super) last_accepted: BTreeMap<Key, u64>,
    /// The last that was handed out for the first time, by sender and receiver.
    last_handed: BTreeMap<Key, Seq>,
    /// Messages on disk and their bytes, and dead letters, by receiver.
    pub(super) loads: BTreeMap<Name, (usize, usize, usize)>,
    numbers: u64,
    is_printed: bool,
}

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn new(limits: BusConfig, has_steady_calendar: bool, is_calm: bool, is_printed: bool) -> Self {
        Self {
            entries: BTreeMap::new(),
            tally: Tally::default(),
            keeps_order: true,
            limits,
            has_steady_calendar,
            is_calm,
            restarts: 0,
            registrations: BTreeMap::new(),
            by_seq: BTreeMap::new(),
            last_accepted: BTreeMap::new(),
            last_handed: BTreeMap::new(),
            loads: BTreeMap::new(),
            numbers: 0,
            is_printed,
        }
    }

    /// For whoever watches.
    pub fn note(&self, what: impl fmt::Display) {
        if self.is_printed {
            println!("    {what}");
        }
    }

    /// A message is to be sent.
    pub fn write(&mut self, key: &Key, to: &Name, payload: &str, is_durable: bool) {
        let entry = Entry {
            to: to.clone(),
            state: State::Sent,
            effects: 0,
            is_durable,
            was_given_up: false,
            payload: payload.into(),
            bytes: 0,
            number: 0,
            hands: 0,
            is_denied: false,
            seq: Seq(0),
            nacks: Vec::new(),
            deaths: Vec::new(),
            deaths_told: 0,
            was_handed_out: false,
            was_requeued: false,
            born: (0, 0),
        };
        assert!(self.entries.insert(key.clone(), entry).is_none(), "{key:?} is sent anew");
    }

    /// A client took it to send.
    pub fn hand_in(&mut self, key: &Key) {
        self.numbers += 1;
        let number = self.numbers;
        let entry = self.entry(key);
        if entry.hands == 0 {
            entry.number = number;
        }
        entry.hands += 1;
        entry.is_denied = false;
    }

    /// A client told what became of it.
    pub fn told(&mut self, key: &Key, outcome: &Outcome) {
        self.note(format_args!("told {key:?} {outcome:?}"));
        let entry = self.entry(key);
        match outcome {
            Outcome::Accepted => {
                assert_ne!(entry.state, State::Sent, "{key:?} is told to be accepted and is not on disk");
                self.tally.count("told: accepted");
            }
            Outcome::Undelivered { may_be_accepted: true, .. } => self.tally.count("told: in doubt"),
            Outcome::Undelivered { .. } if entry.hands == 1 => {
                assert_eq!(entry.state, State::Sent, "{key:?} is told not to be accepted: {outcome:?}");
                entry.is_denied = true;
                self.tally.count("told: not accepted");
            }
            // Another client had it, too.
            Outcome::Undelivered { .. } => {}
            _ => panic!("{outcome:?}"),
        }
    }

    /// Its sender was told that it is dead.
    pub fn told_dead(&mut self, key: &Key, reason: &DeadReason) {
        let entry = self.entry(key);
        assert!(entry.deaths.contains(reason), "{key:?} is told to have died of {reason}, which it did not");
        entry.deaths_told += 1;
        assert!(entry.deaths_told <= entry.deaths.len(), "one death of {key:?} is told twice");
        self.tally.count("told: dead");
    }

    /// It came to its receiver. Whether it is what it was from its begin, and no dead letter that is sent again.
    pub fn arrived(&mut self, receiver: &Name, envelope: &Envelope) -> bool {
        let key = (envelope.from.clone(), envelope.id.clone());
        self.note(format_args!("{key:?} comes to {receiver}, retry {}", envelope.retry_count));
        let (now, most) = (self.age(receiver), self.limits.max_deliveries);
        let is_calm = self.is_calm;
        let entry = self.entry(&key);
        assert!(entry.to == *receiver && envelope.to == *receiver, "{key:?} comes to {receiver}");
        assert_eq!(entry.payload, envelope.payload(), "{key:?} says another thing");
        assert_ne!(entry.state, State::Sent, "{key:?} is delivered and is not on disk");
        // It may be dead of deliveries that got lost, of which one still comes over an old connection, or a crash have brought it back.
        let may_have_died = !entry.deaths.is_empty()
            || now.0 > entry.born.0 && (!is_calm || now.1 - entry.born.1 + 1 >= most);
        let is_first = !std::mem::replace(&mut entry.was_handed_out, true) && !entry.was_requeued;
        let is_first = is_first && !may_have_died;
        let (seq, was_requeued) = (entry.seq, entry.was_requeued);
        if is_first {
            let last = self.last_handed.insert((key.0.clone(), receiver.clone()), seq);
            assert!(last < Some(seq), "{key:?} overtakes one that was accepted before it");
        }
        !was_requeued
    }

    /// How often the bus has come up, and a service has registered.
    pub(super) fn age(&self, service: &Name) -> (u32, u32) {
        (self.restarts, self.registrations.get(service).copied().unwrap_or_default())
    }

    /// A service has registered.
    pub fn registered(&mut self, service: &Name) {
        *self.registrations.entry(service.clone()).or_default() += 1;
    }

    /// Its receiver refuses it.
    pub fn nacked(&mut self, key: &Key, reason: &str) {
        self.note(format_args!("{key:?} is refused: {reason}"));
        self.entry(key).nacks.push(reason.into());
        self.tally.count("refused by receivers");
    }

    /// It is applied: that is on its receiver's disk.
    pub fn applied(&mut self, key: &Key, receiver: &Name) {
        self.note(format_args!("{key:?} is applied"));
        let entry = self.entry(key);
        assert_eq!(entry.to, *receiver, "{key:?} is applied by {receiver}");
        assert_ne!(entry.state, State::Sent, "{key:?} is applied and was never accepted");
        entry.effects += 1;
        assert_eq!(entry.effects, 1, "{key:?} is applied twice");
        self.tally.count("applied");
    }

    /// What there is of a message that somebody sent.
    ///
    /// # Panics
    /// If nobody did.
    pub fn entry(&mut self, key: &Key) -> &mut Entry {
        self.entries.get_mut(key).unwrap_or_else(|| panic!("{key:?} is invented"))
    }

    /// Messages on disk that live, by this rule for receivers.
    pub fn alive<'a>(&'a self, counts: &'a dyn Fn(&Name) -> bool) -> impl Iterator<Item = &'a Key> {
        let is_it = |entry: &Entry| entry.state == State::Alive && counts(&entry.to);
        self.entries.iter().filter(move |(_, entry)| is_it(entry)).map(|(key, _)| key)
    }

    /// What is on disk now: messages, and dead letters.
    #[must_use]
    pub fn on_disk(&self) -> (usize, usize) {
        self.loads.values().fold((0, 0), |(alive, dead), load| (alive + load.0, dead + load.2))
    }
}
