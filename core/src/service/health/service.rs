//! The health checker as a service of a hub.

use super::probes::Probes;
use super::routes::{self, List, SOCKET};
use super::subscribers::Subscribers;
use super::{Action, Endpoint, Flip, Health, Status};
use crate::base::{CloseCode, Closed, Instant, Message};
use crate::http::{Request, Response};
use crate::link::{self, ConnId, Context, DialError, DialId, Service, Verdict};
use crate::ws;
use crate::ws::handshake::OriginPolicy;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use serde::Serialize;

/// Pages that are kept up to date at once, unless it is told otherwise.
const SUBSCRIBERS: usize = 256;

/// Carries a [`Health`]'s checks out, and serves what is known. Feature `json`.
///
/// | request | answer |
/// |---|---|
/// | `GET /health` | a JSON array of each [`Status`], in the order in which they were added |
/// | `GET /health?healthy=true`, `=false` | of those that are so; 400 for any other query |
/// | `GET /health/ID` | one of them, or 404; the id is percent-encoded, `/` as `%2F` |
/// | `GET /ready` | 200, or 503 while nothing is healthy |
/// | `GET /` | a page that keeps itself up to date by the WebSocket at `/ws` |
///
/// The WebSocket says `{"type":"all","endpoints":[…]}` when it opens and when endpoints were added or removed, and
/// `{"type":"changed","endpoints":[…]}` after each result. Whoever is too slow for that is told everything at once when it has
/// caught up. What it says itself is passed over.
///
/// An endpoint is connected to by [`Context::dial_as`], without a proxy; an HTTP check is an [`Exchange`](super::Exchange).
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::link::{Address, Hub};
/// use wharf::service::health::{Config, Health, HealthService};
///
/// let now = Instant::ORIGIN;
/// let health = Health::new(Config::default(), ["db=tcp://database:5432".parse().unwrap()]).unwrap();
/// let service = HealthService::new(health).on_flip(|flip| println!("{}: {}", flip.endpoint.id(), flip.is_healthy));
/// let mut hub = Hub::new(now, Wall::default(), service, &HealthService::config().into(), Entropy::from_seed([0; 32]));
/// hub.handle_timeout(now);
/// assert_eq!(hub.poll_dial().unwrap().target.to_string(), "tcp://database:5432");
///
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// hub.receive(now, conn, &mut *b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0].starts_with(b"HTTP/1.1 503 "));
/// ```
pub struct HealthService {
    health: Health,
    probes: Probes,
    subscribers: Subscribers,
    refused_commands: u64,
    /// The hub drains: there is nothing more to find out.
    is_over: bool,
    tell: Option<Box<Tell>>,
}

/// It is handed a value and nothing to act with, so it cannot come back into the service that calls it.
type Tell = dyn FnMut(&Flip) + Send;

/// What a program asks of a running [`HealthService`].
///
/// ```
/// use wharf::service::health::{Endpoint, HealthCommand};
///
/// let more = HealthCommand::Add(vec![Endpoint::new("redis", "tcp://redis:6379").unwrap()]);
/// # let _ = more;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthCommand {
    /// Add these endpoints, which begin together. What [`Health::add`] refuses is counted.
    Add(Vec<Endpoint>),
    /// Remove the endpoint of this name.
    Remove(String),
    /// Check the endpoint of this name as soon as there is a place.
    CheckNow(String),
}

/// What a [`HealthService`] counts beside its machine.
///
/// ```
/// assert_eq!(wharf::service::health::ServedStats::default().subscribers, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServedStats {
    /// Pages that are kept up to date now.
    pub subscribers: usize,
    /// Those for whom there was no place.
    pub subscribers_refused: u64,
    /// Commands that changed nothing: names that are taken or not there, too many endpoints.
    pub commands_refused: u64,
}

/// What the page is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "endpoints")]
enum News<'a> {
    All(List<'a>),
    Changed(&'a serde_json::value::RawValue),
}

impl HealthService {
    /// A service that carries out what `health` asks for.
    #[must_use]
    pub fn new(health: Health) -> Self {
        let subscribers = Subscribers::new(SUBSCRIBERS);
        Self {
            health,
            probes: Probes::default(),
            subscribers,
            refused_commands: 0,
            is_over: false,
            tell: None,
        }
    }

    /// Has `tell` called for each state that flips, for a log.
    #[must_use]
    pub fn on_flip(self, tell: impl FnMut(&Flip) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), ..self }
    }

    /// Keeps at most so many pages up to date; more are refused by 503. Default 256.
    #[must_use]
    pub fn max_subscribers(mut self, limit: usize) -> Self {
        self.subscribers.limit = limit;
        self
    }

    /// What a hub of this service is to be told: little is taken from pages, and only from our own.
    #[must_use]
    pub fn config() -> link::Config {
        let mut ws = ws::Config::default();
        (ws.max_message, ws.max_frame) = (4096, 4096);
        let mut config = link::Config { ws: Arc::new(ws), ..link::Config::default() };
        config.policy.origins = OriginPolicy::SameHost;
        config
    }

    /// The machine, to look at.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The counters beside those of the machine.
    #[must_use]
    pub fn stats(&self) -> ServedStats {
        ServedStats {
            subscribers: self.subscribers.len(),
            subscribers_refused: self.subscribers.refused,
            commands_refused: self.refused_commands,
        }
    }

    /// Does what the machine wants done, and tells what has changed. A dial that cannot even begin may make it want more, at most
    /// once an endpoint.
    fn act(&mut self, cx: &mut Context<'_>) {
        while let Some(action) = self.health.poll_action() {
            match action {
                Action::Check(check) => self.probes.dial(cx, &mut self.health, &check),
                Action::Cancel(check) => self.probes.cancel(cx, check),
            }
        }
        while let Some(flip) = self.health.poll_flip() {
            if let Some(tell) = &mut self.tell {
                tell(&flip);
            }
        }
        let mut changed = String::new();
        while let Some(status) = self.health.poll_changed() {
            if self.subscribers.len() > 0 {
                push(&mut changed, &status);
            }
        }
        if !changed.is_empty() {
            changed.push(']');
            if let Ok(changed) = serde_json::value::RawValue::from_string(changed) {
                self.subscribers.tell_all(cx, text_of(&News::Changed(&changed)));
            }
        }
    }

    fn all(&self) -> String {
        text_of(&News::All(List { health: &self.health, wanted: None }))
    }
}

/// Appends to an array that is not closed yet.
fn push(array: &mut String, status: &Status<'_>) {
    array.push(if array.is_empty() { '[' } else { ',' });
    array.push_str(&text_of(status));
}

/// Text and numbers always have a JSON text.
fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Service for HealthService {
    type Job = ();
    type Done = ();
    type Command = HealthCommand;

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if !request.is_websocket() || request.path() != SOCKET {
            return Verdict::Respond(routes::answer(request, &self.health));
        }
        if self.subscribers.has_place() {
            Verdict::accept()
        } else {
            Verdict::Respond(Response::plain(503).with("Retry-After", "30"))
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(dial) = cx.info(conn).and_then(|info| info.dial) {
            self.probes.handle_opened(cx, &mut self.health, dial, conn);
            self.act(cx);
        } else if self.subscribers.len() < self.subscribers.limit {
            self.subscribers.insert(conn);
            let all = self.all();
            self.subscribers.tell(cx, conn, all);
        } else {
            // Others opened since its request was accepted.
            let _ = cx.close(conn, CloseCode::TRY_AGAIN_LATER, "too many pages");
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if self.probes.handle_message(cx, &mut self.health, conn, message.payload()) {
            self.act(cx);
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if self.subscribers.handle_drained(conn) {
            let all = self.all();
            self.subscribers.tell(cx, conn, all);
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        self.subscribers.remove(conn);
        if self.probes.handle_closed(cx, &mut self.health, conn, closed) {
            self.act(cx);
        }
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        self.probes.handle_dial_failed(cx, &mut self.health, dial, error);
        self.act(cx);
    }

    fn command(&mut self, cx: &mut Context<'_>, command: HealthCommand) {
        let (now, all_are_told) = (cx.now(), !matches!(command, HealthCommand::CheckNow(_)));
        let is_done = match command {
            HealthCommand::Add(endpoints) => self.health.add(now, endpoints).is_ok(),
            HealthCommand::Remove(id) => self.health.remove(now, &id),
            HealthCommand::CheckNow(id) => self.health.check_now(now, &id),
        };
        self.refused_commands += u64::from(!is_done);
        if is_done && all_are_told {
            let all = self.all();
            self.subscribers.tell_all(cx, all);
        }
        self.act(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.health.poll_timeout().filter(|_| !self.is_over)
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.is_over = cx.is_draining();
        if !self.is_over {
            self.health.handle_timeout(cx.now(), cx.wall());
            self.act(cx);
        }
    }
}

impl fmt::Debug for HealthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthService")
            .field("health", &self.health)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
