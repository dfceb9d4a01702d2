//! The client's side: asks, waits, and checks the answer (RFC 6455 section 4.1).

use super::agreed::{Agreed, Offered};
use super::outcome::{HandshakeError, Opened, RefusedBy};
use super::request::ClientRequest;
use crate::base::{
    Clock, Deadline, Deadlines, End, Entropy, Input, Instant, Outbox, Output, Scratch, Shutdown, Wants,
};
use crate::http::{BodyReader, HeadBuffer, HeadError, Headers, ResponseHead, Version};
use crate::ws::Config;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

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
pub struct Client {
    clock: Clock,
    outbox: Outbox,
    deadlines: Deadlines,
    head: HeadBuffer,
    accept: [u8; 28],
    offered: Vec<String>,
    extensions: Offered,
    /// A refusal whose body is still coming.
    refused: Option<Box<(RefusedBy, BodyReader)>>,
    /// Interim answers passed over.
    interim: u8,
    outcome: Option<Result<Opened, HandshakeError>>,
    over: bool,
    failed: bool,
}

/// The first byte of a record of TLS with an alert in it; no head of HTTP begins so.
const TLS_ALERT: u8 = 21;

impl Client {
    /// How much of a refusal's body is kept.
    const BODY: usize = 4096;
    /// Most interim answers that are passed over.
    const INTERIM: u8 = 8;

    /// Asks, and offers no extension; the answer has `timeout`. A request whose fresh fields cannot be set fails with
    /// [`HandshakeError::Request`] at once.
    #[must_use]
    pub fn new(now: Instant, request: &ClientRequest, entropy: &mut Entropy, timeout: Duration) -> Self {
        Self::asking(now, request, entropy, timeout, Offered::default())
    }

    /// As [`new`](Self::new), and offers the extensions that `config` wants.
    #[must_use]
    pub fn with_extensions(
        now: Instant,
        request: &ClientRequest,
        entropy: &mut Entropy,
        timeout: Duration,
        config: &Config,
    ) -> Self {
        Self::asking(now, request, entropy, timeout, Offered::new(config))
    }

    fn asking(
        now: Instant,
        request: &ClientRequest,
        entropy: &mut Entropy,
        timeout: Duration,
        extensions: Offered,
    ) -> Self {
        let attempt = request.attempt();
        let request = attempt.as_deref().unwrap_or(request);
        let (bytes, accept) = request.encode(entropy, extensions.to_field().as_deref());
        let mut outbox = Outbox::new();
        // RFC 6455 4.1: "the client MUST send an opening handshake to the server"
        outbox.cork(now).extend_from_slice(&bytes);
        let mut deadlines = Deadlines::new();
        deadlines.arm(Deadline::Idle, now + timeout.max(Duration::from_nanos(1)));
        let mut client = Self {
            clock: Clock::new(now),
            outbox,
            deadlines,
            head: HeadBuffer::default(),
            accept,
            offered: request.subprotocols().to_vec(),
            extensions,
            refused: None,
            interim: 0,
            outcome: None,
            over: false,
            failed: false,
        };
        if let Err(e) = attempt {
            client.finish(Err(HandshakeError::Request(e)));
        }
        client
    }

    /// The answer has no more than `timeout` from now on.
    pub(crate) fn limit(&mut self, now: Instant, timeout: Duration) {
        let by = self.clock.advance(now) + timeout.max(Duration::from_nanos(1));
        if !self.over && self.deadlines.next(false).is_none_or(|at| by < at) {
            self.deadlines.arm(Deadline::Idle, by);
        }
    }

    /// Takes the answer from `input`; its outcome comes once. What is behind an answer with 101 stays.
    pub fn receive(&mut self, now: Instant, input: &mut Input<'_>) -> Option<Result<Opened, HandshakeError>> {
        self.clock.advance(now);
        while !self.over && self.refused.is_none() {
            let is_alert = !self.head.is_begun() && input.as_slice().first() == Some(&TLS_ALERT);
            match self.head.take(input).and_then(|head| head.map(ResponseHead::from_head).transpose()) {
                Ok(None) => break,
                Ok(Some(head)) => self.check(&head),
                Err(_) if is_alert => self.finish(Err(HandshakeError::Tls)),
                Err(e) => self.finish(Err(HandshakeError::NotHttp(e))),
            }
        }
        let is_done = |refused: &mut Box<(RefusedBy, BodyReader)>| {
            refused.1.receive(input);
            refused.1.is_done()
        };
        if let Some(refused) = self.refused.take_if(is_done) {
            self.finish_refused(*refused);
        }
        self.outcome.take()
    }

    /// The transport's reading side is over. A refusal is handed up with what came of its body.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        self.clock.advance(now);
        match self.refused.take() {
            Some(mut refused) => {
                if end == End::Eof {
                    refused.1.receive_eof();
                }
                self.finish_refused(*refused);
            }
            None => self.finish(Err(HandshakeError::Ended(end))),
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

    /// What the handshake wants of its transport: to end it after a failure, nothing after a success.
    #[must_use]
    pub fn wants(&self) -> Wants {
        // RFC 6455 7.2.1: "To do so, the client MUST _Fail the WebSocket Connection_ as defined"
        let shutdown = self.failed.then_some(Shutdown::Both);
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
            match self.refused.take() {
                Some(refused) => self.finish_refused(*refused),
                None => self.finish(Err(HandshakeError::TimedOut)),
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
        let headers = head.headers().clone();
        match head.status() {
            101 if !self.outbox.is_empty() => self.finish(Err(HandshakeError::OutOfTurn)),
            101 => {
                // RFC 6455 4.1: "The client MUST validate the server's response"
                let checked = self.check_upgrade(head);
                self.finish(checked.map(|(subprotocol, agreed)| Opened { subprotocol, agreed, headers }));
            }
            // "A client MUST be able to parse one or more 1xx responses received prior to a final response" (RFC 9110
            // section 15.2).
            100..=199 if self.interim < Self::INTERIM => self.interim += 1,
            100..=199 => self.finish(Err(HandshakeError::OutOfTurn)),
            status => {
                let refused = RefusedBy { status, headers, body: Vec::new(), body_is_whole: false };
                self.refused = Some(Box::new((refused, BodyReader::new(head, Self::BODY))));
            }
        }
    }

    fn check_upgrade(&self, head: &ResponseHead) -> Result<(Option<String>, Agreed), HandshakeError> {
        let headers = head.headers();
        // RFC 6455 4.1: "If the server's response does not conform to the requirements for the server's handshake"
        if head.version() != Version::Http11 {
            return Err(HandshakeError::NotHttp(HeadError::Version));
        }
        // RFC 6455 4.1: "If the response lacks an |Upgrade| header field"
        if !headers.only("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            return Err(HandshakeError::Wrong("Upgrade"));
        }
        // RFC 6455 4.1: "If the response lacks a |Connection| header field"
        if !headers.list_has("connection", "upgrade") {
            return Err(HandshakeError::Wrong("Connection"));
        }
        // RFC 6455 4.1: "If the response lacks a |Sec-WebSocket-Accept| header field"
        if headers.only("sec-websocket-accept").map(str::as_bytes) != Some(&self.accept[..]) {
            return Err(HandshakeError::Wrong("Sec-WebSocket-Accept"));
        }
        let agreed = self.check_extensions(headers)?;
        let Some(chosen) = headers.values("sec-websocket-protocol").last() else { return Ok((None, agreed)) };
        // RFC 6455 4.1: "indicates the use of a subprotocol that was not present in the client's handshake"
        match headers.only("sec-websocket-protocol").filter(|name| self.offered.iter().any(|o| o == name)) {
            Some(name) => Ok((Some(name.into()), agreed)),
            None => Err(HandshakeError::Subprotocol(chosen.escape_ascii().to_string())),
        }
    }

    fn check_extensions(&self, headers: &Headers) -> Result<Agreed, HandshakeError> {
        // Several fields are one list, as in a request.
        let mut list = String::new();
        for value in headers.values("sec-websocket-extensions").filter(|value| !value.is_empty()) {
            let Some(value) = core::str::from_utf8(value).ok().filter(|value| value.is_ascii()) else {
                return Err(HandshakeError::Extension(value.escape_ascii().to_string()));
            };
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(value);
        }
        self.extensions.check(&list)
    }

    fn finish_refused(&mut self, (mut refused, body): (RefusedBy, BodyReader)) {
        (refused.body, refused.body_is_whole) = body.into_parts();
        self.finish(Err(HandshakeError::Refused(Box::new(refused))));
    }

    fn finish(&mut self, outcome: Result<Opened, HandshakeError>) {
        if !core::mem::replace(&mut self.over, true) {
            self.failed = outcome.is_err();
            self.outcome = Some(outcome);
            self.deadlines.disarm_all();
            self.outbox.clear();
        }
    }
}

impl core::fmt::Debug for Client {
    /// Without what waits to be written: there may be a password in it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("offered", &self.offered)
            .field("outcome", &self.outcome)
            .field("over", &self.over)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
