//! Checks in flight, and who must hear of them.

use super::CheckId;
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

/// Checks in flight. Whoever begins them sees to it that there are not too many.
#[derive(Debug, Default)]
pub(super) struct Flights {
    running: BTreeMap<CheckId, Flight>,
    deadlines: BTreeSet<(Instant, CheckId)>,
    /// At most one for each check in flight, and one for each that was handed out and is given up.
    pending: VecDeque<Pending>,
    next: u64,
}

/// A check in flight.
#[derive(Debug)]
pub(super) struct Flight {
    /// Whose it is.
    pub(super) key: u64,
    pub(super) since: Instant,
    deadline: Instant,
    /// Somebody was told to carry it out.
    is_handed_out: bool,
}

/// What somebody must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Carry it out; it is for this endpoint.
    Check(CheckId, u64),
    /// Give it up.
    Cancel(CheckId),
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn begin(&mut self, key: u64, now: Instant, deadline: Instant) -> CheckId {
        let check = CheckId(self.next);
        self.next += 1;
        self.running.insert(check, Flight { key, since: now, deadline, is_handed_out: false });
        self.deadlines.insert((deadline, check));
        self.pending.push_back(Pending::Check(check, key));
        check
    }

    /// A check is over; `None` if it was before.
    pub(super) fn end(&mut self, check: CheckId) -> Option<Flight> {
        let flight = self.running.remove(&check)?;
        self.deadlines.remove(&(flight.deadline, check));
        if !flight.is_handed_out {
            self.pending.retain(|pending| *pending != Pending::Check(check, flight.key));
        }
        Some(flight)
    }

    /// As [`end`](Self::end), and nobody need carry it out any more.
    pub(super) fn revoke(&mut self, check: CheckId) -> Option<Flight> {
        let flight = self.end(check)?;
        if flight.is_handed_out {
            self.pending.push_back(Pending::Cancel(check));
        }
        Some(flight)
    }

    /// When the first of them takes too long.
    pub(super) fn deadline(&self) -> Option<(Instant, CheckId)> {
        self.deadlines.first().copied()
    }

    pub(super) fn poll(&mut self) -> Option<Pending> {
        let pending = self.pending.pop_front()?;
        if let Pending::Check(check, _) = pending
            && let Some(flight) = self.running.get_mut(&check)
        {
            flight.is_handed_out = true;
        }
        Some(pending)
    }
}
