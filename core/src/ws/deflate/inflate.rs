//! Compressed messages as they come (RFC 7692 section 7.2.2).

use crate::base::{Chunk, Deflater, Event, Inflated, Input, Piece, Violation};
use crate::ws::Delivery;
use crate::ws::connection::Connection;
use crate::ws::receive::{Stage, Step};
use crate::ws::wire::mask;

/// How far a compressed message is inflated.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ws) struct Progress {
    /// Compressed bytes so far, over all fragments.
    pub(in crate::ws) taken: usize,
    /// Bytes of the tail that were inflated.
    tail: u8,
    /// There may be more to come of what was taken.
    full: bool,
}

impl Progress {
    /// Whether there may be more to come of what was taken.
    pub(in crate::ws) fn is_full(&self) -> bool {
        self.full
    }
}

/// Compressed bytes that are looked at in one step.
const PIECE: usize = 2048;

impl Connection {
    /// One step of a compressed message: takes of the input as much as is inflated by it, so that what comes out is
    /// bounded however much that is, and stands at the same place of the stream in any delivery.
    pub(in crate::ws) fn read_deflated<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        let Some((assembly, mut progress)) =
            self.assembly.as_mut().and_then(|assembly| assembly.deflated.map(|p| (assembly, p)))
        else {
            return Err(Violation::UnexpectedContinuation);
        };
        if self.frame.remaining > 0 && input.is_empty() && !progress.full {
            return Ok(Step::More);
        }
        let frame = &mut self.frame;
        let inflater = self.compression.inflater();
        let step = if frame.remaining > 0 {
            let mut piece = [0; PIECE];
            let n = input.len().min(frame.remaining).min(PIECE);
            let piece = &mut piece[..n];
            piece.copy_from_slice(&input.as_slice()[..n]);
            if frame.masked {
                mask::apply(piece, frame.mask, usize::from(frame.phase));
            }
            // RFC 7692 6.2: "to receive a message in the form of a compressed message"
            let step = inflater.inflate(piece);
            input.take(step.taken);
            frame.remaining -= step.taken;
            frame.phase = (usize::from(frame.phase) + step.taken) as u8 & 3;
            progress.taken += step.taken;
            step
        } else if frame.fin && progress.taken > 0 && !inflater.is_fresh() {
            // What the sender left out; without a byte of payload there was nothing to leave out.
            let step = inflater.inflate(&Deflater::TAIL[usize::from(progress.tail)..]);
            progress.tail += step.taken as u8;
            step
        } else if progress.full {
            inflater.inflate(&[])
        } else {
            Inflated::default()
        };
        progress.full = step.full;
        assembly.deflated = Some(progress);
        // Up to the limit all is looked at, so that the same is wrong first however the message is cut.
        let room = self.config.max_message.saturating_sub(assembly.total);
        let out = inflater.out(step.written.min(room));
        let streaming = self.config.delivery == Delivery::Streaming;
        let pushed = if streaming { assembly.pass(out) } else { assembly.push(out, 0, self.outbox.spares()) };
        pushed.map_err(|_| Violation::TextNotUtf8)?;
        if step.written > room {
            return Err(Violation::MessageTooBig { limit: self.config.max_message });
        }
        if step.corrupt {
            return Err(Violation::Corrupt);
        }
        let ended = frame.remaining == 0 && !progress.full;
        let complete = usize::from(progress.tail) == Deflater::TAIL.len();
        let last = ended && frame.fin && (complete || progress.taken == 0 || inflater.is_fresh());
        let piece = if streaming && !out.is_empty() { out.to_vec().into() } else { Piece::from(&[][..]) };
        if ended && !frame.fin {
            self.stage = Stage::Header;
        }
        self.hand_up(piece, last)
    }

    fn hand_up<'b>(&mut self, piece: Piece<'b>, last: bool) -> Result<Step<'b>, Violation> {
        let Some(assembly) = &mut self.assembly else { return Ok(Step::On) };
        if last {
            if !self.compression.end_message() {
                return Err(Violation::Corrupt);
            }
            if !assembly.may_end() {
                return Err(Violation::TextNotUtf8);
            }
            self.counters.compressed_in = self.counters.compressed_in.wrapping_add(1);
        }
        if self.config.delivery == Delivery::Streaming && (last || !piece.is_empty()) {
            let first = !core::mem::replace(&mut assembly.begun, true);
            let chunk = Chunk { kind: assembly.kind(), first, last, bytes: piece };
            if last {
                self.end_message();
            }
            return Ok(Step::Event(Event::Chunk(chunk)));
        }
        match self.assembly.take_if(|_| last) {
            Some(assembly) => {
                self.end_message();
                Ok(Step::Event(Event::Message(assembly.finish())))
            }
            None => Ok(Step::On),
        }
    }
}
