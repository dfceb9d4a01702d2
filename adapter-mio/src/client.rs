//! A client's socket that blocks.

use crate::connect::{Connecting, Step, look_up};
use crate::stream::READ_BUFFER;
use crate::trace::{self, Span};
use crate::{Clock, ConnectError, Driven, Turn, entropy};
use mio::net::TcpStream;
use mio::{Events, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message, SendError};
use wharf::link::{Config, Event, Link, Welcome};
use wharf::ws::handshake::{ClientRequest, HandshakeError};
use wharf_std::interleaved;

const SOCKET: Token = Token(0);

/// A client's connection over a small poll of its own. Its calls block; pings are answered and deadlines kept while
/// inside [`next`](Self::next), so a program that waits for something else for long should use [`Driven`] in a loop.
///
/// Dropping it ends the TCP connection without a goodbye: [`close`](Self::close) first, and take
/// [`next`](Self::next) until it told the outcome.
///
/// ```no_run
/// use std::time::Duration;
/// use wharf::base::{CloseCode, Message};
/// use wharf::ws::handshake::ClientRequest;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = ClientRequest::new("ws://127.0.0.1:9001/")?;
/// let mut socket = wharf_mio::connect(&request, &Default::default(), Duration::from_secs(5))?;
/// socket.send(Message::text("ahoy"))?;
/// println!("{:?}", socket.next());
/// socket.close(CloseCode::NORMAL, "")?;
/// while let Some(Ok(_)) = socket.next() {}
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket {
    driven: Driven,
    poll: Poll,
    events: Events,
    clock: Clock,
    buffer: Box<[u8]>,
    peer: SocketAddr,
    welcome: Welcome,
    /// Nothing more is told.
    over: bool,
}

/// Connects: looks the host up, tries its addresses in turn and performs the opening handshake, all of it within
/// `timeout`. The lookup runs in a thread, since it cannot be given a deadline.
///
/// # Errors
/// [`ConnectError`], by the step that failed.
pub fn connect(
    request: &ClientRequest,
    config: &Arc<Config>,
    timeout: Duration,
) -> Result<Socket, ConnectError> {
    let url = request.url();
    Span::connect(url.host(), url.port()).run(|| {
        let out = open(request, config, timeout);
        if let Err(error) = &out {
            trace::connect_failed(error);
        }
        out
    })
}

fn open(request: &ClientRequest, config: &Arc<Config>, timeout: Duration) -> Result<Socket, ConnectError> {
    if request.url().is_secure() {
        return Err(ConnectError::NoTls);
    }
    let clock = Clock::new();
    let deadline = clock.now() + timeout;
    let mut poll = Poll::new().map_err(ConnectError::System)?;
    let mut events = Events::with_capacity(8);
    let addresses = addresses_of(request, clock.until(deadline))?;
    let (stream, peer) = connect_first(&mut poll, &mut events, &clock, Connecting::new(addresses, deadline))?;
    let now = clock.now();
    let mut rest = Config::clone(config);
    rest.open_timeout = rest.open_timeout.min(deadline - now).max(Duration::from_millis(1));
    let link = Link::client(now, &Arc::new(rest), request, entropy().map_err(ConnectError::System)?);
    let mut socket = Socket {
        driven: Driven::new(stream, link),
        poll,
        events,
        clock,
        buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        peer,
        welcome: Welcome::default(),
        over: false,
    };
    let opened = socket.next_with(|_, event| match event {
        Event::Opened(welcome) => Some(Ok(*welcome)),
        Event::Failed(error) => Some(Err(*error)),
        _ => None,
    });
    socket.welcome = opened.unwrap_or(Err(HandshakeError::Aborted))?;
    Ok(socket)
}

impl Socket {
    /// The next message, waiting for it; an error is the outcome of the connection, once and last.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Message<'static>, Box<Closed>>> {
        self.next_with(|_, event| match event {
            Event::Message(message) => Some(Ok(message.into_owned())),
            Event::Closed(closed) => Some(Err(closed)),
            _ => None,
        })
    }

    /// Waits until `take` makes something of an event: without a copy, with pieces and pongs too. `None` once the
    /// connection is over.
    pub fn next_with<T>(&mut self, mut take: impl FnMut(&mut Link, Event<'_>) -> Option<T>) -> Option<T> {
        while !self.over {
            let now = self.clock.now();
            self.driven.handle_timeout(now);
            let (mut taken, mut last) = (None, false);
            let turn = self.driven.turn(now, &mut self.buffer, |link, event| {
                last |= matches!(event, Event::Closed(_) | Event::Failed(_));
                taken = take(link, event);
                if taken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            self.over = last || (turn == Turn::Over && taken.is_none());
            if taken.is_some() {
                return taken;
            }
            if turn == Turn::Idle && !self.over {
                self.wait();
            }
        }
        None
    }

    /// Sends a message: what the socket takes is written at once, the rest by further calls. Never blocks.
    ///
    /// # Errors
    /// [`SendError`]. Past [`SendError::Full`], [`flush`](Self::flush) or [`next`](Self::next) make room; a peer that sends
    /// as much as it gets must be read from.
    pub fn send(&mut self, message: Message<'_>) -> Result<Accepted, SendError> {
        let now = self.clock.now();
        let accepted = self.driven.link_mut().send(now, message)?;
        self.driven.write(now);
        Ok(accepted)
    }

    /// Waits until all is written. It does not read: a peer that stops reading until it is read from is failed by
    /// the write timeout.
    pub fn flush(&mut self) {
        loop {
            let now = self.clock.now();
            self.driven.handle_timeout(now);
            if self.driven.write(now) == Turn::Over || !self.driven.link().wants().write {
                return;
            }
            self.wait();
        }
    }

    /// Begins the closing handshake. Messages still come; the outcome is told by [`next`](Self::next).
    ///
    /// # Errors
    /// [`SendError`], as for a second close.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let now = self.clock.now();
        self.driven.link_mut().close(now, code, reason)?;
        self.driven.write(now);
        Ok(())
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The address that was connected to.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    fn wait(&mut self) {
        let timeout = self.driven.poll_timeout().map(|at| self.clock.until(at));
        match poll_once(&mut self.poll, &mut self.events, timeout) {
            Ok(()) => self.events.iter().for_each(|event| self.driven.handle_event(event)),
            Err(error) => {
                trace::loop_failed(&error, "the poll failed; the connection is given up");
                self.driven.link_mut().abort(self.clock.now());
            }
        }
    }
}

fn addresses_of(request: &ClientRequest, timeout: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    let (tell, found) = channel();
    let url = request.url();
    // Nobody listens any more once the time is over.
    let tell = move |addresses| drop(tell.send(addresses));
    look_up(url.host(), url.port(), tell).map_err(ConnectError::Lookup)?;
    let found = found.recv_timeout(timeout).map_err(|_| ConnectError::TimedOut)?;
    found.map(interleaved).map_err(ConnectError::Lookup)
}

fn connect_first(
    poll: &mut Poll,
    events: &mut Events,
    clock: &Clock,
    mut connecting: Connecting,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    loop {
        let now: Instant = clock.now();
        match connecting.step(now, poll.registry(), SOCKET) {
            Step::Connected(stream, peer) => return Ok((stream, peer)),
            Step::Failed(None) => {
                let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                return Err(ConnectError::Lookup(none));
            }
            Step::Failed(Some(e)) if e.kind() == io::ErrorKind::TimedOut => {
                return Err(ConnectError::TimedOut);
            }
            Step::Failed(Some(e)) => return Err(ConnectError::Connect(e)),
            Step::Wait => poll_once(poll, events, Some(clock.until(connecting.poll_timeout())))
                .map_err(ConnectError::System)?,
        }
    }
}

fn poll_once(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
    match poll.poll(events, timeout) {
        Err(e) if e.kind() == io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        polled => polled,
    }
}
