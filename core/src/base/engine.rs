//! The contract that every connection machine keeps, and the small types that it speaks in.

use super::{CloseCode, Event, Input, Instant, Kind, Message, Output, Scratch};
use bytes::Bytes;

/// A connection without IO: bytes, time and calls in; events, bytes and wishes out.
///
/// The rules of use, whole: (a) call anything at any time, in any order; a `now` before the last one counts as the
/// last one; (b) after any call, drain [`receive`](Engine::receive) until `None`; (c) write
/// [`output`](Engine::output) while [`wants`](Engine::wants)`().write`; (d) read while `wants().read`, and say by
/// [`receive_end`](Engine::receive_end) when that, or writing, is over; (e) obey `wants().shutdown`; (f)
/// sleep until [`poll_timeout`](Engine::poll_timeout), asked after (b) and (c). Forgetting one delays; it never corrupts. (What
/// knows the calendar too, a link or a hub, is told by its `handle_wall` once a minute; in between it goes on with `now`.)
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant};
/// use wharf::{framed, ws};
///
/// /// Answers each message by itself, whatever carries it.
/// fn echo(engine: &mut impl Engine, now: Instant, mut bytes: Vec<u8>) -> Vec<u8> {
///     let mut input = Input::new(&mut bytes);
///     while let Some(event) = engine.receive(now, &mut input) {
///         if let Event::Message(message) = event {
///             engine.send(now, message).unwrap();
///         }
///     }
///     let mut written = Vec::new();
///     engine.output(now).drain_into(&mut written);
///     written
/// }
///
/// let now = Instant::ORIGIN;
/// let mut socket = ws::Connection::server(now, &ws::Config::default().into());
/// assert_eq!(echo(&mut socket, now, b"\x81\x85\0\0\0\0hello".into()), b"\x81\x05hello");
/// let mut lines = framed::Connection::new(now, framed::Lines::new(), &framed::Config::default().into());
/// assert_eq!(echo(&mut lines, now, b"hello\n".into()), b"hello\n");
/// ```
pub trait Engine {
    /// Takes from `input` until there is an event to hand up. `None`: nothing more for now; input may be left when
    /// `wants().read` is false, and is to be offered again once it is true. An empty input is fine.
    fn receive<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>>;

    /// The transport's reading side is over. No bytes may follow; further calls of it are ignored.
    fn receive_end(&mut self, now: Instant, end: End);

    /// The buffer of a large binary message on its way, to read straight into; `None` when bytes should come by
    /// [`receive`](Engine::receive). It is never longer than what is left of the frame, nor than twice
    /// what has arrived of the message and 4 KiB, nor than 128 KiB.
    fn read_space(&mut self) -> Option<&mut [u8]>;

    /// `n` bytes were read into the front of [`read_space`](Engine::read_space). More than were offered count as
    /// all of them.
    fn handle_read(&mut self, now: Instant, n: usize);

    /// Queues a message. A lent payload is copied, a large owned one moved.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued.
    fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError>;

    /// Queues a message whose payload is shared: a large one is referenced, not copied, where the protocol allows.
    ///
    /// # Errors
    /// As [`send`](Engine::send), and [`SendError::NotUtf8`] for a text that is not.
    fn send_bytes(&mut self, now: Instant, kind: Kind, payload: Bytes) -> Result<Accepted, SendError>;

    /// Begins the closing handshake, behind what was accepted for sending.
    ///
    /// # Errors
    /// [`SendError::InvalidClose`] for a code or reason that cannot be sent, [`SendError::Closing`] after a first call,
    /// [`SendError::Closed`] once the peer has closed or the connection is over.
    fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError>;

    /// What is to be written.
    fn output(&mut self, now: Instant) -> Output<'_>;

    /// What the connection wants of its transport. Levels, not edges.
    fn wants(&self) -> Wants;

    /// Lends the buffers of the thread or loop for a turn.
    fn lend(&mut self, scratch: &mut Scratch);

    /// Takes them back; what could not be written stays with the connection.
    fn reclaim(&mut self, scratch: &mut Scratch);

    /// When to call [`handle_timeout`](Engine::handle_timeout) at the latest.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Acts on what is due. An early or spurious call does nothing.
    fn handle_timeout(&mut self, now: Instant);
}

/// What a connection wants of its transport.
///
/// ```
/// use wharf::base::{CloseCode, Engine, Instant, Shutdown, Wants};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// assert_eq!(connection.wants(), Wants { read: true, write: false, shutdown: None });
/// connection.close(now, CloseCode::NORMAL, "").unwrap();
/// assert_eq!(connection.wants(), Wants { read: true, write: true, shutdown: None });
/// connection.abort(now);
/// assert_eq!(connection.wants().shutdown, Some(Shutdown::Abort));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Read and hand in what came.
    pub read: bool,
    /// There is output to write.
    pub write: bool,
    /// End the transport, or a side of it.
    pub shutdown: Option<Shutdown>,
}

/// How to end the transport.
///
/// ```
/// use wharf::base::{End, Engine, Event, Input, Instant, Shutdown};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// // A frame of a client without a mask. It is told why, and for that to arrive it is read on until it ends its side.
/// assert!(matches!(connection.receive(now, &mut Input::new(&mut b"\x81\0".clone())), Some(Event::Closed(_))));
/// connection.output(now).drain_into(&mut Vec::new());
/// assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
/// connection.receive_end(now, End::Eof);
/// assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// End the writing side and go on reading (`shutdown(SHUT_WR)`): a close with unread input would send a reset,
    /// and the peer would never see why it was closed.
    Write,
    /// All is said: end the writing side, then close. In that order, because a close with unread input is a reset, and
    /// a peer that still says something would see that instead of the end.
    Both,
    /// Close it at once, by a reset where the transport has one; unsent bytes are given up.
    Abort,
}

/// How the transport ended, or its reading side. An adapter maps its own errors to these, and tells one by
/// [`Engine::receive_end`]; `Truncated`, `TlsFailed` and `Dropped` are found out above it.
///
/// ```
/// use wharf::base::{Cause, End, Engine, Event, Input, Instant};
/// use wharf::framed::{Config, Connection, Typed};
///
/// let now = Instant::ORIGIN;
/// let mut connection = Connection::new(now, Typed, &Config::default().into());
/// assert!(connection.receive(now, &mut Input::new(&mut b"\0\0\0\x05\x02ah".clone())).is_none());
/// // The end of the stream, inside a message.
/// connection.receive_end(now, End::Eof);
/// let Some(Event::Closed(closed)) = connection.receive(now, &mut Input::default()) else { panic!() };
/// assert_eq!(closed.cause, Cause::Transport(End::Truncated));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The peer ended its writing side.
    #[error("end of stream")]
    Eof,
    /// The peer reset the connection.
    #[error("connection reset by the peer")]
    Reset,
    /// The transport gave up on the peer.
    #[error("the transport timed out")]
    TimedOut,
    /// Any other failure of the transport while reading.
    #[error("reading failed")]
    ReadFailed,
    /// Any failure of the transport while writing.
    #[error("writing failed")]
    WriteFailed,
    /// The stream ended where it must not: inside a message of a framed transport, or without the closing alert of
    /// TLS.
    #[error("the stream was truncated")]
    Truncated,
    /// The TLS session failed, by the peer or by damage on the way.
    #[error("the TLS session failed")]
    TlsFailed,
    /// The local program let go of the connection.
    #[error("dropped by the local program")]
    Dropped,
}

/// What became of a message that was taken.
///
/// ```
/// use wharf::base::{Accepted, Engine, Event, Input, Instant, Message};
/// use wharf::ws;
///
/// let (now, mut config) = (Instant::ORIGIN, ws::Config::default());
/// (config.low_mark, config.high_mark) = (8, 16);
/// let mut connection = ws::Connection::server(now, &config.into());
/// assert_eq!(connection.send(now, Message::text("ahoy")), Ok(Accepted::Queued));
/// assert_eq!(connection.send(now, Message::text("is anybody there?")), Ok(Accepted::Congested));
/// connection.output(now).drain_into(&mut Vec::new());
/// assert!(matches!(connection.receive(now, &mut Input::default()), Some(Event::Drained)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// Queued, and there is room for more.
    Queued,
    /// Queued, and the output is above the high mark: wait for [`Event::Drained`].
    Congested,
}

/// Why a message was not taken. Nothing of it was queued.
///
/// ```
/// use wharf::base::{CloseCode, Engine, Instant, Message, SendError};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// // Nobody writes what is sent, so it becomes too much.
/// let mut refused = None;
/// while refused.is_none() {
///     refused = connection.send(now, Message::binary(vec![0; 1 << 20])).err();
/// }
/// assert_eq!(refused, Some(SendError::Full));
/// connection.close(now, CloseCode::NORMAL, "").unwrap();
/// assert_eq!(connection.send(now, Message::text("too late")), Err(SendError::Closing));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The output is at its limit. Try again after [`Event::Drained`].
    #[error("the output is full; try again once it has drained")]
    Full,
    /// Too much waits to be written on all connections of the hub together. Try again later.
    #[error("too much waits to be written on all connections together")]
    Overload,
    /// The opening handshake is not done.
    #[error("the connection is not open yet")]
    NotOpen,
    /// The closing handshake has begun.
    #[error("the connection is closing")]
    Closing,
    /// The connection is over.
    #[error("the connection is closed")]
    Closed,
    /// Larger than the configured limit of a message. It will never fit.
    #[error("the message is larger than {limit} bytes")]
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// A text payload that is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The transport has no way to carry this kind of message.
    #[error("this transport cannot carry the kind {0:?}")]
    UnsupportedKind(Kind),
    /// A payload that holds what ends a message on this transport, such as a line end.
    #[error("the payload holds what ends a message")]
    ContainsDelimiter,
    /// A payload that the framing of this transport cannot carry.
    #[error("the message cannot be framed: {0}")]
    Unframeable(&'static str),
    /// A close code that must not be sent (RFC 6455 section 7.4), or a reason over 123 bytes.
    #[error("the close code or reason cannot be sent")]
    InvalidClose,
}
