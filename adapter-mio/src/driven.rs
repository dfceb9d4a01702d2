//! A socket for a loop that is there already.

use crate::carrier::Carrier;
use crate::stream::{Machine, PIECES, Stream, Turn};
use mio::event::Event;
use mio::{Registry, Token};
use std::io;
use std::ops::ControlFlow;
use wharf::base::{End, Input, Instant, Wants};
use wharf::link::{self, Link};

/// A connected socket and its [`Link`], to be hung into a poll loop of your own.
///
/// The loop [registers](Self::register) it, passes on its [events](Self::handle_event), and gives it a
/// [`turn`](Self::turn) after each of them, after each send or close, and, calling [`handle_timeout`](Self::handle_timeout) first, when
/// [`poll_timeout`](Self::poll_timeout) has come. A turn reads once, so that no socket starves the others; one that says
/// [`Turn::Again`] gets another turn without an event, after the others had theirs.
///
/// ```
/// use mio::{Events, Poll, Token, net::{TcpListener, TcpStream}};
/// use std::ops::ControlFlow;
/// use wharf::link::{Event, Link};
/// use wharf_mio::{Clock, Driven, Turn};
///
/// # let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// # let mut peer = std::net::TcpStream::connect(listener.local_addr()?)?;
/// # std::io::Write::write_all(&mut peer, b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// #   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x85\0\0\0\0hello\x88\x80\0\0\0\0")?;
/// # peer.shutdown(std::net::Shutdown::Write)?;
/// # let socket = loop { if let Ok((socket, _)) = listener.accept() { break socket } };
/// let (mut poll, mut events, clock) = (Poll::new()?, Events::with_capacity(64), Clock::new());
/// let link = Link::server(clock.now(), clock.wall(), &wharf::link::Config::default().into());
/// let mut driven = Driven::new(socket, link);
/// driven.register(poll.registry(), Token(7))?;
/// let mut buffer = vec![0; 65536];
/// loop {
///     let now = clock.now();
///     driven.handle_timeout(now);
///     let turn = driven.turn(now, &mut buffer, |link, event| {
///         match event {
///             Event::Request(_) => link.accept(now, &Default::default()).unwrap(),
///             Event::Message(message) => drop(link.send(now, message)),
///             _ => {}
///         }
///         ControlFlow::Continue(())
///     });
///     match turn {
///         Turn::Over => break,
///         Turn::Again => continue,
///         Turn::Idle => poll.poll(&mut events, driven.poll_timeout().map(|at| clock.until(at)))?,
///     }
///     for event in &events {
///         driven.handle_event(event);
///     }
/// }
/// driven.deregister(poll.registry());
/// drop(driven); // This ends the connection.
/// # let mut got = Vec::new();
/// # std::io::Read::read_to_end(&mut peer, &mut got)?;
/// # assert!(got.windows(9).any(|w| w == b"\x81\x05hello\x88\x00"), "{got:?}");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Driven {
    stream: Stream,
    link: Link,
    held: Held,
}

/// Input that was read and not taken: at most what one read brought.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// How much of it is taken.
    start: usize,
}

impl Driven {
    /// A connected socket, or one whose connect was begun, and what it is to carry.
    #[must_use]
    pub fn new(socket: impl Into<Carrier>, link: Link) -> Self {
        Self { stream: Stream::new(socket.into()), link, held: Held::default() }
    }

    /// Registers the socket for all that it needs.
    ///
    /// # Errors
    /// As [`Registry::register`].
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream.register(registry, token)
    }

    /// Takes the socket out of the poll, which is due before it is dropped.
    pub fn deregister(&mut self, registry: &Registry) {
        self.stream.deregister(registry);
    }

    /// The poll said something of the socket. It does nothing yet: give it a [`turn`](Self::turn).
    pub fn handle_event(&mut self, event: &Event) {
        self.stream.handle_event(event);
    }

    /// Hands what came to `each`, reads once, writes, and ends the transport when the link wants it. A break stops the
    /// handing up; what is left is kept for the next turn, and nothing is read before it is taken.
    pub fn turn(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        each: impl FnMut(&mut Link, link::Event<'_>) -> ControlFlow<()>,
    ) -> Turn {
        let mut machine = Single { link: &mut self.link, held: &mut self.held, now, each, broken: false };
        machine.run_held();
        let turn = self.stream.turn(&mut machine, Some(buffer));
        if machine.broken && turn == Turn::Idle { Turn::Again } else { turn }
    }

    /// Writes what can be written, and neither reads nor hands up: for right after a send or a close.
    pub fn write(&mut self, now: Instant) -> Turn {
        let each = |_: &mut Link, _: link::Event<'_>| ControlFlow::Break(());
        let mut machine = Single { link: &mut self.link, held: &mut self.held, now, each, broken: true };
        match self.stream.turn(&mut machine, None) {
            Turn::Over => Turn::Over,
            // What writing brought about, such as room for more, waits to be handed up.
            Turn::Idle | Turn::Again => Turn::Again,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.link.poll_timeout()
    }

    /// Acts on what is due; an early call does nothing. Give it a [`turn`](Self::turn) then.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.link.handle_timeout(now);
    }

    /// The machine.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The machine, to send and close by. Give it a [`turn`](Self::turn) or [`write`](Self::write) then.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

/// A link, as its stream sees it.
struct Single<'a, F> {
    link: &'a mut Link,
    held: &'a mut Held,
    now: Instant,
    each: F,
    /// Nothing is to be handed up any more.
    broken: bool,
}

impl<F: FnMut(&mut Link, link::Event<'_>) -> ControlFlow<()>> Single<'_, F> {
    fn run_held(&mut self) {
        let mut input = Input::new(&mut self.held.bytes[self.held.start..]);
        self.broken = run(self.link, self.now, &mut input, &mut self.each);
        let left = input.len();
        self.held.start = self.held.bytes.len() - left;
        if left == 0 {
            *self.held = Held::default();
        }
    }

    fn run(&mut self, bytes: &mut [u8]) {
        if self.broken {
            return;
        }
        let mut plain = Vec::new();
        let mut input = self.link.input(self.now, bytes, &mut plain);
        self.broken = run(self.link, self.now, &mut input, &mut self.each);
        if !input.is_empty() {
            *self.held = Held { bytes: input.as_slice().to_vec(), start: 0 };
        }
    }
}

/// Hands events up until there is none; `true` if that was broken off.
fn run(
    link: &mut Link,
    now: Instant,
    input: &mut Input<'_>,
    each: &mut impl FnMut(&mut Link, link::Event<'_>) -> ControlFlow<()>,
) -> bool {
    while let Some(event) = link.receive(now, input) {
        if each(link, event).is_break() {
            return true;
        }
    }
    false
}

impl<F: FnMut(&mut Link, link::Event<'_>) -> ControlFlow<()>> Machine for Single<'_, F> {
    fn wants(&self) -> Option<Wants> {
        let mut wants = self.link.wants();
        wants.read &= self.held.bytes.is_empty() && !self.broken;
        Some(wants)
    }

    fn read_space(&mut self) -> Option<&mut [u8]> {
        self.link.read_space()
    }

    fn handle_read(&mut self, n: usize) {
        self.link.handle_read(self.now, n);
        self.run(&mut []);
    }

    fn receive(&mut self, bytes: &mut [u8]) {
        self.run(bytes);
    }

    fn receive_end(&mut self, end: End) {
        self.link.receive_end(self.now, end);
        self.run(&mut []);
    }

    fn write(&mut self, mut write: impl FnMut(&[&[u8]]) -> usize) -> Option<Wants> {
        while self.link.wants().write {
            let mut output = self.link.output(self.now);
            let mut pieces: [&[u8]; PIECES] = [&[]; PIECES];
            let filled = output.slices(&mut pieces);
            let n = if filled == 0 { 0 } else { write(&pieces[..filled]) };
            if n == 0 {
                break;
            }
            output.advance(n);
            if self.held.bytes.is_empty() {
                self.run(&mut []);
            } else if !self.broken {
                self.run_held();
            }
        }
        self.wants()
    }
}
