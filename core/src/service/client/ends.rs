//! Where a client stands, and how it goes on: what is due, how a connection ends, when the next one begins.

use super::heartbeat::Heartbeat;
use super::{Action, Attempt, Client, ClientEvent, Failure, Stopped, Unsent};
use crate::base::{Cause, Classifier, CloseCode, Closed, End, Instant, Message, Origin, Progress, Wall};
use crate::link::DialError;
use core::time::Duration;

/// Where a client stands.
///
/// ```text
/// Due ──dial──▶ Dialing ──opened──▶ Open ──closed, silent, given up──▶ Ending ──gone──▶ Waiting ──time──▶ Due
///               Dialing ──failed──▶ Waiting                            Ending ──gone, stopping──▶ Stopped
/// Due, Dialing, Waiting ──stop──▶ Stopped                              Open ──stop──▶ Ending
/// ```
#[derive(Debug)]
pub(super) enum Phase {
    /// The next attempt has its time.
    Waiting(Instant),
    /// It is to be dialed.
    Due,
    Dialing(Attempt),
    Open(Open),
    /// It is not connected any more, and what was the connection is not gone.
    Ending(Ending),
    Stopped,
}

/// A connection that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) attempt: Attempt,
    /// Since when messages may go out.
    pub(super) ready_at: Option<Instant>,
    pub(super) ready_by: Instant,
    pub(super) has_close_frames: bool,
    /// How far it has come, as was told last.
    pub(super) progress: Progress,
    pub(super) heartbeat: Heartbeat,
}

/// A connection that ends.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) attempt: Attempt,
    failure: Option<Failure>,
}

/// What is done and told.
impl Client {
    /// What is to be done, until there is nothing. Events are to be taken as well: nothing is dialed before they are.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(errand) = self.errand.take() {
            return Some(errand);
        }
        let now = self.clock.last();
        match &mut self.phase {
            Phase::Open(open) if open.ready_at.is_none() => {
                let attempt = open.attempt;
                self.greeting.take().map(|greeting| Action::Greet(attempt, greeting))
            }
            Phase::Due if self.news.is_empty() => {
                self.attempts += 1;
                self.stats.dials += 1;
                let attempt = Attempt(self.attempts);
                self.phase = Phase::Dialing(attempt);
                Some(Action::Dial(attempt))
            }
            Phase::Open(open) if open.ready_at.is_some() => {
                let attempt = open.attempt;
                if open.heartbeat.poll_due(now, open.progress.received) {
                    self.stats.heartbeats += 1;
                    return Some(match &self.config.heartbeat_message {
                        Some(message) => Action::Heartbeat(attempt, message.clone()),
                        None if open.has_close_frames => Action::Ping(attempt),
                        None => Action::Heartbeat(attempt, Message::text("PING")),
                    });
                }
                let (ticket, kind, payload) = self.outbox.poll_send(now, self.config.window)?;
                Some(Action::Send { attempt, ticket, kind, payload })
            }
            _ => None,
        }
    }

    /// What is to be told, until there is nothing.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        let is_last = matches!(self.news.front(), Some(ClientEvent::Stopped(_)));
        if !is_last && let Some(event) = self.news.pop_front() {
            return Some(event);
        }
        let fate = self.outbox.poll_fate();
        fate.map(|(ticket, fate)| ClientEvent::Fate { ticket, fate }).or_else(|| self.news.pop_front())
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.phase {
            Phase::Waiting(at) => Some(*at),
            Phase::Open(open) => match open.ready_at {
                None => Some(open.ready_by),
                Some(_) => open.heartbeat.poll_timeout(),
            },
            _ => return None,
        };
        [own, self.outbox.poll_timeout()].into_iter().flatten().filter(|at| *at != Instant::NEVER).min()
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.outbox.handle_timeout(now, &mut self.stats);
        match &mut self.phase {
            Phase::Waiting(at) if *at <= now => self.phase = Phase::Due,
            Phase::Open(open) => {
                let failure = match open.ready_at {
                    None if open.ready_by <= now => Failure::NotReady(self.config.ready_timeout),
                    None => return,
                    Some(_) => match open.heartbeat.handle_timeout(now, open.progress.received) {
                        Ok(()) => return,
                        Err(silent) => silent,
                    },
                };
                self.stats.silent += u64::from(matches!(failure, Failure::Silent(_)));
                let attempt = open.attempt;
                self.lose(now, failure);
                self.errand = Some(Action::Abort(attempt));
            }
            _ => {}
        }
    }
}

/// How it goes on.
impl Client {
    /// A dial came to nothing.
    pub(super) fn fail_dial(&mut self, now: Instant, wall: Wall, attempt: Attempt, error: &DialError) {
        let failure = Failure::Dial(error.clone());
        self.tell_failure(attempt, &failure, false);
        let least = error.retry_after(wall).map(|least| least.min(self.config.max_retry_after));
        if self.config.fatal.ends(&failure) {
            self.phase = Phase::Due;
            self.begin_stop(now, Stopped::Fatal(failure));
        } else {
            self.wait(now, least, failure);
        }
    }

    /// The connection is of no use any more.
    pub(super) fn lose(&mut self, now: Instant, failure: Failure) {
        let Phase::Open(open) = &self.phase else { return };
        let attempt = open.attempt;
        if open.ready_at.is_some_and(|ready| now - ready >= self.config.steady_after) {
            self.pace.reset(now);
        }
        self.stats.lost += 1;
        self.tell_failure(attempt, &failure, true);
        let is_fatal = self.config.fatal.ends(&failure);
        self.phase = Phase::Ending(Ending { attempt, failure: Some(failure.clone()) });
        if is_fatal {
            self.begin_stop(now, Stopped::Fatal(failure));
        } else if !self.config.buffer {
            self.outbox.give_all_back(&mut self.stats, Unsent::Disconnected);
        }
    }

    /// The transport is gone, and nobody told how the connection ended.
    pub(super) fn lose_untold(&mut self, now: Instant) {
        let Phase::Open(open) = &self.phase else { return };
        let has_close_frames = open.has_close_frames;
        let cause = Cause::Transport(End::Dropped);
        let closed = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
        self.lose(now, Failure::Closed { closed, has_close_frames });
    }

    /// The transport of the connection that ends is gone.
    pub(super) fn bury(&mut self, now: Instant, progress: &Progress) {
        let Phase::Ending(ending) = &mut self.phase else { return };
        let failure = ending.failure.take();
        // What was to be done about it is done.
        self.errand = None;
        let given_back = match self.stopping {
            Some(_) => Some(Unsent::Stopped),
            None if !self.config.buffer => Some(Unsent::Disconnected),
            None => None,
        };
        self.outbox.handle_gone(&self.config, &mut self.stats, progress, given_back);
        match self.stopping.take() {
            Some(reason) => self.end(reason),
            None => self.wait(now, None, failure.unwrap_or(Failure::GivenUp)),
        }
    }

    /// Waits for the next attempt, at least for so long, or ends if there is none.
    fn wait(&mut self, now: Instant, least: Option<Duration>, failure: Failure) {
        let Some(mut at) = self.pace.next(now, &mut self.entropy) else {
            self.phase = Phase::Due;
            return self.begin_stop(now, Stopped::GaveUp(failure));
        };
        if let Some(least) = least.filter(|least| now + *least > at) {
            // All who were refused were told the same: they come back spread over what each would have waited.
            let spread = u64::try_from((at - now).as_nanos()).unwrap_or(u64::MAX).max(1);
            at = now + least + Duration::from_nanos(self.entropy.next_u64() % spread);
        }
        self.phase = Phase::Waiting(at);
    }

    pub(super) fn begin_stop(&mut self, now: Instant, reason: Stopped) {
        if self.stopping.is_some() || self.is_stopped() {
            return;
        }
        self.outbox.give_all_back(&mut self.stats, Unsent::Stopped);
        match &self.phase {
            Phase::Open(open) => {
                let attempt = open.attempt;
                self.errand = Some(Action::Close(attempt));
                self.phase = Phase::Ending(Ending { attempt, failure: None });
                self.stopping = Some(reason);
                self.set_disconnected(None);
            }
            Phase::Ending(_) => self.stopping = Some(reason),
            Phase::Dialing(attempt) => {
                self.errand = Some(Action::Abort(*attempt));
                self.end(reason);
            }
            Phase::Waiting(_) | Phase::Due | Phase::Stopped => self.end(reason),
        }
        self.clock.advance(now);
    }

    fn end(&mut self, reason: Stopped) {
        self.phase = Phase::Stopped;
        self.news.push_back(ClientEvent::Stopped(reason));
    }

    fn tell_failure(&mut self, attempt: Attempt, failure: &Failure, was_connected: bool) {
        self.set_disconnected(Some(failure));
        let failure = failure.clone();
        self.news.push_back(ClientEvent::Disconnected { attempt, failure, was_connected });
    }

    fn set_disconnected(&mut self, failure: Option<&Failure>) {
        self.state.is_connected = false;
        self.state.last_error = failure.cloned();
        self.version += 1;
    }
}
