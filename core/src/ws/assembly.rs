//! A message on its way: gathered from fragments and reads, in memory that grows with what has arrived.

use super::wire::utf8::{Carry, NotUtf8};
use crate::base::{Kind, Message};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What has arrived of a message.
#[derive(Debug)]
pub(super) struct Assembly {
    payload: Payload,
    /// Bytes of payload over all fragments so far, inflated ones of a compressed message.
    pub(super) total: usize,
    pub(super) fragments: u32,
    carry: Carry,
    /// How far it is inflated, if it is compressed.
    #[cfg(feature = "deflate")]
    pub(super) deflated: Option<super::deflate::Progress>,
    /// In streaming mode: whether a piece has been handed up.
    pub(super) begun: bool,
}

#[derive(Debug)]
enum Payload {
    /// Checked; no second check when it is whole.
    Text(String),
    /// May be longer than what has arrived: the end is space to read into.
    Binary(Vec<u8>),
}

impl Assembly {
    /// Reading straight into the message pays from here.
    const LEAST_SPACE: usize = 4096;

    pub(super) fn begin(kind: Kind) -> Box<Self> {
        let payload = match kind {
            Kind::Text => Payload::Text(String::new()),
            _ => Payload::Binary(Vec::new()),
        };
        Box::new(Self {
            payload,
            total: 0,
            fragments: 0,
            carry: Carry::new(),
            #[cfg(feature = "deflate")]
            deflated: None,
            begun: false,
        })
    }

    /// Compressed bytes that have come, if the message is compressed.
    pub(super) fn compressed(&self) -> Option<usize> {
        #[cfg(feature = "deflate")]
        return self.deflated.map(|progress| progress.taken);
        #[cfg(not(feature = "deflate"))]
        return None;
    }

    /// Which message is on its way.
    pub(super) fn kind(&self) -> Kind {
        match self.payload {
            Payload::Text(_) => Kind::Text,
            Payload::Binary(_) => Kind::Binary,
        }
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        match &mut self.payload {
            Payload::Text(text) => self.carry.push(piece, Some(text))?,
            Payload::Binary(buffer) => {
                buffer.truncate(self.total);
                buffer.extend_from_slice(piece);
            }
        }
        self.total += piece.len();
        Ok(())
    }

    /// Checks a piece that is handed up and not kept.
    pub(super) fn pass(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        if let Payload::Text(_) = self.payload {
            self.carry.push(piece, None)?;
        }
        self.total += piece.len();
        Ok(())
    }

    /// Whether the message may end here: not inside a character.
    pub(super) fn may_end(&self) -> bool {
        self.carry.is_empty()
    }

    /// The whole message.
    pub(super) fn finish(self) -> Message<'static> {
        match self.payload {
            Payload::Text(text) => Message::Text(Cow::Owned(text)),
            Payload::Binary(mut buffer) => {
                buffer.truncate(self.total);
                Message::Binary(Cow::Owned(buffer))
            }
        }
    }

    /// Bytes that can be read straight into a binary message of whose frame `remaining` are still to come: no more
    /// than that, and no more than has arrived. None of a compressed one.
    pub(super) fn space_len(&self, remaining: usize) -> usize {
        let len = remaining.min(self.total);
        match self.payload {
            _ if self.compressed().is_some() => 0,
            Payload::Binary(_) if len >= Self::LEAST_SPACE => len,
            _ => 0,
        }
    }

    pub(super) fn space(&mut self, remaining: usize) -> Option<&mut [u8]> {
        let len = self.space_len(remaining);
        match &mut self.payload {
            Payload::Binary(buffer) if len > 0 => {
                let end = self.total + len;
                if buffer.len() < end {
                    buffer.resize(end, 0);
                }
                Some(&mut buffer[self.total..end])
            }
            _ => None,
        }
    }

    /// The first `n` bytes of the space hold payload now; they are returned to be unmasked.
    pub(super) fn fill_space(&mut self, n: usize) -> &mut [u8] {
        let from = self.total;
        match &mut self.payload {
            Payload::Binary(buffer) => {
                self.total = (from + n).min(buffer.len());
                &mut buffer[from..self.total]
            }
            _ => &mut [],
        }
    }
}
