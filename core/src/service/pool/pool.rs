//! The pool: what it is told.

use super::demand::Demand;
use super::queue::Whom;
use super::slots::{Slots, State};
use super::waiters::{GaveUp, Waiters};
use super::{Action, CheckoutError, PoolConfig, PoolStats, Refusal, SlotId, Ticket};
use crate::base::{Clock, Entropy, Instant};
use core::time::Duration;

/// Connections that are kept open and lent to one user at a time, as a machine: it says what is to be done, and holds none.
///
/// Whoever asks has a [`Ticket`], and in its turn, first come first served, an [`Action::Serve`] or an [`Action::Refuse`]. After each
/// call [`poll_action`](Self::poll_action) is called until it returns `None`. Each slot and each ticket has one action at most at a
/// time, and what has changed meanwhile is not asked for any more. A call about a slot or a ticket that is gone, or that makes no
/// sense where that stands, changes nothing.
///
/// Deadlines that have come by the `now` of a call act before the call does.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::service::pool::{Action, Pool, PoolConfig};
///
/// let now = Instant::ORIGIN;
/// let mut config = PoolConfig::default();
/// config.min = 0;
/// let mut pool = Pool::new(now, config, Entropy::from_seed([7; 32]));
/// let ticket = pool.checkout(now).unwrap();
/// let Some(Action::Open { slot }) = pool.poll_action() else { panic!() };
/// pool.opened(now, slot);
/// assert_eq!(pool.poll_action(), Some(Action::Serve { ticket, slot }));
/// assert_eq!(pool.stats().running, 1);
/// pool.give_back(now, slot);
/// assert_eq!(pool.poll_action(), Some(Action::Check { slot }));
/// pool.checked(now, slot, true);
/// assert_eq!((pool.poll_action(), pool.stats().free), (None, 1));
/// ```
#[derive(Debug)]
pub struct Pool {
    pub(super) config: PoolConfig,
    pub(super) slots: Slots,
    pub(super) waiters: Waiters,
    pub(super) demand: Demand,
    pub(super) stats: PoolStats,
    pub(super) entropy: Entropy,
    pub(super) is_draining: bool,
    clock: Clock,
}

impl Pool {
    /// A pool that opens its first connections at once. The entropy is for jitter.
    #[must_use]
    pub fn new(now: Instant, mut config: PoolConfig, entropy: Entropy) -> Self {
        config.max = config.max.max(1);
        config.min = config.min.min(config.max);
        config.connect_timeout = config.connect_timeout.max(PoolConfig::SHORTEST);
        config.check_timeout = config.check_timeout.max(PoolConfig::SHORTEST);
        config.max_age = config.max_age.map(|age| age.max(PoolConfig::YOUNGEST));
        let mut pool = Self {
            config,
            slots: Slots::default(),
            waiters: Waiters::default(),
            demand: Demand::default(),
            stats: PoolStats::default(),
            entropy,
            is_draining: false,
            clock: Clock::new(now),
        };
        pool.settle(now);
        pool
    }

    /// Asks for a connection. It waits for [`PoolConfig::wait_timeout`] at most.
    ///
    /// # Errors
    /// [`CheckoutError`]; then nobody waits.
    pub fn checkout(&mut self, now: Instant) -> Result<Ticket, CheckoutError> {
        self.checkout_within(now, self.config.wait_timeout)
    }

    /// As [`checkout`](Self::checkout), with a patience of its own. Zero: it is served if a connection is idle, and refused else.
    ///
    /// # Errors
    /// [`CheckoutError`]; then nobody waits.
    pub fn checkout_within(&mut self, now: Instant, patience: Duration) -> Result<Ticket, CheckoutError> {
        let now = self.pass(now);
        self.stats.checkouts += 1;
        let limit = self.config.max_waiters;
        // Also for one who is refused: where nobody may wait, nobody else would ever have it tried again.
        self.demand.is_given_up = false;
        let refused = match () {
            () if self.is_draining => Some(CheckoutError::Drained),
            () if self.waiters.len() >= limit && !self.has_one_now() => {
                Some(CheckoutError::TooMany { limit })
            }
            () => None,
        };
        if let Some(error) = refused {
            self.stats.rejected += 1;
            self.settle(now);
            return Err(error);
        }
        // One who is served at the last moment is served in time.
        let ticket = self.waiters.add(&mut self.slots, now + patience + Duration::from_nanos(1));
        self.settle(now);
        Ok(Ticket(ticket))
    }

    /// Whether one who comes now is not kept waiting by others.
    fn has_one_now(&self) -> bool {
        self.waiters.len() == 0 && self.slots.idle() > 0
    }

    /// One who waited waits no more, whether there was something for it or not. Once [`Action::Serve`] was taken it has a connection,
    /// and is to [give it back](Self::give_back).
    pub fn cancel(&mut self, now: Instant, ticket: Ticket) {
        let now = self.pass(now);
        match self.waiters.give_up(&mut self.slots, ticket.0) {
            GaveUp::Unknown | GaveUp::Refused => {}
            GaveUp::Waiting => self.stats.cancelled += 1,
            GaveUp::Served(key) => {
                self.stats.cancelled += 1;
                // It was not touched since it was found sound.
                self.put_to_use(now, key);
            }
        }
        self.settle(now);
    }

    /// A connection that was to be opened is open.
    pub fn opened(&mut self, now: Instant, slot: SlotId) {
        let now = self.pass(now);
        if self.slots.state(slot.0) == Some(State::Opening) {
            self.stats.opened += 1;
            self.demand.succeeded();
            if let Some(age) = self.config.max_age {
                // Between eight and ten tenths of it.
                let part = age / 5;
                let parts = self.entropy.next_u64() as f64 / u64::MAX as f64;
                self.slots.grows_old(slot.0, now + (age - part) + part.mul_f64(parts));
            }
            self.put_to_use(now, slot.0);
        }
        self.settle(now);
    }

    /// What a check came to: whether the connection may be lent.
    pub fn checked(&mut self, now: Instant, slot: SlotId, is_sound: bool) {
        let now = self.pass(now);
        if self.slots.state(slot.0) == Some(State::Checking) {
            if is_sound {
                self.put_to_use(now, slot.0);
            } else {
                self.stats.broken += 1;
                self.slots.close(slot.0);
            }
        }
        self.settle(now);
    }

    /// A connection that was lent comes back.
    pub fn give_back(&mut self, now: Instant, slot: SlotId) {
        let now = self.pass(now);
        if self.slots.state(slot.0) == Some(State::Running) {
            if self.is_draining {
                self.slots.close(slot.0);
            } else if self.slots.old_at(slot.0) <= now {
                self.stats.aged += 1;
                self.slots.close(slot.0);
            } else {
                self.check(now, slot.0);
            }
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        while let Some(whom) = self.slots.queue.pop() {
            let action = match whom {
                Whom::Slot(key) => self.tell_slot(key),
                Whom::Ticket(ticket) => {
                    let refused = self.waiters.tell(ticket);
                    refused.map(|why| Action::Refuse { ticket: Ticket(ticket), why })
                }
            };
            if action.is_some() {
                return action;
            }
        }
        None
    }

    fn tell_slot(&mut self, key: slotmap::DefaultKey) -> Option<Action> {
        let slot = SlotId(key);
        match self.slots.tell(key)? {
            State::Opening => Some(Action::Open { slot }),
            State::Checking => Some(Action::Check { slot }),
            State::Closing => Some(Action::Close { slot }),
            State::Serving(ticket, _) => {
                self.waiters.forget(ticket);
                self.slots.change(key, State::Running, Instant::NEVER);
                self.stats.served += 1;
                Some(Action::Serve { ticket: Ticket(ticket), slot })
            }
            State::Idle(..) | State::Running => None,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.slots.deadlines.first().map(|(at, _)| *at);
        deadline.into_iter().chain(self.idle_end()).chain(self.opens_at()).min()
    }

    /// Time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.pass(now);
        self.settle(now);
    }

    /// What it holds and what it counted.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let count = |state| self.slots.count(state);
        PoolStats {
            size: self.slots.len(),
            free: self.slots.idle(),
            running: count(State::Running),
            waiting: self.waiters.waiting(),
            opening: self.slots.opening(),
            closing: count(State::Closing),
            ..self.stats
        }
    }

    /// What it was told once; [`max`](PoolConfig::max) is 1 at least, and [`min`](PoolConfig::min) no more than that.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Time passes: deadlines that have come act.
    pub(super) fn pass(&mut self, now: Instant) -> Instant {
        let now = self.clock.advance(now);
        while self.slots.deadlines.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, whom)) = self.slots.deadlines.pop_first()
        {
            match whom {
                Whom::Ticket(ticket) => {
                    if self.waiters.refuse(&mut self.slots, ticket, Refusal::TimedOut) {
                        self.stats.timed_out += 1;
                    }
                }
                Whom::Slot(key) => self.too_late(now, key),
            }
        }
        now
    }

    /// A connection is there for the next: one who waits, or nobody for now.
    pub(super) fn put_to_use(&mut self, now: Instant, key: slotmap::DefaultKey) {
        if self.is_draining {
            self.slots.close(key);
        } else if let Some((ticket, until)) = self.waiters.serve(&mut self.slots, key) {
            self.slots.change(key, State::Serving(ticket, until), Instant::NEVER);
        } else {
            self.slots.keep(key, now);
        }
    }

    pub(super) fn check(&mut self, now: Instant, key: slotmap::DefaultKey) {
        self.slots.change(key, State::Checking, now + self.config.check_timeout);
    }
}
