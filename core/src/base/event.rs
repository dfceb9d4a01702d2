//! What a machine hands up.

use super::{Chunk, Closed, Message};
use alloc::boxed::Box;
use core::time::Duration;

/// What a connection hands up. It borrows the input alone, so the connection may be used while it is held.
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
