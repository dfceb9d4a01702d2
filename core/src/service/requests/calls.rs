//! The side that asks: calls in flight, each with its deadline.

use super::wire::{self, Incoming, Request, RequestId};
use super::{CallError, Failed, Failure, Received, ReplyError, RequestsConfig, RequestsStats};
use crate::base::{Closed, Instant, Message};
use crate::framed::json;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// The name of a call; none is given twice by the same [`Requests`].
///
/// ```
/// use wharf::service::requests::Requests;
///
/// let mut requests = Requests::new(Default::default());
/// let (id, _message) = requests.call(Default::default(), "ahoy", None).unwrap();
/// assert_eq!(id.to_string(), "1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The requests of one connection: which are in flight, and what becomes of each.
///
/// A call ends exactly once: by a reply ([`receive`](Self::receive)), by [`cancel`](Self::cancel) or
/// [`withdraw`](Self::withdraw), by its deadline or with the connection (both told by [`poll_failed`](Self::poll_failed)).
/// Until then it counts as in flight, which at most [`RequestsConfig::max_in_flight`] are.
///
/// ```
/// use wharf::base::{Instant, Message};
/// use wharf::service::requests::{Received, Requests};
///
/// let mut requests = Requests::new(Default::default());
/// let (id, message) = requests.call(Instant::ORIGIN, &["add", "2", "3"], None).unwrap();
/// assert_eq!(message, Message::text(r#"{"id":1,"data":["add","2","3"]}"#));
/// // It goes out, and its answer comes.
/// let message = Message::text(r#"{"id":1,"data":5}"#);
/// let Received::Reply { id: answered, outcome } = requests.receive(&message) else { panic!() };
/// assert_eq!((answered, outcome.unwrap().decode::<u8>().unwrap()), (id, 5));
/// ```
#[derive(Debug)]
pub struct Requests {
    config: RequestsConfig,
    next: u64,
    /// The deadline of each.
    flight: BTreeMap<u64, Instant>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// The youngest that ended without a reply that may still come, at most as many as may be in flight.
    pub(super) given_up: BTreeSet<u64>,
    /// The last time that was told: calls that are due then have failed.
    told: Option<Instant>,
    closed: Option<Arc<Closed>>,
    stats: RequestsStats,
}

impl Requests {
    /// None yet.
    #[must_use]
    pub fn new(config: RequestsConfig) -> Self {
        Self {
            config,
            next: 1,
            flight: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            given_up: BTreeSet::new(),
            told: None,
            closed: None,
            stats: RequestsStats::default(),
        }
    }

    /// Calls in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> RequestsStats {
        self.stats
    }

    /// Begins a call: its name, and the message to send. One that cannot be sent is to be [withdrawn](Self::withdraw). It waits for
    /// `timeout`, or for [`RequestsConfig::timeout`].
    ///
    /// # Errors
    /// [`CallError`]; then there is no call.
    pub fn call<T: serde::Serialize + ?Sized>(
        &mut self,
        now: Instant,
        data: &T,
        timeout: Option<Duration>,
    ) -> Result<(CallId, Message<'static>), CallError> {
        if let Some(closed) = &self.closed {
            return Err(CallError::Closed(closed.clone()));
        }
        let limit = self.config.max_in_flight;
        if self.flight.len() >= limit {
            self.stats.too_many += 1;
            return Err(CallError::TooMany { limit });
        }
        let id = self.next;
        let message = json::encode_as(self.config.kind, &Request { id, data })?;
        self.next += 1;
        let deadline = now + timeout.unwrap_or(self.config.timeout);
        self.flight.insert(id, deadline);
        self.deadlines.insert((deadline, id));
        self.stats.calls += 1;
        Ok((CallId(id), message))
    }

    /// Takes a message that came. A reply is taken as long as its call is in flight, be its deadline past.
    pub fn receive<'m>(&mut self, message: &'m Message<'_>) -> Received<'m> {
        let reply = if message.kind() == self.config.kind { Incoming::decode(message) } else { None };
        let Some(Incoming { id: RequestId::Number(id), data, error, is_cancel: false }) = reply else {
            return self.not_ours();
        };
        if id == 0 || id >= self.next {
            return self.not_ours();
        }
        if self.end(id) {
            let outcome = match (error, data) {
                (Some(Ok(error)), _) => Err(ReplyError::Refused(error)),
                (None, Some(data)) => Ok(data),
                (Some(Err(())), _) | (None, None) => Err(ReplyError::Malformed),
            };
            let count = match &outcome {
                Ok(_) => &mut self.stats.answered,
                Err(ReplyError::Refused(_)) => &mut self.stats.refused,
                Err(ReplyError::Malformed) => &mut self.stats.malformed,
            };
            *count += 1;
            return Received::Reply { id: CallId(id), outcome };
        }
        if self.given_up.remove(&id) {
            self.stats.late += 1;
            return Received::Late(CallId(id));
        }
        self.stats.duplicates += 1;
        Received::Duplicate(CallId(id))
    }

    /// Gives a call up: the message that tells the peer, or `None` if it is in flight no longer.
    pub fn cancel(&mut self, id: CallId) -> Option<Message<'static>> {
        if !self.end(id.0) {
            return None;
        }
        self.stats.cancelled += 1;
        self.give_up(id.0);
        Some(wire::cancel(self.config.kind, id.0))
    }

    /// Takes a call back whose message was not sent; whether it was in flight.
    pub fn withdraw(&mut self, id: CallId) -> bool {
        let ended = self.end(id.0);
        self.stats.withdrawn += u64::from(ended);
        ended
    }

    /// The connection has ended, and with it every call. The first cause stands.
    pub fn handle_closed(&mut self, closed: &Closed) {
        self.closed.get_or_insert_with(|| Arc::new(closed.clone()));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called: at once while a call that is due was not
    /// [polled](Self::poll_failed).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closed.is_some() {
            return None;
        }
        let (at, _) = self.deadlines.first()?;
        (*at != Instant::NEVER).then_some(*at)
    }

    /// Time has passed: calls that are due have failed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.told = self.told.max(Some(now));
    }

    /// A call that failed, until there is none: the earliest deadline first, with the connection the earliest call.
    pub fn poll_failed(&mut self) -> Option<Failed> {
        if let Some(closed) = self.closed.clone() {
            let (&id, _) = self.flight.first_key_value()?;
            self.end(id);
            self.stats.closed += 1;
            return Some(Failed { id: CallId(id), failure: Failure::Closed(closed), cancel: None });
        }
        let &(at, id) = self.deadlines.first()?;
        if Some(at) > self.told || at == Instant::NEVER {
            return None;
        }
        self.end(id);
        self.stats.timed_out += 1;
        self.give_up(id);
        let cancel = Some(wire::cancel(self.config.kind, id));
        Some(Failed { id: CallId(id), failure: Failure::TimedOut, cancel })
    }

    fn not_ours<'m>(&mut self) -> Received<'m> {
        self.stats.not_ours += 1;
        Received::NotOurs
    }

    /// Whether it was in flight, which it is no longer.
    fn end(&mut self, id: u64) -> bool {
        let Some(deadline) = self.flight.remove(&id) else { return false };
        self.deadlines.remove(&(deadline, id));
        true
    }

    fn give_up(&mut self, id: u64) {
        self.given_up.insert(id);
        if self.given_up.len() > self.config.max_in_flight {
            self.given_up.pop_first();
        }
    }
}
