//! What a connection counts.

/// Counters of one connection, since its begin: of a WebSocket or of framed messages.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::ws;
///
/// let mut connection = ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into());
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
    /// Pings received, where there are some.
    pub pings_in: u32,
    /// Pongs that were not sent: because a newer ping came first (RFC 6455 section 5.5.3), or for want of room.
    pub pongs_dropped: u32,
    /// Sends refused for want of room.
    pub sends_refused: u32,
    /// Bytes discarded behind the end of the messages.
    pub bytes_discarded: u32,
    /// Messages of `messages_in` that came compressed, on a WebSocket.
    pub compressed_in: u32,
    /// Messages of `messages_out` that went out compressed.
    pub compressed_out: u32,
    /// Calls with a time before that of the call before.
    pub times_clamped: u32,
}

/// What the connection keeps of it; the rest is counted where it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bytes_in: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) pings_in: u32,
    pub(crate) pongs_dropped: u32,
    pub(crate) sends_refused: u32,
    pub(crate) bytes_discarded: u32,
    pub(crate) compressed_in: u32,
    pub(crate) compressed_out: u32,
}

impl Counters {
    /// All of it, with what the output and the clock have counted.
    pub(crate) fn stats(&self, bytes_out: u64, times_clamped: u32) -> Stats {
        Stats {
            bytes_in: self.bytes_in,
            bytes_out,
            messages_in: self.messages_in,
            messages_out: self.messages_out,
            pings_in: self.pings_in,
            pongs_dropped: self.pongs_dropped,
            sends_refused: self.sends_refused,
            bytes_discarded: self.bytes_discarded,
            compressed_in: self.compressed_in,
            compressed_out: self.compressed_out,
            times_clamped,
        }
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let expected = json!({
            "bytesIn": 0, "bytesOut": 0, "messagesIn": 0, "messagesOut": 0, "pingsIn": 0, "pongsDropped": 0,
            "sendsRefused": 0, "bytesDiscarded": 0, "timesClamped": 0, "compressedIn": 0, "compressedOut": 0,
        });
        assert_eq!(to_value(Stats::default()).unwrap(), expected);
    }
}
