//! Where a message ends and how one is written: all that differs between framings.

use crate::base::{Kind, SendError, Violation};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The most bytes from the front of a message that a [`Codec`] is shown, and the most that it writes around a payload
/// on either side.
pub const MAX_HEADER: usize = 32;

/// A framing: where a message ends in a stream of bytes, and how one is written.
///
/// A codec is a pure description, without state: a [`Connection`](super::Connection) keeps how far it has read, the
/// gathering, the limits and the check of text, and asks again about the same bytes. That gives each codec any split of
/// the stream, zero-copy, bounded memory and linear work without a line of its own. What it can describe are messages
/// whose first [`MAX_HEADER`] bytes say how long they are, and messages that a byte ends.
///
/// The laws, which the connection does not rely on for its own safety:
/// - `header` of a longer look at the same bytes gives the same answer, once it is not [`Header::More`];
/// - `More(n)` names more bytes than were shown, and without `n` of them no answer would be possible;
/// - what `encode_head`, the payload and `encode_tail` write, `header` and `end` read back as that one message.
///
/// ```
/// use wharf::base::{Kind, SendError, Violation};
/// use wharf::framed::{Codec, Header};
///
/// /// Netstrings: `5:hello,`.
/// #[derive(Debug)]
/// struct Netstring;
///
/// impl Codec for Netstring {
///     fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
///         let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
///         match bytes.get(digits) {
///             None if digits < 10 => return Ok(Header::More(digits + 1)),
///             Some(b':') if digits > 0 => {}
///             _ => return Err(Violation::Framing("not a netstring")),
///         }
///         let len = bytes[..digits].iter().fold(0_u64, |n, byte| n * 10 + u64::from(byte - b'0'));
///         let len = usize::try_from(len).unwrap_or(usize::MAX);
///         Ok(Header::Payload { kind: Kind::Binary, skip: digits + 1, len, trailer: 1 })
///     }
///
///     fn end(&self, _: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
///         if end == b"," { Ok(payload.len()) } else { Err(Violation::Framing("no comma")) }
///     }
///
///     fn accepts(&self, kind: Kind) -> bool {
///         kind == Kind::Binary
///     }
///
///     fn encode_head(&self, _: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
///         out.extend_from_slice(format!("{}:", payload.len()).as_bytes());
///         Ok(())
///     }
///
///     fn encode_tail(&self, _: Kind, _: &[u8], out: &mut Vec<u8>) {
///         out.push(b',');
///     }
/// }
///
/// use wharf::base::{Engine, Event, Input, Instant, Message};
/// use wharf::framed::{Config, Connection};
///
/// let now = Instant::ORIGIN;
/// let mut connection = Connection::new(now, Netstring, &Config::default().into());
/// let mut bytes = *b"5:hello,";
/// let mut input = Input::new(&mut bytes);
/// let Some(Event::Message(message)) = connection.receive(now, &mut input) else { panic!() };
/// assert_eq!(message, Message::binary(&b"hello"[..]));
/// ```
pub trait Codec: fmt::Debug + Send + Sync {
    /// What the message that begins with `bytes` is. They are never empty and never more than [`MAX_HEADER`]; the
    /// message may go on behind them, or be over before their end.
    ///
    /// # Errors
    /// The [`Violation`] that these bytes are, whatever follows. The limit of a message is checked by the connection.
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation>;

    /// How much of `payload` is payload, once the message is whole; all of it unless overridden. `end` is what came
    /// behind it: the trailer, the byte of [`Header::Until`], or nothing where the stream ended there. It is called once
    /// a message, and should look at the ends alone.
    ///
    /// # Errors
    /// The [`Violation`] that this end is.
    fn end(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
        let _ = (kind, end);
        Ok(payload.len())
    }

    /// Whether messages of this kind can be written. The peer may read them as another kind: where text is not told from
    /// bytes, both are written and bytes are read.
    fn accepts(&self, kind: Kind) -> bool;

    /// Appends what stands before `payload`, at most [`MAX_HEADER`] bytes, to `out`, which holds earlier messages. The
    /// kind is one that it accepts, and text is UTF-8.
    ///
    /// # Errors
    /// A [`SendError`] for a payload that cannot be framed: `TooBig`, `ContainsDelimiter`, `Unframeable`.
    fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError>;

    /// Appends what stands behind `payload`, at most [`MAX_HEADER`] bytes; nothing unless overridden. Apart from the
    /// head, so that a large payload is referenced and not copied.
    fn encode_tail(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
        let _ = (kind, payload, out);
    }
}

/// What the first bytes of a message say.
///
/// ```
/// use wharf::base::Kind;
/// use wharf::framed::{Codec, Header, Typed};
///
/// assert_eq!(Typed.header(&[0, 0, 0]), Ok(Header::More(4)));
/// let header = Header::Payload { kind: Kind::Typed(7), skip: 5, len: 2, trailer: 0 };
/// assert_eq!(Typed.header(&[0, 0, 0, 3, 7]), Ok(header));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// At least this many bytes are needed to tell. Over [`MAX_HEADER`] it is
    /// [`Violation::HeaderTooLong`](crate::base::Violation::HeaderTooLong).
    More(usize),
    /// The payload is `len` bytes.
    Payload {
        /// What the message is. Text is checked to be UTF-8.
        kind: Kind,
        /// Bytes before the payload. They may be more than were shown, or fewer where the payload begins in the header.
        skip: usize,
        /// Bytes of the payload.
        len: usize,
        /// Bytes behind the payload that are not part of it, at most [`MAX_HEADER`]; they are handed to [`Codec::end`].
        trailer: usize,
    },
    /// The payload ends before the next `byte`.
    Until {
        /// What the message is. Text is checked to be UTF-8.
        kind: Kind,
        /// Bytes before the payload.
        skip: usize,
        /// The byte that ends the payload and is no part of it.
        byte: u8,
        /// The most bytes that [`Codec::end`] takes off the payload: the limit of a message counts what is left.
        trim: usize,
        /// Whether the end of the stream ends the message too. Otherwise the message is truncated and not handed up.
        ends_at_eof: bool,
    },
    /// Whatever came is one message, cut only by the limit of a message. Only the answer to a first look, so that nothing
    /// that came is held back.
    Rest {
        /// What the message is.
        kind: Kind,
    },
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<C: Codec + ?Sized> Codec for $pointer {
            fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
                (**self).header(bytes)
            }

            fn end(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
                (**self).end(kind, payload, end)
            }

            fn accepts(&self, kind: Kind) -> bool {
                (**self).accepts(kind)
            }

            fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
                (**self).encode_head(kind, payload, out)
            }

            fn encode_tail(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
                (**self).encode_tail(kind, payload, out);
            }
        }
    )*};
}

forward!(&C, Box<C>, Arc<C>);
