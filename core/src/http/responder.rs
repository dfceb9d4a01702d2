//! The server's side of one HTTP/1.1 connection.

use super::head::{HeadBuffer, HeadError};
use super::request::Request;
use super::response::Response;
use crate::base::{
    Cause, Classifier, Clock, CloseCode, Closed, Closing, Deadline, Deadlines, End, Input, Instant, Origin,
    Outbox, Output, Phase, Scratch, Shutdown, Timeout, Wall, Wants,
};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A body from here on is referenced, a smaller one copied behind its head.
const REFERENCE: usize = 4096;

/// Deadlines of a connection that speaks HTTP.
///
/// ```
/// let config = wharf::http::Config::default();
/// assert_eq!(config.open_timeout.as_secs(), 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long a connection may take for its first head. Default 10 s.
    pub open_timeout: Duration,
    /// How long a connection may wait between an answer and the end of the next head. Default 30 s.
    pub keep_alive_timeout: Duration,
    /// How long the program may take for an answer; past it the answer is a 500. Default 30 s.
    pub answer_timeout: Duration,
    /// When the transport takes nothing for this long, the connection is ended. Default 30 s.
    pub write_timeout: Duration,
    /// How long a close may take. Default 5 s.
    pub close_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}

/// What the connection hands up.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request. The next one comes after [`respond`](Responder::respond).
    Request(Box<Request>),
    /// The connection's outcome, once and last.
    Closed(Box<Closed>),
}

/// Why an answer was not taken.
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
enum Turn {
    /// A head is awaited.
    Peer,
    /// An answer is owed.
    Ours { keep_alive: bool, head_only: bool },
}

/// The server's side of one HTTP/1.1 connection, by the rules of [`Engine`](crate::base::Engine): GET and HEAD,
/// keep-alive, pipelined requests one at a time. What is malformed or ambiguous is answered by its status
/// ([`HeadError::status`]) and the connection closed. Request bodies are not taken.
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
    config: Arc<Config>,
    clock: Clock,
    turn: Turn,
    head: HeadBuffer,
    outbox: Outbox,
    closing: Closing,
    /// The head's or the answer's deadline stands in the idle slot: they never run together.
    deadlines: Deadlines,
    report: Option<Box<Closed>>,
    reported: bool,
    answered: bool,
}

impl Responder {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(now: Instant, config: &Arc<Config>) -> Self {
        let mut deadlines = Deadlines::new();
        deadlines.arm(Deadline::Idle, now + config.open_timeout);
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

    /// Takes from `input` until there is an event. While an answer is owed nothing is taken.
    pub fn receive(&mut self, now: Instant, wall: Wall, input: &mut Input<'_>) -> Option<Event> {
        let now = self.clock.advance(now);
        if let Some(report) = self.report.take() {
            return Some(Event::Closed(report));
        }
        if !self.closing.is_open() {
            input.take_all();
            return None;
        }
        if self.turn != Turn::Peer || input.is_empty() {
            return None;
        }
        let parsed = match self.head.take(input) {
            Ok(None) => return None,
            Ok(Some(head)) => Request::parse(&head),
            Err(e) => Err(e),
        };
        match parsed {
            Ok(request) => {
                let head_only = request.method() == "HEAD";
                self.turn = Turn::Ours { keep_alive: request.keeps_alive(), head_only };
                self.deadlines.arm(Deadline::Idle, now + self.config.answer_timeout);
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
        self.write(now, wall, response, keep_alive, head_only);
        self.turn = Turn::Peer;
        if keep_alive {
            self.deadlines.arm(Deadline::Idle, now + self.config.keep_alive_timeout);
        } else {
            self.finish(now, Origin::Local, CloseCode::NORMAL, Cause::Handshake);
        }
        Ok(())
    }

    /// The program failed over the request: 500, and the connection is closed.
    pub fn fail(&mut self, now: Instant, wall: Wall) {
        let now = self.clock.advance(now);
        if let (true, Turn::Ours { head_only, .. }) = (self.closing.is_open(), self.turn) {
            self.write(now, wall, &Response::plain(500), false, head_only);
        }
        self.finish(now, Origin::Local, CloseCode::INTERNAL_ERROR, Cause::Aborted);
    }

    /// Closes as soon as what is owed is written.
    pub fn close(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        match &mut self.turn {
            Turn::Ours { keep_alive, .. } => *keep_alive = false,
            Turn::Peer => self.finish(now, Origin::Local, CloseCode::NORMAL, Cause::Handshake),
        }
    }

    /// Gives the connection up at once.
    pub fn abort(&mut self, now: Instant) {
        self.clock.advance(now);
        self.give_up(Cause::Aborted);
    }

    /// The peer's stream ended; what is owed is still written.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        let now = self.clock.advance(now);
        if end != End::Eof {
            self.give_up(end.into());
        } else if let (Turn::Ours { keep_alive, .. }, true) = (&mut self.turn, self.closing.is_open()) {
            *keep_alive = false;
            self.closing.note_end_of_stream();
        } else {
            let between = !self.head.is_begun() && self.answered;
            let code = if between { CloseCode::NORMAL } else { CloseCode::ABNORMAL };
            self.closing.end_of_stream(self.outbox.is_empty());
            let origin = if between { Origin::Remote } else { Origin::Abnormal };
            self.finish(now, origin, code, if between { Cause::Handshake } else { end.into() });
        }
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
        match self.closing.phase(self.outbox.is_empty()) {
            Phase::Open => Wants { read: read && self.turn == Turn::Peer, write, shutdown: None },
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

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.closing.phase(self.outbox.is_empty()) {
            Phase::Finished(_) => None,
            _ => self.deadlines.next(false),
        }
    }

    /// Acts on what is due: a head that has begun is answered by 408, silence by a close, a program that owes an
    /// answer by 500.
    pub fn handle_timeout(&mut self, now: Instant, wall: Wall) {
        let now = self.clock.advance(now);
        while let Some(due) = self.deadlines.pop_due(now, false) {
            match due {
                Deadline::Close => self.give_up(Timeout::Close.into()),
                Deadline::WriteStall => self.handle_write_stall(now),
                Deadline::Idle | Deadline::Pong => self.handle_late(now, wall),
            }
        }
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
        self.output(Instant::ORIGIN).drain_into(&mut out);
        out
    }

    fn handle_late(&mut self, now: Instant, wall: Wall) {
        if !self.closing.is_open() {
            return;
        }
        if self.turn != Turn::Peer {
            return self.fail(now, wall);
        }
        if self.head.is_begun() {
            self.write(now, wall, &Response::plain(408), false, false);
        }
        self.finish(now, Origin::Abnormal, CloseCode::ABNORMAL, Timeout::Handshake.into());
    }

    fn handle_write_stall(&mut self, now: Instant) {
        let due = self.outbox.progress() + self.config.write_timeout;
        if self.outbox.is_empty() {
        } else if due > now {
            self.deadlines.arm(Deadline::WriteStall, due);
        } else {
            self.give_up(Timeout::WriteStall.into());
        }
    }

    fn refuse(&mut self, now: Instant, wall: Wall, error: HeadError) {
        let mut response = Response::plain(error.status());
        if error == HeadError::Method {
            response = response.with("Allow", "GET, HEAD");
        }
        self.write(now, wall, &response, false, false);
        self.finish(now, Origin::Local, CloseCode::PROTOCOL_ERROR, Cause::Refused(error.status()));
    }

    fn write(&mut self, now: Instant, wall: Wall, response: &Response, keep_alive: bool, head_only: bool) {
        self.answered = true;
        response.write_head(self.outbox.cork(now), wall, keep_alive);
        if !head_only {
            if response.content().len() >= REFERENCE {
                self.outbox.push_shared(now, response.content().clone());
            } else {
                self.outbox.cork(now).extend_from_slice(response.content());
            }
        }
        if !self.deadlines.is_armed(Deadline::WriteStall) {
            self.deadlines.arm(Deadline::WriteStall, now + self.config.write_timeout);
        }
    }

    fn finish(&mut self, now: Instant, origin: Origin, code: CloseCode, cause: Cause) {
        self.closing.flush(false);
        self.deadlines.disarm(Deadline::Idle);
        if !self.deadlines.is_armed(Deadline::Close) {
            self.deadlines.arm(Deadline::Close, now + self.config.close_timeout);
        }
        self.report(origin, code, cause);
    }

    fn give_up(&mut self, cause: Cause) {
        self.closing.abort();
        self.outbox.clear();
        self.deadlines.disarm_all();
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, cause);
    }

    fn report(&mut self, origin: Origin, code: CloseCode, cause: Cause) {
        if !core::mem::replace(&mut self.reported, true) {
            self.report = Some(Box::new(Closed::new(origin, code, "", cause, Classifier::OnlyNormal)));
        }
    }
}

#[cfg(test)]
mod tests;
