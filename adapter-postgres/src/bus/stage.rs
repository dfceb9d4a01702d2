//! Changes that can be made together, each kind by one statement.

use std::collections::BTreeMap;
use wharf::service::bus::{Accepted, Change, Death, Name, Numbers, Progress, Seq};

/// Changes of a batch that are of different records, so that in which order they are made makes no difference. What a later change
/// of a record would undo is not in it.
#[derive(Debug, Default)]
pub(crate) struct Stage<'a> {
    pub(crate) messages: BTreeMap<Seq, Fate<'a>>,
    pub(crate) ids: BTreeMap<(&'a Name, &'a Name), Option<Seq>>,
    pub(crate) numbers: BTreeMap<(&'a Name, &'a Name), Option<&'a Numbers>>,
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Fate<'a> {
    Accepted(&'a Accepted),
    Progress(&'a Progress),
    Removed,
    Buried(&'a Death),
}

impl<'a> Stage<'a> {
    /// The stages of a batch, to be carried out one after the other. One is enough for what brokers make.
    pub(crate) fn of(changes: &'a [Change]) -> Option<Vec<Self>> {
        let mut stages = vec![Self::default()];
        for change in changes {
            let last = stages.last_mut()?;
            if !last.add(change)? {
                let mut next = Self::default();
                next.add(change)?;
                stages.push(next);
            }
        }
        Some(stages)
    }

    /// False if it is about a record that another change is about which has to be made before. `None` if no batch of a node has such a change.
    fn add(&mut self, change: &'a Change) -> Option<bool> {
        Some(match change {
            Change::Accept(accepted) => self.put(accepted.seq, Fate::Accepted(accepted)),
            Change::Progress(seq, progress) => self.put(*seq, Fate::Progress(progress)),
            Change::Remove(seq) => self.put(*seq, Fate::Removed),
            Change::Bury(seq, death) => self.put(*seq, Fate::Buried(death)),
            Change::RememberId { from, id, seq } => put_new(&mut self.ids, (from, id), Some(*seq)),
            Change::ForgetId { from, id } => put_new(&mut self.ids, (from, id), None),
            Change::RememberNumbers(numbers) => {
                let key = (&numbers.from, &numbers.prefix);
                // Of numbers that are written again only the last ones count.
                let is_free = self.numbers.get(&key).is_none_or(Option::is_some);
                is_free && {
                    self.numbers.insert(key, Some(numbers));
                    true
                }
            }
            Change::ForgetNumbers { from, prefix } => put_new(&mut self.numbers, (from, prefix), None),
            _ => return None,
        })
    }

    fn put(&mut self, seq: Seq, fate: Fate<'a>) -> bool {
        let is_over = matches!(fate, Fate::Progress(_) | Fate::Removed | Fate::Buried(_));
        let is_free = match self.messages.get(&seq) {
            None => true,
            // Whatever comes of the message makes up for how often it was handed out before.
            Some(Fate::Progress(_)) => is_over,
            Some(_) => false,
        };
        if is_free {
            self.messages.insert(seq, fate);
        }
        is_free
    }
}

fn put_new<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> bool {
    let is_free = !map.contains_key(&key);
    if is_free {
        map.insert(key, value);
    }
    is_free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> [Name; 2] {
        ["shop", "m"].map(|name| Name::new(name).unwrap())
    }

    fn progress(deliveries: u32) -> Change {
        let mut progress = Progress::default();
        progress.deliveries = deliveries;
        Change::Progress(Seq(1), progress)
    }

    fn stages(changes: &[Change]) -> usize {
        Stage::of(changes).unwrap().len()
    }

    #[test]
    fn what_belongs_together_is_one_stage() {
        let [from, prefix] = names();
        let numbers = |high| {
            let (from, prefix) = (from.clone(), prefix.clone());
            Change::RememberNumbers(Numbers::new(from, prefix, Seq(high), high, Vec::new()))
        };
        let changes = [progress(1), progress(2), numbers(1), Change::Remove(Seq(1)), numbers(2)];
        let found = Stage::of(&changes).unwrap();
        assert_eq!(found.len(), 1);
        assert!(matches!(found[0].messages[&Seq(1)], Fate::Removed));
        assert_eq!(found[0].numbers[&(&from, &prefix)].unwrap().high, 2);
    }

    #[test]
    fn what_has_to_come_after_is_a_stage_of_its_own() {
        let [from, id] = names();
        let remember = Change::RememberId { from: from.clone(), id: id.clone(), seq: Seq(1) };
        let forget = Change::ForgetId { from, id };
        assert_eq!(stages(&[remember.clone(), forget.clone(), remember]), 3);
        assert_eq!(stages(&[Change::Remove(Seq(1)), progress(1)]), 2);
        assert!(Stage::of(&[Change::Purge(Seq(1))]).is_none());
    }
}
