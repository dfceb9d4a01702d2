//! One connection, from its first byte to its last.

use super::record::Call;
use super::stage::Stage;
use super::way::Way;
use super::{Event, OpenError, Welcome};
use crate::base::{self, Closed, End, Engine, Input, Instant, Output, Scratch, Wall, WallClock, Wants};
use crate::http;
use crate::proxy::ProxyHeader;
use crate::ws::Connection;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

/// One connection of either role. A server's speaks HTTP until a request for a WebSocket is accepted, a client's asks for
/// one; where [`Config::framing`](super::Config::framing) is another, both exchange framed messages at once. Below that there
/// may be TLS, and at a client the tunnel of a proxy.
///
/// The rules of use are those of [`Engine`](crate::base::Engine), with [`handle_wall`](Self::handle_wall) once a minute, and one
/// more: bytes off the wire go through [`input`](Self::input) first. Where nothing lies between wire and messages that changes
/// nothing, and may be left out. Input that is left while `wants().read` is false must be offered again, to
/// [`receive`](Self::receive).
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
    pub(super) stage: Stage,
    /// What lies between the machine in charge and the wire.
    pub(super) way: Option<Box<Way>>,
    /// `Opened` is to be handed up.
    pub(super) welcome: Option<Box<Welcome>>,
    pub(super) is_client: bool,
    /// `Opened` was handed up.
    pub(super) opened: bool,
    /// The last event was handed up.
    pub(super) over: bool,
}

impl Link {
    /// Bytes off the wire, made ready for [`receive`](Self::receive). They are handed through as they are unless
    /// something lies between the wire and the messages, such as TLS: then what is in them goes into `plain`, which is
    /// cleared first and belongs to the thread or loop.
    pub fn input<'b>(&mut self, now: Instant, bytes: &'b mut [u8], plain: &'b mut Vec<u8>) -> Input<'b> {
        match &mut self.way {
            None => Input::new(bytes),
            Some(way) => {
                let input = way.input(now, bytes, plain);
                Self::record_input(way, now, &input);
                let (header, is_bare) = (way.take_header(), way.is_bare());
                header.inspect(|header| self.handle_header(header));
                self.handle_failure(now);
                self.handle_turn_to_ask(now);
                // A tunnel that is through, or a header, leaves nothing behind but the wire.
                self.way.take_if(|_| is_bare);
                input
            }
        }
    }

    /// Takes from `input` until there is an event to hand up.
    #[inline]
    pub fn receive<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        match self.unwrapped() {
            Some(connection) => {
                let event = connection.receive(now, input);
                self.told(event)
            }
            None => self.receive_any(now, input),
        }
    }

    /// Whether [`receive`](Self::receive) is known to hand up nothing and to do nothing as long as no bytes come, so that it need
    /// not be called. Said only where it costs nothing to know: of a WebSocket without TLS that is open, between two messages.
    #[must_use]
    #[inline]
    pub fn is_silent(&self) -> bool {
        match &self.stage {
            Stage::Open(connection) => self.way.is_none() && self.welcome.is_none() && connection.is_silent(),
            _ => false,
        }
    }

    /// The open connection, where nothing lies around it: what it says is what is [`told`](Self::told). So it is nearly always.
    #[inline]
    pub(super) fn unwrapped(&mut self) -> Option<&mut Connection> {
        match &mut self.stage {
            Stage::Open(connection) if self.way.is_none() && self.welcome.is_none() => Some(connection),
            _ => None,
        }
    }

    /// What the open connection said, to be handed up.
    #[inline]
    pub(super) fn told<'b>(&mut self, event: Option<base::Event<'b>>) -> Option<Event<'b>> {
        let event = event?;
        self.over |= matches!(event, base::Event::Closed(_));
        Some(event.into())
    }

    #[cold]
    fn receive_any<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        let before = input.len();
        let event = self.next_event(now, input);
        self.record_event(now, before, input.len(), event.as_ref());
        let Some(way) = &mut self.way else { return event };
        way.handle_taken(before - input.len());
        match event {
            // The peer's goodbye, and a failure, stand behind all that it said.
            None => {
                match way.take_end() {
                    Some(end) => self.end(now, end),
                    None if self.handle_failure(now) => {}
                    None => return None,
                }
                let event = self.next_event(now, &mut Input::default());
                self.record_event(now, 0, 0, event.as_ref());
                event
            }
            event => event,
        }
    }

    fn next_event<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        loop {
            // One that is framed may know its client before it is open.
            let waits = matches!(self.stage, Stage::Framed(_)) && !is_through(self.way.as_deref());
            if let Some(welcome) = self.welcome.take_if(|_| !waits) {
                self.opened = true;
                return Some(Event::Opened(welcome));
            }
            let event = match &mut self.stage {
                Stage::Open(connection) => Event::from(connection.receive(now, input)?),
                Stage::Framed(_) if !self.opened && !self.over && is_through(self.way.as_deref()) => {
                    self.welcome = Some(Box::default());
                    continue;
                }
                Stage::Framed(connection) => Event::from(connection.receive(now, input)?),
                Stage::Http(answering) => {
                    match answering.responder.receive(now, answering.wall.at(now), input)? {
                        http::Event::Closed(closed) => Event::Closed(closed),
                        http::Event::Request(request) if self.admit(now, &request) => Event::Request(request),
                        http::Event::Request(_) => continue,
                    }
                }
                Stage::Asking(asking) => match asking.client.receive(now, input)? {
                    Ok(opened) => {
                        self.open(now, opened);
                        continue;
                    }
                    Err(e) => Event::Failed(Box::new(e.into())),
                },
            };
            return Some(self.judge(event));
        }
    }

    /// An end is told for what it is: a failure of what lies below the machine, or to open at all.
    fn judge<'b>(&mut self, event: Event<'b>) -> Event<'b> {
        self.over |= matches!(event, Event::Failed(_) | Event::Closed(_));
        let failure = self.way.as_ref().and_then(|way| way.failure());
        match event {
            Event::Failed(error) => Event::Failed(failure.cloned().map_or(error, Box::new)),
            Event::Closed(_) if self.is_client && !self.opened => {
                Event::Failed(Box::new(failure.cloned().unwrap_or(OpenError::Aborted)))
            }
            Event::Closed(mut closed) => {
                if let Some(failure) = failure
                    && (end_of(&closed) == End::TlsFailed || matches!(failure, OpenError::ProxyHeader(_)))
                {
                    closed.reason = failure.to_string();
                }
                Event::Closed(closed)
            }
            event => event,
        }
    }

    /// The transport's reading side is over. Under TLS an end without the peer's `close_notify` is
    /// [`End::Truncated`]: anybody on the way can make one.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        let end = match &mut self.way {
            None => Some(end),
            Some(way) => way.receive_end(now, end),
        };
        self.handle_failure(now);
        match end {
            // The outcome is known, so nothing can be missing.
            Some(End::Truncated) if self.stage.is_settled() => self.end(now, End::Eof),
            Some(end) => self.end(now, end),
            None => {}
        }
    }

    /// As [`Engine::read_space`]; `None` before it is open, and where bytes off the wire are not those of messages.
    #[inline]
    pub fn read_space(&mut self) -> Option<&mut [u8]> {
        match &mut self.stage {
            _ if self.way.is_some() => None,
            Stage::Open(connection) => connection.read_space(),
            Stage::Framed(connection) => connection.read_space(),
            Stage::Http(_) | Stage::Asking(_) => None,
        }
    }

    /// As [`Engine::handle_read`].
    pub fn handle_read(&mut self, now: Instant, n: usize) {
        match &mut self.stage {
            Stage::Open(connection) => connection.handle_read(now, n),
            Stage::Framed(connection) => connection.handle_read(now, n),
            Stage::Http(_) | Stage::Asking(_) => {}
        }
    }

    /// What is to be written.
    #[inline]
    pub fn output(&mut self, now: Instant) -> Output<'_> {
        if self.way.is_some() { self.output_by_way(now) } else { self.stage.output(now) }
    }

    #[cold]
    fn output_by_way(&mut self, now: Instant) -> Output<'_> {
        if let Some(way) = &mut self.way {
            // Sealing can fail too; that is noticed here, once the transport took what was sealed before.
            way.note_failure(now);
        }
        self.handle_failure(now);
        let call = self.to_record(|| Call::Looked);
        self.record(now, call, &());
        let wants = self.stage.wants();
        match &mut self.way {
            None => self.stage.output(now),
            Some(way) => way.output(now, wants, self.stage.output(now)),
        }
    }

    /// What the connection wants of its transport.
    #[must_use]
    #[inline]
    pub fn wants(&self) -> Wants {
        match (&self.stage, &self.way) {
            (Stage::Open(connection), None) => connection.wants(),
            _ => self.wants_by_way(),
        }
    }

    #[cold]
    fn wants_by_way(&self) -> Wants {
        let wants = self.stage.wants();
        self.way.as_ref().map_or(wants, |way| way.wants(wants))
    }

    /// Whether nothing lies between the machine and the wire.
    #[inline]
    pub(super) fn is_bare(&self) -> bool {
        self.way.is_none()
    }

    /// Whether output that leaves, or more of it, brings about nothing but that: no event, no end, no other wish to read.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.way.is_none() && self.is_open() && !self.is_congested()
    }

    /// Lends the buffers of the thread or loop for a turn.
    #[inline]
    pub fn lend(&mut self, scratch: &mut Scratch) {
        self.stage.lend(scratch);
    }

    /// Takes them back.
    #[inline]
    pub fn reclaim(&mut self, scratch: &mut Scratch) {
        self.stage.reclaim(scratch);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (&self.stage, &self.way) {
            (Stage::Open(connection), None) => connection.poll_timeout(),
            _ => self.poll_timeout_by_way(),
        }
    }

    #[cold]
    fn poll_timeout_by_way(&self) -> Option<Instant> {
        let way = self.way.as_ref().and_then(|way| way.poll_timeout(self.stage.wants()));
        [self.stage.poll_timeout(), way].into_iter().flatten().min()
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let wants = self.stage.wants();
        if let Some(way) = &mut self.way {
            way.handle_timeout(now, wants);
            self.handle_failure(now);
        }
        self.stage.handle_timeout(now);
        let call = self.to_record(|| Call::Timeout);
        self.record(now, call, &());
    }

    /// Tells the calendar time anew, for the `Date` of answers and the validity of certificates.
    pub fn handle_wall(&mut self, now: Instant, wall: Wall) {
        let call = self.to_record(|| Call::Wall(wall.as_millis()));
        self.record(now, call, &());
        let wall = WallClock::new(now, wall);
        if let Stage::Http(answering) = &mut self.stage {
            answering.wall = wall;
        }
        if let Some(way) = &mut self.way {
            way.handle_wall(wall);
        }
    }

    /// The header of a trusted hop has come.
    fn handle_header(&mut self, header: &ProxyHeader) {
        match &mut self.stage {
            Stage::Http(answering) => {
                if let Some(forwarding) = &answering.config.forwarding {
                    answering.provenance.handle_header(header, forwarding);
                }
            }
            _ => {
                let client = header.source().map(|source| source.ip().to_canonical());
                self.welcome = Some(Box::new(Welcome { client, ..Welcome::default() }));
            }
        }
    }

    /// Whether it ended because a trusted hop did not begin with a PROXY header.
    pub(super) fn has_bad_header(&self) -> bool {
        matches!(self.way.as_ref().and_then(|way| way.failure()), Some(OpenError::ProxyHeader(_)))
    }

    /// The machine learns, once, that what lies below it has failed. Whether it was now.
    pub(super) fn handle_failure(&mut self, now: Instant) -> bool {
        if !self.way.as_mut().is_some_and(|way| way.take_news_of_failure()) {
            return false;
        }
        // RFC 6455 4.1: "If this fails (e.g., the server's certificate could not be verified)"
        if (self.is_client && !self.opened) || self.has_bad_header() {
            self.stage.abort(now);
        } else {
            self.end(now, End::TlsFailed);
        }
        true
    }
}

/// Whether nothing lies between the machine and its peer any more, but what both see through.
fn is_through(way: Option<&Way>) -> bool {
    way.is_none_or(Way::is_through)
}

/// What the transport did, if that is why it ended.
fn end_of(closed: &Closed) -> End {
    match closed.cause {
        base::Cause::Transport(end) => end,
        _ => End::Eof,
    }
}
