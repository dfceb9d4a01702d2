//! One connection, from its first byte to its last: HTTP, the opening handshake, the WebSocket.

use super::{Config, Event, Welcome};
use crate::base::{
    Accepted, CloseCode, End, Engine, Entropy, Input, Instant, Kind, Message, Output, Scratch, SendError,
    Wall, WallClock, Wants,
};
use crate::http::{self, Request, RespondError, Responder, Response};
use crate::ws::handshake::{self, AcceptError, Acceptance, ClientRequest, Offer};
use crate::ws::{self, Connection, Prepared, Role};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;
use core::time::Duration;

/// One connection of either role: a server's speaks HTTP until a request for a WebSocket is accepted, a client's
/// asks for one. The rules of use are those of [`Engine`]; input that is left while `wants().read` is false must be
/// offered again.
///
/// ```
/// use wharf::base::{Input, Instant, Wall};
/// use wharf::link::{Event, Link};
///
/// let (now, wall) = (Instant::ORIGIN, Wall::default());
/// let mut link = Link::server(now, wall, &wharf::link::Config::default().into());
/// let mut bytes = *b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
///     \x81\x85\0\0\0\0hello";
/// let mut input = Input::new(&mut bytes);
/// while let Some(event) = link.receive(now, &mut input) {
///     match event {
///         Event::Request(_) => link.accept(now, &Default::default()).unwrap(),
///         Event::Message(message) => {
///             link.send(now, message).unwrap();
///         }
///         _ => {}
///     }
/// }
/// let mut written = Vec::new();
/// link.output(now).drain_into(&mut written);
/// assert!(written.ends_with(b"\x81\x05hello"));
/// ```
#[derive(Debug)]
pub struct Link {
    stage: Stage,
    config: Arc<Config>,
    wall: WallClock,
    /// `Opened` is to be handed up.
    welcome: Option<Box<Welcome>>,
}

/// Nearly all are open for nearly all of their life, so that one is not boxed.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Stage {
    Http(Box<Answering>),
    Asking(Box<Asking>),
    Open(Connection),
}

#[derive(Debug)]
struct Answering {
    responder: Responder,
    offer: Option<Offer>,
}

#[derive(Debug)]
struct Asking {
    client: handshake::Client,
    entropy: Entropy,
    /// What the open connection will be told.
    ws: Arc<ws::Config>,
}

impl Link {
    /// The server's side of a connection that was just accepted.
    #[must_use]
    pub fn server(now: Instant, wall: Wall, config: &Arc<Config>) -> Self {
        let responder = Responder::new(now, &config.http);
        Self::new(Stage::Http(Box::new(Answering { responder, offer: None })), now, wall, config)
    }

    /// The client's side of a connection that was just made.
    #[must_use]
    pub fn client(now: Instant, config: &Arc<Config>, request: &ClientRequest, entropy: Entropy) -> Self {
        Self::asking(now, config, &config.ws, request, entropy, config.open_timeout)
    }

    /// The client's side of a connection that a service dialed: dialing took a part of its time.
    pub(super) fn dialed(
        now: Instant,
        config: &Arc<Config>,
        request: &ClientRequest,
        entropy: Entropy,
        timeout: Duration,
    ) -> Self {
        Self::asking(now, config, &config.dialed, request, entropy, timeout)
    }

    fn asking(
        now: Instant,
        config: &Arc<Config>,
        ws: &Arc<ws::Config>,
        request: &ClientRequest,
        mut entropy: Entropy,
        timeout: Duration,
    ) -> Self {
        let client = handshake::Client::with_extensions(now, request, &mut entropy, timeout, ws);
        let asking = Asking { client, entropy, ws: ws.clone() };
        Self::new(Stage::Asking(Box::new(asking)), now, Wall::default(), config)
    }

    fn new(stage: Stage, now: Instant, wall: Wall, config: &Arc<Config>) -> Self {
        Self { stage, config: config.clone(), wall: WallClock::new(now, wall), welcome: None }
    }

    /// Takes from `input` until there is an event to hand up.
    pub fn receive<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        loop {
            if let Some(welcome) = self.welcome.take() {
                return Some(Event::Opened(welcome));
            }
            match &mut self.stage {
                Stage::Open(connection) => return connection.receive(now, input).map(Event::from),
                Stage::Http(answering) => {
                    return match answering.responder.receive(now, self.wall.at(now), input)? {
                        http::Event::Closed(closed) => Some(Event::Closed(closed)),
                        http::Event::Request(request) => match self.admit(now, &request) {
                            true => Some(Event::Request(request)),
                            false => continue,
                        },
                    };
                }
                Stage::Asking(asking) => match asking.client.receive(now, input)? {
                    Ok(opened) => self.open(now, opened),
                    Err(e) => return Some(Event::Failed(Box::new(e))),
                },
            }
        }
    }

    /// Accepts the request for a WebSocket that waits. What came behind it is taken as its first frames.
    ///
    /// # Errors
    /// [`AcceptError`] if `acceptance` asks for what cannot be; the request is answered by 500 then. Without such a
    /// request nothing happens.
    pub fn accept(&mut self, now: Instant, acceptance: &Acceptance) -> Result<(), AcceptError> {
        let Stage::Http(answering) = &mut self.stage else { return Ok(()) };
        let Some(offer) = answering.offer.take().filter(|_| answering.responder.owes_answer()) else {
            return Ok(());
        };
        let answer = match offer.accept(acceptance) {
            Ok(answer) => answer,
            Err(e) => {
                answering.responder.fail(now, self.wall.at(now));
                return Err(e);
            }
        };
        let is_over = answering.responder.is_read_over();
        let mut head = core::mem::replace(&mut answering.responder, Responder::new(now, &self.config.http))
            .into_unwritten();
        head.extend_from_slice(&answer);
        let subprotocol = offer.subprotocol(acceptance).map(String::from);
        let entropy = Entropy::from_seed([0; 32]);
        let connection = Connection::new(now, Role::Server, &self.config.ws, entropy, &head);
        self.stage = Stage::Open(connection.with_extensions(offer.agreed()));
        self.welcome = Some(Box::new(Welcome { subprotocol, headers: http::Headers::default() }));
        if is_over {
            // The transport tells its end once, and told it to the responder.
            self.receive_end(now, End::Eof);
        }
        Ok(())
    }

    /// Answers the request that waits, whatever it asked for.
    ///
    /// # Errors
    /// [`RespondError`] if none waits.
    pub fn respond(&mut self, now: Instant, response: &Response) -> Result<(), RespondError> {
        match &mut self.stage {
            Stage::Http(answering) => {
                answering.offer = None;
                answering.responder.respond(now, self.wall.at(now), response)
            }
            _ => Err(RespondError::NothingAsked),
        }
    }

    /// Tells the calendar time anew, for the `Date` of answers.
    pub fn handle_wall(&mut self, now: Instant, wall: Wall) {
        self.wall = WallClock::new(now, wall);
    }

    /// The transport's reading side is over.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        match &mut self.stage {
            Stage::Open(connection) => connection.receive_end(now, end),
            Stage::Http(answering) => answering.responder.receive_end(now, end),
            Stage::Asking(asking) => asking.client.receive_end(now, end),
        }
    }

    /// As [`Engine::read_space`]; `None` before the WebSocket is open.
    pub fn read_space(&mut self) -> Option<&mut [u8]> {
        self.connection_mut()?.read_space()
    }

    /// As [`Engine::handle_read`].
    pub fn handle_read(&mut self, now: Instant, n: usize) {
        if let Some(connection) = self.connection_mut() {
            connection.handle_read(now, n);
        }
    }

    /// Queues a message ([`Engine::send`]).
    ///
    /// # Errors
    /// As there; [`SendError::NotOpen`] before the WebSocket is open.
    pub fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        self.open_connection()?.send(now, message)
    }

    /// Queues a message whose payload is shared ([`Engine::send_bytes`]).
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send_bytes(&mut self, now: Instant, kind: Kind, payload: Bytes) -> Result<Accepted, SendError> {
        self.open_connection()?.send_bytes(now, kind, payload)
    }

    /// Queues a prepared message.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send_prepared(&mut self, now: Instant, prepared: &Prepared) -> Result<Accepted, SendError> {
        self.open_connection()?.send_prepared(now, prepared)
    }

    /// Closes: by a Close frame where the WebSocket is open, after what is owed where it is HTTP, at once in a
    /// client's handshake.
    ///
    /// # Errors
    /// As [`Engine::close`].
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        match &mut self.stage {
            Stage::Open(connection) => return connection.close(now, code, reason),
            Stage::Http(answering) => answering.responder.close(now),
            Stage::Asking(asking) => asking.client.abort(now),
        }
        Ok(())
    }

    /// The program that handles it failed: 1011, or 500 where an answer is owed.
    pub fn fail(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Open(connection) => connection.fail(now, CloseCode::INTERNAL_ERROR),
            Stage::Http(answering) => answering.responder.fail(now, self.wall.at(now)),
            Stage::Asking(asking) => asking.client.abort(now),
        }
    }

    /// Gives the connection up at once.
    pub fn abort(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Open(connection) => connection.abort(now),
            Stage::Http(answering) => answering.responder.abort(now),
            Stage::Asking(asking) => asking.client.abort(now),
        }
    }

    /// The open connection: its counters, its ping, its pause.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match &self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// The open connection, to be used.
    pub fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// What is to be written.
    pub fn output(&mut self, now: Instant) -> Output<'_> {
        match &mut self.stage {
            Stage::Open(connection) => connection.output(now),
            Stage::Http(answering) => answering.responder.output(now),
            Stage::Asking(asking) => asking.client.output(now),
        }
    }

    /// What the connection wants of its transport.
    #[must_use]
    pub fn wants(&self) -> Wants {
        match &self.stage {
            Stage::Open(connection) => connection.wants(),
            Stage::Http(answering) => answering.responder.wants(),
            Stage::Asking(asking) => asking.client.wants(),
        }
    }

    /// Lends the buffers of the thread or loop for a turn.
    pub fn lend(&mut self, scratch: &mut Scratch) {
        match &mut self.stage {
            Stage::Open(connection) => connection.lend(scratch),
            Stage::Http(answering) => answering.responder.lend(scratch),
            Stage::Asking(asking) => asking.client.lend(scratch),
        }
    }

    /// Takes them back.
    pub fn reclaim(&mut self, scratch: &mut Scratch) {
        match &mut self.stage {
            Stage::Open(connection) => connection.reclaim(scratch),
            Stage::Http(answering) => answering.responder.reclaim(scratch),
            Stage::Asking(asking) => asking.client.reclaim(scratch),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Open(connection) => connection.poll_timeout(),
            Stage::Http(answering) => answering.responder.poll_timeout(),
            Stage::Asking(asking) => asking.client.poll_timeout(),
        }
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Open(connection) => connection.handle_timeout(now),
            Stage::Http(answering) => answering.responder.handle_timeout(now, self.wall.at(now)),
            Stage::Asking(asking) => asking.client.handle_timeout(now),
        }
    }

    /// Whether the request is handed up: one for a WebSocket that the policy refuses is answered right here.
    fn admit(&mut self, now: Instant, request: &Request) -> bool {
        let Stage::Http(answering) = &mut self.stage else { return false };
        if !request.is_websocket() {
            answering.offer = None;
            return true;
        }
        match Offer::from_request(request, &self.config.policy) {
            Ok(offer) => {
                answering.offer = Some(offer.with_extensions(&self.config.ws));
                true
            }
            Err(refusal) => {
                // The request waits for an answer, so one can be given.
                let _ = answering.responder.respond(now, self.wall.at(now), &refusal.response());
                false
            }
        }
    }

    fn open(&mut self, now: Instant, opened: handshake::Opened) {
        let Stage::Asking(asking) = &mut self.stage else { return };
        let entropy = asking.entropy.fork();
        let connection = Connection::client(now, &asking.ws, entropy).with_extensions(opened.agreed);
        self.stage = Stage::Open(connection);
        self.welcome = Some(Box::new(Welcome { subprotocol: opened.subprotocol, headers: opened.headers }));
    }

    fn open_connection(&mut self) -> Result<&mut Connection, SendError> {
        self.connection_mut().ok_or(SendError::NotOpen)
    }
}
