//! A client's socket that blocks.

use crate::carrier::Carrier;
use crate::connect::{Connecting, Step, look_up};
use crate::trace::{self, Span, Told};
use crate::{Clock, ConnectError, Driven, Turn, entropy};
use mio::{Events, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message, SendError};
use wharf::link::{Address, Config, Event, Hop, Link, OpenError, Target, Welcome};
use wharf_std::{lookup_timed_out, with_environment};

const SOCKET: Token = Token(0);

/// Bytes that one read takes at most; each socket has a buffer of its own.
const READ_BUFFER: usize = 64 * 1024;

/// A client's connection over a small poll of its own. Its calls block; pings are answered and deadlines kept while
/// inside [`next`](Self::next), so a program that waits for something else for long should use [`Driven`] in a loop.
///
/// Dropping it ends the connection without a goodbye: [`close`](Self::close) first, and take
/// [`next`](Self::next) until it told the outcome.
///
/// ```
/// use std::sync::Arc;
/// use wharf::base::{CloseCode, Message};
/// use wharf::link::Config;
///
/// # use wharf::link::{ConnId, Context, Service};
/// # struct Echo;
/// # impl Service for Echo {
/// #     type Job = ();
/// #     type Done = ();
/// #     type Command = ();
/// #     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
/// #         let _ = cx.send(conn, message);
/// #     }
/// # }
/// # let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Echo, Default::default())?;
/// # let (url, handle) = (format!("ws://{}/", server.local_addr().unwrap()), server.handle());
/// # let serving = std::thread::spawn(move || server.run().map(drop));
/// let config = Arc::new(Config::client());
/// let mut socket = wharf_mio::connect(&url, &config)?;
/// socket.send(Message::text("ahoy"))?;
/// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("ahoy"));
/// socket.close(CloseCode::NORMAL, "")?;
/// // Messages may come still; how it ended comes last.
/// let closed = socket.next().unwrap().unwrap_err();
/// assert!(closed.is_clean());
/// # handle.drain();
/// # serving.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Socket {
    driven: Driven,
    poll: Poll,
    events: Events,
    clock: Clock,
    buffer: Box<[u8]>,
    peer: Address,
    welcome: Welcome,
    told: Told,
    /// Nothing more is told.
    over: bool,
}

/// Looks up, connects and opens within [`Config::open_timeout`]: through a proxy, over TLS, with the opening handshake of a WebSocket, as
/// `target` and `config` ask, and where the server redirects if [`Config::redirects`] says so. What the configuration leaves
/// open comes from the environment ([`with_environment`]). The lookup runs in a thread, since it cannot be given a deadline; the
/// addresses of a name are raced ([`Eyeballs`](wharf::link::Eyeballs)).
///
/// ```
/// # use wharf::link::{ConnId, Context, Service};
/// # struct Echo;
/// # impl Service for Echo {
/// #     type Job = ();
/// #     type Done = ();
/// #     type Command = ();
/// #     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
/// #         let _ = cx.send(conn, message);
/// #     }
/// # }
/// # let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Echo, Default::default())?;
/// # let (url, handle) = (format!("ws://{}/", server.local_addr().unwrap()), server.handle());
/// # let serving = std::thread::spawn(move || server.run().map(drop));
/// use std::sync::Arc;
/// use wharf::base::Message;
/// use wharf::link::Config;
/// use wharf_mio::{ConnectError, connect};
///
/// let config = Arc::new(Config::client());
/// let mut socket = connect(&url, &config)?;
/// socket.send(Message::text("ahoy"))?;
/// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("ahoy"));
///
/// # drop(socket);
/// handle.drain();
/// serving.join().unwrap()?;
/// let error = connect(&url, &config).unwrap_err();
/// assert!(matches!(error, ConnectError::Connect(_)) && error.is_retryable(), "nobody listens");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ConnectError`], by the step that failed.
pub fn connect(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: &Arc<Config>,
) -> Result<Socket, ConnectError> {
    let target = target.try_into().map_err(Into::into)?;
    Span::connect(target.host(), target.port()).run(|| {
        let out = follow(target.clone(), config);
        if let Err(error) = &out {
            trace::connect_failed(error);
        }
        out
    })
}

/// Opens `target`, and what it is redirected to.
fn follow(mut target: Target, config: &Arc<Config>) -> Result<Socket, ConnectError> {
    let clock = Clock::new();
    let deadline = clock.now() + config.open_timeout;
    let mut redirects = config.redirects;
    loop {
        let config = with_environment(config, target.is_secure())?;
        config.check_target(&target)?;
        let mut socket = attempt(&target, &config, deadline, clock)?;
        let opened = socket.next_with(|_, event| match event {
            Event::Opened(welcome) => Some(Ok(*welcome)),
            Event::Failed(error) => Some(Err(*error)),
            _ => None,
        });
        match opened.unwrap_or(Err(OpenError::Aborted)) {
            Ok(welcome) => {
                socket.welcome = welcome;
                socket.told = Told::opened(&socket.peer);
                return Ok(socket);
            }
            Err(error) => match target.redirected(&mut redirects, &error) {
                Some(next) => target = next?,
                None => return Err(error.into()),
            },
        }
    }
}

/// Makes the connection.
fn attempt(
    target: &Target,
    config: &Arc<Config>,
    deadline: Instant,
    clock: Clock,
) -> Result<Socket, ConnectError> {
    let mut poll = Poll::new().map_err(ConnectError::System)?;
    let mut events = Events::with_capacity(8);
    let connect_by = config.connect_by(clock.now(), deadline);
    let addresses = match config.hop(target) {
        Hop::Address(address) => vec![address],
        Hop::Addresses(addresses) => addresses,
        Hop::Host(host, port) => addresses_of(clock.until(connect_by), |tell| look_up(&host, port, tell))?,
    };
    let connecting = Connecting::new(clock.now(), addresses, connect_by, config.attempt_delay);
    let (stream, peer) = connect_first(&mut poll, &mut events, &clock, connecting)?;
    let now = clock.now();
    let entropy = entropy().map_err(ConnectError::System)?;
    let link = Link::client(now, clock.wall(), &config.opening_by(now, deadline), target, entropy)?;
    Ok(Socket {
        driven: Driven::new(stream, link),
        poll,
        events,
        clock,
        buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        peer,
        welcome: Welcome::default(),
        told: Told::default(),
        over: false,
    })
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
    ///
    /// ```
    /// # use wharf::base::Message;
    /// # use wharf::link::{ConnId, Context, Service};
    /// # struct Echo;
    /// # impl Service for Echo {
    /// #     type Job = ();
    /// #     type Done = ();
    /// #     type Command = ();
    /// #     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
    /// #         let _ = cx.send(conn, message);
    /// #     }
    /// # }
    /// # let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Echo, Default::default())?;
    /// # let (url, handle) = (format!("ws://{}/", server.local_addr().unwrap()), server.handle());
    /// # let serving = std::thread::spawn(move || server.run().map(drop));
    /// # let config = wharf::link::Config::client().into();
    /// # let mut socket = wharf_mio::connect(&url, &config)?;
    /// use wharf::link::Event;
    ///
    /// socket.send(Message::binary(vec![7; 1000]))?;
    /// // The message is lent: nothing of it was copied to be counted.
    /// let length = socket.next_with(|_, event| match event {
    ///     Event::Message(message) => Some(message.payload().len()),
    ///     _ => None,
    /// });
    /// assert_eq!(length, Some(1000));
    /// # drop(socket);
    /// # handle.drain();
    /// # serving.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_with<T>(&mut self, mut take: impl FnMut(&mut Link, Event<'_>) -> Option<T>) -> Option<T> {
        while !self.over {
            let now = self.clock.now();
            self.driven.handle_timeout(now);
            let (mut taken, mut last, told) = (None, false, &mut self.told);
            let turn = self.driven.turn(now, &mut self.buffer, |link, event| {
                last |= matches!(event, Event::Closed(_) | Event::Failed(_));
                if let Event::Closed(closed) = &event {
                    told.closed(closed);
                }
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

    /// The machine, for its counters, its TLS session, its ping and its pause. What is changed there goes out with the
    /// next call.
    #[must_use]
    pub fn link(&mut self) -> &mut Link {
        self.driven.link_mut()
    }

    /// The address that was connected to.
    #[must_use]
    pub fn peer_addr(&self) -> &Address {
        &self.peer
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

/// Waits for a lookup, no longer than it may take.
fn addresses_of(
    timeout: Duration,
    look_up: impl FnOnce(Box<dyn FnOnce(io::Result<Vec<SocketAddr>>) + Send>) -> io::Result<()>,
) -> Result<Vec<Address>, ConnectError> {
    let (tell, found) = channel();
    // Nobody listens any more once the time is over.
    let tell = move |addresses| drop(tell.send(addresses));
    look_up(Box::new(tell)).map_err(ConnectError::Lookup)?;
    let found = found.recv_timeout(timeout).map_err(|_| lookup_timed_out())?;
    let found = found.map_err(ConnectError::Lookup)?;
    Ok(found.into_iter().map(Address::from).collect())
}

fn connect_first(
    poll: &mut Poll,
    events: &mut Events,
    clock: &Clock,
    mut connecting: Connecting,
) -> Result<(Carrier, Address), ConnectError> {
    loop {
        let now: Instant = clock.now();
        match connecting.step(now, poll.registry(), SOCKET) {
            Step::Connected(stream, peer) => return Ok((stream, peer)),
            Step::Failed(error) => return Err(error),
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

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::base::When;

    /// Nobody tells what it finds, and the time is over all the same.
    #[test]
    fn a_lookup_that_hangs_ends_with_its_time() {
        let mut kept = None;
        let found = addresses_of(Duration::from_millis(1), |tell| {
            kept = Some(tell);
            Ok(())
        });
        let error = found.unwrap_err();
        assert!(error.when() == When::Lookup && error.is_retryable(), "{error}");
        assert_eq!(wharf::link::DialError::from(error), wharf::link::DialError::TimedOut);
        // It comes too late, and that is no fault.
        kept.unwrap()(Ok(Vec::new()));
    }
}
