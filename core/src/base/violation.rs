//! What a peer can do wrong, each with the close code that answers it.

use super::CloseCode;
use super::utf8::NotUtf8;

/// A breach of the protocol, or of a configured limit, by the peer.
///
/// ```
/// use wharf::base::{Cause, Engine, Event, Input, Instant, Violation};
/// use wharf::ws;
///
/// let (now, mut config) = (Instant::ORIGIN, ws::Config::default());
/// config.max_message = 4;
/// let mut connection = ws::Connection::server(now, &config.into());
/// let mut bytes = *b"\x81\x85\0\0\0\0hello";
/// let event = connection.receive(now, &mut Input::new(&mut bytes));
/// let Some(Event::Closed(closed)) = event else { panic!("{event:?}") };
/// let Cause::Violation(violation) = closed.cause else { panic!("{closed}") };
/// assert_eq!((violation, &*violation.to_string()), (Violation::MessageTooBig { limit: 4 }, "a message is over 4 bytes"));
/// assert_eq!(closed.sent, Some(violation.close_code()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit without an extension that defines it (RFC 6455 section 5.2).
    #[error("a reserved bit is set")]
    ReservedBits,
    /// A reserved opcode (section 5.2).
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A client's frame without a mask (section 5.1).
    #[error("a frame of the client is not masked")]
    NotMasked,
    /// A server's frame with a mask (section 5.1).
    #[error("a frame of the server is masked")]
    Masked,
    /// A length not in its shortest form (section 5.2).
    #[error("a length is not in its shortest form")]
    LengthNotMinimal,
    /// A 64-bit length with its highest bit set (section 5.2).
    #[error("a length is over 2^63 - 1")]
    LengthTooLarge,
    /// A control frame with the FIN bit clear (section 5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame over 125 bytes (section 5.5).
    #[error("a control frame is over 125 bytes")]
    ControlTooLong,
    /// A continuation frame outside a message (section 5.4).
    #[error("a continuation continues nothing")]
    UnexpectedContinuation,
    /// A new message inside a fragmented one (section 5.4).
    #[error("a message begins inside another one")]
    ExpectedContinuation,
    /// Text that is not UTF-8 (section 8.1).
    #[error("text is not UTF-8")]
    TextNotUtf8,
    /// A Close frame with a body of one byte (section 5.5.1).
    #[error("the body of a Close frame is one byte")]
    CloseBody,
    /// A Close frame with a code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// A Close frame whose reason is not UTF-8 (section 5.5.1).
    #[error("a close reason is not UTF-8")]
    ReasonNotUtf8,
    /// Compressed data that cannot be inflated, or that stops short (RFC 7692 section 7.2.2).
    #[error("compressed data is corrupt")]
    Corrupt,
    /// A frame over the configured limit.
    #[error("a frame is over {limit} bytes")]
    FrameTooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// A message over the configured limit.
    #[error("a message is over {limit} bytes")]
    MessageTooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// A message in more fragments than the configured limit.
    #[error("a message is in more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A frame that says it is of length zero where the length counts at least a type byte.
    #[error("a frame of length zero")]
    LengthZero,
    /// A length that, with what its framing adds to it or takes from it, is no length: negative, or over 64 bits.
    #[error("a length is out of range")]
    LengthRange,
    /// The header of a frame over what any framing may need.
    #[error("a header is over {limit} bytes")]
    HeaderTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A breach that only the framing knows ([`Codec`](crate::framed::Codec)).
    #[error("{0}")]
    Framing(&'static str),
}

impl Violation {
    /// The code of the Close frame that answers it (RFC 6455 section 7.4.1).
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::TextNotUtf8 | Self::ReasonNotUtf8 | Self::Corrupt => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }

    /// Whether a configured limit was exceeded; anything else is bad whatever is configured.
    #[must_use]
    pub fn is_past_limit(&self) -> bool {
        matches!(self, Self::FrameTooBig { .. } | Self::MessageTooBig { .. } | Self::TooManyFragments { .. })
    }
}

impl From<NotUtf8> for Violation {
    fn from(_: NotUtf8) -> Self {
        Self::TextNotUtf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_answered_with_its_code() {
        for (violation, code) in [
            (Violation::TextNotUtf8, 1007),
            (Violation::ReasonNotUtf8, 1007),
            (Violation::Corrupt, 1007),
            (Violation::FrameTooBig { limit: 1 }, 1009),
            (Violation::MessageTooBig { limit: 1 }, 1009),
            (Violation::TooManyFragments { limit: 1 }, 1008),
            (Violation::ReservedBits, 1002),
            (Violation::CloseCode(1005), 1002),
            (Violation::Framing("why"), 1002),
        ] {
            assert_eq!(violation.close_code().as_u16(), code, "{violation}");
            assert_eq!(violation.is_past_limit(), matches!(code, 1008 | 1009), "{violation}");
        }
    }
}
