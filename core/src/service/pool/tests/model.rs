//! Random calls beside a model that knows who has what.

use super::*;
use crate::service::pool::slots::State;
use alloc::collections::{BTreeMap, BTreeSet};
use core::mem::take;

/// One seed's world: connections that open, break and hang, users that come, give up and forget.
struct Model {
    pool: Pool,
    dice: Entropy,
    now: Instant,
    /// What the pool said, and what is so.
    opening: BTreeSet<SlotId>,
    checking: BTreeSet<SlotId>,
    lent: BTreeMap<SlotId, Ticket>,
    closing: BTreeSet<SlotId>,
    /// Connections that exist, idle ones among them.
    exist: BTreeSet<SlotId>,
    /// Until when each waits; those who are told that they are served or refused are gone.
    waiting: BTreeMap<Ticket, Instant>,
    last_served: Option<Ticket>,
    /// Those whose connection went before they were told of it: whoever came later may be told before them.
    unlucky: BTreeSet<Ticket>,
    is_up: bool,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut dice = Entropy::from_seed(bytes);
        let mut below = |n: u64| (dice.next_u64() % n) as usize;
        let mut config = PoolConfig { max: 1 + below(12), min: below(6), ..PoolConfig::default() };
        config.max_waiters = below(40);
        config.idle_timeout = (below(3) > 0).then_some(20 * SECOND);
        config.max_age = (below(2) > 0).then_some(100 * SECOND);
        if below(3) == 0 {
            config.retry = Schedule::spaced(SECOND).both(Schedule::recurs(4));
        }
        let pool = Pool::new(Instant::ORIGIN, config, dice.fork());
        Self {
            pool,
            dice,
            now: Instant::ORIGIN,
            opening: BTreeSet::new(),
            checking: BTreeSet::new(),
            lent: BTreeMap::new(),
            closing: BTreeSet::new(),
            exist: BTreeSet::new(),
            waiting: BTreeMap::new(),
            last_served: None,
            unlucky: BTreeSet::new(),
            is_up: true,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        (self.dice.next_u64() % n.max(1) as u64) as usize
    }

    fn any<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let n = self.below(of.len());
        of.get(n).copied()
    }

    /// Takes some of what it asks for, and checks each against what is so.
    fn take_actions(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Open { slot } => {
                    assert!(self.exist.insert(slot) && self.opening.insert(slot), "opened twice");
                    assert!(self.exist.len() <= self.pool.config().max, "above max");
                }
                Action::Check { slot } => {
                    assert!(self.exist.contains(&slot) && !self.lent.contains_key(&slot), "it is in use");
                    assert!(self.checking.insert(slot), "two checks at a time");
                }
                Action::Serve { ticket, slot } => {
                    assert!(self.exist.contains(&slot) && !self.opening.contains(&slot), "it is not there");
                    assert!(
                        !self.closing.contains(&slot) && !self.checking.contains(&slot),
                        "it is not sound"
                    );
                    assert!(self.lent.insert(slot, ticket).is_none(), "two users");
                    let until = self.waiting.remove(&ticket).expect("nobody waits for it");
                    assert!(self.now <= until, "past its deadline");
                    let mut others = self.waiting.keys().filter(|other| !self.unlucky.contains(other));
                    assert!(others.all(|other| *other > ticket), "out of turn");
                    if !self.unlucky.remove(&ticket) {
                        assert!(
                            self.last_served.replace(ticket).is_none_or(|last| last < ticket),
                            "out of turn"
                        );
                    }
                }
                Action::Refuse { ticket, why } => {
                    let until = self.waiting.remove(&ticket).expect("nobody waits for it");
                    assert!(why != Refusal::TimedOut || self.now > until, "before its deadline");
                }
                Action::Close { slot } => {
                    assert!(self.exist.contains(&slot) && self.closing.insert(slot), "it is not there");
                    self.opening.remove(&slot);
                    self.checking.remove(&slot);
                    self.lent.remove(&slot);
                }
            }
        }
    }

    fn forget(&mut self, slot: SlotId) {
        self.exist.remove(&slot);
        self.opening.remove(&slot);
        self.checking.remove(&slot);
        self.closing.remove(&slot);
        self.lent.remove(&slot);
    }

    /// One random thing happens.
    fn step(&mut self) {
        let [opening, checking, closing]: [Vec<SlotId>; 3] =
            [&self.opening, &self.checking, &self.closing].map(|set| set.iter().copied().collect());
        let lent: Vec<_> = self.lent.keys().copied().collect();
        let exist: Vec<_> = self.exist.iter().copied().collect();
        let waiting: Vec<_> = self.waiting.keys().copied().collect();
        let now = self.now;
        match self.below(20) {
            0..=4 => {
                let patience = Duration::from_millis(self.below(20_000) as u64);
                if let Ok(ticket) = self.pool.checkout_within(now, patience) {
                    self.waiting.insert(ticket, now + patience);
                }
            }
            5..=8 => lent.get(self.below(lent.len())).iter().for_each(|slot| {
                self.pool.give_back(now, **slot);
                self.lent.remove(slot);
            }),
            9..=10 => self.any(&checking).into_iter().for_each(|slot| {
                let is_sound = self.below(8) > 0;
                self.pool.checked(now, slot, is_sound);
                self.checking.remove(&slot);
            }),
            11..=12 => self.any(&opening).into_iter().for_each(|slot| self.dialed(slot)),
            13 => self.any(&closing).into_iter().for_each(|slot| {
                self.pool.closed(now, slot);
                self.forget(slot);
            }),
            14 => self.any(&waiting).into_iter().for_each(|ticket| {
                self.pool.cancel(now, ticket);
                self.waiting.remove(&ticket);
            }),
            15 if self.below(3) == 0 => self.any(&exist).into_iter().for_each(|slot| {
                self.note(slot);
                self.pool.closed(now, slot);
                self.forget(slot);
            }),
            16 if self.below(3) == 0 => self.any(&exist).into_iter().for_each(|slot| {
                self.note(slot);
                self.pool.discard(now, slot);
            }),
            17 if self.below(50) == 0 => self.is_up = !self.is_up,
            18 => self.nonsense(&exist),
            _ => self.pass(),
        }
        // Several calls may come before anybody looks.
        if self.below(4) > 0 {
            self.take_actions();
        }
    }

    fn note(&mut self, slot: SlotId) {
        if let Some(State::Serving(ticket, _)) = self.pool.slots.state(slot.0) {
            self.unlucky.insert(Ticket(ticket));
        }
    }

    fn dialed(&mut self, slot: SlotId) {
        self.opening.remove(&slot);
        if self.is_up && self.below(10) > 0 {
            self.pool.opened(self.now, slot);
        } else {
            let is_retryable = self.below(9) > 0;
            self.pool.failed(self.now, slot, is_retryable.then_some(Duration::ZERO));
            // Unless it was given up already, and waits to be closed.
            if !self.closing.contains(&slot) {
                self.exist.remove(&slot);
            }
            self.closing.remove(&slot);
        }
    }

    /// Calls that make no sense where things stand.
    fn nonsense(&mut self, exist: &[SlotId]) {
        let Some(slot) = self.any(exist) else { return };
        let now = self.now;
        // What was due has happened, and is not laid to the call.
        self.pool.handle_timeout(now);
        if !self.opening.contains(&slot) {
            self.pool.opened(now, slot);
        }
        if !self.checking.contains(&slot) {
            let before = self.pool.stats();
            if !self.pool.slots.state(slot.0).is_some_and(|state| state == State::Checking) {
                self.pool.checked(now, slot, false);
                assert_eq!(self.pool.stats().broken, before.broken);
            }
        }
        let before = self.pool.slots.state(slot.0);
        if !self.lent.contains_key(&slot) && before != Some(State::Running) {
            self.pool.give_back(now, slot);
            assert_eq!(self.pool.slots.state(slot.0), before, "it is nobody's to give back");
        }
    }

    /// Time passes: to the next deadline or a little, and sometimes nobody says so.
    fn pass(&mut self) {
        self.take_actions();
        let little = self.now + Duration::from_millis(self.below(400) as u64);
        self.now = match self.pool.poll_timeout() {
            Some(at) if self.below(3) == 0 => at.max(self.now).min(self.now + 10 * SECOND),
            _ => little,
        };
        if self.below(5) > 0 {
            self.pool.handle_timeout(self.now);
        }
    }

    fn check(&self) {
        let stats = self.pool.stats();
        assert!(stats.size <= self.pool.config().max, "above max");
        assert!(stats.waiting <= self.pool.config().max_waiters.max(1), "waiters without end");
        assert!(self.pool.slots.queue.len() <= stats.size + self.waiting.len(), "actions without end");
        assert!(self.pool.slots.deadlines.len() <= stats.size + stats.waiting, "deadlines without end");
        let ended = stats.served + stats.cancelled + stats.timed_out + stats.refused + stats.rejected;
        let serving = stats.size
            - stats.free
            - stats.running
            - stats.opening
            - stats.closing
            - self.pool.slots.checking();
        assert_eq!(stats.checkouts, ended + (stats.waiting + serving) as u64, "{stats:?}");
    }

    /// All goes well from here on: whoever waits is served, all come back, and what is to be kept is kept.
    fn comes_to_rest(&mut self) {
        self.is_up = true;
        for _ in 0..100_000 {
            self.take_actions();
            let now = self.now;
            for slot in take(&mut self.opening) {
                self.pool.opened(now, slot);
            }
            for slot in take(&mut self.checking) {
                self.pool.checked(now, slot, true);
            }
            for slot in take(&mut self.closing) {
                self.pool.closed(now, slot);
                self.exist.remove(&slot);
            }
            for (slot, _) in take(&mut self.lent) {
                self.pool.give_back(now, slot);
            }
            if self.pool.slots.queue.len() > 0 {
                continue;
            }
            match self.pool.poll_timeout() {
                Some(at)
                    if self.pool.stats().waiting > 0 || self.pool.stats().size < self.pool.config().min =>
                {
                    self.now = at.max(now);
                    self.pool.handle_timeout(self.now);
                }
                _ => break,
            }
        }
    }
}

/// 10^5 calls a seed.
fn play(seed: u64, calls: usize) -> PoolStats {
    let mut model = Model::new(seed);
    for _ in 0..calls {
        model.step();
        model.check();
    }
    model.take_actions();
    model.comes_to_rest();
    let stats = model.pool.stats();
    assert_eq!((stats.waiting, stats.running, stats.closing), (0, 0, 0), "not at rest: {seed}");
    assert_eq!(stats.size, model.exist.len(), "a leak: {seed}");
    // Whoever asks is served, however it stood.
    let ticket = if model.pool.config().max_waiters > 0 { model.pool.checkout(model.now).ok() } else { None };
    let until = model.now + model.pool.config().wait_timeout;
    model.waiting.extend(ticket.map(|ticket| (ticket, until)));
    model.comes_to_rest();
    let after = model.pool.stats();
    assert_eq!(after.served - stats.served, u64::from(ticket.is_some()), "nobody is served any more: {seed}");
    assert!(ticket.is_none() || after.size >= model.pool.config().min, "less than min: {seed}");
    model.pool.drain(model.now);
    model.comes_to_rest();
    assert!(model.pool.is_drained() && model.exist.is_empty(), "a leak: {seed}");
    assert_eq!((model.pool.slots.deadlines.len(), model.pool.slots.queue.len()), (0, 0), "a leak: {seed}");
    after
}

#[test]
fn random_calls_break_no_law() {
    for seed in 0..20 {
        play(seed, 5_000);
    }
    let stats = play(20, 100_000);
    assert!(
        stats.served > 1000 && stats.timed_out > 100 && stats.broken > 100 && stats.failed > 100,
        "{stats:?}"
    );
}

#[test]
fn the_same_calls_come_to_something_else() {
    assert_eq!(play(3, 5_000), play(3, 5_000));
}
