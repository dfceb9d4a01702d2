//! The limiter: who may connect now.

use super::key::Key;
use super::table::{BLOCKED, Place, Table};
use super::{Config, Full, LimiterStats, Refusal, Why};
use crate::base::{Cidr, Clock, Instant, least};
use core::net::IpAddr;
use core::time::Duration;

/// Judges connections by the address that they come from.
///
/// In any window of [`Config::window`], wherever it begins, an address is admitted at most [`Config::limit`] times: the times
/// of its last admissions are known, and not only a count. The next attempt is refused and starts a block, during which
/// attempts are refused and change nothing; after it the address starts afresh, unless the block is shorter than the window and
/// so cannot have emptied it. IPv6 is counted by networks of 64 bits,
/// IPv4 that is mapped into IPv6 as IPv4. One call judges and counts, so no two attempts pass on the same place.
///
/// It holds [`Config::max_addresses`] at most; [`Config::full`] says what becomes of more.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::Instant;
/// use wharf::service::limiter::{Config, Limiter, Why};
///
/// let (now, address) = (Instant::ORIGIN, "192.0.2.7".parse().unwrap());
/// let mut limiter = Limiter::new(Config::default());
/// assert!((0..10).all(|_| limiter.admit(now, address).is_ok()));
///
/// let refusal = limiter.admit(now, address).unwrap_err();
/// assert_eq!((refusal.why, refusal.retry_after), (Why::Rate, Some(Duration::from_secs(300))));
/// assert_eq!(limiter.admit(now + Duration::from_secs(299), address).unwrap_err().why, Why::Blocked);
/// assert!(limiter.admit(now + Duration::from_secs(300), address).is_ok());
/// ```
#[derive(Debug)]
pub struct Limiter {
    config: Config,
    clock: Clock,
    table: Table,
    /// When to sweep; not while nothing is held.
    sweep_at: Instant,
    stats: LimiterStats,
}

/// 136 years: two of them, one after the other, can still be named.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

impl Limiter {
    /// A limiter that knows no address.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        config.limit = config.limit.max(1);
        (config.window, config.block) = (config.window.min(LONGEST), config.block.min(LONGEST));
        config.max_addresses = config.max_addresses.clamp(1, u32::MAX as usize - 1);
        Self {
            config,
            clock: Clock::default(),
            table: Table::default(),
            sweep_at: Instant::NEVER,
            stats: LimiterStats::default(),
        }
    }

    /// Judges an attempt to connect, and counts it.
    ///
    /// # Errors
    /// [`Refusal`], if it is to be refused.
    pub fn admit(&mut self, now: Instant, address: IpAddr) -> Result<(), Refusal> {
        let now = self.clock.advance(now);
        if is_on(&self.config.deny, address) {
            self.stats.denied += 1;
            return Err(Refusal { why: Why::Denied, retry_after: None });
        }
        if is_on(&self.config.allow, address) {
            self.stats.allowed += 1;
            return Ok(());
        }
        let key = Key::from(address);
        let place = match self.table.find(key) {
            Some(place) => place,
            None => self.make_place(now, key)?,
        };
        self.judge(now, place)
    }

    /// How long an address is blocked yet, if it is.
    #[must_use]
    pub fn blocked_for(&mut self, now: Instant, address: IpAddr) -> Option<Duration> {
        let now = self.clock.advance(now);
        let (place, after_block) = (self.table.find(address.into())?, self.after_block());
        let entry = self.table.entry(place);
        let left = entry.needed_until - (now + after_block);
        (entry.is_blocked() && !left.is_zero()).then_some(left)
    }

    /// Forgets an address, its block too: it starts afresh. Whether it was known.
    pub fn forget(&mut self, address: IpAddr) -> bool {
        let place = self.table.find(address.into());
        place.inspect(|place| self.table.remove(*place)).is_some()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest; `None` while no address is held.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.table.len() > 0).then_some(self.sweep_at)
    }

    /// Forgets the addresses that are no longer needed, if it is time for that.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.poll_timeout().is_some_and(|at| at <= now) {
            while let Some(place) = self.table.unneeded(now) {
                self.table.remove(place);
            }
            self.sweep_at = self.next_sweep(now);
        }
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> LimiterStats {
        LimiterStats { addresses: self.table.len(), blocked: self.table.blocked(), ..self.stats }
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn judge(&mut self, now: Instant, place: Place) -> Result<(), Refusal> {
        let Config { limit, window, block, .. } = self.config;
        let after_block = self.after_block();
        let entry = self.table.entry(place);
        let room = entry.has_room(now, limit, window);
        let until_room = room.err().map_or(Duration::ZERO, |free_at| free_at - now);
        let blocked_for =
            if entry.is_blocked() { entry.needed_until - (now + after_block) } else { Duration::ZERO };
        if !blocked_for.is_zero() {
            self.stats.refused_by_block += 1;
            return Err(Refusal { why: Why::Blocked, retry_after: Some(blocked_for.max(until_room)) });
        }
        if room.is_err() {
            self.stats.refused_by_rate += 1;
            if !block.is_zero() {
                if after_block.is_zero() {
                    entry.clear();
                }
                self.table.settle(place, BLOCKED, now + block + after_block);
            }
            return Err(Refusal { why: Why::Rate, retry_after: Some(block.max(until_room)) });
        }
        entry.note(now, limit);
        let rank = Table::rank(entry.in_window(now, window), limit);
        self.table.settle(place, rank, now + window);
        self.stats.admitted += 1;
        Ok(())
    }

    /// How long an address is needed after its block: what was admitted before it may still be in the window.
    fn after_block(&self) -> Duration {
        self.config.window.saturating_sub(self.config.block)
    }

    /// A place for an address that is not known, that of another if need be.
    fn make_place(&mut self, now: Instant, key: Key) -> Result<Place, Refusal> {
        if self.table.len() >= self.config.max_addresses {
            if let Some(unneeded) = self.table.unneeded(now) {
                self.table.remove(unneeded);
            } else if self.config.full == Full::Refuse {
                self.stats.refused_full += 1;
                let wait = self.table.unneeded_at().map(|at| at - now);
                return Err(Refusal { why: Why::Full, retry_after: wait });
            } else if let Some(least) = self.table.least() {
                self.stats.forgotten += 1;
                self.stats.blocks_forgotten += u64::from(self.table.entry(least).is_blocked());
                self.table.remove(least);
            }
        }
        if self.table.len() == 0 {
            self.sweep_at = self.next_sweep(now);
        }
        Ok(self.table.insert(key))
    }

    /// Later than now, so that no deadline comes twice.
    fn next_sweep(&self, now: Instant) -> Instant {
        now + least(self.config.sweep)
    }
}

fn is_on(list: &[Cidr], address: IpAddr) -> bool {
    list.iter().any(|block| block.contains(address))
}
