//! The chat as a service of a hub: rooms and routes, glued.

use super::access::Access;
use super::limits::MAX_OUTBOX;
use super::lines;
use super::protocol::{Code, Refusal};
use super::routes::{self, Route, route};
use super::{Action, Limits, Notice, Paged, Rooms};
use crate::limits::LimitArgs;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Entropy, Instant, Kind, Message, SendError};
use wharf::framed;
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, JobToken, Service, Verdict};
use wharf::service::history::{Answer, Ask, Failure};
use wharf::service::limiter::Limited;
use wharf::service::mesh;
use wharf::ws::{self, Prepared};

/// A larger message closes its connection with 1009; in bytes.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Connections whose request said `?join=no` and that are not open yet. The opening follows its request at once, so
/// there is hardly ever more than one; of too many the oldest is forgotten.
const MAX_EXPECTED: usize = 64;

/// The chat: page, rooms and WebSockets on one port, and JSON lines on others. Its jobs are what its store is asked, one at a
/// time.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::link::{Address, Hub};
/// use wharf_cli::chat::access::Access;
/// use wharf_cli::chat::{ChatService, Limits};
///
/// let entropy = Entropy::from_seed([7; 32]);
/// let chat = ChatService::new(Access::default(), Limits::default(), entropy.clone());
/// let config = ChatService::config(&Limits::default(), Some(Duration::from_secs(30))).into();
/// let mut hub = Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, entropy);
/// let conn = hub.accept(Instant::ORIGIN, Address::Unix(String::new())).unwrap();
/// hub.receive(Instant::ORIGIN, conn, &mut *b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0].starts_with(b"HTTP/1.1 200 OK"));
/// ```
pub struct ChatService {
    rooms: Rooms<ConnId>,
    access: Access,
    /// At most [`MAX_EXPECTED`].
    expected: VecDeque<ConnId>,
    /// Connections for lines on which nothing was said yet: one entry each.
    silent: BTreeSet<ConnId>,
    /// Whose request is being looked at, and its answer if there is one at once: later it would be awaited.
    asking: Option<(ConnId, Option<Response>)>,
    was_away: bool,
    /// What carries the mesh, if this is one of several nodes.
    carry: Option<Box<dyn FnMut(mesh::Action) + Send>>,
    drained: Option<Box<dyn FnOnce() + Send>>,
}

/// What a program asks of a running [`ChatService`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChatCommand {
    /// Accept no more messages; store and tell what was accepted. What [`ChatService::on_drained`] was given is called when that is
    /// done; then the hub may drain.
    Drain,
    /// Tell the other nodes that all who are here leave, though something may not be stored yet: they hear of that by the database. One of
    /// several nodes does so by itself once all that was accepted is told.
    Leave,
    /// Hear what the transport of the mesh tells. For one of several nodes.
    Mesh(Notice),
}

impl ChatService {
    /// A chat without users, whose ids and tokens are drawn from `entropy`.
    #[must_use]
    pub fn new(access: Access, limits: Limits, entropy: Entropy) -> Self {
        Self::of(Rooms::new(Instant::ORIGIN, limits, entropy), access, None)
    }

    /// One of several nodes over one database: [`Rooms::among_nodes`]. `carry` is handed what the mesh wants done, and must not block; what it
    /// hears comes back as [`ChatCommand::Mesh`].
    #[must_use]
    pub fn among_nodes(
        access: Access,
        limits: Limits,
        entropy: Entropy,
        carry: impl FnMut(mesh::Action) + Send + 'static,
    ) -> Self {
        Self::of(Rooms::among_nodes(Instant::ORIGIN, limits, entropy), access, Some(Box::new(carry)))
    }

    fn of(rooms: Rooms<ConnId>, access: Access, carry: Option<Box<dyn FnMut(mesh::Action) + Send>>) -> Self {
        let (expected, silent) = (VecDeque::new(), BTreeSet::new());
        Self { rooms, access, expected, silent, asking: None, was_away: false, carry, drained: None }
    }

    /// Has `tell` called once, when all that was accepted before [`ChatCommand::Drain`] is told.
    #[must_use]
    pub fn on_drained(self, tell: impl FnOnce() + Send + 'static) -> Self {
        Self { drained: Some(Box::new(tell)), ..self }
    }

    /// This chat, held to limits. What foreign pages ask for is refused, and does not count against whoever looks at them.
    #[must_use]
    pub fn within(self, limits: &LimitArgs) -> Limited<Self> {
        let access = self.access.clone();
        limits.around(self).counting(move |request| access.allows(request))
    }

    /// What a hub of this service is to be told: what follows from the chat's limits, and `idle_timeout` until a silent client is pinged and
    /// as long again until it is ended. Where there are no pings, it is ended after five minutes.
    #[must_use]
    pub fn config(limits: &Limits, idle_timeout: Option<Duration>) -> Config {
        // A list of users goes at once, whatever else waits.
        let queue_limit = limits.longest_list().saturating_add(2 * MAX_OUTBOX);
        let mut ws = ws::Config::default();
        ws.max_message = MAX_MESSAGE;
        ws.max_frame = MAX_MESSAGE;
        ws.queue_limit = queue_limit;
        ws.idle_timeout = idle_timeout;
        let mut framed = framed::Config::default();
        (framed.max_message, framed.queue_limit) = (MAX_MESSAGE, queue_limit);
        let mut config = Config::default();
        (config.ws, config.framed) = (Arc::new(ws), Arc::new(framed));
        config
    }

    /// The rooms, to look at.
    #[must_use]
    pub fn rooms(&self) -> &Rooms<ConnId> {
        &self.rooms
    }

    /// Does what the rooms want done. A slow member that is given up makes them want more, at most once a member.
    fn act(&mut self, cx: &mut Context<'_, Ask>) {
        self.carry_out(cx);
        if self.rooms.is_drained()
            && let Some(tell) = self.drained.take()
        {
            // All that was said here is with the other nodes before they hear that everybody leaves.
            self.rooms.leave_nodes(cx.now());
            self.carry_out(cx);
            tell();
        }
    }

    fn carry_out(&mut self, cx: &mut Context<'_, Ask>) {
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Send { conn, text } => {
                    let sent = cx.send_bytes(conn, Kind::Text, text);
                    self.judge(cx, conn, sent);
                }
                Action::Broadcast { conns, text } => self.broadcast(cx, conns, text),
                Action::Close { conn, code, reason } => {
                    // One that is closing already is on its way.
                    if cx.close(conn, code, reason).is_ok() {
                        tracing::info!(%conn, %code, reason, "a connection was closed");
                    }
                }
                Action::Ask(ask) => {
                    // It is the only job there is, so there is room for it.
                    if cx.submit(ask).is_err() {
                        self.answered(cx, Err(Failure::Away("there is no room for a job".into())));
                    }
                }
                Action::Mesh(action) => {
                    if let Some(carry) = &mut self.carry {
                        carry(action);
                    }
                }
                Action::Page { conn, paged } => self.respond(cx, conn, &paged),
            }
        }
    }

    fn broadcast(&mut self, cx: &mut Context<'_, Ask>, conns: Vec<ConnId>, text: Bytes) {
        let prepared = Prepared::new(Kind::Text, text).expect("JSON is UTF-8");
        let mut congested = Vec::new();
        cx.broadcast(conns, &prepared, |conn, sent| {
            if !matches!(sent, Ok(Accepted::Queued)) {
                congested.push((conn, sent));
            }
        });
        for (conn, sent) in congested {
            self.judge(cx, conn, sent);
        }
    }

    /// Tells the rooms who takes less than it is sent. One that has no room for this any more is given up: its rooms are told now, not
    /// when its close has gone through.
    fn judge(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId, sent: Result<Accepted, SendError>) {
        match sent {
            Ok(Accepted::Congested) => self.rooms.handle_congested(conn),
            Err(SendError::Full | SendError::TooBig { .. }) => self.give_up(cx, conn),
            // Any other is on its way out.
            _ => {}
        }
    }

    fn give_up(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId) {
        if cx.close(conn, CloseCode::TRY_AGAIN_LATER, "too slow").is_ok() {
            tracing::warn!(%conn, "a member has no room for more and was closed");
            self.rooms.handle_slow(cx.now(), cx.wall(), conn);
        }
    }

    fn answered(&mut self, cx: &Context<'_, Ask>, answer: Result<Answer, Failure>) {
        let cause = answer.as_ref().err().map(ToString::to_string);
        self.rooms.handle_answer(cx.now(), cx.wall(), answer);
        if let Some(cause) = &cause
            && (!self.rooms.is_away() || !self.was_away)
        {
            tracing::error!(cause, "the database failed");
        }
        self.tell_health();
    }

    fn respond(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId, paged: &Paged) {
        let answer = match paged {
            Paged::Found(page) => routes::found(page),
            Paged::NoRoom => routes::no_store(404),
            Paged::Failed(failure) => {
                let id = format!("{:016x}", cx.entropy().next_u64());
                tracing::error!(%conn, id, cause = %failure, "a request failed");
                routes::failed(failure, &id)
            }
        };
        match &mut self.asking {
            Some((asking, at_once)) if *asking == conn => *at_once = Some(answer),
            // Whoever asked may be gone.
            _ => {
                let _ = cx.respond(conn, &answer);
            }
        }
    }

    /// Closes a connection on which something else is spoken.
    fn turn_away(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId) {
        tracing::warn!(%conn, "it speaks another protocol and was closed");
        let refusal = Refusal::new(Code::BadJson, "lines of JSON are spoken here");
        // One that is closing already is on its way.
        let _ = cx.send_bytes(conn, Kind::Text, refusal.reply(None).to_bytes());
        let _ = cx.close(conn, CloseCode::POLICY_VIOLATION, "another protocol");
        self.rooms.handle_closed(cx.now(), cx.wall(), conn);
        self.act(cx);
    }

    fn hear(&mut self, cx: &Context<'_, Ask>, notice: &Notice) {
        let was_up = self.rooms.is_up();
        if let Notice::Slow(dropped) = notice {
            tracing::warn!(dropped, "messages of other nodes were dropped on their way in");
        }
        self.rooms.handle_notice(cx.now(), cx.wall(), notice);
        let is_up = self.rooms.is_up();
        if is_up != was_up {
            let state = if is_up == Some(true) { "up" } else { "down" };
            tracing::info!(state, "the mesh");
        }
    }

    fn tell_health(&mut self) {
        let is_away = self.rooms.is_away();
        if std::mem::replace(&mut self.was_away, is_away) != is_away {
            let state = if is_away { "away" } else { "back" };
            tracing::info!(state, "the database");
        }
    }
}

impl Service for ChatService {
    type Job = Ask;
    type Done = Result<Answer, Failure>;
    type Command = ChatCommand;

    fn request(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId, request: &Request) -> Verdict {
        match route(request, &self.access, &self.rooms) {
            Route::Answer(answer) => Verdict::Respond(answer),
            Route::Metrics => Verdict::Respond(routes::counters(&self.rooms, &cx.stats())),
            Route::WebSocket { auto_join } => {
                self.expected.retain(|expected| *expected != conn);
                if !auto_join {
                    self.expected.push_back(conn);
                    if self.expected.len() > MAX_EXPECTED {
                        self.expected.pop_front();
                    }
                }
                Verdict::accept()
            }
            Route::Messages(ask) => {
                self.asking = Some((conn, None));
                self.rooms.handle_page(cx.now(), cx.wall(), conn, ask);
                self.act(cx);
                let at_once = self.asking.take().and_then(|(_, answer)| answer);
                at_once.map_or(Verdict::Later, Verdict::Respond)
            }
        }
    }

    fn opened(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId) {
        let before = self.expected.len();
        self.expected.retain(|expected| *expected != conn);
        let auto_join = self.expected.len() == before;
        if !cx.is_websocket(conn) {
            self.silent.insert(conn);
        }
        if let Some(info) = cx.info(conn) {
            let client = info.client.filter(|client| info.peer.ip() != Some(*client));
            let client = client.map(tracing::field::display);
            tracing::info!(%conn, address = %info.peer, client, "connected");
        }
        self.rooms.handle_opened(cx.now(), cx.wall(), conn, auto_join);
        self.act(cx);
    }

    fn message(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId, message: Message<'_>) {
        // Between lines there may be blank ones.
        let is_blank = message.as_text().is_some_and(|text| text.trim_ascii().is_empty());
        if is_blank && !cx.is_websocket(conn) {
            return;
        }
        if self.silent.remove(&conn) && lines::is_foreign(message.payload()) {
            return self.turn_away(cx, conn);
        }
        match self.rooms.handle_message(cx.now(), cx.wall(), conn, &message) {
            None => {}
            // One that talks too much is not to fill the log as well, nor are all while the database is away.
            Some(code @ (Code::RateLimited | Code::Unavailable)) => {
                tracing::debug!(%conn, ?code, "a message was refused");
            }
            Some(code) => tracing::warn!(%conn, ?code, "a message was refused"),
        }
        self.act(cx);
    }

    fn drained(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId) {
        self.rooms.handle_drained(cx.now(), cx.wall(), conn);
        self.act(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_, Ask>, conn: ConnId, closed: &Closed) {
        self.silent.remove(&conn);
        tracing::info!(%conn, code = %closed.code, origin = ?closed.origin, "disconnected");
        self.rooms.handle_closed(cx.now(), cx.wall(), conn);
        self.act(cx);
    }

    fn done(&mut self, cx: &mut Context<'_, Ask>, _: JobToken, outcome: Self::Done) {
        self.answered(cx, outcome);
        self.act(cx);
    }

    fn job_lost(&mut self, cx: &mut Context<'_, Ask>, _: JobToken) {
        self.answered(cx, Err(Failure::Away("nobody said what became of it".into())));
        self.act(cx);
    }

    fn command(&mut self, cx: &mut Context<'_, Ask>, command: ChatCommand) {
        match command {
            ChatCommand::Drain => self.rooms.drain(),
            ChatCommand::Leave => self.rooms.leave_nodes(cx.now()),
            ChatCommand::Mesh(notice) => self.hear(cx, &notice),
        }
        self.act(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.rooms.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_, Ask>) {
        self.rooms.handle_timeout(cx.now(), cx.wall());
        self.tell_health();
        self.act(cx);
    }
}

impl fmt::Debug for ChatService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatService").field("stats", &self.rooms.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
