//! The last messages, of all rooms.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most of them.
const MAX_ENTRIES: usize = 8192;
/// Most bytes of them. What does not fit is read again by whoever has missed it.
const MAX_BYTES: usize = 4 << 20;

/// What was told last, for those who were waiting for something else meanwhile.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// In the order in which they were told: by id, unless there are other nodes.
    entries: VecDeque<(u64, Arc<str>, Bytes)>,
    bytes: usize,
    /// How many were told before the first of them.
    gone: u64,
    /// All that was told with a greater id is here.
    floor: u64,
}

impl Recent {
    pub(super) fn push(&mut self, id: u64, room: Arc<str>, text: Bytes) {
        self.bytes += text.len();
        self.entries.push_back((id, room, text));
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((id, _, text)) = self.entries.pop_front() else { break };
            self.bytes -= text.len();
            self.floor = id;
            self.gone += 1;
        }
    }

    /// How many were told so far.
    pub(super) fn count(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    /// All that was told after the first `count`, in that order, if it is all here.
    pub(super) fn since(&self, count: u64) -> Option<impl Iterator<Item = &(u64, Arc<str>, Bytes)>> {
        let first = usize::try_from(count.checked_sub(self.gone)?).ok()?;
        Some(self.entries.range(first.min(self.entries.len())..))
    }

    /// All that is told is told after this id.
    pub(super) fn begin(&mut self, floor: u64) {
        self.floor = floor;
    }

    /// All that was told after `id`, if it is all here.
    pub(super) fn after(&self, id: u64) -> Option<impl Iterator<Item = &(u64, Arc<str>, Bytes)>> {
        let first = self.entries.partition_point(|(other, _, _)| *other <= id);
        (id >= self.floor).then(|| self.entries.range(first..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_more_here_is_not_told_as_if_it_were() {
        let mut recent = Recent::default();
        for id in 1..=3 {
            recent.push(id, "a".into(), vec![0; 3 << 19].into());
        }
        let after = |id| recent.after(id).map(Iterator::count);
        assert_eq!(
            (after(0), after(1), after(2), after(3), after(9)),
            (None, Some(2), Some(1), Some(0), Some(0))
        );
    }

    #[test]
    fn what_was_told_is_found_by_how_much_was_told_before_whatever_its_id() {
        let mut recent = Recent::default();
        for id in [9, 1, 5] {
            recent.push(id, "a".into(), vec![0; 3 << 19].into());
        }
        assert_eq!(recent.count(), 3);
        let ids = |count| recent.since(count).map(|all| all.map(|(id, ..)| *id).collect::<Vec<_>>());
        assert_eq!((ids(0), ids(1), ids(2), ids(3)), (None, Some(vec![1, 5]), Some(vec![5]), Some(vec![])));
    }
}
