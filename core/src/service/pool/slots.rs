//! The connections, and how each changes.

use super::queue::{Place, Queue, Whom};
use crate::base::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use slotmap::{DefaultKey, SlotMap};

/// What a connection is about. One that is to be told has a place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Opening,
    Checking,
    /// Since when, and by which number in the order of those that are idle.
    Idle(Instant, u64),
    /// It waits to be handed to this one, who has waited until then.
    Serving(u64, Instant),
    Running,
    Closing,
}

impl State {
    /// How many kinds there are.
    const KINDS: usize = 6;

    pub(super) fn kind(self) -> usize {
        match self {
            Self::Opening => 0,
            Self::Checking => 1,
            Self::Idle(..) => 2,
            Self::Serving(..) => 3,
            Self::Running => 4,
            Self::Closing => 5,
        }
    }

    /// Whether it is something that the connection is asked to be.
    fn is_told(self) -> bool {
        !matches!(self, Self::Idle(..) | Self::Running)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) state: State,
    /// Whoever has the connections knows of it.
    pub(super) is_known: bool,
    /// When it is too old.
    pub(super) old_at: Instant,
    place: Place,
    /// When what it does takes too long.
    deadline: Instant,
}

/// All of them, those that are idle in the order in which they became so, and how many there are of each kind.
#[derive(Debug, Default)]
pub(super) struct Slots {
    map: SlotMap<DefaultKey, Slot>,
    idle: BTreeMap<u64, DefaultKey>,
    last_idle: u64,
    counts: [usize; State::KINDS],
    /// Of slots and of those who wait.
    pub(super) deadlines: BTreeSet<(Instant, Whom)>,
    pub(super) queue: Queue,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.counts[state.kind()]
    }

    pub(super) fn opening(&self) -> usize {
        self.count(State::Opening)
    }

    pub(super) fn checking(&self) -> usize {
        self.count(State::Checking)
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Those that are there or will be.
    pub(super) fn live(&self) -> usize {
        self.len() - self.count(State::Closing)
    }

    pub(super) fn state(&self, key: DefaultKey) -> Option<State> {
        self.map.get(key).map(|slot| slot.state)
    }

    pub(super) fn old_at(&self, key: DefaultKey) -> Instant {
        self.map.get(key).map_or(Instant::NEVER, |slot| slot.old_at)
    }

    pub(super) fn grows_old(&mut self, key: DefaultKey, at: Instant) {
        if let Some(slot) = self.map.get_mut(key) {
            slot.old_at = at;
        }
    }

    /// A new one, to be opened until then.
    pub(super) fn open(&mut self, deadline: Instant) {
        let slot = Slot {
            state: State::Closing,
            is_known: false,
            old_at: Instant::NEVER,
            place: 0,
            deadline: Instant::NEVER,
        };
        let key = self.map.insert(slot);
        self.counts[State::Closing.kind()] += 1;
        self.change(key, State::Opening, deadline);
    }

    pub(super) fn keep(&mut self, key: DefaultKey, now: Instant) {
        self.last_idle += 1;
        self.change(key, State::Idle(now, self.last_idle), self.old_at(key));
    }

    /// It is now so, until the deadline at most. What it asked for before it asks for no more.
    pub(super) fn change(&mut self, key: DefaultKey, state: State, deadline: Instant) {
        self.forget(key);
        let Some(slot) = self.map.get_mut(key) else { return };
        self.counts[slot.state.kind()] -= 1;
        self.counts[state.kind()] += 1;
        (slot.state, slot.deadline) = (state, deadline);
        if let State::Idle(_, order) = state {
            self.idle.insert(order, key);
        }
        if deadline != Instant::NEVER {
            self.deadlines.insert((deadline, Whom::Slot(key)));
        }
        if state.is_told() {
            slot.place = self.queue.push(Whom::Slot(key));
        }
    }

    /// It is to be closed; one that nobody knows of is simply gone.
    pub(super) fn close(&mut self, key: DefaultKey) {
        match self.map.get(key) {
            Some(slot) if slot.is_known => self.change(key, State::Closing, Instant::NEVER),
            _ => self.remove(key),
        }
    }

    pub(super) fn remove(&mut self, key: DefaultKey) {
        self.forget(key);
        if let Some(slot) = self.map.remove(key) {
            self.counts[slot.state.kind()] -= 1;
        }
    }

    /// Its action is taken from the queue: what is it about.
    pub(super) fn tell(&mut self, key: DefaultKey) -> Option<State> {
        let slot = self.map.get_mut(key)?;
        (slot.place, slot.is_known) = (0, true);
        Some(slot.state)
    }

    /// Takes what refers to it away.
    fn forget(&mut self, key: DefaultKey) {
        let Some(slot) = self.map.get_mut(key) else { return };
        if let State::Idle(_, order) = slot.state {
            self.idle.remove(&order);
        }
        if slot.deadline != Instant::NEVER {
            self.deadlines.remove(&(slot.deadline, Whom::Slot(key)));
        }
        self.queue.remove(core::mem::take(&mut slot.place));
    }

    /// The one that became idle last: the others may idle away.
    pub(super) fn youngest(&self) -> Option<DefaultKey> {
        self.idle.last_key_value().map(|(_, key)| *key)
    }

    /// The one that is idle for longest, and when it has been so for as long as it may.
    pub(super) fn oldest(&self, timeout: Option<Duration>) -> Option<(DefaultKey, Instant)> {
        let key = *self.idle.first_key_value()?.1;
        match (self.state(key)?, timeout) {
            (State::Idle(since, _), Some(timeout)) => Some((key, since + timeout)),
            _ => None,
        }
    }

    /// All, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (DefaultKey, State)> {
        self.map.iter().map(|(key, slot)| (key, slot.state))
    }
}
