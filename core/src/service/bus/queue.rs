//! What waits for one service.

use super::{Name, Reason, Seq};
use alloc::collections::{BTreeSet, VecDeque};
use core::ops::Bound;

/// A service: its connection, and its messages by their places. Nothing here is searched for.
#[derive(Debug)]
pub(super) struct Queue<C> {
    pub(super) name: Name,
    pub(super) conn: Option<C>,
    /// Never handed out, in the order of acceptance.
    pub(super) waiting: VecDeque<Seq>,
    /// To be handed out again, before those.
    pub(super) again: BTreeSet<Seq>,
    /// Handed out and not acknowledged.
    pub(super) out: BTreeSet<Seq>,
    /// Those that were handed out at least once, by id and sender.
    holding: BTreeSet<(Name, Option<Name>, Seq)>,
    /// All that is neither acknowledged nor dead.
    pub(super) pending: usize,
    pub(super) pending_bytes: usize,
    /// Those among them that are not on disk yet.
    pub(super) unstored: usize,
    pub(super) dead: usize,
    pub(super) dead_bytes: usize,
    /// It stands in the line of those that may be handed something.
    pub(super) is_in_line: bool,
}

impl<C: Copy> Queue<C> {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            conn: None,
            waiting: VecDeque::new(),
            again: BTreeSet::new(),
            out: BTreeSet::new(),
            holding: BTreeSet::new(),
            pending: 0,
            pending_bytes: 0,
            unstored: 0,
            dead: 0,
            dead_bytes: 0,
            is_in_line: false,
        }
    }

    /// Whether nothing is known of it.
    pub(super) fn is_idle(&self) -> bool {
        self.conn.is_none() && self.pending == 0 && self.dead == 0
    }

    pub(super) fn has_next(&self) -> bool {
        !self.again.is_empty() || !self.waiting.is_empty()
    }

    /// The next one to be handed out.
    pub(super) fn next(&mut self) -> Option<Seq> {
        self.again.pop_first().or_else(|| self.waiting.pop_front())
    }

    pub(super) fn hold(&mut self, id: &Name, from: &Name, seq: Seq) {
        self.holding.insert((id.clone(), Some(from.clone()), seq));
    }

    pub(super) fn let_go(&mut self, id: &Name, from: &Name, seq: Seq) {
        self.holding.remove(&(id.clone(), Some(from.clone()), seq));
    }

    /// All that is on disk and not dead.
    pub(super) fn stored(&self) -> alloc::vec::Vec<Seq> {
        self.waiting.iter().copied().chain(self.holding.iter().map(|(_, _, seq)| *seq)).collect()
    }

    /// The message that an acknowledgement is for: the oldest of that id and sender.
    pub(super) fn held(&self, id: &Name, from: Option<&Name>) -> Result<Seq, Reason> {
        let at = |from: Option<&Name>, seq| (id.clone(), from.cloned(), seq);
        let first = self.holding.range(at(from, Seq(0))..).next();
        let is_it = |(other, sender, _): &&(Name, Option<Name>, Seq)| {
            other == id && (from.is_none() || sender.as_ref() == from)
        };
        let (_, sender, seq) = first.filter(is_it).ok_or(Reason::UnknownMessage)?;
        if from.is_none() {
            let behind = (Bound::Excluded(at(sender.as_ref(), Seq(u64::MAX))), Bound::Unbounded);
            if self.holding.range(behind).next().is_some_and(|(other, ..)| other == id) {
                return Err(Reason::From);
            }
        }
        Ok(*seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    #[test]
    fn an_acknowledgement_is_for_the_oldest_of_one_sender() {
        let mut queue = Queue::<()>::new(name("b"));
        let (a, c, m) = (name("a"), name("c"), name("m"));
        assert_eq!(queue.held(&m, None), Err(Reason::UnknownMessage));
        queue.hold(&m, &a, Seq(7));
        queue.hold(&m, &a, Seq(5));
        queue.hold(&name("n"), &c, Seq(1));
        assert_eq!(queue.held(&m, None), Ok(Seq(5)));
        assert_eq!(queue.held(&m, Some(&c)), Err(Reason::UnknownMessage));
        queue.hold(&m, &c, Seq(6));
        assert_eq!(queue.held(&m, None), Err(Reason::From));
        assert_eq!(queue.held(&m, Some(&c)), Ok(Seq(6)));
        queue.let_go(&m, &c, Seq(6));
        queue.let_go(&m, &a, Seq(5));
        assert_eq!(queue.held(&m, None), Ok(Seq(7)));
        assert_eq!(queue.held(&name("l"), None), Err(Reason::UnknownMessage));
    }
}
