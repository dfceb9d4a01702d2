//! What a link hands up.

use super::OpenError;
use crate::base::{self, Closed, Message};
use crate::http::{self, Request};
use alloc::boxed::Box;
use alloc::string::String;
use core::net::IpAddr;
use core::time::Duration;

/// What a link hands up. The last one is `Closed` or, for a client whose connection did not open, `Failed`.
///
/// ```
/// use wharf::base::{End, Input, Instant, Wall};
/// use wharf::http::Response;
/// use wharf::link::{Config, Event, Link};
///
/// let (now, wall) = (Instant::ORIGIN, Wall::default());
/// let mut link = Link::server(now, wall, &Config::default().into());
/// let mut bytes = *b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n";
/// let Some(Event::Request(request)) = link.receive(now, &mut Input::new(&mut bytes)) else { panic!() };
/// assert_eq!((request.path(), request.is_websocket()), ("/status", false));
/// link.respond(now, &Response::new(200).text("well")).unwrap();
/// link.receive_end(now, End::Eof);
/// link.output(now).drain_into(&mut Vec::new());
/// let Some(Event::Closed(closed)) = link.receive(now, &mut Input::default()) else { panic!() };
/// assert!(closed.is_clean());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A server's link got a request: answer by [`Link::accept`](super::Link::accept) if it is for a WebSocket, or by
    /// [`Link::respond`](super::Link::respond). Nothing else comes before the answer.
    Request(Box<Request>),
    /// It is open: messages may be sent.
    Opened(Box<Welcome>),
    /// A whole message.
    Message(Message<'b>),
    /// A piece of a message, in streaming mode.
    Chunk(base::Chunk<'b>),
    /// The peer answered one of our pings.
    Pong {
        /// Time from ping to pong.
        rtt: Duration,
    },
    /// The output has fallen to the low mark.
    Drained,
    /// A client's connection did not open. The last event.
    Failed(Box<OpenError>),
    /// The outcome. The last event.
    Closed(Box<Closed>),
}

/// What the opening handshake agreed on.
///
/// ```
/// let welcome = wharf::link::Welcome::default();
/// assert_eq!(welcome.subprotocol, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Welcome {
    /// The subprotocol, if one was chosen.
    pub subprotocol: Option<String>,
    /// The fields of the server's answer; empty on the server's side.
    pub headers: http::Headers,
    /// On the server's side the client's address, if a trusted hop told it ([`Forwarding`](super::Forwarding)); else it is the
    /// peer's.
    pub client: Option<IpAddr>,
}

impl<'b> From<base::Event<'b>> for Event<'b> {
    fn from(event: base::Event<'b>) -> Self {
        match event {
            base::Event::Message(message) => Self::Message(message),
            base::Event::Chunk(chunk) => Self::Chunk(chunk),
            base::Event::Pong { rtt } => Self::Pong { rtt },
            base::Event::Drained => Self::Drained,
            base::Event::Closed(closed) => Self::Closed(closed),
        }
    }
}
