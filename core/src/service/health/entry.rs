//! One endpoint, as the machine holds it.

use super::grid::{Grid, share};
use super::verdict::Verdict;
use super::{CheckId, Config, Endpoint, Status};
use crate::base::{Instant, Wall};
use alloc::sync::Arc;
use core::time::Duration;

/// How far the first checks are spread at most.
const SPREAD: Duration = Duration::from_secs(1);

/// One endpoint.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) timeout: Duration,
    interval: Duration,
    fast: Duration,
    grid: Grid,
    /// The grid of the transition, from the check on whose result contradicted the state.
    pace: Option<Grid>,
    pub(super) verdict: Verdict,
    last_check: Option<Wall>,
    response_time: Option<Duration>,
    /// When the next check is due; of one in flight, when it was.
    pub(super) due: Instant,
    pub(super) running: Option<CheckId>,
}

impl Entry {
    /// Not on any grid yet.
    pub(super) fn new(endpoint: Endpoint, config: &Config) -> Self {
        let interval = Config::sane(endpoint.interval.unwrap_or(config.interval));
        Self {
            timeout: Config::sane(endpoint.timeout.unwrap_or(config.timeout)),
            interval,
            fast: config.fast(interval),
            endpoint: Arc::new(endpoint),
            grid: Grid::new(Instant::ORIGIN, interval),
            pace: None,
            verdict: Verdict::default(),
            last_check: None,
            response_time: None,
            due: Instant::ORIGIN,
            running: None,
        }
    }

    /// Puts it onto its grid, as number `index` of `count` that begin together.
    pub(super) fn begin(&mut self, now: Instant, index: usize, count: usize) {
        self.grid = Grid::new(now + share(self.interval, index, count), self.interval);
        self.due = now + share(self.interval.min(SPREAD), index, count);
    }

    /// Takes a result; whether it is worth a line.
    pub(super) fn take(&mut self, success: bool, config: &Config, wall: Wall, took: Duration) -> bool {
        let flips = self.verdict.take(success, config.rise, config.fall);
        (self.last_check, self.response_time) = (Some(wall), Some(took));
        if !self.verdict.is_moving() {
            self.pace = None;
        } else if self.pace.is_none() {
            self.pace = Some(Grid::new(self.due, self.fast));
        }
        flips
    }

    /// No check is in flight any more: the next one is due at the next moment of the grid. Those that passed meanwhile are left
    /// out.
    pub(super) fn settle(&mut self, now: Instant) {
        self.running = None;
        let after = self.due + Duration::from_nanos(1);
        self.due = self.pace.unwrap_or(self.grid).at_or_after(now.max(after));
    }

    pub(super) fn status(&self) -> Status<'_> {
        Status {
            endpoint: &self.endpoint,
            timeout: self.timeout,
            is_healthy: self.verdict.is_healthy(),
            last_check: self.last_check,
            response_time: self.response_time,
            consecutive_failures: self.verdict.failures(),
        }
    }
}
