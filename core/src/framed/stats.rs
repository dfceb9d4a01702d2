//! What a connection counts.

/// Counters of one connection, since its begin.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::framed::{Config, Connection, Lines};
///
/// let mut connection = Connection::new(Instant::ORIGIN, Lines::new(), &Config::default().into());
/// connection.send(Instant::ORIGIN, Message::text("ahoy")).unwrap();
/// assert_eq!(connection.stats().messages_out, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Stats {
    /// Bytes taken from the input.
    pub bytes_in: u64,
    /// Bytes that the transport took.
    pub bytes_out: u64,
    /// Whole messages handed up.
    pub messages_in: u64,
    /// Messages accepted for sending.
    pub messages_out: u64,
    /// Pings received, where [`Keepalive::Frames`](super::Keepalive::Frames) has some.
    pub pings_in: u32,
    /// Pings that were not answered for want of room.
    pub pongs_dropped: u32,
    /// Sends refused for want of room.
    pub sends_refused: u32,
    /// Bytes discarded behind the end of the messages.
    pub bytes_discarded: u32,
    /// Calls with a time before that of the call before.
    pub times_clamped: u32,
}

/// What the connection keeps of it; the rest is counted where it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) bytes_in: u64,
    pub(super) messages_in: u64,
    pub(super) messages_out: u64,
    pub(super) pings_in: u32,
    pub(super) pongs_dropped: u32,
    pub(super) sends_refused: u32,
    pub(super) bytes_discarded: u32,
}
