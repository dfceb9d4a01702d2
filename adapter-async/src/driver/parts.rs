//! A socket taken apart.

use super::Driver;
use crate::Clock;
use crate::carrier::Carrier;
use crate::runtime::Runtime;
use crate::sender::Inbox;
use crate::trace::Told;
use crate::turn;
use crate::waiting::Waiting;
use std::fmt;
use wharf::base::{Closed, Message};
use wharf::link::{Address, Link, Welcome};

/// What a socket is made of ([`Socket::into_parts`](crate::Socket::into_parts)). With nothing changed,
/// [`Socket::from_parts`](crate::Socket::from_parts) makes the same socket of it.
///
/// What was read stands in `waiting` and, behind that, in `read`; a frame that has come in part is inside of `link`. What is
/// not yet written is inside of `link` too, until [`take_unwritten`](Self::take_unwritten).
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf_async::{Socket, mock};
///
/// # block_on(async {
/// let (mut socket, peer) = mock::<R>(["ahoy"]);
/// socket.queue("there")?;
/// let mut parts = socket.into_parts();
/// assert_eq!(parts.take_unwritten(), b"\x81\x05there");
///
/// let mut socket = Socket::from_parts(parts);
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// assert!(peer.sent().is_empty(), "what was taken is not sent");
/// # Ok::<(), wharf_async::Error>(()) }).unwrap(); }
/// ```
#[non_exhaustive]
pub struct Parts<R: Runtime> {
    /// The byte stream.
    pub stream: Carrier<R>,
    /// The machine.
    pub link: Link,
    /// The clock whose time the machine knows.
    pub clock: Clock,
    /// Messages that came while the program only wrote.
    pub waiting: Vec<Message<'static>>,
    /// Bytes that were read and not taken by the machine.
    pub read: Vec<u8>,
    /// What the opening handshake agreed on.
    pub welcome: Box<Welcome>,
    /// The report, if the connection has ended.
    pub closed: Option<Box<Closed>>,
    /// Where the peer is, for the log: a connection that was opened elsewhere is told with it.
    pub peer: Option<Address>,
    pub(crate) ended: bool,
    inbox: Option<Inbox>,
    read_over: bool,
    write_shut: bool,
    told: Told,
}

impl<R: Runtime> Parts<R> {
    /// The parts of a fresh connection: its stream, a machine, and the clock by which the machine was made.
    #[must_use]
    pub fn new(stream: Carrier<R>, link: Link, clock: Clock) -> Self {
        Self {
            stream,
            link,
            clock,
            waiting: Vec::new(),
            read: Vec::new(),
            welcome: Box::default(),
            closed: None,
            peer: None,
            ended: false,
            inbox: None,
            read_over: false,
            write_shut: false,
            told: Told::default(),
        }
    }

    /// Bytes that are to be written before anything else is. They are the caller's to write from here on.
    #[must_use]
    pub fn take_unwritten(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.link.output(turn::fresh(self.clock)).drain_into(&mut out);
        out
    }
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn into_parts(mut self, welcome: Box<Welcome>, ended: bool) -> Parts<R> {
        self.held.drain(..self.held_at);
        if self.waiting.is_full() {
            // The pause was for these messages, which are the caller's now.
            self.link.resume(turn::fresh(self.clock()));
        }
        let clock = self.clock();
        Parts {
            stream: self.stream,
            link: self.link,
            clock,
            waiting: self.waiting.into_messages(),
            read: self.held,
            welcome,
            closed: self.closed,
            peer: None,
            ended,
            inbox: self.inbox,
            read_over: self.read_over,
            write_shut: self.write_shut,
            told: self.told,
        }
    }

    pub(crate) fn from_parts(parts: Parts<R>) -> Box<Self> {
        let mut driver = Self::new(parts.link, parts.stream, parts.clock, parts.read);
        driver.closed = parts.closed;
        driver.inbox = parts.inbox;
        driver.waiting = Waiting::from_messages(parts.waiting);
        driver.read_over = parts.read_over;
        driver.write_shut = parts.write_shut;
        driver.told = parts.peer.map_or(parts.told, Told::opened);
        if driver.waiting.is_full() {
            driver.link.pause(turn::fresh(driver.clock()));
        }
        driver
    }
}

impl<R: Runtime> fmt::Debug for Parts<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("read", &self.read.len())
            .field("waiting", &self.waiting.len())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
