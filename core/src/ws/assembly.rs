//! A message on its way: gathered from fragments and reads, in memory that grows with what has arrived.

use super::wire::mask;
use crate::base::utf8::{Carry, NotUtf8};
use crate::base::{Gather, Kind, Message, SpareBuffers};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

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
    Binary(Gather),
}

impl Assembly {
    pub(super) fn begin(kind: Kind) -> Box<Self> {
        let payload = match kind {
            Kind::Text => Payload::Text(String::new()),
            _ => Payload::Binary(Gather::default()),
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

    /// Appends a piece of a frame of which `ahead` bytes are still to come behind it.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        ahead: usize,
        spares: Option<&mut SpareBuffers>,
    ) -> Result<(), NotUtf8> {
        match &mut self.payload {
            Payload::Text(text) => self.carry.push(piece, Some(text))?,
            Payload::Binary(gather) => gather.push(piece, ahead, spares),
        }
        self.total += piece.len();
        Ok(())
    }

    /// As [`push`](Self::push), unmasking on the way.
    pub(super) fn push_masked(
        &mut self,
        piece: &mut [u8],
        (key, phase): ([u8; 4], usize),
        ahead: usize,
        spares: Option<&mut SpareBuffers>,
    ) -> Result<(), NotUtf8> {
        let Payload::Binary(gather) = &mut self.payload else {
            mask::apply(piece, key, phase);
            return self.push(piece, ahead, spares);
        };
        mask::copy(gather.room(piece.len(), ahead, spares), piece, key, phase);
        gather.fill(piece.len());
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
            Payload::Binary(gather) => Message::Binary(Cow::Owned(gather.finish())),
        }
    }

    /// Where to read straight into a binary message of whose frame `ahead` bytes are still to come. There is none in a
    /// compressed one, nor while little is to come: the rest of a control frame, or none between frames.
    pub(super) fn space(&mut self, ahead: usize, spares: Option<&mut SpareBuffers>) -> Option<&mut [u8]> {
        match (self.compressed(), &mut self.payload) {
            (None, Payload::Binary(gather)) => gather.space(ahead, spares),
            _ => None,
        }
    }

    /// The first `n` bytes of the space, if it is as long, hold payload now; they are returned to be unmasked.
    pub(super) fn fill_space(&mut self, n: usize, ahead: usize) -> &mut [u8] {
        match (self.compressed(), &mut self.payload) {
            (None, Payload::Binary(gather)) => {
                let n = n.min(gather.space_len(ahead));
                self.total += n;
                gather.fill(n)
            }
            _ => &mut [],
        }
    }
}
