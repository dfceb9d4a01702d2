//! What was accepted before.

use super::gather::Gather;
use super::runs::{Runs, split};
use super::{BusConfig, Change, Name, Numbers, RestoreError, Seq};
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};

/// The ids of each sender: numbers by their prefix, others one by one. Bounded for each sender and for all; the oldest goes.
#[derive(Debug, Default)]
pub(super) struct Dedupe {
    senders: BTreeMap<Name, Sender>,
    /// All that is remembered, by its age.
    ages: BTreeMap<Seq, What>,
    /// Ids, prefixes and gaps.
    size: usize,
    /// What had to go because there was too much of all senders.
    pub(super) forgotten: u64,
}

#[derive(Debug, Default)]
struct Sender {
    ids: BTreeMap<Name, Seq>,
    by_age: BTreeSet<Seq>,
    prefixes: BTreeMap<Name, Runs>,
}

#[derive(Debug)]
enum What {
    Id { from: Name, id: Name },
    Numbers { from: Name, prefix: Name },
}

/// Where changes go, and by when they are to be put out.
pub(super) struct Into<'a, A> {
    pub(super) gather: &'a mut Gather<A>,
    pub(super) by: Instant,
}

impl<A> Into<'_, A> {
    fn push(&mut self, change: Change) {
        self.gather.push(change, self.by);
    }
}

/// Takes a number out of what is to be written. False if none is left.
fn without(numbers: &mut Numbers, number: u64) -> bool {
    Runs::restored(numbers).is_none_or(|mut runs| {
        let is_left = runs.remove(number);
        *numbers = runs.numbers(&numbers.from, &numbers.prefix);
        is_left
    })
}

impl Dedupe {
    /// Ids, prefixes and gaps that are remembered.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn has(&self, from: &Name, id: &Name) -> bool {
        let Some(sender) = self.senders.get(from) else { return false };
        let by_number =
            || split(id).is_some_and(|(p, n)| sender.prefixes.get(&p).is_some_and(|runs| runs.has(n)));
        sender.ids.contains_key(id) || by_number()
    }

    /// Remembers one that it has not.
    pub(super) fn add<A>(
        &mut self,
        config: &BusConfig,
        from: &Name,
        id: &Name,
        seq: Seq,
        mut into: Into<'_, A>,
    ) {
        let is_number = split(id).is_some_and(|(p, n)| self.add_number(config, from, &p, n, seq, &mut into));
        if !is_number {
            self.add_id(from, id, seq, &mut into);
            let sender = &self.senders[from];
            if sender.ids.len() > config.max_ids {
                let oldest = sender.by_age.first().copied();
                oldest.and_then(|oldest| self.forget(oldest, &mut into));
            }
        }
        self.shrink(config.max_dedupe, into);
    }

    /// Forgets the oldest until there is no more than may be.
    pub(super) fn shrink<A>(&mut self, max: usize, mut into: Into<'_, A>) {
        while let Some(oldest) = self.ages.keys().next().copied().filter(|_| self.size > max) {
            self.forgotten += 1;
            self.forget(oldest, &mut into);
        }
    }

    /// Forgets one that was added under this place and is not on disk: neither memory nor the changes on their way say that it was seen.
    pub(super) fn take_back<'c>(
        &mut self,
        (from, id): (&Name, &Name),
        seq: Seq,
        lists: impl Iterator<Item = &'c mut alloc::vec::Vec<Change>>,
    ) {
        let number = split(id);
        for list in lists {
            list.retain_mut(|change| match change {
                Change::RememberId { from: other, id: known, .. } => other != from || known != id,
                Change::RememberNumbers(numbers) if numbers.from == *from => {
                    match number.as_ref().filter(|(prefix, _)| *prefix == numbers.prefix) {
                        Some((_, number)) => without(numbers, *number),
                        None => true,
                    }
                }
                _ => true,
            });
        }
        let Some(sender) = self.senders.get_mut(from) else { return };
        if sender.ids.get(id).is_some_and(|age| *age == seq) {
            sender.ids.remove(id);
            sender.by_age.remove(&seq);
            self.ages.remove(&seq);
            self.size -= 1;
        } else if let Some((prefix, number)) = number
            && let Some(runs) = sender.prefixes.get_mut(&prefix)
        {
            let before = runs.size();
            if runs.remove(number) {
                self.size = self.size + runs.size() - before;
            } else {
                self.size -= before;
                self.ages.remove(&runs.used);
                sender.prefixes.remove(&prefix);
            }
        }
    }

    /// What is remembered of a sender is in the store, and not here any more.
    pub(super) fn unload(&mut self, from: &Name) {
        let Some(sender) = self.senders.remove(from) else { return };
        self.size -= sender.ids.len() + sender.prefixes.values().map(Runs::size).sum::<usize>();
        for age in sender.by_age.iter().chain(sender.prefixes.values().map(|runs| &runs.used)) {
            self.ages.remove(age);
        }
    }

    /// The change that writes a prefix as it is now; `None` if it is forgotten.
    pub(super) fn written(&mut self, from: &Name, prefix: &Name) -> Option<Change> {
        let runs = self.senders.get_mut(from)?.prefixes.get_mut(prefix)?;
        runs.is_written = true;
        Some(Change::RememberNumbers(runs.numbers(from, prefix)))
    }

    pub(super) fn restore_id(&mut self, from: &Name, id: &Name, seq: Seq) -> Result<(), RestoreError> {
        self.check_age(seq)?;
        let sender = self.senders.entry(from.clone()).or_default();
        if sender.ids.contains_key(id) {
            return Err(RestoreError::IdTwice { from: from.clone(), id: id.clone() });
        }
        sender.ids.insert(id.clone(), seq);
        sender.by_age.insert(seq);
        self.size += 1;
        self.ages.insert(seq, What::Id { from: from.clone(), id: id.clone() });
        Ok(())
    }

    pub(super) fn restore_numbers(&mut self, numbers: &Numbers) -> Result<(), RestoreError> {
        let Numbers { from, prefix, used, .. } = numbers;
        let bad = || RestoreError::Numbers { from: from.clone(), prefix: prefix.clone() };
        let runs = Runs::restored(numbers).ok_or_else(bad)?;
        self.check_age(*used)?;
        let prefixes = &mut self.senders.entry(from.clone()).or_default().prefixes;
        if prefixes.contains_key(prefix) {
            return Err(bad());
        }
        self.size += runs.size();
        prefixes.insert(prefix.clone(), runs);
        self.ages.insert(*used, What::Numbers { from: from.clone(), prefix: prefix.clone() });
        Ok(())
    }

    /// The greatest age that there is.
    pub(super) fn last_age(&self) -> Option<Seq> {
        self.ages.keys().next_back().copied()
    }

    /// What is as old as something else is not taken: that one, of another sender maybe, would never be forgotten.
    fn check_age(&self, seq: Seq) -> Result<(), RestoreError> {
        if self.ages.contains_key(&seq) { Err(RestoreError::AgeTwice(seq)) } else { Ok(()) }
    }

    /// False if it cannot be remembered that way.
    fn add_number<A>(
        &mut self,
        config: &BusConfig,
        from: &Name,
        prefix: &Name,
        number: u64,
        seq: Seq,
        into: &mut Into<'_, A>,
    ) -> bool {
        let sender = self.senders.entry(from.clone()).or_default();
        if let Some(runs) = sender.prefixes.get_mut(prefix) {
            let before = runs.size();
            if !runs.add(number, config.max_gaps) {
                return false;
            }
            self.size = self.size + runs.size() - before;
            self.ages.remove(&runs.used);
            runs.used = seq;
        } else {
            let Some(runs) = Runs::new(number, seq, config.max_gaps).filter(|_| config.max_prefixes > 0)
            else {
                return false;
            };
            self.size += runs.size();
            let is_full = sender.prefixes.len() >= config.max_prefixes;
            let oldest = sender.prefixes.iter().min_by_key(|(_, runs)| runs.used).filter(|_| is_full);
            let oldest = oldest.map(|(prefix, runs)| (prefix.clone(), runs.used, runs.only()));
            sender.prefixes.insert(prefix.clone(), runs);
            if let Some(oldest) = oldest {
                self.give_up_prefix(from, oldest, into);
            }
        }
        self.ages.insert(seq, What::Numbers { from: from.clone(), prefix: prefix.clone() });
        into.gather.dirty.insert((from.clone(), prefix.clone()));
        into.gather.hurry(into.by);
        true
    }

    /// A prefix that had but one number was none: that id is remembered by itself, so that ids that only look like numbers are
    /// remembered as long as others.
    fn give_up_prefix<A>(
        &mut self,
        from: &Name,
        (prefix, used, only): (Name, Seq, Option<u64>),
        into: &mut Into<'_, A>,
    ) {
        self.forget(used, into);
        if let Some(id) = only.and_then(|number| Name::new(&alloc::format!("{prefix}-{number}")).ok()) {
            self.add_id(from, &id, used, into);
        }
    }

    fn add_id<A>(&mut self, from: &Name, id: &Name, seq: Seq, into: &mut Into<'_, A>) {
        let sender = self.senders.entry(from.clone()).or_default();
        sender.ids.insert(id.clone(), seq);
        sender.by_age.insert(seq);
        self.size += 1;
        self.ages.insert(seq, What::Id { from: from.clone(), id: id.clone() });
        into.push(Change::RememberId { from: from.clone(), id: id.clone(), seq });
    }

    /// Forgets what is of that age; `None` if nothing is.
    fn forget<A>(&mut self, age: Seq, into: &mut Into<'_, A>) -> Option<()> {
        let what = self.ages.remove(&age)?;
        let (What::Id { from, .. } | What::Numbers { from, .. }) = &what;
        let from = from.clone();
        let sender = self.senders.get_mut(&from)?;
        match what {
            What::Id { from, id } => {
                sender.ids.remove(&id);
                sender.by_age.remove(&age);
                self.size -= 1;
                into.push(Change::ForgetId { from, id });
            }
            What::Numbers { from, prefix } => {
                let key = (from, prefix);
                into.gather.dirty.remove(&key);
                let runs = sender.prefixes.remove(&key.1)?;
                self.size -= runs.size();
                if runs.is_written {
                    into.push(Change::ForgetNumbers { from: key.0, prefix: key.1 });
                }
            }
        }
        if sender.ids.is_empty() && sender.prefixes.is_empty() {
            self.senders.remove(&from);
        }
        Some(())
    }
}
