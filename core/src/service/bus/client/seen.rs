//! What was applied before.

use crate::service::bus::Name;
use crate::service::bus::numbers::split;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which messages were applied: what makes of "at least once" an effect that is there exactly once.
///
/// Ids `PREFIX-N`, as a [`BusClient`](super::BusClient) gives them, are remembered as runs of numbers: those of a sender that go
/// to one receiver alone are one run, however many there are. Other ids are remembered one by one. There are at most
/// [`limit`](Self::limit) runs and ids together, of all senders; past that the one goes that was least recently added to.
/// So **at least the last `limit` messages that were applied are remembered**, whatever their ids. What was forgotten counts as
/// new: it may be applied twice, but is never lost.
///
/// A bus hands a message out again only while it holds it unacknowledged, and it hands out at most 1,000 that are; after a
/// reconnect they come first. So nothing is applied twice because of the bound, but for what somebody puts back by hand much later
/// (`wharf bus dead requeue`).
///
/// It is a value: compact, to be stored (serde), and best stored by the same transaction as the effect, which is then
/// there exactly once even over a restart of the receiver:
///
/// ```
/// use wharf::service::bus::{Name, client::Seen};
///
/// /// What the program's database keeps.
/// #[derive(Clone, Default)]
/// struct Database { stock: i64, seen: String }
///
/// /// One transaction: the effect, and that it is there.
/// fn apply(db: &mut Database, from: &Name, id: &Name, change: i64) -> Result<(), serde_json::Error> {
///     let mut seen: Seen = serde_json::from_str(&db.seen)?;
///     if seen.insert(from, id) {
///         db.stock += change;
///         db.seen = serde_json::to_string(&seen)?;
///     }
///     Ok(())
/// }
///
/// let mut db = Database { stock: 5, seen: serde_json::to_string(&Seen::default())? };
/// let (from, id) = (Name::new("shop")?, Name::new("m-1")?);
/// apply(&mut db, &from, &id, 2)?;
/// // It was restarted before the acknowledgement was out, and the message comes again.
/// apply(&mut db, &from, &id, 2)?;
/// assert_eq!(db.stock, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Where many messages are applied at the same time, a row for each sender keeps transactions apart: [`of`](Self::of) is the part of
/// one sender, and [`merge`](Self::merge) puts parts together.
#[derive(Clone, Debug)]
pub struct Seen {
    limit: usize,
    uses: u64,
    senders: BTreeMap<Name, Sender>,
    /// All runs and ids, the least recently used first.
    order: BTreeMap<u64, Entry>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sender {
    /// By prefix, and then by their first numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    numbers: BTreeMap<Box<str>, BTreeMap<u64, Run>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ids: BTreeMap<Box<str>, u64>,
}

/// A run: its last number, and when it was added to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Run(u64, u64);

#[derive(Clone, Debug)]
enum Entry {
    Run(Name, Box<str>, u64),
    Id(Name, Box<str>),
}

impl Default for Seen {
    /// One of [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT).
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl Seen {
    /// How much is remembered unless something else is said: 65,536 runs and ids.
    pub const DEFAULT_LIMIT: usize = 65_536;

    /// The least that there may be: what a bus has handed out at most, and is not acknowledged.
    pub const LEAST_LIMIT: usize = 1_000;

    /// One that remembers at most so many runs and ids, and no fewer than [`LEAST_LIMIT`](Self::LEAST_LIMIT).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(Self::LEAST_LIMIT);
        Self { limit, uses: 0, senders: BTreeMap::new(), order: BTreeMap::new() }
    }

    /// Most runs and ids that are remembered.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Runs and ids that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether a sender's message was applied, as far as is remembered.
    #[must_use]
    pub fn contains(&self, from: &str, id: &str) -> bool {
        let Some(sender) = self.senders.get(from) else { return false };
        match split(id) {
            Some((prefix, number)) => sender.numbers.get(prefix).is_some_and(|runs| has(runs, number)),
            None => sender.ids.contains_key(id),
        }
    }

    /// A sender's message is applied; false if it was.
    pub fn insert(&mut self, from: &Name, id: &Name) -> bool {
        if self.contains(from, id) {
            return false;
        }
        match split(id) {
            Some((prefix, number)) => self.add_run(from, prefix, number, number),
            None => self.add_id(from, id),
        }
        self.shrink();
        true
    }

    /// The part of one sender.
    #[must_use]
    pub fn of(&self, from: &str) -> Self {
        let mut part = Self::new(self.limit);
        if let Some((name, sender)) = self.senders.get_key_value(from) {
            part.add_all([(name.clone(), sender.clone())]);
        }
        part
    }

    /// Adds all of another one, as what was applied last.
    pub fn merge(&mut self, other: Self) {
        self.add_all(other.senders);
    }

    fn add_all(&mut self, senders: impl IntoIterator<Item = (Name, Sender)>) {
        let mut entries = alloc::vec::Vec::new();
        for (from, sender) in senders {
            for (prefix, runs) in sender.numbers {
                let runs = runs.into_iter().filter(|(first, Run(last, _))| first <= last);
                entries.extend(runs.map(|(first, Run(last, used))| {
                    (used, from.clone(), prefix.clone(), Some((first, last)))
                }));
            }
            entries.extend(sender.ids.into_iter().map(|(id, used)| (used, from.clone(), id, None)));
        }
        entries.sort();
        for (_, from, text, run) in entries {
            match run {
                Some((first, last)) => self.add_run(&from, &text, first, last),
                None => self.add_id(&from, &text),
            }
            self.shrink();
        }
    }

    fn stamp(&mut self, entry: Entry) -> u64 {
        self.uses += 1;
        self.order.insert(self.uses, entry);
        self.uses
    }

    fn add_id(&mut self, from: &Name, id: &str) {
        let id: Box<str> = id.into();
        let used = self.stamp(Entry::Id(from.clone(), id.clone()));
        if let Some(before) = self.senders.entry(from.clone()).or_default().ids.insert(id, used) {
            self.order.remove(&before);
        }
    }

    /// Adds a run, and makes one of it and of all that it touches.
    fn add_run(&mut self, from: &Name, prefix: &str, mut first: u64, mut last: u64) {
        let sender = self.senders.entry(from.clone()).or_default();
        let known = sender.numbers.get_key_value(prefix).map(|(prefix, _)| prefix.clone());
        let prefix = known.unwrap_or_else(|| prefix.into());
        let runs = sender.numbers.entry(prefix.clone()).or_default();
        while let Some((&other, &Run(end, used))) = runs.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            (first, last) = (first.min(other), last.max(end));
            runs.remove(&other);
            self.order.remove(&used);
        }
        self.uses += 1;
        runs.insert(first, Run(last, self.uses));
        self.order.insert(self.uses, Entry::Run(from.clone(), prefix, first));
    }

    fn shrink(&mut self) {
        let excess = self.order.len().saturating_sub(self.limit);
        for _ in 0..excess {
            self.forget_oldest();
        }
    }

    /// Forgets what was least recently added to; `None` if there is nothing.
    fn forget_oldest(&mut self) -> Option<()> {
        let (_, entry) = self.order.pop_first()?;
        let (Entry::Run(from, ..) | Entry::Id(from, _)) = &entry;
        let sender = self.senders.get_mut(from)?;
        match &entry {
            Entry::Run(_, prefix, first) => {
                let runs = sender.numbers.get_mut(prefix)?;
                runs.remove(first);
                if runs.is_empty() {
                    sender.numbers.remove(prefix);
                }
            }
            Entry::Id(_, id) => drop(sender.ids.remove(id)),
        }
        if sender.numbers.is_empty() && sender.ids.is_empty() {
            self.senders.remove(from);
        }
        Some(())
    }
}

fn has(runs: &BTreeMap<u64, Run>, number: u64) -> bool {
    runs.range(..=number).next_back().is_some_and(|(_, Run(last, _))| number <= *last)
}

/// As it is stored: `{limit, senders: {FROM: {numbers: {PREFIX: {FIRST: [LAST, age]}}, ids: {ID: age}}}}`. The later a run or an id was
/// added to, the greater its age.
#[derive(Deserialize)]
struct Stored {
    limit: usize,
    senders: BTreeMap<Box<str>, Sender>,
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Seen", 2)?;
        out.serialize_field("limit", &self.limit)?;
        out.serialize_field("senders", &self.senders)?;
        out.end()
    }
}

impl<'de> Deserialize<'de> for Seen {
    /// Runs that overlap are one; whose name is none cannot have sent anything.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut seen = Self::new(stored.limit);
        let named = |(from, sender): (Box<str>, Sender)| Some((Name::new(&from).ok()?, sender));
        seen.add_all(stored.senders.into_iter().filter_map(named));
        Ok(seen)
    }
}

impl PartialEq for Seen {
    /// Whether the same is remembered.
    fn eq(&self, other: &Self) -> bool {
        let runs = |of: &BTreeMap<u64, Run>| {
            of.iter().map(|(first, Run(last, _))| (*first, *last)).collect::<alloc::vec::Vec<_>>()
        };
        self.senders.len() == other.senders.len()
            && self.senders.iter().zip(&other.senders).all(|((a, left), (b, right))| {
                let same_ids = left.ids.keys().eq(right.ids.keys());
                let same_prefixes = left.numbers.keys().eq(right.numbers.keys());
                let same_runs = left.numbers.values().map(runs).eq(right.numbers.values().map(runs));
                a == b && same_ids && same_prefixes && same_runs
            })
    }
}
