//! Receivers for whom the bus takes nothing now.

use crate::base::{Entropy, Instant};
use crate::service::bus::Name;
use crate::service::schedule::{Pace, Schedule};
use alloc::collections::{BTreeMap, BTreeSet};

/// What was rejected, and what waits behind it, by receiver. One message at a time is tried again; if that is accepted, the others
/// follow.
#[derive(Debug, Default)]
pub(super) struct Deferrals(BTreeMap<Name, Deferral>);

#[derive(Debug)]
struct Deferral {
    pace: Pace,
    state: Probe,
    held: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// At that time.
    Due(Instant),
    /// This one is on its way.
    Out(u64),
}

impl Deferrals {
    /// A message was rejected: it is held; false if it is not to be tried again.
    pub(super) fn defer(
        &mut self,
        now: Instant,
        retry: &Schedule,
        entropy: &mut Entropy,
        to: &Name,
        number: u64,
    ) -> bool {
        let begin = || Deferral { pace: retry.begin(now), state: Probe::Out(number), held: BTreeSet::new() };
        let deferral = self.0.entry(to.clone()).or_insert_with(begin);
        // Another one may have been under way when the first was rejected.
        if deferral.state == Probe::Out(number) {
            let Some(at) = deferral.pace.next(now, entropy) else { return false };
            deferral.state = Probe::Due(at);
        }
        deferral.held.insert(number);
        true
    }

    /// Whether a message that would be sent is to wait behind others; then it is held.
    pub(super) fn holds_back(&mut self, to: &Name, number: u64) -> bool {
        match self.0.get_mut(to) {
            Some(deferral) if deferral.state != Probe::Out(number) => {
                deferral.held.insert(number);
                true
            }
            _ => false,
        }
    }

    /// A message has come to its end. Those are returned that wait no longer.
    pub(super) fn handle_settled(&mut self, to: &Name, number: u64, was_accepted: bool) -> BTreeSet<u64> {
        let Some(deferral) = self.0.get_mut(to) else { return BTreeSet::new() };
        deferral.held.remove(&number);
        let was_probe = deferral.state == Probe::Out(number);
        if was_probe
            && !was_accepted
            && let Some(next) = deferral.held.pop_first()
        {
            deferral.state = Probe::Out(next);
            return BTreeSet::from([next]);
        }
        let is_over = was_probe || deferral.held.is_empty() && !matches!(deferral.state, Probe::Out(_));
        if is_over {
            self.0.remove(to).map(|deferral| deferral.held).unwrap_or_default()
        } else {
            BTreeSet::new()
        }
    }

    /// All that is held.
    pub(super) fn clear(&mut self) -> BTreeSet<u64> {
        core::mem::take(&mut self.0).into_values().flat_map(|deferral| deferral.held).collect()
    }

    /// The next message that is to be tried now.
    pub(super) fn poll_due(&mut self, now: Instant) -> Option<u64> {
        let is_due = |deferral: &&mut Deferral| matches!(deferral.state, Probe::Due(at) if at <= now);
        let deferral = self.0.values_mut().find(is_due)?;
        let probe = deferral.held.pop_first()?;
        deferral.state = Probe::Out(probe);
        Some(probe)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let due = |deferral: &Deferral| match deferral.state {
            Probe::Due(at) => Some(at),
            Probe::Out(_) => None,
        };
        self.0.values().filter_map(due).min()
    }
}
