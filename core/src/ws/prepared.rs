//! A message framed once and sent to many.

use super::wire::header::{self, Opcode};
use super::wire::utf8;
use crate::base::{Kind, Message, SendError};
use alloc::vec::Vec;
use bytes::Bytes;

/// A message framed once as a server sends it, to be sent to any number of connections: a reference count each.
/// A client masks each frame with a key of its own (RFC 6455 section 5.3), so there it costs what
/// [`send_bytes`](crate::base::Engine::send_bytes) does.
///
/// ```
/// use wharf::base::{Engine, Instant, Kind};
/// use wharf::ws::{Config, Connection, Prepared};
///
/// let prepared = Prepared::new(Kind::Text, "to all".into()).unwrap();
/// let config = Config::default().into();
/// for _ in 0..3 {
///     let mut member = Connection::server(Instant::ORIGIN, &config);
///     member.send_prepared(Instant::ORIGIN, &prepared).unwrap();
///     assert_eq!(member.output(Instant::ORIGIN).remaining(), 8);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    kind: Kind,
    payload: Bytes,
    /// Frames one behind the other; each is `frame_len` bytes but the last.
    frames: Bytes,
    fragment: usize,
}

impl Prepared {
    /// Fragments of the default size, and a whole frame where it is not larger.
    const FRAGMENT: usize = 1 << 20;

    /// Frames a message.
    ///
    /// # Errors
    /// [`SendError::NotUtf8`] for a text that is not; [`SendError::UnsupportedKind`] for [`Kind::Typed`].
    pub fn new(kind: Kind, payload: Bytes) -> Result<Self, SendError> {
        let first = opcode(kind)?;
        if kind == Kind::Text {
            utf8::check(&payload).map_err(|_| SendError::NotUtf8)?;
        }
        let mut frames = Vec::with_capacity(payload.len() + header::MAX_LEN);
        let pieces = payload.len().div_ceil(Self::FRAGMENT).max(1);
        for i in 0..pieces {
            let piece = &payload[i * Self::FRAGMENT..payload.len().min((i + 1) * Self::FRAGMENT)];
            let opcode = if i == 0 { first } else { Opcode::Continuation };
            header::encode(&mut frames, i + 1 == pieces, opcode, None, piece.len());
            frames.extend_from_slice(piece);
        }
        let fragment = Self::FRAGMENT + header::encoded_len(false, Self::FRAGMENT);
        Ok(Self { kind, payload, frames: frames.into(), fragment })
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        match (self.kind, core::str::from_utf8(&self.payload)) {
            (Kind::Text, Ok(text)) => Message::text(text),
            _ => Message::binary(&*self.payload),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// The frames, a reference each.
    pub(super) fn frames(&self) -> impl Iterator<Item = Bytes> + '_ {
        let len = self.frames.len();
        (0..len)
            .step_by(self.fragment)
            .map(move |from| self.frames.slice(from..len.min(from + self.fragment)))
    }
}

/// The opcode that begins a message of this kind.
pub(super) fn opcode(kind: Kind) -> Result<Opcode, SendError> {
    match kind {
        Kind::Text => Ok(Opcode::Text),
        Kind::Binary => Ok(Opcode::Binary),
        Kind::Typed(_) => Err(SendError::UnsupportedKind(kind)),
    }
}
