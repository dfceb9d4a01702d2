//! What a machine hands up.

use super::{Chunk, Closed, Message};
use alloc::boxed::Box;
use core::time::Duration;

/// What a connection hands up. It borrows the input alone, so the connection may be used while it is held.
///
/// ```
/// use wharf::base::{CloseCode, Engine, Event, Input, Instant};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// let mut bytes = *b"\x81\x84\0\0\0\0ahoy\x88\x82\0\0\0\0\x03\xe8";
/// let (mut input, mut texts, mut outcome) = (Input::new(&mut bytes), Vec::new(), None);
/// while let Some(event) = connection.receive(now, &mut input) {
///     match event {
///         Event::Message(message) => texts.extend(message.as_text().map(String::from)),
///         Event::Closed(closed) => outcome = Some(closed.code),
///         _ => {}
///     }
/// }
/// assert_eq!((texts, outcome), (vec!["ahoy".to_string()], Some(CloseCode::NORMAL)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A whole message.
    Message(Message<'b>),
    /// A piece of a message, in streaming mode only.
    Chunk(Chunk<'b>),
    /// The peer answered one of our pings. The peer's pings are answered inside and not told.
    Pong {
        /// Time from the ping's being queued to the pong's arrival.
        rtt: Duration,
    },
    /// The output has fallen to the low mark after [`Accepted::Congested`](super::Accepted::Congested).
    Drained,
    /// The connection's outcome. Exactly once, and always the last event.
    Closed(Box<Closed>),
}

const _: () = assert!(size_of::<Event<'static>>() <= 32);
