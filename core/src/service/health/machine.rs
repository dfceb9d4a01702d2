//! The machine that says when to check, and what the results amount to.

use super::entry::Entry;
use super::flights::{Flight, Flights, Pending};
use super::{Action, Check, CheckId, Config, Endpoint, Failure, Flip, HealthStats, Status};
use crate::base::{Clock, Instant, Wall};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// Flips that wait to be polled, at most.
const MAX_FLIPS: usize = 1024;

/// Checks endpoints on a fixed grid, and holds what is known of them.
///
/// Endpoints that are added together begin together: number `i` of `n` is checked for the first time after `i/n` of its interval or of
/// a second, whichever is shorter, and from then on at `begin + i/n × interval + k × interval`, however long a check takes. An
/// endpoint has at most one check in flight; moments that pass meanwhile are left out. The first result counts at once. After it
/// [`Config::rise`] successes or [`Config::fall`] failures in a row flip the state, and from the first result that contradicts it, until it
/// flips or agrees again, checks come every [`Config::fast_interval`].
///
/// After any call: carry out what [`poll_action`](Self::poll_action) says and tell what came of it; log what
/// [`poll_flip`](Self::poll_flip) says; call [`handle_timeout`](Self::handle_timeout) at the latest when
/// [`poll_timeout`](Self::poll_timeout) says.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Instant, Wall};
/// use wharf::service::health::{Action, Config, Failure, Health};
///
/// let (start, wall) = (Instant::ORIGIN, Wall::default());
/// let endpoint = "db=tcp://database:5432".parse().unwrap();
/// let mut health = Health::new(Config::default(), [endpoint]).unwrap();
/// health.handle_timeout(start, wall);
/// let Some(Action::Check(check)) = health.poll_action() else { panic!() };
/// let later = start + Duration::from_millis(3);
/// health.handle_result(later, wall, check.id, Err(Failure::Connect));
/// assert_eq!(health.poll_flip().unwrap().failure, Some(Failure::Connect));
/// assert_eq!(health.status("db").unwrap().consecutive_failures, 1);
/// assert_eq!(health.poll_timeout(), Some(start + Duration::from_secs(30)));
/// ```
#[derive(Debug)]
pub struct Health {
    config: Config,
    clock: Clock,
    /// In the order in which they were added; at most [`Config::max_endpoints`].
    entries: BTreeMap<u64, Entry>,
    keys: BTreeMap<String, u64>,
    next_key: u64,
    /// The first endpoints are on their grid.
    has_begun: bool,
    /// Endpoints without a check in flight.
    due: BTreeSet<(Instant, u64)>,
    /// At most [`Config::max_checks`].
    flights: Flights,
    /// At most [`MAX_FLIPS`].
    flips: VecDeque<Flip>,
    /// Endpoints of which something is known since they were last polled; each at most once.
    changed: BTreeSet<u64>,
    /// When a check that was due last found no place.
    full_at: Option<Instant>,
    stats: HealthStats,
}

/// Why endpoints were not added. None of them was.
///
/// ```
/// use wharf::base::Instant;
/// use wharf::service::health::{AddError, Config, Health};
///
/// let mut health = Health::new(Config::default(), ["db=tcp://database:5432".parse().unwrap()]).unwrap();
/// let more = ["api=http://localhost/", "db=tcp://other:5432"].map(|endpoint| endpoint.parse().unwrap());
/// assert_eq!(health.add(Instant::ORIGIN, more), Err(AddError::Duplicate("db".into())));
/// assert!(health.status("api").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// There is one of this name already.
    #[error("two endpoints are called {0:?}")]
    Duplicate(String),
    /// There would be more than [`Config::max_endpoints`].
    #[error("more than {0} endpoints")]
    TooMany(usize),
}

impl Health {
    /// A checker of these endpoints, in this order. They begin together with the first call that tells the time.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn new(config: Config, endpoints: impl IntoIterator<Item = Endpoint>) -> Result<Self, AddError> {
        let mut health = Self {
            config,
            clock: Clock::default(),
            entries: BTreeMap::new(),
            keys: BTreeMap::new(),
            next_key: 0,
            has_begun: false,
            due: BTreeSet::new(),
            flights: Flights::default(),
            flips: VecDeque::new(),
            changed: BTreeSet::new(),
            full_at: None,
            stats: HealthStats::default(),
        };
        health.insert(endpoints)?;
        Ok(health)
    }

    /// Adds endpoints, behind those that are there; they begin together, now.
    ///
    /// # Errors
    /// [`AddError`]; none was added.
    pub fn add(
        &mut self,
        now: Instant,
        endpoints: impl IntoIterator<Item = Endpoint>,
    ) -> Result<(), AddError> {
        let now = self.begin(now);
        let added = self.insert(endpoints)?;
        self.put_on_grid(now, &added);
        self.start_due(now);
        Ok(())
    }

    /// Removes an endpoint, and gives up a check of it; whether it was there.
    pub fn remove(&mut self, now: Instant, id: &str) -> bool {
        let now = self.begin(now);
        let Some(key) = self.keys.remove(id) else { return false };
        if let Some(entry) = self.entries.remove(&key) {
            self.due.remove(&(entry.due, key));
            self.changed.remove(&key);
            let revoked = entry.running.and_then(|check| self.flights.revoke(check));
            self.stats.abandoned += u64::from(revoked.is_some());
        }
        self.start_due(now);
        true
    }

    /// Checks an endpoint as soon as there is a place, if no check of it is in flight; whether it is there. The result counts as
    /// any other, and the grid stays as it is.
    pub fn check_now(&mut self, now: Instant, id: &str) -> bool {
        let now = self.begin(now);
        let Some((key, entry)) = self.keys.get(id).and_then(|key| Some((*key, self.entries.get_mut(key)?)))
        else {
            return false;
        };
        if self.due.remove(&(entry.due, key)) {
            entry.due = entry.due.min(now);
            self.due.insert((entry.due, key));
        }
        self.start_due(now);
        true
    }

    /// A check has its result. Whether that counts: not of a check that was cancelled, nor a second time.
    pub fn handle_result(
        &mut self,
        now: Instant,
        wall: Wall,
        check: CheckId,
        result: Result<(), Failure>,
    ) -> bool {
        let now = self.begin(now);
        let flight = self.flights.end(check);
        let counts = flight.is_some();
        self.finish(now, wall, flight.as_ref(), result);
        self.start_due(now);
        counts
    }

    /// A check came to nothing for a reason on this side: nothing is known by it. The next one is due when it would be anyway.
    pub fn handle_abandoned(&mut self, now: Instant, check: CheckId) {
        let now = self.begin(now);
        if let Some(flight) = self.flights.end(check) {
            self.stats.abandoned += 1;
            self.settle(now, flight.key);
        }
        self.start_due(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.has_begun {
            return (!self.entries.is_empty()).then_some(self.clock.last());
        }
        let late = self.flights.deadline().map(|(at, _)| at);
        let due = self.due.first().map(|(at, _)| *at).filter(|_| self.has_place());
        [late, due].into_iter().flatten().min().filter(|at| *at != Instant::NEVER)
    }

    /// Fails the checks that took too long, and begins those that are due.
    pub fn handle_timeout(&mut self, now: Instant, wall: Wall) {
        let now = self.begin(now);
        while let Some((_, check)) = self.flights.deadline().filter(|(at, _)| *at <= now) {
            self.stats.timed_out += 1;
            let flight = self.flights.revoke(check);
            self.finish(now, wall, flight.as_ref(), Err(Failure::TimedOut));
        }
        self.start_due(now);
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        while let Some(pending) = self.flights.poll() {
            let (id, key) = match pending {
                Pending::Check(id, key) => (id, key),
                Pending::Cancel(id) => return Some(Action::Cancel(id)),
            };
            if let Some(entry) = self.entries.get(&key) {
                let (endpoint, timeout) = (entry.endpoint.clone(), entry.timeout);
                return Some(Action::Check(Check { id, endpoint, timeout }));
            }
        }
        None
    }

    /// A flip that was not told yet, the oldest first.
    pub fn poll_flip(&mut self) -> Option<Flip> {
        self.flips.pop_front()
    }

    /// An endpoint of which something new is known since it was last told here.
    pub fn poll_changed(&mut self) -> Option<Status<'_>> {
        let key = self.changed.pop_first()?;
        self.entries.get(&key).map(Entry::status)
    }

    /// What is known of one endpoint.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<Status<'_>> {
        self.entries.get(self.keys.get(id)?).map(Entry::status)
    }

    /// What is known of each, in the order in which they were added.
    pub fn statuses(&self) -> impl Iterator<Item = Status<'_>> {
        self.entries.values().map(Entry::status)
    }

    /// Those that are healthy, in the order in which they were added.
    pub fn healthy(&self) -> impl Iterator<Item = Status<'_>> {
        self.statuses().filter(|status| status.is_healthy)
    }

    /// Whether anything is healthy.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.entries.values().any(|entry| entry.verdict.is_healthy())
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> HealthStats {
        let (running, endpoints) = (self.flights.len(), self.entries.len());
        HealthStats { running, endpoints, healthy: self.healthy().count(), ..self.stats }
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The first endpoints begin with the first time that is told.
    fn begin(&mut self, now: Instant) -> Instant {
        let now = self.clock.advance(now);
        if !core::mem::replace(&mut self.has_begun, true) {
            let all: Vec<u64> = self.entries.keys().copied().collect();
            self.put_on_grid(now, &all);
        }
        now
    }

    fn insert(&mut self, endpoints: impl IntoIterator<Item = Endpoint>) -> Result<Vec<u64>, AddError> {
        let mut added: Vec<u64> = Vec::new();
        let mut error = None;
        for endpoint in endpoints {
            if self.keys.contains_key(endpoint.id()) {
                error = Some(AddError::Duplicate(endpoint.id().to_string()));
            } else if self.entries.len() >= self.config.max_endpoints.max(1) {
                error = Some(AddError::TooMany(self.config.max_endpoints.max(1)));
            }
            if error.is_some() {
                break;
            }
            let key = self.next_key;
            self.next_key += 1;
            self.keys.insert(endpoint.id().to_string(), key);
            self.entries.insert(key, Entry::new(endpoint, &self.config));
            added.push(key);
        }
        let Some(error) = error else { return Ok(added) };
        for entry in added.iter().filter_map(|key| self.entries.remove(key)) {
            self.keys.remove(entry.endpoint.id());
        }
        Err(error)
    }

    fn put_on_grid(&mut self, now: Instant, keys: &[u64]) {
        for (index, key) in keys.iter().enumerate() {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.begin(now, index, keys.len());
                self.due.insert((entry.due, *key));
            }
        }
    }

    fn has_place(&self) -> bool {
        self.flights.len() < self.config.max_checks.max(1)
    }

    /// Begins what is due, as far as there are places.
    fn start_due(&mut self, now: Instant) {
        while let Some((due, key)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            if !self.has_place() {
                self.full_at = Some(now);
                return;
            }
            self.due.pop_first();
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            entry.running = Some(self.flights.begin(key, now, now + entry.timeout));
            self.stats.started += 1;
            self.stats.delayed += u64::from(self.full_at.is_some_and(|full_at| due <= full_at));
        }
    }

    fn finish(&mut self, now: Instant, wall: Wall, flight: Option<&Flight>, result: Result<(), Failure>) {
        let Some(&Flight { key, since, .. }) = flight else { return };
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let took: Duration = now - since;
        self.stats.succeeded += u64::from(result.is_ok());
        self.stats.failed += u64::from(result.is_err());
        if entry.take(result.is_ok(), &self.config, wall, took) {
            self.stats.flips += 1;
            if self.flips.len() >= MAX_FLIPS {
                self.flips.pop_front();
                self.stats.flips_dropped += 1;
            }
            self.flips.push_back(Flip {
                endpoint: entry.endpoint.clone(),
                is_healthy: entry.verdict.is_healthy(),
                failure: result.err(),
                response_time: took,
                consecutive_failures: entry.verdict.failures(),
            });
        }
        self.changed.insert(key);
        self.settle(now, key);
    }

    fn settle(&mut self, now: Instant, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.settle(now);
            self.due.insert((entry.due, key));
        }
    }
}
