//! The chat as a service of a hub: rooms and routes, glued.

use super::access::Access;
use super::protocol::Code;
use super::routes::{Route, route};
use super::{Action, Limits, Rooms};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Entropy, Instant, Kind, Message, SendError};
use wharf::http::Request;
use wharf::link::{Config, ConnId, Context, Service, Verdict};
use wharf::ws::{self, Prepared};

/// A member with more than this to take is closed with 1013, and nobody waits for it; in bytes.
pub const MAX_OUTBOX: usize = 1 << 20;
/// A larger message closes its connection with 1009; in bytes.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Connections whose request said `?join=no` and that are not open yet. The opening follows its request at once, so
/// there is hardly ever more than one; of too many the oldest is forgotten.
const MAX_EXPECTED: usize = 64;

/// The chat: page, rooms and WebSockets on one port.
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
/// let config = ChatService::config(Duration::from_secs(30)).into();
/// let mut hub = Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, entropy);
/// let conn = hub.accept(Instant::ORIGIN, Address::Unix(String::new())).unwrap();
/// hub.receive(Instant::ORIGIN, conn, &mut *b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0].starts_with(b"HTTP/1.1 200 OK"));
/// ```
#[derive(Debug)]
pub struct ChatService {
    rooms: Rooms<ConnId>,
    access: Access,
    /// At most [`MAX_EXPECTED`].
    expected: VecDeque<ConnId>,
    slow: u64,
}

impl ChatService {
    /// A chat without users, whose ids are drawn from `entropy`.
    #[must_use]
    pub fn new(access: Access, limits: Limits, entropy: Entropy) -> Self {
        Self { rooms: Rooms::new(limits, entropy), access, expected: VecDeque::new(), slow: 0 }
    }

    /// What a hub of this service is to be told: the chat's limits, and `idle_timeout` until a silent client is pinged and
    /// as long again until it is ended.
    #[must_use]
    pub fn config(idle_timeout: Duration) -> Config {
        let mut ws = ws::Config::default();
        ws.max_message = MAX_MESSAGE;
        ws.max_frame = MAX_MESSAGE;
        // The largest list of users is about 1 MiB and goes at once.
        ws.queue_limit = 4 * MAX_OUTBOX;
        ws.idle_timeout = Some(idle_timeout);
        let mut config = Config::default();
        config.ws = Arc::new(ws);
        config
    }

    /// The rooms, to look at.
    #[must_use]
    pub fn rooms(&self) -> &Rooms<ConnId> {
        &self.rooms
    }

    /// How many members were closed because they did not take what they were sent.
    #[must_use]
    pub fn slow_members(&self) -> u64 {
        self.slow
    }

    /// Does what the rooms want done. A slow member that is given up makes them want more, at most once a member.
    fn act(&mut self, cx: &mut Context<'_>) {
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Send { conn, text } => {
                    let sent = cx.send_bytes(conn, Kind::Text, text);
                    self.judge(cx, conn, sent);
                }
                Action::Broadcast { conns, text } => self.broadcast(cx, conns, text),
                // One that is closing already is on its way.
                Action::Close { conn, code } => drop(cx.close(conn, code, "too many users")),
            }
        }
    }

    fn broadcast(&mut self, cx: &mut Context<'_>, conns: Vec<ConnId>, text: Bytes) {
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

    /// Gives a member up that has too much to take. Its rooms are told now, not when its close has gone through.
    fn judge(&mut self, cx: &mut Context<'_>, conn: ConnId, sent: Result<Accepted, SendError>) {
        let slow = match sent {
            Ok(Accepted::Queued) => false,
            Ok(Accepted::Congested) => cx.info(conn).is_some_and(|info| info.queued > MAX_OUTBOX),
            Err(error) => matches!(error, SendError::Full | SendError::TooBig { .. }),
        };
        if slow && cx.close(conn, CloseCode::TRY_AGAIN_LATER, "too slow").is_ok() {
            self.slow += 1;
            tracing::warn!(%conn, "a member is too slow and was closed");
            self.rooms.handle_closed(cx.now(), conn);
        }
    }
}

impl Service for ChatService {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, conn: ConnId, request: &Request) -> Verdict {
        match route(request, &self.access, &self.rooms) {
            Route::Answer(answer) => Verdict::Respond(answer),
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
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let before = self.expected.len();
        self.expected.retain(|expected| *expected != conn);
        let auto_join = self.expected.len() == before;
        if let Some(info) = cx.info(conn) {
            let client = info.client.filter(|client| info.peer.ip() != Some(*client));
            let client = client.map(tracing::field::display);
            tracing::info!(%conn, address = %info.peer, client, "connected");
        }
        self.rooms.handle_opened(cx.now(), conn, auto_join);
        self.act(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match self.rooms.handle_message(cx.now(), cx.wall(), conn, &message) {
            None => {}
            // One that talks too much is not to fill the log as well.
            Some(code @ Code::RateLimited) => tracing::debug!(%conn, ?code, "a message was refused"),
            Some(code) => tracing::warn!(%conn, ?code, "a message was refused"),
        }
        self.act(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        tracing::info!(%conn, code = %closed.code, origin = ?closed.origin, "disconnected");
        self.rooms.handle_closed(cx.now(), conn);
        self.act(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.rooms.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.rooms.handle_timeout(cx.now());
        self.act(cx);
    }
}

#[cfg(test)]
mod tests;
