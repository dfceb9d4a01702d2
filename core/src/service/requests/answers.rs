//! The side that answers: requests in flight of many connections.

use super::wire::{Answer, Data, ErrorReply, Incoming, RequestId};
use super::{AnswersConfig, AnswersStats};
use crate::base::{Instant, Kind, Message};
use crate::framed::json;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The name of a request that is worked on. None is given twice, so a late answer cannot be taken for that of a later request,
/// whatever ids the peers choose.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::requests::{Answers, Asked, Ticket};
///
/// let mut answers = Answers::<()>::new(Default::default());
/// let ask = |answers: &mut Answers| -> Ticket {
///     match answers.receive(Default::default(), (), &Message::text(r#"{"id": 1, "data": null}"#)) {
///         Asked::Request { ticket, .. } => ticket,
///         other => panic!("{other:?}"),
///     }
/// };
/// let first = ask(&mut answers);
/// answers.answer(first, &Ok("done"));
/// assert_ne!(ask(&mut answers), first);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// What a message asks for.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::requests::{Answers, Asked};
///
/// let mut answers = Answers::<()>::new(Default::default());
/// let news = Message::text(r#"{"type": "news"}"#);
/// assert_eq!(answers.receive(Default::default(), (), &news), Asked::NotOurs);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked<'m> {
    /// Work on this, and [`answer`](Answers::answer).
    Request {
        /// Its name here.
        ticket: Ticket,
        /// What the peer calls it.
        id: RequestId,
        /// What is asked.
        data: Data<'m>,
    },
    /// The peer gave this up: work on it no longer. It is forgotten already.
    Cancelled(Ticket),
    /// The peer gave up what is not in flight: its answer is on its way. It is counted.
    CancelledLate,
    /// It is refused; this is to be sent. It is counted.
    Refused(Message<'static>),
    /// No request: the program may make something of it. It is counted.
    NotOurs,
}

/// A request whose answer took too long.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Instant, Message};
/// use wharf::service::requests::{Answers, AnswersConfig};
///
/// let mut config = AnswersConfig::default();
/// config.timeout = Some(Duration::from_secs(1));
/// let mut answers = Answers::new(config);
/// let now = Instant::ORIGIN;
/// answers.receive(now, 'a', &Message::text(r#"{"id": 1, "data": null}"#));
/// answers.handle_timeout(now + Duration::from_secs(1));
/// let expired = answers.poll_expired().unwrap();
/// assert_eq!(expired.conn, 'a');
/// let text = r#"{"id":1,"error":{"code":"timed_out","message":"it took too long"}}"#;
/// assert_eq!(expired.reply, Message::text(text));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expired<C> {
    /// Work on this no longer.
    pub ticket: Ticket,
    /// Whose it was.
    pub conn: C,
    /// To be sent.
    pub reply: Message<'static>,
}

/// The requests that are to be answered, of connections that are called `C`: [`ConnId`](crate::link::ConnId) in a service, `()`
/// where there is one.
///
/// Of each connection at most [`AnswersConfig::max_in_flight`] are in flight, and at most
/// [`AnswersConfig::max_in_flight_of_all`] of all together. Answers go out in any order, each once.
///
/// A service that answers later says that it owes something ([`Context::owe`](crate::link::Context::owe)) as long as
/// [`in_flight_of`](Self::in_flight_of) the connection is not 0: a peer of framed messages may end its stream behind its requests.
///
/// ```
/// use wharf::base::{Instant, Message};
/// use wharf::service::requests::{Answers, Asked, ErrorReply};
///
/// let mut answers = Answers::<()>::new(Default::default());
/// let message = Message::text(r#"{"id": 7, "data": [2, 3]}"#);
/// let Asked::Request { ticket, data, .. } = answers.receive(Instant::ORIGIN, (), &message) else { panic!() };
/// let sum = data.decode().map(|[a, b]: [u32; 2]| a + b);
/// let sum = sum.map_err(|e| ErrorReply::new(ErrorReply::INVALID, e.reason()));
/// assert_eq!(answers.answer(ticket, &sum), Some(Message::text(r#"{"id":7,"data":5}"#)));
/// ```
#[derive(Debug)]
pub struct Answers<C = ()> {
    config: AnswersConfig,
    next: u64,
    flight: BTreeMap<u64, Entry<C>>,
    pub(super) by_id: BTreeMap<C, BTreeMap<RequestId, u64>>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// The last time that was told: requests that are due then have expired.
    told: Option<Instant>,
    stats: AnswersStats,
}

#[derive(Debug)]
struct Entry<C> {
    conn: C,
    id: RequestId,
    kind: Kind,
    deadline: Option<Instant>,
}

impl<C: Ord + Copy> Answers<C> {
    /// None yet.
    #[must_use]
    pub fn new(config: AnswersConfig) -> Self {
        Self {
            config,
            next: 1,
            flight: BTreeMap::new(),
            by_id: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            told: None,
            stats: AnswersStats::default(),
        }
    }

    /// Requests in flight, of all connections.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }

    /// Requests in flight of one connection.
    #[must_use]
    pub fn in_flight_of(&self, conn: C) -> usize {
        self.by_id.get(&conn).map_or(0, BTreeMap::len)
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> AnswersStats {
        self.stats
    }

    /// Takes a message of a connection. Its answer goes out in the kind of the message.
    pub fn receive<'m>(&mut self, now: Instant, conn: C, message: &'m Message<'_>) -> Asked<'m> {
        let (kind, limit) = (message.kind(), self.config.max_id_len);
        let fits = |id: &RequestId| !matches!(id, RequestId::Text(text) if text.len() > limit);
        let incoming = Incoming::decode(message).filter(|incoming| fits(&incoming.id));
        match incoming {
            Some(Incoming { id, is_cancel: true, .. }) => self.cancelled(conn, &id),
            Some(Incoming { id, data: Some(data), .. }) => self.asked(now, conn, kind, id, data),
            _ => {
                self.stats.not_ours += 1;
                Asked::NotOurs
            }
        }
    }

    /// Ends a request: the message to send, or `None` if it came to its end before. Data without JSON is answered by the error
    /// [`INTERNAL`](ErrorReply::INTERNAL).
    pub fn answer<T: serde::Serialize>(
        &mut self,
        ticket: Ticket,
        outcome: &Result<T, ErrorReply>,
    ) -> Option<Message<'static>> {
        let Some(Entry { id, kind, .. }) = self.end(ticket.0) else {
            self.stats.late += 1;
            return None;
        };
        let encoded = match outcome {
            Ok(data) => json::encode_as(kind, &Answer { id: &id, data })
                .map_err(|e| ErrorReply::new(ErrorReply::INTERNAL, e.reason())),
            Err(error) => Err(error.clone()),
        };
        match encoded {
            Ok(message) => {
                self.stats.answered += 1;
                Some(message)
            }
            Err(error) => {
                self.stats.failed += 1;
                Some(error.encode(kind, Some(&id)))
            }
        }
    }

    /// A connection has ended: its requests, the earliest first. They are forgotten, and to be worked on no longer.
    pub fn handle_closed(&mut self, conn: C) -> Vec<Ticket> {
        let mut tickets: Vec<u64> =
            self.by_id.get(&conn).into_iter().flat_map(BTreeMap::values).copied().collect();
        tickets.sort_unstable();
        for ticket in &tickets {
            self.end(*ticket);
        }
        self.stats.closed += tickets.len() as u64;
        tickets.into_iter().map(Ticket).collect()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called: at once while a request that is due was not
    /// [polled](Self::poll_expired).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let (at, _) = self.deadlines.first()?;
        (*at != Instant::NEVER).then_some(*at)
    }

    /// Time has passed: requests that are due have expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.told = self.told.max(Some(now));
    }

    /// A request that expired, until there is none.
    pub fn poll_expired(&mut self) -> Option<Expired<C>> {
        let &(at, ticket) = self.deadlines.first()?;
        if Some(at) > self.told || at == Instant::NEVER {
            return None;
        }
        let Entry { conn, id, kind, .. } = self.end(ticket)?;
        self.stats.timed_out += 1;
        let reply = ErrorReply::new(ErrorReply::TIMED_OUT, "it took too long").encode(kind, Some(&id));
        Some(Expired { ticket: Ticket(ticket), conn, reply })
    }

    fn cancelled<'m>(&mut self, conn: C, id: &RequestId) -> Asked<'m> {
        let ticket = self.by_id.get(&conn).and_then(|ids| ids.get(id)).copied();
        match ticket {
            Some(ticket) => {
                self.end(ticket);
                self.stats.cancelled += 1;
                Asked::Cancelled(Ticket(ticket))
            }
            None => {
                self.stats.cancelled_late += 1;
                Asked::CancelledLate
            }
        }
    }

    fn asked<'m>(&mut self, now: Instant, conn: C, kind: Kind, id: RequestId, data: Data<'m>) -> Asked<'m> {
        let of_conn = self.by_id.get(&conn);
        if of_conn.is_some_and(|ids| ids.contains_key(&id)) {
            self.stats.duplicates += 1;
            let error = ErrorReply::new(ErrorReply::DUPLICATE_ID, "a request with this id is in flight");
            return Asked::Refused(error.encode(kind, Some(&id)));
        }
        if of_conn.map_or(0, BTreeMap::len) >= self.config.max_in_flight {
            self.stats.too_many += 1;
            let error = ErrorReply::new(ErrorReply::TOO_MANY, "too many requests are in flight");
            return Asked::Refused(error.encode(kind, Some(&id)));
        }
        if self.flight.len() >= self.config.max_in_flight_of_all {
            self.stats.too_many_of_all += 1;
            let error = ErrorReply::new(ErrorReply::TOO_MANY, "too many requests of all are in flight");
            return Asked::Refused(error.encode(kind, Some(&id)));
        }
        let ticket = self.next;
        self.next += 1;
        let deadline = self.config.timeout.map(|timeout| now + timeout);
        self.deadlines.extend(deadline.map(|at| (at, ticket)));
        self.by_id.entry(conn).or_default().insert(id.clone(), ticket);
        self.flight.insert(ticket, Entry { conn, id: id.clone(), kind, deadline });
        self.stats.requests += 1;
        Asked::Request { ticket: Ticket(ticket), id, data }
    }

    /// Takes a request out, if it was in flight.
    fn end(&mut self, ticket: u64) -> Option<Entry<C>> {
        let entry = self.flight.remove(&ticket)?;
        if let Some(at) = entry.deadline {
            self.deadlines.remove(&(at, ticket));
        }
        if let Some(ids) = self.by_id.get_mut(&entry.conn) {
            ids.remove(&entry.id);
            if ids.is_empty() {
                self.by_id.remove(&entry.conn);
            }
        }
        Some(entry)
    }
}
