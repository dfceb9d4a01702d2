//! A message on its way: gathered from reads, in memory that grows with what has arrived.

use crate::base::utf8::{Carry, NotUtf8};
use crate::base::{Gather, Kind, Message, SpareBuffers};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

/// What has arrived of a message.
#[derive(Debug)]
pub(super) struct Assembly {
    payload: Payload,
    carry: Carry,
}

#[derive(Debug)]
enum Payload {
    /// Checked; no second check when it is whole.
    Text(String),
    Bytes(Gather),
}

impl Assembly {
    pub(super) fn begin(kind: Kind) -> Box<Self> {
        let payload = match kind {
            Kind::Text => Payload::Text(String::new()),
            _ => Payload::Bytes(Gather::default()),
        };
        Box::new(Self { payload, carry: Carry::new() })
    }

    /// Appends a piece of a payload of which `ahead` bytes are still to come behind it, as far as that is known.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        ahead: usize,
        spares: Option<&mut SpareBuffers>,
    ) -> Result<(), NotUtf8> {
        match &mut self.payload {
            Payload::Text(text) => self.carry.push(piece, Some(text))?,
            Payload::Bytes(gather) => gather.push(piece, ahead, spares),
        }
        Ok(())
    }

    /// What has arrived; of a text, where it ends with a whole character.
    pub(super) fn payload(&self) -> Result<&[u8], NotUtf8> {
        match &self.payload {
            Payload::Text(text) if self.carry.is_empty() => Ok(text.as_bytes()),
            Payload::Text(_) => Err(NotUtf8),
            Payload::Bytes(gather) => Ok(gather.as_slice()),
        }
    }

    /// The message: the first `keep` bytes of what has arrived.
    pub(super) fn finish(self, kind: Kind, keep: usize) -> Result<Message<'static>, NotUtf8> {
        match self.payload {
            Payload::Text(mut text) => {
                text.get(..keep).ok_or(NotUtf8)?;
                text.truncate(keep);
                Ok(Message::Text(Cow::Owned(text)))
            }
            Payload::Bytes(gather) => {
                let mut buffer = gather.finish();
                buffer.truncate(keep);
                Ok(of_bytes(kind, Cow::Owned(buffer)))
            }
        }
    }

    /// Bytes that can be read straight into a message of which `ahead` are still to come.
    pub(super) fn space_len(&self, ahead: usize) -> usize {
        match &self.payload {
            Payload::Bytes(gather) => gather.space_len(ahead),
            Payload::Text(_) => 0,
        }
    }

    pub(super) fn space(&mut self, ahead: usize, spares: Option<&mut SpareBuffers>) -> Option<&mut [u8]> {
        match &mut self.payload {
            Payload::Bytes(gather) => gather.space(ahead, spares),
            Payload::Text(_) => None,
        }
    }

    /// Up to `n` bytes of the space hold payload now; how many.
    pub(super) fn fill_space(&mut self, n: usize) -> usize {
        match &mut self.payload {
            Payload::Bytes(gather) => gather.fill(n).len(),
            Payload::Text(_) => 0,
        }
    }
}

/// The message of `kind` with these bytes, which are no text.
pub(super) fn of_bytes(kind: Kind, payload: Cow<'_, [u8]>) -> Message<'_> {
    match kind {
        Kind::Typed(tag) => Message::Typed(tag, payload),
        _ => Message::Binary(payload),
    }
}
