//! Which of a host's addresses is connected to (RFC 8305, "happy eyeballs").

use super::Address;
use super::unconnected::{Fault, Unconnected};
use crate::base::{Clock, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

/// Connects to whichever address of a host answers first, as RFC 8305 asks: the addresses are tried in turn, IPv6 and IPv4
/// alternating and the family that the resolver put first in front (section 4, with a First Address Family Count of 1), each
/// begun a *connection attempt delay* behind the one before (section 5), and at once where one has failed. Those begun
/// before go on meanwhile. The first that is connected wins, and the others are given up. All of it has one deadline.
///
/// An adapter carries out what [`poll_action`](Self::poll_action) says until it is `None`, tells what came of it, calls
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) has come, and ends with
/// [`poll_outcome`](Self::poll_outcome). `E` is what it has to say of an address that cannot be connected to.
///
/// The delay is 250 ms ([`Config::attempt_delay`](super::Config::attempt_delay)), never less than 100 ms and never more than
/// 2 s; where the time is too short to give it to each address, each gets its share, of at least 10 ms. At most 64 addresses
/// are tried ([`MAX_ADDRESSES`](Self::MAX_ADDRESSES)), so no more are ever under way; those behind are left out and counted.
///
/// The *resolution delay* of section 3, by which IPv4 addresses that are known first wait 50 ms for those of IPv6, has no
/// place here: the resolvers of operating systems answer for both families at once, sorted by RFC 6724.
///
/// ```
/// use core::time::Duration;
/// use wharf::base::Instant;
/// use wharf::link::{Action, Address, Eyeballs};
///
/// let addresses: Vec<Address> =
///     ["[2001:db8::1]:80", "[2001:db8::2]:80", "192.0.2.1:80"].map(|a| a.parse().unwrap()).to_vec();
/// let (now, ms) = (Instant::ORIGIN, Duration::from_millis);
/// let mut eyeballs = Eyeballs::<&str>::new(now, addresses.clone(), now + ms(10_000), ms(250));
/// assert_eq!(eyeballs.poll_action(), Some(Action::Connect(0, addresses[0].clone())));
///
/// // It does not answer, so the other family gets its turn, and is there at once.
/// assert_eq!(eyeballs.poll_timeout(), Some(now + ms(250)));
/// eyeballs.handle_timeout(now + ms(250));
/// assert_eq!(eyeballs.poll_action(), Some(Action::Connect(1, addresses[2].clone())));
/// assert!(eyeballs.handle_connected(now + ms(260), 1));
/// assert_eq!(eyeballs.poll_action(), Some(Action::Cancel(0)));
/// assert_eq!(eyeballs.poll_outcome(), Some(Ok(1)));
/// ```
#[derive(Debug)]
pub struct Eyeballs<E> {
    clock: Clock,
    attempts: Vec<Attempt>,
    /// Those that are to be begun or given up, each once.
    due: VecDeque<usize>,
    /// What became of those that failed, in that order.
    failures: Vec<(Address, Fault, E)>,
    /// The first that was not begun, and when it is.
    next: usize,
    next_at: Instant,
    delay: Duration,
    deadline: Instant,
    left_out: usize,
    outcome: Option<Result<usize, Unconnected<E>>>,
    over: bool,
}

/// What an adapter is to do. Attempts are numbered in the order in which they are begun.
///
/// ```
/// use wharf::link::Action;
///
/// assert_ne!(Action::Connect(0, "192.0.2.1:80".parse().unwrap()), Action::Cancel(0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Begin to connect this attempt to this address. One that had no room is begun again under its number.
    Connect(usize, Address),
    /// Give this attempt up, and close what there is of it.
    Cancel(usize),
}

#[derive(Debug)]
struct Attempt {
    address: Address,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its turn has not come.
    Waiting,
    /// The adapter is to begin it.
    Beginning,
    /// It is under way.
    Connecting,
    /// There was no room for it: it is asked again then.
    Again(Instant),
    /// The adapter is to give it up.
    Cancelling,
    /// It came to its end.
    Done,
}

impl<E> Eyeballs<E> {
    /// Most addresses that are tried.
    pub const MAX_ADDRESSES: usize = 64;
    /// Least and most that an attempt waits for the one before (RFC 8305 section 8).
    const DELAY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
    /// "A subsequent connection MUST NOT be started within 10 milliseconds of the previous attempt" (section 5).
    const LEAST: Duration = Duration::from_millis(10);
    /// How soon an address that had no room is asked again.
    const AGAIN: Duration = Duration::from_millis(10);

    /// Tries `addresses`, in the resolver's order, until `deadline`. One that comes twice is tried once.
    #[must_use]
    pub fn new(now: Instant, addresses: Vec<Address>, deadline: Instant, delay: Duration) -> Self {
        let (addresses, left_out) = in_turn(addresses, Self::MAX_ADDRESSES);
        let attempt = |address| Attempt { address, state: State::Waiting };
        let mut eyeballs = Self {
            clock: Clock::new(now),
            attempts: addresses.into_iter().map(attempt).collect(),
            due: VecDeque::new(),
            failures: Vec::new(),
            next: 0,
            next_at: now,
            delay: delay.clamp(Self::DELAY[0], Self::DELAY[1]),
            deadline,
            left_out,
            outcome: None,
            over: false,
        };
        eyeballs.go_on(now);
        eyeballs
    }

    /// What is to be done; `None` until something happens.
    pub fn poll_action(&mut self) -> Option<Action> {
        while let Some(at) = self.due.pop_front() {
            let attempt = &mut self.attempts[at];
            match attempt.state {
                State::Beginning => {
                    attempt.state = State::Connecting;
                    return Some(Action::Connect(at, attempt.address.clone()));
                }
                State::Cancelling => {
                    attempt.state = State::Done;
                    return Some(Action::Cancel(at));
                }
                // It came to its end before anything was done about it.
                _ => {}
            }
        }
        None
    }

    /// How it ended, once: the attempt that won, or why none did. What [`poll_action`](Self::poll_action) says until `None`
    /// is still to be done.
    pub fn poll_outcome(&mut self) -> Option<Result<usize, Unconnected<E>>> {
        self.outcome.take()
    }

    /// An attempt is connected. Whether it won; else its connection is to be closed.
    #[must_use]
    pub fn handle_connected(&mut self, now: Instant, attempt: usize) -> bool {
        self.clock.advance(now);
        if self.over || !self.is_under_way(attempt) {
            return false;
        }
        self.attempts[attempt].state = State::Done;
        self.end(Ok(attempt));
        true
    }

    /// An attempt came to nothing, and nothing is left of it.
    pub fn handle_failed(&mut self, now: Instant, attempt: usize, fault: Fault, error: E) {
        let now = self.clock.advance(now);
        if self.is_under_way(attempt) {
            let failed = &mut self.attempts[attempt];
            failed.state = State::Done;
            // RFC 6455 4.1: "If the connection could not be opened, either because a direct connection failed"
            self.failures.push((failed.address.clone(), fault, error));
            self.next_at = now;
            self.go_on(now);
        }
    }

    /// There was no room for an attempt, as where the queue of a Unix socket is full: it is begun again every 10 ms.
    pub fn handle_busy(&mut self, now: Instant, attempt: usize) {
        let now = self.clock.advance(now);
        if self.is_under_way(attempt) {
            self.attempts[attempt].state = State::Again(now + Self::AGAIN);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest; `None` once it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let again = self.attempts.iter().filter_map(|attempt| match attempt.state {
            State::Again(at) => Some(at),
            _ => None,
        });
        let next = (self.next < self.attempts.len()).then_some(self.next_at);
        again.chain(next).chain([self.deadline]).min().filter(|_| !self.over)
    }

    /// Acts on what is due; an early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.over {
            return;
        }
        if now >= self.deadline {
            let failures = core::mem::take(&mut self.failures);
            self.end(Err(Unconnected::new(true, failures)));
            return;
        }
        for (at, attempt) in self.attempts.iter_mut().enumerate() {
            if matches!(attempt.state, State::Again(again) if again <= now) {
                attempt.state = State::Beginning;
                self.due.push_back(at);
            }
        }
        self.go_on(now);
    }

    /// Addresses that were left out because there are too many.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    fn is_under_way(&self, attempt: usize) -> bool {
        self.attempts.get(attempt).is_some_and(|attempt| attempt.state == State::Connecting)
    }

    /// Begins the next one if it is due, or notes that there is nothing left to wait for.
    fn go_on(&mut self, now: Instant) {
        if self.over {
            return;
        }
        if let Some(attempt) = self.attempts.get_mut(self.next) {
            if now >= self.next_at {
                attempt.state = State::Beginning;
                self.due.push_back(self.next);
                self.next += 1;
                let left = u32::try_from(self.attempts.len() - self.next).unwrap_or(u32::MAX);
                let share = (self.deadline - now) / left.saturating_add(1);
                self.next_at = now + self.delay.min(share).max(Self::LEAST);
            }
        } else if self.attempts.iter().all(|attempt| attempt.state == State::Done) {
            let failures = core::mem::take(&mut self.failures);
            self.end(Err(Unconnected::new(false, failures)));
        }
    }

    /// It is over: nobody else is waited for.
    fn end(&mut self, outcome: Result<usize, Unconnected<E>>) {
        self.over = true;
        self.outcome = Some(outcome);
        for (at, attempt) in self.attempts.iter_mut().enumerate() {
            attempt.state = if attempt.state == State::Connecting {
                self.due.push_back(at);
                State::Cancelling
            } else {
                State::Done
            };
        }
    }
}

/// The families alternating, the first one's first; each address once, `most` of them, and how many were left out.
fn in_turn(addresses: Vec<Address>, most: usize) -> (Vec<Address>, usize) {
    let first_is_v6 = addresses.first().is_some_and(is_v6);
    let (same, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| is_v6(a) == first_is_v6);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let (mut out, mut left_out) = (Vec::new(), 0);
    loop {
        let pair = [same.next(), other.next()];
        if pair == [None, None] {
            return (out, left_out);
        }
        for address in pair.into_iter().flatten() {
            if out.len() == most {
                left_out += usize::from(!out.contains(&address));
            } else if !out.contains(&address) {
                out.push(address);
            }
        }
    }
}

fn is_v6(address: &Address) -> bool {
    address.tcp().is_some_and(|address| address.is_ipv6())
}

#[cfg(test)]
mod tests;
