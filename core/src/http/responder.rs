//! The server's side of one HTTP/1.1 connection.

use super::config::Config;
use super::head::HeadBuffer;
use super::request::Request;
use super::response::Response;
use crate::base::{
    Cause, Clock, CloseCode, Closed, Closing, Deadline, Deadlines, End, Input, Instant, Origin, Outbox,
    Output, Phase, Scratch, Shutdown, Wall, Wants, least,
};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the connection hands up.
///
/// ```
/// use wharf::base::{Input, Instant, Wall};
/// use wharf::http::{Config, Event, Responder, Response};
///
/// let (now, wall) = (Instant::ORIGIN, Wall::default());
/// let mut responder = Responder::new(now, &Config::default().into());
/// let mut bytes = *b"GET /status HTTP/1.0\r\n\r\n";
/// let mut input = Input::new(&mut bytes);
/// let mut told = Vec::new();
/// while let Some(event) = responder.receive(now, wall, &mut input) {
///     match event {
///         Event::Request(request) => {
///             told.push(request.path().to_string());
///             responder.respond(now, wall, &Response::new(200).text("well")).unwrap();
///         }
///         // HTTP/1.0 asks once.
///         Event::Closed(closed) => told.push(closed.code.to_string()),
///         _ => {}
///     }
/// }
/// assert_eq!(told, ["/status", "1000"]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request. The next one comes after [`respond`](Responder::respond).
    Request(Box<Request>),
    /// The connection's outcome, once and last.
    Closed(Box<Closed>),
}

/// Why an answer was not taken.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::http::{Config, RespondError, Responder, Response};
///
/// let (now, wall, answer) = (Instant::ORIGIN, Wall::default(), Response::plain(404));
/// let mut responder = Responder::new(now, &Config::default().into());
/// assert_eq!(responder.respond(now, wall, &answer), Err(RespondError::NothingAsked));
/// responder.abort(now);
/// let error = responder.respond(now, wall, &answer).unwrap_err();
/// assert_eq!((error, &*error.to_string()), (RespondError::Closed, "the connection is over"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// No request waits for an answer.
    #[error("no request waits for an answer")]
    NothingAsked,
    /// The connection is over.
    #[error("the connection is over")]
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A head is awaited.
    Peer,
    /// An answer is owed.
    Ours { keep_alive: bool, head_only: bool },
}

/// The server's side of one HTTP/1.1 connection, by the rules of [`Engine`](crate::base::Engine): GET and HEAD,
/// keep-alive, pipelined requests one at a time. What is malformed or ambiguous is answered by its status
/// ([`HeadError::status`](super::HeadError::status)) and the connection closed. Request bodies are not taken.
///
/// ```
/// use wharf::base::{Input, Instant, Wall};
/// use wharf::http::{Config, Event, Responder, Response};
///
/// let (now, wall) = (Instant::ORIGIN, Wall::default());
/// let mut responder = Responder::new(now, &Config::default().into());
/// let mut bytes = *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// let Some(Event::Request(request)) = responder.receive(now, wall, &mut Input::new(&mut bytes)) else { panic!() };
/// assert_eq!(request.path(), "/");
/// responder.respond(now, wall, &Response::plain(404)).unwrap();
/// let mut written = Vec::new();
/// responder.output(now).drain_into(&mut written);
/// assert!(written.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
/// ```
#[derive(Debug)]
pub struct Responder {
    pub(super) config: Arc<Config>,
    clock: Clock,
    pub(super) turn: Turn,
    pub(super) head: HeadBuffer,
    pub(super) outbox: Outbox,
    pub(super) closing: Closing,
    /// The deadline of what is awaited, a head, the begin of one, or the program's answer, stands in the idle slot.
    pub(super) deadlines: Deadlines,
    pub(super) report: Option<Box<Closed>>,
    pub(super) reported: bool,
    pub(super) answered: bool,
}

impl Responder {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(now: Instant, config: &Arc<Config>) -> Self {
        let mut deadlines = Deadlines::new();
        deadlines.arm(Deadline::Idle, now + least(config.open_timeout));
        Self {
            config: config.clone(),
            clock: Clock::new(now),
            turn: Turn::Peer,
            head: HeadBuffer::default(),
            outbox: Outbox::new(),
            closing: Closing::new(),
            deadlines,
            report: None,
            reported: false,
            answered: false,
        }
    }

    /// Takes from `input` until there is an event. Nothing is taken while `wants().read` is false, and never a byte
    /// behind a request: it is there for the protocol that the connection is upgraded to.
    pub fn receive(&mut self, now: Instant, wall: Wall, input: &mut Input<'_>) -> Option<Event> {
        let now = self.clock.advance(now);
        if let Some(report) = self.report.take() {
            return Some(Event::Closed(report));
        }
        if !self.closing.is_open() {
            input.take_all();
            return None;
        }
        if !self.is_reading() || input.is_empty() {
            return None;
        }
        let begun = self.head.is_begun();
        match self.head.take(input).and_then(|head| head.map(Request::from_head).transpose()) {
            Ok(None) => {
                if self.answered && !begun {
                    self.deadlines.arm(Deadline::Idle, now + least(self.config.open_timeout));
                }
                None
            }
            Ok(Some(request)) => {
                let head_only = request.method() == "HEAD";
                self.turn = Turn::Ours { keep_alive: request.keeps_alive(), head_only };
                self.deadlines.arm(Deadline::Idle, now + least(self.config.answer_timeout));
                Some(Event::Request(Box::new(request)))
            }
            Err(e) => {
                self.refuse(now, wall, e);
                input.take_all();
                self.report.take().map(Event::Closed)
            }
        }
    }

    /// Answers the request that waits. A HEAD is answered without the body (RFC 9110 section 9.3.2).
    ///
    /// # Errors
    /// [`RespondError`]; nothing was written.
    pub fn respond(&mut self, now: Instant, wall: Wall, response: &Response) -> Result<(), RespondError> {
        let now = self.clock.advance(now);
        if !self.closing.is_open() {
            return Err(RespondError::Closed);
        }
        let Turn::Ours { keep_alive, head_only } = self.turn else { return Err(RespondError::NothingAsked) };
        let keep_alive = keep_alive && !response.closes();
        self.write(now, wall, response, keep_alive, head_only);
        self.turn = Turn::Peer;
        if keep_alive {
            self.deadlines.arm(Deadline::Idle, now + least(self.config.keep_alive_timeout));
        } else {
            self.finish(now, Origin::Local, CloseCode::NORMAL, Cause::Handshake, false);
        }
        Ok(())
    }

    /// The program failed over the request: 500, and the connection is closed.
    pub fn fail(&mut self, now: Instant, wall: Wall) {
        let now = self.clock.advance(now);
        if let (true, Turn::Ours { head_only, .. }) = (self.closing.is_open(), self.turn) {
            self.write(now, wall, &Response::plain(500), false, head_only);
        }
        self.finish(now, Origin::Local, CloseCode::INTERNAL_ERROR, Cause::Aborted, false);
    }

    /// Closes as soon as what is owed is written.
    pub fn close(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        match &mut self.turn {
            Turn::Ours { keep_alive, .. } => *keep_alive = false,
            Turn::Peer => self.finish(now, Origin::Local, CloseCode::NORMAL, Cause::Handshake, false),
        }
    }

    /// Gives the connection up at once.
    pub fn abort(&mut self, now: Instant) {
        self.clock.advance(now);
        self.give_up(Cause::Aborted);
    }

    /// The transport's reading side is over. An end of stream ends reading only: what is owed is still written.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        let now = self.clock.advance(now);
        self.handle_end(now, end);
    }

    /// What is to be written.
    pub fn output(&mut self, now: Instant) -> Output<'_> {
        let now = self.clock.advance(now);
        Output::new(&mut self.outbox, now)
    }

    /// What the connection wants of its transport.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let write = !self.outbox.is_empty();
        let read = !self.closing.read_over();
        match self.phase() {
            Phase::Open => Wants { read: read && self.is_reading(), write, shutdown: None },
            Phase::Closing | Phase::Flushing => Wants { read, write, shutdown: None },
            Phase::Lingering => Wants { read: true, write: false, shutdown: Some(Shutdown::Write) },
            Phase::Finished(how) => Wants { read: false, write: false, shutdown: Some(how) },
        }
    }

    /// Whether a request waits for an answer.
    #[must_use]
    pub fn owes_answer(&self) -> bool {
        self.turn != Turn::Peer && self.closing.is_open()
    }

    /// Whether it has answered and waits for another request, of which nothing has come.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.answered && self.turn == Turn::Peer && self.closing.is_open() && !self.head.is_begun()
    }

    /// Whether the transport's reading side is over.
    pub(crate) fn is_read_over(&self) -> bool {
        self.closing.read_over()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if matches!(self.phase(), Phase::Finished(_)) { None } else { self.deadlines.next(false) }
    }

    /// Acts on what is due: a head that has begun is answered by 408, silence by a close, a program that owes an
    /// answer by 500.
    pub fn handle_timeout(&mut self, now: Instant, wall: Wall) {
        let now = self.clock.advance(now);
        self.handle_deadlines(now, wall);
    }

    /// Lends the buffers of the thread or loop for a turn.
    pub fn lend(&mut self, scratch: &mut Scratch) {
        self.outbox.lend(scratch);
    }

    /// Takes them back.
    pub fn reclaim(&mut self, scratch: &mut Scratch) {
        self.outbox.reclaim(scratch);
    }

    /// What was not yet written, for the protocol that the connection is upgraded to.
    #[must_use]
    pub fn into_unwritten(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.output(self.clock.last()).drain_into(&mut out);
        out
    }

    pub(super) fn phase(&self) -> Phase {
        self.closing.phase(self.outbox.is_empty())
    }

    /// Whether the next request is read: not before the last is answered, nor while its answer waits to be taken.
    fn is_reading(&self) -> bool {
        self.turn == Turn::Peer && self.outbox.len() <= self.config.high_mark
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
