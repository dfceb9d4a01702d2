//! The bus as a service of a hub.

use super::keeping::{Keeping, Own, Shared, Work};
use super::metrics::prometheus;
use super::{Action, Broker, BusConfig, BusEvent, Changed, CommandError, Letters};
use crate::base::{self, CloseCode, Closed, Instant, Message, SendError};
use crate::http::{Request, Response};
use crate::link::{self, ConnId, Context, HubStats, JobToken, Service, Verdict};
use crate::proxy::Proxies;
use crate::{framed, ws};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

/// How much longer than the longest frame a frame may be that is answered; a longer one only ends its connection.
const ANSWERED: usize = 4;

/// A [`Broker`] behind sockets: text messages of WebSockets on any path, and [lines](framed::Lines), in one hub. Feature `json`.
///
/// Its jobs are batches to be stored, one at a time; those of a [node](Self::node) are asks of the store that it shares. Over HTTP
/// `GET /status` answers the [counters](super::BusStats) in JSON, and `GET /metrics` for Prometheus.
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::framed::Lines;
/// use wharf::link::{Address, Framing, Hub};
/// use wharf::service::bus::{Broker, BusConfig, BusService};
///
/// let now = Instant::ORIGIN;
/// let config = BusConfig::default();
/// let mut limits = BusService::config(&config);
/// limits.framing = Framing::codec(Lines::new());
/// let service = BusService::new(Broker::new(config));
/// let mut hub = Hub::new(now, Wall::default(), service, &limits.into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// hub.receive(now, conn, &mut b"{\"type\":\"register\",\"serviceId\":\"mail\"}\n".to_vec());
/// let mut slices = [&[][..]; 4];
/// hub.slices(conn, &mut slices);
/// assert_eq!(slices[0], b"{\"type\":\"registered\",\"serviceId\":\"mail\",\"pending\":0}\n");
/// ```
pub struct BusService<K: Keeping = Own> {
    broker: Broker<ConnId>,
    has_closed: bool,
    tell: Option<Box<Tell>>,
    keeping: PhantomData<fn() -> K>,
}

/// It is handed a value and nothing to act with, so it cannot come back into the service that calls it.
type Tell = dyn FnMut(&BusNotice) + Send;

/// What a program asks of a running [`BusService`].
///
/// ```
/// use wharf::service::bus::{BusCommand, Letters};
///
/// let again = BusCommand::Requeue { letters: Letters::All, ticket: 1 };
/// # let _ = again;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusCommand {
    /// Send dead letters again.
    Requeue {
        /// Which.
        letters: Letters,
        /// Under which [the outcome](BusNotice::Told) is told.
        ticket: u64,
    },
    /// Throw dead letters away.
    Purge {
        /// Which.
        letters: Letters,
        /// Under which [the outcome](BusNotice::Told) is told.
        ticket: u64,
    },
    /// There may be something in the shared store to look at. Only a node heeds it, and it looks now and then without.
    Wake,
    /// Accept nothing more, store what was taken, answer it, and close all connections with 1001. [`BusNotice::Drained`] tells when
    /// that is done; then the hub may drain.
    Drain,
}

/// What a [`BusService`] tells its program.
///
/// ```
/// use wharf::service::bus::BusNotice;
///
/// assert_ne!(BusNotice::Drained, BusNotice::StoreFailed("disk full".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusNotice {
    /// For a log.
    Event(BusEvent<ConnId>),
    /// What became of a command, once.
    Told {
        /// Which.
        ticket: u64,
        /// What became of it.
        outcome: Result<Changed, CommandError>,
    },
    /// The store failed, and how.
    StoreFailed(String),
    /// What was taken is stored or rejected and answered, and all connections are being closed.
    Drained,
}

/// A batch that is not on disk, or may not be. There is no way back: the broker stores nothing more.
///
/// ```
/// assert_eq!(wharf::service::bus::StoreFailure::new("disk full").to_string(), "disk full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreFailure(String);

impl StoreFailure {
    /// With words for people.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl BusService {
    /// A service of a broker that has a store of its own, and may have been [restored](super::Restoring) from it.
    #[must_use]
    pub const fn new(broker: Broker<ConnId>) -> Self {
        Self { broker, has_closed: false, tell: None, keeping: PhantomData }
    }

    /// What a hub of this service is to be told. A frame up to four times as long as [`BusConfig::max_message`] is answered by an
    /// error before its connection is closed; a longer one only ends it. Silence is the broker's business.
    #[must_use]
    pub fn config(config: &BusConfig) -> link::Config {
        let limit = config.max_message.saturating_mul(ANSWERED).saturating_add(1024);
        let mut ws = ws::Config::default();
        (ws.max_message, ws.max_frame, ws.idle_timeout) = (limit, limit, None);
        let mut framed = framed::Config::default();
        (framed.max_message, framed.idle_timeout) = (limit, None);
        link::Config {
            ws: Arc::new(ws),
            framed: Arc::new(framed),
            drain_timeout: Duration::from_secs(5),
            // A bus dials nobody, so what the environment says of proxies is not its business.
            proxies: Some(Proxies::none().into()),
            ..link::Config::default()
        }
    }
}

impl BusService<Shared> {
    /// A service of a [node](Broker::node).
    ///
    /// ```
    /// use wharf::service::bus::{Broker, BusConfig, BusService, NodeSettings};
    ///
    /// let service = BusService::node(Broker::node(BusConfig::default(), NodeSettings::default()));
    /// assert!(service.broker().fence().is_none());
    /// ```
    #[must_use]
    pub const fn node(broker: Broker<ConnId>) -> Self {
        Self { broker, has_closed: false, tell: None, keeping: PhantomData }
    }
}

impl<K: Keeping> BusService<K> {
    /// Has `tell` called for what happens.
    #[must_use]
    pub fn on_notice(self, tell: impl FnMut(&BusNotice) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), ..self }
    }

    /// The machine, to look at.
    #[must_use]
    pub const fn broker(&self) -> &Broker<ConnId> {
        &self.broker
    }

    /// Does what the machine wants done.
    fn act(&mut self, cx: &mut Context<'_, K::Job>) {
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => self.submit(cx, Work::Batch(batch)),
                Action::Ask(ask) => self.submit(cx, Work::Ask(ask)),
                Action::Hold { conn, holds: true } => cx.pause(conn),
                Action::Hold { conn, holds: false } => cx.resume(conn),
                Action::Send { conn, frame } => self.send(cx, conn, frame),
                Action::Close { conn, code, reason } => {
                    // One that is over needs no close.
                    let _ = cx.close(conn, code, reason.as_str());
                }
                Action::Owe { conn, owes } => cx.owe(conn, owes),
                Action::Told { ticket, outcome } => self.notice(&BusNotice::Told { ticket, outcome }),
                Action::Event(event) => self.notice(&BusNotice::Event(event)),
            }
        }
        if self.broker.is_drained() && !self.has_closed {
            self.has_closed = true;
            let all: Vec<ConnId> = cx.connections().collect();
            for conn in all {
                let _ = cx.close(conn, CloseCode::GOING_AWAY, "the bus is shutting down");
            }
            self.notice(&BusNotice::Drained);
        }
    }

    fn submit(&mut self, cx: &mut Context<'_, K::Job>, work: Work) {
        // It is the only job there is, so there is room for it.
        if K::job(work).is_none_or(|job| cx.submit(job).is_err()) {
            self.fail(cx, "there is no room for a job");
        }
    }

    fn send(&mut self, cx: &mut Context<'_, K::Job>, conn: ConnId, frame: String) {
        match cx.send(conn, Message::from(frame)) {
            Ok(base::Accepted::Queued) => {}
            Ok(base::Accepted::Congested) => self.broker.congested(conn),
            // Its end is told, and what it did not get is delivered again.
            Err(SendError::Closed | SendError::Closing | SendError::NotOpen) => {}
            // It does not read.
            Err(_) => cx.abort(conn),
        }
    }

    fn fail(&mut self, cx: &Context<'_, K::Job>, what: &str) {
        self.notice(&BusNotice::StoreFailed(what.into()));
        self.broker.store_failed(cx.now(), cx.wall());
    }

    fn notice(&mut self, notice: &BusNotice) {
        if let Some(tell) = &mut self.tell {
            tell(notice);
        }
    }

    fn answer(&self, hub: &HubStats, request: &Request) -> Response {
        let response = |kind, text| {
            Response::new(200).with("Content-Type", kind).with("Cache-Control", "no-store").body(text)
        };
        match request.path() {
            "/status" => {
                // Numbers and names always have a JSON text.
                let text = serde_json::to_vec(&self.broker.stats()).unwrap_or_default();
                response("application/json", text)
            }
            "/metrics" => {
                let text = prometheus(&self.broker.stats()) + &link::prometheus(hub);
                response("text/plain; version=0.0.4", text.into_bytes())
            }
            _ => Response::plain(404),
        }
    }
}

impl<K: Keeping> Service for BusService<K> {
    type Job = K::Job;
    type Done = Result<K::Answer, StoreFailure>;
    type Command = BusCommand;

    fn request(&mut self, cx: &mut Context<'_, K::Job>, _: ConnId, request: &Request) -> Verdict {
        // What is told may be since when something is so.
        self.broker.begin(cx.now(), cx.wall());
        match request.is_websocket() {
            true if self.has_closed => Verdict::Respond(Response::plain(503)),
            true => Verdict::accept(),
            false => Verdict::Respond(self.answer(&cx.stats(), request)),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_, K::Job>, conn: ConnId) {
        if self.has_closed {
            let _ = cx.close(conn, CloseCode::GOING_AWAY, "the bus is shutting down");
        } else {
            self.broker.opened(cx.now(), conn);
        }
    }

    fn message(&mut self, cx: &mut Context<'_, K::Job>, conn: ConnId, message: Message<'_>) {
        let (now, wall) = (cx.now(), cx.wall());
        match message.as_text() {
            // Between lines there may be blank ones.
            Some(text) if text.trim_ascii().is_empty() && !cx.is_websocket(conn) => {}
            Some(text) => self.broker.receive(now, wall, conn, text),
            None => self.broker.receive_binary(now, wall, conn),
        }
        self.act(cx);
    }

    fn drained(&mut self, cx: &mut Context<'_, K::Job>, conn: ConnId) {
        self.broker.drained(cx.now(), conn);
        self.act(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_, K::Job>, conn: ConnId, _: &Closed) {
        self.broker.closed(cx.now(), cx.wall(), conn);
        self.act(cx);
    }

    fn done(&mut self, cx: &mut Context<'_, K::Job>, _: JobToken, outcome: Self::Done) {
        match outcome {
            Ok(answer) => K::done(&mut self.broker, cx.now(), cx.wall(), answer),
            Err(failure) => self.fail(cx, &failure.0),
        }
        self.act(cx);
    }

    fn job_lost(&mut self, cx: &mut Context<'_, K::Job>, _: JobToken) {
        self.fail(cx, "nobody said what became of the batch");
        self.act(cx);
    }

    fn command(&mut self, cx: &mut Context<'_, K::Job>, command: BusCommand) {
        let (now, wall) = (cx.now(), cx.wall());
        match command {
            BusCommand::Requeue { letters, ticket } => self.broker.requeue(now, wall, &letters, ticket),
            BusCommand::Purge { letters, ticket } => self.broker.purge(now, wall, &letters, ticket),
            BusCommand::Wake => self.broker.woken(now),
            BusCommand::Drain => self.broker.drain(now, wall),
        }
        self.act(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.broker.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_, K::Job>) {
        self.broker.handle_timeout(cx.now(), cx.wall());
        self.act(cx);
    }
}

impl<K: Keeping> fmt::Debug for BusService<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusService").field("stats", &self.broker.stats()).finish_non_exhaustive()
    }
}
