//! A message on its way: gathered from reads, in memory that grows with what has arrived.

use crate::base::utf8::{Carry, NotUtf8};
use crate::base::{Kind, Message};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What has arrived of a message.
#[derive(Debug)]
pub(super) struct Assembly {
    payload: Payload,
    /// Bytes of payload so far.
    pub(super) total: usize,
    carry: Carry,
}

#[derive(Debug)]
enum Payload {
    /// Checked; no second check when it is whole.
    Text(String),
    /// May be longer than what has arrived: the end is space to read into.
    Bytes(Vec<u8>),
}

impl Assembly {
    /// Reading straight into the message pays from here.
    const LEAST_SPACE: usize = 4096;

    pub(super) fn begin(kind: Kind) -> Box<Self> {
        let payload = match kind {
            Kind::Text => Payload::Text(String::new()),
            _ => Payload::Bytes(Vec::new()),
        };
        Box::new(Self { payload, total: 0, carry: Carry::new() })
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        match &mut self.payload {
            Payload::Text(text) => self.carry.push(piece, Some(text))?,
            Payload::Bytes(buffer) => {
                buffer.truncate(self.total);
                buffer.extend_from_slice(piece);
            }
        }
        self.total += piece.len();
        Ok(())
    }

    /// What has arrived; of a text, where it ends with a whole character.
    pub(super) fn payload(&self) -> Result<&[u8], NotUtf8> {
        match &self.payload {
            Payload::Text(text) if self.carry.is_empty() => Ok(text.as_bytes()),
            Payload::Text(_) => Err(NotUtf8),
            Payload::Bytes(buffer) => Ok(&buffer[..self.total.min(buffer.len())]),
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
            Payload::Bytes(mut buffer) => {
                buffer.truncate(keep);
                Ok(of_bytes(kind, Cow::Owned(buffer)))
            }
        }
    }

    /// Bytes that can be read straight into a message of which `remaining` are still to come: no more than that, and no
    /// more than has arrived.
    pub(super) fn space_len(&self, remaining: usize) -> usize {
        let len = remaining.min(self.total);
        match self.payload {
            Payload::Bytes(_) if len >= Self::LEAST_SPACE => len,
            _ => 0,
        }
    }

    pub(super) fn space(&mut self, remaining: usize) -> Option<&mut [u8]> {
        let len = self.space_len(remaining);
        match &mut self.payload {
            Payload::Bytes(buffer) if len > 0 => {
                let end = self.total + len;
                if buffer.len() < end {
                    buffer.resize(end, 0);
                }
                Some(&mut buffer[self.total..end])
            }
            _ => None,
        }
    }

    /// Up to `n` bytes of the space hold payload now; how many.
    pub(super) fn fill_space(&mut self, n: usize) -> usize {
        let from = self.total;
        if let Payload::Bytes(buffer) = &self.payload {
            self.total = (from + n).min(buffer.len()).max(from);
        }
        self.total - from
    }
}

/// The message of `kind` with these bytes, which are no text.
pub(super) fn of_bytes(kind: Kind, payload: Cow<'_, [u8]>) -> Message<'_> {
    match kind {
        Kind::Typed(tag) => Message::Typed(tag, payload),
        _ => Message::Binary(payload),
    }
}
