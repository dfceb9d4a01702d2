//! Signs of life: ours on a grid, the peer's in answer.

use super::{ClientConfig, Failure};
use crate::base::Instant;
use core::time::Duration;

/// The heartbeat of one connection. Nothing that goes wrong with one keeps the next from being sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heartbeat {
    every: Option<Duration>,
    next: Instant,
    /// One is to be sent.
    is_due: bool,
    /// How long an answer may take; `None` if none is expected.
    answer_within: Option<Duration>,
    /// Until when one must be there, and how many bytes had come from the peer before.
    answer: Option<(Instant, u64)>,
    /// It is to the one that was sent last.
    is_to_last: bool,
    /// The program reads nothing: that no answer is seen says nothing of the peer.
    is_paused: bool,
}

/// An interval of zero would be due for ever.
const LEAST: Duration = Duration::from_millis(1);

impl Heartbeat {
    pub(super) fn new(now: Instant, config: &ClientConfig, has_ping: bool) -> Self {
        let is_ping = has_ping && config.heartbeat_message.is_none();
        let answer_within = if is_ping { config.pong_timeout } else { config.reply_timeout };
        let every = config.heartbeat.map(|every| every.max(LEAST));
        let next = every.map_or(Instant::NEVER, |every| now + every);
        let answer_within = answer_within.map(|within| within.max(LEAST));
        Self { every, next, is_due: false, answer_within, answer: None, is_to_last: false, is_paused: false }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let answer = self.answer.filter(|_| !self.is_paused).map(|(by, _)| by);
        let next = Some(self.next).filter(|at| *at != Instant::NEVER);
        [next, answer].into_iter().flatten().min()
    }

    /// Time has passed.
    ///
    /// # Errors
    /// The peer, of which `received` bytes have come, gives no sign of life.
    pub(super) fn handle_timeout(&mut self, now: Instant, received: u64) -> Result<(), Failure> {
        self.handle_received(received);
        if let (Some((by, _)), Some(within)) = (self.answer, self.answer_within)
            && by <= now
            && !self.is_paused
        {
            return Err(Failure::Silent(within));
        }
        if let Some(every) = self.every.filter(|_| self.next <= now) {
            // On its grid, and what was missed is not made up for.
            let missed = (now - self.next).as_nanos() / every.as_nanos();
            let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
            self.next = (self.next + every * steps).max(now + LEAST);
            self.is_due = true;
        }
        Ok(())
    }

    /// So many bytes have come: more than before are as good as an answer.
    pub(super) fn handle_received(&mut self, received: u64) {
        self.answer.take_if(|(_, before)| received > *before);
    }

    /// Whether one is to be sent now, which it then is.
    pub(super) fn poll_due(&mut self, now: Instant, received: u64) -> bool {
        let is_due = core::mem::take(&mut self.is_due);
        if is_due {
            // One behind another that is unanswered must not put its deadline off.
            self.is_to_last = self.answer.is_none();
            self.answer = self.answer.or_else(|| Some((now + self.answer_within?, received)));
        }
        is_due
    }

    /// The one that was to be sent was not, so no answer comes to it.
    pub(super) fn handle_failed(&mut self) {
        if self.is_to_last {
            self.answer = None;
        }
    }

    pub(super) fn pause(&mut self) {
        self.is_paused = true;
    }

    pub(super) fn resume(&mut self, now: Instant) {
        if core::mem::take(&mut self.is_paused)
            && let (Some((by, _)), Some(within)) = (&mut self.answer, self.answer_within)
        {
            *by = now + within;
        }
    }
}
