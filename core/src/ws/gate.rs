//! What keeps a message from the fast paths, a bit each.

/// Bits of [`Connection::gate`](super::Connection): with none set, a frame at rest may take the fast path.
pub(super) struct Gate;

impl Gate {
    /// Above the high mark; a `Drained` is owed.
    pub(super) const CONGESTED: u8 = 1;
    /// Paused by the local program.
    pub(super) const PAUSED: u8 = 2;
    /// No longer open.
    pub(super) const NOT_OPEN: u8 = 4;
    /// Messages are handed up in pieces.
    pub(super) const STREAMING: u8 = 8;
    /// A `Drained` is to be handed up.
    pub(super) const DRAINED: u8 = 16;
    /// The report has been made.
    pub(super) const REPORTED: u8 = 32;
    /// The end of the stream came, and stands behind a message that is not inflated to its end.
    pub(super) const ENDED: u8 = 64;
    /// A pong waits for room.
    pub(super) const PONG: u8 = 128;
    /// Any of these keeps a message from the fast way out.
    pub(super) const SHUT_OUT: u8 = Self::CONGESTED | Self::NOT_OPEN | Self::PONG;
}
