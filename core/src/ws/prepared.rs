//! A message framed once and sent to many.

use super::wire::header::{self, Opcode};
use crate::base::utf8;
use crate::base::{Kind, Message, SendError};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A message framed once as a server sends it, to be sent to any number of connections: a reference count each.
/// A client masks each frame with a key of its own (RFC 6455 section 5.3), so there it costs what
/// [`send_bytes`](crate::base::Engine::send_bytes) does. It goes out as it is, also to connections that compress, unless it
/// was made by `Prepared::compressed` (with the feature `deflate`).
///
/// ```
/// use wharf::base::{Engine, Instant};
/// use wharf::ws::{Config, Connection, Prepared};
///
/// let prepared = Prepared::text("to all");
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
    /// What it is under on typed frames.
    tag: Option<u8>,
    payload: Bytes,
    frames: Frames,
    /// The same for those who inflate, and the window that it takes.
    #[cfg(feature = "deflate")]
    compressed: Option<(Frames, u8)>,
}

/// Frames one behind the other; each is `frame` bytes but the last.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    bytes: Bytes,
    frame: usize,
}

impl Prepared {
    /// Frames a message.
    ///
    /// # Errors
    /// [`SendError::NotUtf8`] for a text that is not; [`SendError::UnsupportedKind`] for [`Kind::Typed`].
    pub fn new(kind: Kind, payload: Bytes) -> Result<Self, SendError> {
        let first = opcode(kind)?;
        if kind == Kind::Text {
            utf8::check(&payload).map_err(|_| SendError::NotUtf8)?;
        }
        Ok(Self::framed(kind, first, payload))
    }

    /// Frames a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::framed(Kind::Text, Opcode::Text, text.into().into())
    }

    fn framed(kind: Kind, first: Opcode, payload: Bytes) -> Self {
        Self {
            kind,
            tag: None,
            frames: Frames::new(first, 0, &payload),
            payload,
            #[cfg(feature = "deflate")]
            compressed: None,
        }
    }

    /// Frames a message both ways: as it is, and compressed once for all connections that agreed on compression and do
    /// not take over their context. Those that do compress it in their own. A message below the threshold of `config`, or
    /// one that does not become shorter, goes out as it is.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    #[cfg(feature = "deflate")]
    pub fn compressed(
        kind: Kind,
        payload: Bytes,
        config: &super::deflate::Config,
    ) -> Result<Self, SendError> {
        let mut prepared = Self::new(kind, payload)?;
        if let Some((payload, bits)) = super::deflate::compress_once(config, &prepared.payload) {
            prepared.compressed = Some((Frames::new(opcode(kind)?, header::RSV1, &payload), bits));
        }
        Ok(prepared)
    }

    /// The same message with a type byte, under which it goes to connections that carry no other kind
    /// ([`Typed`](crate::framed::Typed)): one broadcast for WebSockets and typed frames.
    #[must_use]
    pub fn with_type(mut self, tag: u8) -> Self {
        self.tag = Some(tag);
        self
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

    /// The kind that it goes as to a connection which takes those that `accepts` says.
    pub(crate) fn kind_where(&self, accepts: impl Fn(Kind) -> bool) -> Kind {
        let typed = self.tag.map(Kind::Typed);
        typed.filter(|typed| !accepts(self.kind) && accepts(*typed)).unwrap_or(self.kind)
    }

    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Whether it goes out compressed to those who inflate.
    pub(crate) fn is_compressed(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.compressed.is_some();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// The frames as they are.
    pub(super) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The compressed ones, if a window of `bits` is enough for them.
    #[cfg(feature = "deflate")]
    pub(super) fn compressed_frames(&self, bits: u8) -> Option<&Frames> {
        self.compressed.as_ref().filter(|(_, needed)| *needed <= bits).map(|(frames, _)| frames)
    }
}

impl Frames {
    /// Fragments of the default size, and a whole frame where it is not larger.
    const FRAGMENT: usize = 1 << 20;

    /// `first_bits` are added to the first byte of all.
    fn new(first: Opcode, first_bits: u8, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + header::MAX_LEN);
        let pieces = payload.len().div_ceil(Self::FRAGMENT).max(1);
        for i in 0..pieces {
            let piece = &payload[i * Self::FRAGMENT..payload.len().min((i + 1) * Self::FRAGMENT)];
            let opcode = if i == 0 { first } else { Opcode::Continuation };
            header::encode(&mut bytes, i + 1 == pieces, opcode, None, piece.len());
            bytes.extend_from_slice(piece);
        }
        bytes[0] |= first_bits;
        let frame = Self::FRAGMENT + header::encoded_len(false, Self::FRAGMENT);
        Self { bytes: bytes.into(), frame }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// A reference each.
    pub(super) fn iter(&self) -> impl Iterator<Item = Bytes> + '_ {
        let len = self.bytes.len();
        (0..len).step_by(self.frame).map(move |from| self.bytes.slice(from..len.min(from + self.frame)))
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
