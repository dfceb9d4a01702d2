//! The client's side: asks, waits, and checks the answer (RFC 6455 section 4.1).

use super::request::ClientRequest;
use crate::base::{
    Clock, Deadline, Deadlines, End, Entropy, Input, Instant, Outbox, Output, Scratch, Shutdown, Wants,
};
use crate::http::{HeadBuffer, HeadError, Headers, ResponseHead, Version};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A handshake that succeeded. What came behind the answer stays in the input, for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The subprotocol that the server chose, if it chose one.
    pub subprotocol: Option<String>,
    /// The fields of its answer.
    pub headers: Headers,
}

/// An answer other than 101: what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedBy {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Headers,
    /// The first bytes of the body, at most 4 KiB.
    pub body: Vec<u8>,
}

/// Why an opening handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The server answered with another status. Whether to retry depends on it.
    #[error("the server answered with status {}", .0.status)]
    Refused(Box<RefusedBy>),
    /// The answer is not HTTP/1.1. Not worth a retry.
    #[error("the answer is not HTTP/1.1: {0}")]
    NotHttp(HeadError),
    /// The answer lacks what makes it an upgrade (section 4.1, 2 to 4). Not worth a retry.
    #[error("the answer's {0} is missing or wrong")]
    Wrong(&'static str),
    /// The server chose a subprotocol that was not offered (6).
    #[error("the server chose a subprotocol that was not offered: {0:?}")]
    Subprotocol(String),
    /// The server chose an extension that was not offered (5).
    #[error("the server chose an extension that was not offered: {0:?}")]
    Extension(String),
    /// No answer in time. Worth a retry.
    #[error("the opening handshake timed out")]
    TimedOut,
    /// The transport ended before the answer. Worth a retry.
    #[error("the transport ended during the opening handshake: {0}")]
    Ended(End),
    /// The local program gave up.
    #[error("given up by the local program")]
    Aborted,
}

/// The client's side of an opening handshake, by the rules of [`Engine`](crate::base::Engine).
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::ws::handshake::{Client, ClientRequest};
/// use std::time::Duration;
///
/// let request = ClientRequest::new("ws://localhost/").unwrap();
/// let mut client = Client::new(Instant::ORIGIN, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(10));
/// let mut written = Vec::new();
/// client.output(Instant::ORIGIN).drain_into(&mut written);
/// assert!(written.starts_with(b"GET / HTTP/1.1\r\nHost: localhost\r\n"));
/// ```
#[derive(Debug)]
pub struct Client {
    clock: Clock,
    outbox: Outbox,
    deadlines: Deadlines,
    head: HeadBuffer,
    accept: [u8; 28],
    offered: Vec<String>,
    refused: Option<Box<RefusedBy>>,
    /// What is left of a refusal's body to wait for.
    body_left: usize,
    outcome: Option<Result<Opened, HandshakeError>>,
    over: bool,
}

impl Client {
    /// How much of a refusal's body is kept.
    const BODY: usize = 4096;

    /// Asks; the answer has `timeout`.
    #[must_use]
    pub fn new(now: Instant, request: &ClientRequest, entropy: &mut Entropy, timeout: Duration) -> Self {
        let (bytes, accept) = request.encode(entropy);
        let mut outbox = Outbox::new();
        outbox.cork(now).extend_from_slice(&bytes);
        let mut deadlines = Deadlines::new();
        deadlines.arm(Deadline::Idle, now + timeout.max(Duration::from_nanos(1)));
        Self {
            clock: Clock::new(now),
            outbox,
            deadlines,
            head: HeadBuffer::default(),
            accept,
            offered: request.subprotocols().to_vec(),
            refused: None,
            body_left: 0,
            outcome: None,
            over: false,
        }
    }

    /// Takes the answer from `input`; its outcome comes once.
    pub fn receive(&mut self, now: Instant, input: &mut Input<'_>) -> Option<Result<Opened, HandshakeError>> {
        self.clock.advance(now);
        if !self.over && self.refused.is_none() {
            match self.head.take(input) {
                Ok(None) => {}
                Ok(Some(head)) => match ResponseHead::parse(&head) {
                    Ok(head) => self.check(&head),
                    Err(e) => self.finish(Err(HandshakeError::NotHttp(e))),
                },
                Err(e) => self.finish(Err(HandshakeError::NotHttp(e))),
            }
        }
        if let Some(refused) = &mut self.refused {
            let want = self.body_left.min(Self::BODY - refused.body.len());
            let piece = input.take(want);
            refused.body.extend_from_slice(piece);
            self.body_left -= piece.len();
            if self.body_left == 0 || refused.body.len() == Self::BODY {
                self.finish_refused();
            }
        }
        self.outcome.take()
    }

    /// The transport's reading side is over.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        self.clock.advance(now);
        if self.refused.is_some() {
            self.finish_refused();
        } else {
            self.finish(Err(HandshakeError::Ended(end)));
        }
    }

    /// Gives up.
    pub fn abort(&mut self, now: Instant) {
        self.clock.advance(now);
        self.finish(Err(HandshakeError::Aborted));
    }

    /// What is to be written.
    pub fn output(&mut self, now: Instant) -> Output<'_> {
        let now = self.clock.advance(now);
        Output::new(&mut self.outbox, now)
    }

    /// What the handshake wants of its transport.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let shutdown = self.over.then_some(Shutdown::Both);
        Wants { read: !self.over, write: !self.over && !self.outbox.is_empty(), shutdown }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next(false)
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.deadlines.pop_due(now, false).is_some() {
            if self.refused.is_some() {
                self.finish_refused()
            } else {
                self.finish(Err(HandshakeError::TimedOut))
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

    fn check(&mut self, head: &ResponseHead) {
        let headers = head.headers();
        if head.status() != 101 {
            // Without a length the body ends with the stream, so what comes within the deadline is what is kept.
            let length = headers.get("content-length").and_then(|l| l.parse().ok());
            let bodiless = matches!(head.status(), 204 | 304) || head.status() < 200;
            self.body_left = if bodiless { 0 } else { length.unwrap_or(Self::BODY) };
            let refused = RefusedBy { status: head.status(), headers: headers.clone(), body: Vec::new() };
            self.refused = Some(Box::new(refused));
            return;
        }
        let checked =
            self.check_upgrade(head).map(|subprotocol| Opened { subprotocol, headers: headers.clone() });
        self.finish(checked);
    }

    fn check_upgrade(&self, head: &ResponseHead) -> Result<Option<String>, HandshakeError> {
        let headers = head.headers();
        if head.version() != Version::Http11 {
            return Err(HandshakeError::NotHttp(HeadError::Version));
        }
        if headers.count("upgrade") != 1 || !headers.list_has("upgrade", "websocket") {
            return Err(HandshakeError::Wrong("Upgrade"));
        }
        if !headers.list_has("connection", "upgrade") {
            return Err(HandshakeError::Wrong("Connection"));
        }
        let accepted = headers.get("sec-websocket-accept").is_some_and(|a| a.as_bytes() == self.accept);
        if !accepted || headers.count("sec-websocket-accept") != 1 {
            return Err(HandshakeError::Wrong("Sec-WebSocket-Accept"));
        }
        if let Some(extension) = headers.list("sec-websocket-extensions").next() {
            return Err(HandshakeError::Extension(extension.into()));
        }
        match headers.get("sec-websocket-protocol") {
            None => Ok(None),
            Some(chosen)
                if headers.count("sec-websocket-protocol") == 1
                    && self.offered.iter().any(|o| o == chosen) =>
            {
                Ok(Some(chosen.into()))
            }
            Some(chosen) => Err(HandshakeError::Subprotocol(chosen.into())),
        }
    }

    fn finish_refused(&mut self) {
        if let Some(refused) = self.refused.take() {
            self.finish(Err(HandshakeError::Refused(refused)));
        }
    }

    fn finish(&mut self, outcome: Result<Opened, HandshakeError>) {
        if !core::mem::replace(&mut self.over, true) {
            self.outcome = Some(outcome);
            self.deadlines.disarm_all();
            self.outbox.clear();
        }
    }
}

#[cfg(test)]
mod tests;
