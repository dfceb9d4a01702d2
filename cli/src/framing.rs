//! What is spoken, as the command line names it.

use clap::ValueEnum;
use wharf::framed::{Length, Lines, Raw, Typed};
use wharf::link::Framing;

/// What is spoken on a connection.
///
/// ```
/// use wharf::link::Framing;
/// use wharf_cli::framing::FramingKind;
///
/// assert!(matches!(FramingKind::Json.framing(), Framing::Codec(_)));
/// assert!(FramingKind::default().is_websocket());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum FramingKind {
    /// WebSockets.
    #[default]
    Ws,
    /// Bytes as they come, without messages.
    Raw,
    /// Lines of UTF-8 text; LF or CR LF ends one.
    Lines,
    /// Messages behind their length, a u32 in big-endian order.
    Length,
    /// Length (u32, big-endian, counts the type), type (u8), payload.
    Typed,
    /// Lines of one JSON text each.
    Json,
}

impl FramingKind {
    /// What a link is to be told.
    #[must_use]
    pub fn framing(self) -> Framing {
        match self {
            Self::Ws => Framing::WebSocket,
            Self::Raw => Framing::codec(Raw),
            Self::Lines | Self::Json => Framing::codec(Lines::new()),
            Self::Length => Framing::codec(Length::default()),
            Self::Typed => Framing::codec(Typed),
        }
    }

    /// Whether it is that of the WebSocket.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        self == Self::Ws
    }
}
