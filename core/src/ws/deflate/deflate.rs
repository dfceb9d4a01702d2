//! Messages that go out compressed (RFC 7692 section 7.2.1).

use super::Config;
use crate::base::{Deflater, Instant, SendError};
use crate::ws::Prepared;
use crate::ws::connection::Connection;
use crate::ws::prepared::{Frames, opcode};
use crate::ws::send::REFERENCE;
use crate::ws::wire::header::{Opcode, RSV1};
use alloc::vec::Vec;
use bytes::Bytes;

impl Connection {
    /// Whether a message of `len` bytes is to be compressed.
    #[inline]
    pub(in crate::ws) fn deflates(&self, len: usize) -> bool {
        // RFC 6455 9.1: "MUST NOT use them unless the server indicates that it wishes to use"
        self.compression.is_negotiated() && len >= self.config.deflate_or_default().threshold.max(1)
    }

    /// Queues `payload` compressed, unless it would not become shorter by that: so it never needs more room than it does
    /// plain, and in fragments of the same size.
    pub(in crate::ws) fn queue_deflated(&mut self, now: Instant, first: Opcode, payload: &[u8]) -> bool {
        let config = self.config.deflate_or_default();
        let mut out = self.compression.take_buffer();
        let shorter = self.compression.compress(&config, payload, &mut out);
        if shorter {
            // RFC 7692 6.1: "to send a message in the form of a compressed message"
            // RFC 7692 7.2.1: "the removal of 0x00 0x00 0xff 0xff MUST NOT be done"
            let at = self.outbox.cork(now).len();
            if out.len() >= REFERENCE {
                let mut whole = core::mem::take(&mut out);
                whole.shrink_to_fit();
                self.reference_frames(now, first, Bytes::from(whole));
            } else {
                self.copy_frames(now, first, &out);
            }
            // "The RSV1 bit of the first fragment" alone (section 6.1); its header begins here.
            // RFC 7692 6.1: "bit of control frames and non-first fragments of a data message"
            self.outbox.cork(now)[at] |= RSV1;
            self.counters.compressed_out = self.counters.compressed_out.wrapping_add(1);
        }
        self.compression.return_buffer(out);
        shorter
    }

    /// Which frames of a prepared message go out; `None` if it was queued from this connection's own context.
    pub(in crate::ws) fn choose_frames<'p>(
        &mut self,
        now: Instant,
        prepared: &'p Prepared,
    ) -> Result<Option<&'p Frames>, SendError> {
        let plain = prepared.frames();
        if !self.compression.is_negotiated() {
            return Ok(Some(plain));
        }
        if let Some(bits) = self.compression.shared_bits() {
            let Some(frames) = prepared.compressed_frames(bits) else { return Ok(Some(plain)) };
            self.counters.compressed_out = self.counters.compressed_out.wrapping_add(1);
            return Ok(Some(frames));
        }
        let first = opcode(prepared.kind())?;
        let own = prepared.compressed_frames(15).is_some() && self.deflates(prepared.payload().len());
        let queued = own && self.queue_deflated(now, first, prepared.payload());
        Ok((!queued).then_some(plain))
    }
}

/// Compresses for many, and tells the window that it takes to inflate it: no distance is longer than the message.
/// `None` if it would not become shorter.
pub(in crate::ws) fn compress_once(config: &Config, payload: &[u8]) -> Option<(Vec<u8>, u8)> {
    if payload.len() < config.threshold.max(1) {
        return None;
    }
    let mut out = Vec::new();
    let bits = config.window_bits();
    let shorter = Deflater::new(config.level, bits).compress(payload, &mut out);
    let needed = usize::BITS - (payload.len() - 1).leading_zeros();
    shorter.then(|| (out, (needed as u8).clamp(8, bits)))
}
