//! Dead letters that are sent again or thrown away.

use super::broker::{After, Broker, Out};
use super::held::{Held, Place};
use super::{Accepted, Action, Change, Changed, CommandError, Death, Name, NameError, Progress, Seq};
use crate::base::{Instant, Wall};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str::FromStr;

/// Which dead letters: `ID`, or `FROM/ID` where several senders have one of that id.
///
/// ```
/// use wharf::service::bus::{Letters, Name};
///
/// assert_eq!("m-1".parse(), Ok(Letters::Id(Name::new("m-1")?)));
/// assert!(matches!("shop/m-1".parse(), Ok(Letters::Of { .. })));
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Letters {
    /// All there are.
    All,
    /// Those of this id.
    Id(Name),
    /// Those of this sender and id.
    Of {
        /// The sender.
        from: Name,
        /// The id.
        id: Name,
    },
}

impl FromStr for Letters {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((from, id)) => Ok(Self::Of { from: Name::new(from)?, id: Name::new(id)? }),
            None => Name::new(text).map(Self::Id),
        }
    }
}

impl<C: Ord + Copy> Broker<C> {
    /// The dead letters, in the order of acceptance.
    pub fn dead_letters(&self) -> impl Iterator<Item = (&Accepted, &Death)> {
        self.dead.values().map(|letter| (&letter.0, &letter.1))
    }

    /// Sends dead letters again, as if they had just been accepted: behind what waits, and with all their attempts. What comes of it
    /// is [told](Action::Told) under `ticket`, once.
    pub fn requeue(&mut self, now: Instant, wall: Wall, letters: &Letters, ticket: u64) {
        if self.is_node {
            self.command(now, wall, letters, ticket, true);
            return;
        }
        self.change(now, wall, letters, ticket, Self::requeue_one);
    }

    /// Throws dead letters away. What comes of it is [told](Action::Told) under `ticket`, once.
    pub fn purge(&mut self, now: Instant, wall: Wall, letters: &Letters, ticket: u64) {
        if self.is_node {
            self.command(now, wall, letters, ticket, false);
            return;
        }
        self.change(now, wall, letters, ticket, Self::purge_one);
    }

    fn change(
        &mut self,
        now: Instant,
        wall: Wall,
        letters: &Letters,
        ticket: u64,
        each: fn(&mut Self, Instant, Seq) -> Option<()>,
    ) {
        let now = self.begin(now, wall);
        let found = self.find(letters);
        let refused = match letters {
            _ if self.has_failed => Some(CommandError::Store),
            _ if self.is_draining => Some(CommandError::Closing),
            Letters::Id(_) | Letters::Of { .. } if found.is_empty() => Some(CommandError::Unknown),
            _ => None,
        };
        if let Some(error) = refused {
            self.out.push_back(Out::Action(Action::Told { ticket, outcome: Err(error) }));
            return;
        }
        let mut changed = Changed::default();
        for seq in found {
            let counter =
                if each(self, now, seq).is_some() { &mut changed.letters } else { &mut changed.full };
            *counter += 1;
        }
        if changed.letters == 0 {
            self.out.push_back(Out::Action(Action::Told { ticket, outcome: Ok(changed) }));
        } else {
            self.gather.after(After::Tell { ticket, changed });
        }
    }

    fn find(&self, letters: &Letters) -> Vec<Seq> {
        let (id, from) = match letters {
            Letters::All => return self.dead.keys().copied().collect(),
            Letters::Id(id) => (id, None),
            Letters::Of { from, id } => (id, Some(from)),
        };
        let first = (id.clone(), from.cloned(), Seq(0));
        self.dead_by_id
            .range(first..)
            .take_while(|(other, sender, _)| other == id && (from.is_none() || sender.as_ref() == from))
            .map(|(_, _, seq)| *seq)
            .collect()
    }

    /// `None` if its service has as much as it may have.
    fn requeue_one(&mut self, now: Instant, dead: Seq) -> Option<()> {
        let (accepted, _) = &**self.dead.get(&dead)?;
        let service = *self.by_name.get(&accepted.to)?;
        let queue = self.queues.get_mut(service)?;
        let seq = self.next;
        let held = Held {
            accepted: Accepted { seq, ..accepted.clone() },
            progress: Progress::default(),
            place: Place::Unstored { asker: None, times: 0 },
            service,
            mark: None,
        };
        let bytes = held.bytes();
        let fits = queue.pending < self.config.max_pending
            && bytes <= self.config.max_pending_bytes.saturating_sub(queue.pending_bytes);
        if !fits {
            return None;
        }
        queue.pending += 1;
        queue.unstored += 1;
        queue.pending_bytes += bytes;
        self.next = Seq(seq.0 + 1);
        self.held.insert(seq, Box::new(held));
        self.take_letter(dead);
        self.gather.push(Change::Requeue { dead, seq }, now);
        self.gather.after(After::Accept(seq));
        self.settle();
        Some(())
    }

    fn purge_one(&mut self, now: Instant, dead: Seq) -> Option<()> {
        self.take_letter(dead)?;
        self.gather.push(Change::Purge(dead), now);
        self.settle();
        Some(())
    }

    /// It is a dead letter no more. `None` if it is none.
    fn take_letter(&mut self, dead: Seq) -> Option<()> {
        let (accepted, _) = *self.dead.remove(&dead)?;
        let bytes = super::held::size_of_body(accepted.body.len());
        self.dead_by_id.remove(&(accepted.id, Some(accepted.from), dead));
        let service = *self.by_name.get(&accepted.to)?;
        let queue = self.queues.get_mut(service)?;
        queue.dead -= 1;
        queue.dead_bytes -= bytes;
        self.forget_if_idle(service);
        Some(())
    }
}
