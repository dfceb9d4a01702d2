//! A store that forgets when it is dropped.

use super::{Accepted, Batch, Change, Death, Name, Numbers, Progress, Record, Seq};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

/// A journal in memory: carries batches out and hands its records back. For tests, and for a bus that is to keep nothing.
///
/// It says what carrying out means; a store on disk does the same and lasts. It is bounded by what the broker lets in.
///
/// ```
/// use wharf::service::bus::{Batch, Change, Memory, Name, Seq};
///
/// let mut memory = Memory::default();
/// let (from, id) = (Name::new("shop")?, Name::new("m")?);
/// memory.carry_out(&Batch::new(vec![Change::RememberId { from, id, seq: Seq(1) }]))?;
/// assert_eq!(memory.records().count(), 1);
/// assert!(memory.carry_out(&Batch::new(vec![Change::Remove(Seq(1))])).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    messages: BTreeMap<Seq, (Accepted, Progress)>,
    dead: BTreeMap<Seq, (Accepted, Death)>,
    ids: BTreeMap<(Name, Name), Seq>,
    numbers: BTreeMap<(Name, Name), Numbers>,
}

/// A change that names a record that is not there, or puts in one that is. Nothing of its batch was carried out.
///
/// ```
/// use wharf::service::bus::{Batch, Change, Memory, Seq};
///
/// let error = Memory::default().carry_out(&Batch::new(vec![Change::Purge(Seq(1))])).unwrap_err();
/// assert_eq!(error.to_string(), "change 0 of the batch does not fit what is stored");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {at} of the batch does not fit what is stored")]
#[non_exhaustive]
pub struct Misfit {
    /// Which change.
    pub at: usize,
}

impl Memory {
    /// Carries a batch out: all of it or nothing.
    ///
    /// # Errors
    /// A change does not fit what is stored.
    pub fn carry_out(&mut self, batch: &Batch) -> Result<(), Misfit> {
        let mut undo = Vec::with_capacity(batch.changes().len());
        for (at, change) in batch.changes().iter().enumerate() {
            match self.apply(change) {
                Some(undoing) => undo.push(undoing),
                None => {
                    while let Some(undoing) = undo.pop() {
                        self.undo(undoing);
                    }
                    return Err(Misfit { at });
                }
            }
        }
        Ok(())
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let messages =
            self.messages.values().map(|(accepted, p)| Record::Message(accepted.clone(), p.clone()));
        let dead = self.dead.values().map(|(accepted, death)| Record::Dead(accepted.clone(), death.clone()));
        let id = |((from, id), seq): (&(Name, Name), &Seq)| Record::Id {
            from: from.clone(),
            id: id.clone(),
            seq: *seq,
        };
        let numbers = self.numbers.values().map(|numbers| Record::Numbers(numbers.clone()));
        messages.chain(dead).chain(self.ids.iter().map(id)).chain(numbers)
    }

    /// The same without what forgets something that is not remembered.
    pub(super) fn fitting(&self, batch: &Batch) -> Batch {
        let mut known = BTreeMap::new();
        let mut changes = batch.changes().to_vec();
        changes.retain(|change| {
            let (is_id, from, name, is_there) = match change {
                Change::RememberId { from, id, .. } => (true, from, id, true),
                Change::ForgetId { from, id } => (true, from, id, false),
                Change::RememberNumbers(Numbers { from, prefix, .. }) => (false, from, prefix, true),
                Change::ForgetNumbers { from, prefix } => (false, from, prefix, false),
                _ => return true,
            };
            let key = (from.clone(), name.clone());
            let stored = || if is_id { self.ids.contains_key(&key) } else { self.numbers.contains_key(&key) };
            let before = known.get(&(is_id, key.clone())).copied().unwrap_or_else(stored);
            known.insert((is_id, key), is_there);
            is_there || before
        });
        Batch::new(changes)
    }

    pub(super) fn message(&self, seq: Seq) -> Option<&(Accepted, Progress)> {
        self.messages.get(&seq)
    }

    pub(super) fn dead_after(&self, seq: Seq) -> impl Iterator<Item = &Accepted> {
        self.dead.range((Bound::Excluded(seq), Bound::Unbounded)).map(|(_, (accepted, _))| accepted)
    }

    /// All numbers of a sender.
    pub(super) fn numbers_of(&self, from: &Name) -> impl Iterator<Item = Record> {
        of(&self.numbers, from, None).map(|(_, numbers)| Record::Numbers(numbers.clone()))
    }

    /// Some ids of a sender behind one, and whether there are no more.
    pub(super) fn ids_of(&self, from: &Name, after: Option<&Name>, most: usize) -> (Vec<Record>, bool) {
        let record = |((from, id), seq): (&(Name, Name), &Seq)| Record::Id {
            from: from.clone(),
            id: id.clone(),
            seq: *seq,
        };
        let mut ids = of(&self.ids, from, after).map(record);
        let some = ids.by_ref().take(most).collect();
        (some, ids.next().is_none())
    }

    /// What forgets each thing that is remembered, by its age.
    pub(super) fn remembered(&self) -> BTreeMap<Seq, Change> {
        let id = |((from, id), seq): (&(Name, Name), &Seq)| {
            (*seq, Change::ForgetId { from: from.clone(), id: id.clone() })
        };
        let numbers = |numbers: &Numbers| {
            let (from, prefix) = (numbers.from.clone(), numbers.prefix.clone());
            (numbers.used, Change::ForgetNumbers { from, prefix })
        };
        self.ids.iter().map(id).chain(self.numbers.values().map(numbers)).collect()
    }

    fn apply(&mut self, change: &Change) -> Option<Undo> {
        Some(match change {
            Change::Accept(accepted) => {
                let is_new =
                    !self.messages.contains_key(&accepted.seq) && !self.dead.contains_key(&accepted.seq);
                is_new
                    .then(|| self.messages.insert(accepted.seq, (accepted.clone(), Progress::default())))?;
                Undo::Take(accepted.seq)
            }
            Change::Progress(seq, progress) => {
                let (_, kept) = self.messages.get_mut(seq)?;
                Undo::Progress(*seq, core::mem::replace(kept, progress.clone()))
            }
            Change::Remove(seq) => Undo::PutMessage(self.messages.remove(seq)?),
            Change::Bury(seq, death) => {
                let (accepted, progress) = self.messages.remove(seq)?;
                self.dead.insert(*seq, (accepted, death.clone()));
                Undo::Bury(*seq, progress)
            }
            Change::Requeue { dead, seq } => {
                let is_new =
                    !self.messages.contains_key(seq) && (dead == seq || !self.dead.contains_key(seq));
                let (accepted, death) = is_new.then(|| self.dead.remove(dead))??;
                self.messages.insert(*seq, (Accepted { seq: *seq, ..accepted }, Progress::default()));
                Undo::Requeue { dead: *dead, seq: *seq, death }
            }
            Change::Purge(seq) => Undo::PutDead(self.dead.remove(seq)?),
            Change::RememberId { from, id, seq } => {
                let key = (from.clone(), id.clone());
                (!self.ids.contains_key(&key)).then(|| self.ids.insert(key.clone(), *seq))?;
                Undo::Id(key, None)
            }
            Change::ForgetId { from, id } => {
                let key = (from.clone(), id.clone());
                let seq = self.ids.remove(&key)?;
                Undo::Id(key, Some(seq))
            }
            Change::RememberNumbers(numbers) => {
                let key = (numbers.from.clone(), numbers.prefix.clone());
                let before = self.numbers.insert(key.clone(), numbers.clone());
                Undo::Numbers(key, before)
            }
            Change::ForgetNumbers { from, prefix } => {
                let key = (from.clone(), prefix.clone());
                let before = self.numbers.remove(&key)?;
                Undo::Numbers(key, Some(before))
            }
        })
    }

    fn undo(&mut self, undoing: Undo) {
        match undoing {
            Undo::Take(seq) => drop(self.messages.remove(&seq)),
            Undo::Progress(seq, before) => {
                self.messages.entry(seq).and_modify(|(_, progress)| *progress = before);
            }
            Undo::PutMessage(message) => drop(self.messages.insert(message.0.seq, message)),
            Undo::Bury(seq, progress) => {
                let accepted = self.dead.remove(&seq);
                self.messages.extend(accepted.map(|(accepted, _)| (seq, (accepted, progress))));
            }
            Undo::Requeue { dead, seq, death } => {
                let accepted = self.messages.remove(&seq);
                let letter = |(accepted, _)| (dead, (Accepted { seq: dead, ..accepted }, death));
                self.dead.extend(accepted.map(letter));
            }
            Undo::PutDead(dead) => drop(self.dead.insert(dead.0.seq, dead)),
            Undo::Id(key, Some(seq)) => drop(self.ids.insert(key, seq)),
            Undo::Id(key, None) => drop(self.ids.remove(&key)),
            Undo::Numbers(key, Some(numbers)) => drop(self.numbers.insert(key, numbers)),
            Undo::Numbers(key, None) => drop(self.numbers.remove(&key)),
        }
    }
}

/// What a map has of a sender, behind a name.
fn of<'m, T>(
    map: &'m BTreeMap<(Name, Name), T>,
    from: &Name,
    after: Option<&Name>,
) -> impl Iterator<Item = (&'m (Name, Name), &'m T)> {
    // No name is shorter than one character, and none has one that comes before a hyphen.
    let first = after.map_or_else(Name::least, Clone::clone);
    let from = from.clone();
    let begin = (from.clone(), first.clone());
    let is_behind = after.is_some();
    map.range(begin..)
        .take_while(move |((other, _), _)| *other == from)
        .skip_while(move |((_, name), _)| is_behind && *name == first)
}

/// What takes a change back.
enum Undo {
    Take(Seq),
    Progress(Seq, Progress),
    PutMessage((Accepted, Progress)),
    Bury(Seq, Progress),
    Requeue { dead: Seq, seq: Seq, death: Death },
    PutDead((Accepted, Death)),
    Id((Name, Name), Option<Seq>),
    Numbers((Name, Name), Option<Numbers>),
}
