//! Lines of text.

use super::{Codec, Header};
use crate::base::{Kind, SendError, Violation};
use alloc::vec::Vec;

/// Lines of UTF-8 text. A line ends with LF; a CR before it is taken off too. The message is the line without its end,
/// and may be empty.
///
/// A last line that the stream ends without a line end is truncated: it is not handed up, and the report is 1006, since a
/// cut connection must not make `delete 12` out of `delete 123`. Where peers are to be trusted to end a stream only when
/// they are done, as in `printf hi | nc -N`, [`open_end`](Self::open_end) takes it for a line.
///
/// A text with an LF in it cannot be sent, nor one with a CR at its end where LF alone is written:
/// [`SendError::ContainsDelimiter`].
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant, Message};
/// use wharf::framed::{Config, Connection, Lines};
///
/// let now = Instant::ORIGIN;
/// let mut connection = Connection::new(now, Lines::new(), &Config::default().into());
/// let mut bytes = *b"ahoy\r\n";
/// let Some(Event::Message(message)) = connection.receive(now, &mut Input::new(&mut bytes)) else { panic!() };
/// assert_eq!(message, Message::text("ahoy"));
/// connection.send(now, message).unwrap();
/// let mut written = Vec::new();
/// connection.output(now).drain_into(&mut written);
/// assert_eq!(written, b"ahoy\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    crlf: bool,
    open_end: bool,
}

impl Lines {
    /// Lines that are written with LF.
    #[must_use]
    pub const fn new() -> Self {
        Self { crlf: false, open_end: false }
    }

    /// Lines that are written with CR and LF.
    #[must_use]
    pub const fn crlf() -> Self {
        Self { crlf: true, open_end: false }
    }

    /// Takes a last line without a line end for a line.
    #[must_use]
    pub const fn open_end(mut self) -> Self {
        self.open_end = true;
        self
    }
}

impl Codec for Lines {
    fn header(&self, _: &[u8]) -> Result<Header, Violation> {
        Ok(Header::Until { kind: Kind::Text, skip: 0, byte: b'\n', trim: 1, ends_at_eof: self.open_end })
    }

    fn end(&self, _: Kind, payload: &[u8], _: &[u8]) -> Result<usize, Violation> {
        Ok(payload.len() - usize::from(payload.ends_with(b"\r")))
    }

    fn accepts(&self, kind: Kind) -> bool {
        kind == Kind::Text
    }

    fn encode_head(&self, _: Kind, payload: &[u8], _: &mut Vec<u8>) -> Result<(), SendError> {
        if (!self.crlf && payload.ends_with(b"\r")) || memchr::memchr(b'\n', payload).is_some() {
            return Err(SendError::ContainsDelimiter);
        }
        Ok(())
    }

    fn encode_tail(&self, _: Kind, _: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if self.crlf { b"\r\n" } else { b"\n" });
    }
}
