//! The general path: headers in pieces, fragments, control frames in between, everything that is not at rest.

use super::assembly::Assembly;
use super::connection::Connection;
use super::gate::Gate;
use super::wire::header::{self, Decoded, Header, Opcode};
use super::wire::mask;
use super::{Config, Delivery};
use crate::base::utf8;
use crate::base::{Chunk, End, Event, Input, Instant, Kind, Message, Violation};
use alloc::borrow::Cow;

/// Where in the stream of frames the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Between messages, with no byte of a header: the only stage of the fast path.
    Rest,
    /// In a header, or between the fragments of a message.
    Header,
    /// In the payload of a data frame.
    Payload,
    /// In the payload of a control frame.
    Control,
}

/// The data frame whose payload is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub(super) remaining: usize,
    pub(super) mask: [u8; 4],
    pub(super) masked: bool,
    /// Bytes of its payload that have come, as far as the mask cares.
    pub(super) phase: u8,
    pub(super) fin: bool,
}

impl Frame {
    /// The mask of the next `n` bytes of the payload, and how far into it they begin.
    fn advance_mask(&mut self, n: usize) -> Option<([u8; 4], usize)> {
        let phase = usize::from(self.phase);
        self.phase = (phase + n) as u8 & 3;
        self.masked.then_some((self.mask, phase))
    }
}

impl Connection {
    /// Whether nothing has come of a message that is not whole.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.stage == Stage::Rest
    }

    /// Whether nothing is handed up while nothing comes.
    #[inline]
    pub(crate) fn is_silent(&self) -> bool {
        self.gate == 0 && self.stage == Stage::Rest
    }

    pub(super) fn receive_any<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        let now = self.settle(now);
        let before = input.len();
        if before > 0 {
            self.liveness.last_read = now;
        }
        let event = self.next_event(now, input);
        self.counters.bytes_in += (before - input.len()) as u64;
        event
    }

    fn next_event<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        loop {
            if let Some(event) = self.pending_event() {
                return Some(event);
            }
            if !self.closing.is_receiving() {
                // RFC 6455 7.1.7: "An endpoint MUST NOT continue to attempt to process data"
                let discarded = input.take_all().len();
                self.counters.bytes_discarded =
                    self.counters.bytes_discarded.saturating_add(discarded as u32);
                return None;
            }
            if self.is_paused() {
                return None;
            }
            let step = match self.stage {
                Stage::Rest | Stage::Header => self.read_header(input),
                Stage::Payload => self.read_payload(input),
                Stage::Control => self.read_control(now, input),
            };
            match step {
                Ok(Step::Event(event)) => return Some(event),
                Ok(Step::On) => {}
                Ok(Step::More) if self.gate & Gate::ENDED != 0 => self.handle_end(End::Eof),
                Ok(Step::More) => return None,
                Err(violation) => self.violate(now, violation),
            }
        }
    }

    /// Whether a message whose bytes are all here has more to hand up: it comes in pieces, and a program may pause
    /// between two of them.
    pub(super) fn is_inflating(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.stage == Stage::Payload
            && self.assembly.as_ref().is_some_and(|assembly| match &assembly.deflated {
                // With nothing left to come of a fragment its header would be the next.
                Some(progress) => progress.is_full() || self.frame.remaining == 0,
                None => false,
            });
        #[cfg(not(feature = "deflate"))]
        false
    }

    fn pending_event(&mut self) -> Option<Event<'static>> {
        if self.gate & Gate::DRAINED != 0 {
            self.gate &= !Gate::DRAINED;
            return Some(Event::Drained);
        }
        self.report.take().map(Event::Closed)
    }

    /// Reads a header, in place when it is whole.
    fn read_header<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        let held = usize::from(self.partial_len);
        if held == 0 {
            // RFC 6455 6.2: "Incoming data MUST be parsed as WebSocket frames"
            if let Decoded::Header(header, size) = self.decode(input.as_slice())? {
                input.take(size);
                return self.begin_frame(header, input);
            }
            if input.is_empty() {
                return Ok(Step::More);
            }
        }
        self.read_cut_header(input)
    }

    /// Gathers a header that a read has cut, checking what is there with every byte that helps.
    fn read_cut_header<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        loop {
            let held = usize::from(self.partial_len);
            match self.decode(&self.partial[..held])? {
                Decoded::Header(header, _) => {
                    self.partial_len = 0;
                    return self.begin_frame(header, input);
                }
                Decoded::Partial(_, len) => {
                    self.stage = Stage::Header;
                    if let Some((opcode, len)) =
                        len.and_then(|len| Some((Opcode::from_bits(self.partial[0] & 0x0f)?, len)))
                        && !opcode.is_control()
                    {
                        self.check_data(opcode, self.partial[0] & header::RSV1 != 0, len)?;
                    }
                    let piece = input.take(1);
                    if piece.is_empty() {
                        return Ok(Step::More);
                    }
                    self.partial[held] = piece[0];
                    self.partial_len += 1;
                }
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<Decoded, Violation> {
        header::decode_with(bytes, self.role.peer(), self.compresses())
    }

    /// Acts on a whole header; a message whose whole payload is here is handed up at once.
    fn begin_frame<'b>(&mut self, header: Header, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        self.frame = Frame {
            remaining: 0,
            mask: header.mask.unwrap_or_default(),
            masked: header.mask.is_some(),
            phase: 0,
            fin: header.fin,
        };
        // RFC 6455 5.4: "MUST be capable of handling control frames in the middle of a fragmented message"
        // RFC 6455 6.2: "the frame MUST be handled as defined by Section 5.5"
        if header.opcode.is_control() {
            self.frame.remaining = header.len as usize;
            self.begin_control(header.opcode);
            self.stage = Stage::Control;
            return Ok(Step::On);
        }
        self.check_data(header.opcode, header.compressed, header.len)?;
        let len = header.len as usize;
        let whole = header.fin
            && !header.compressed
            && input.len() >= len
            && self.config.delivery == Delivery::Messages;
        // RFC 6455 5.4: "Clients and servers MUST support receiving both fragmented and unfragmented messages"
        // RFC 6455 6.2: "the endpoint MUST note the /type/ of the data as defined by the opcode"
        if let Some(kind) = header.opcode.kind() {
            if whole {
                return self.lend_message(kind, len, input);
            }
            self.assembly = Some(Assembly::begin(kind));
        }
        let limit = self.config.max_fragments.max(1);
        let assembly = self.assembly.as_mut().ok_or(Violation::UnexpectedContinuation)?;
        #[cfg(feature = "deflate")]
        if header.compressed {
            // RFC 7692 6.2: "to receive a message in the form of an uncompressed message"
            assembly.deflated = Some(super::deflate::Progress::default());
        }
        if assembly.fragments >= limit {
            return Err(Violation::TooManyFragments { limit });
        }
        assembly.fragments += 1;
        self.frame.remaining = len;
        self.stage = Stage::Payload;
        Ok(Step::On)
    }

    /// A data frame's place is checked (RFC 6455 section 5.4), then the limits: on the header, before a byte is
    /// stored, over the sum of the fragments. The order is the same however the header is cut. A compressed message may
    /// be a little longer than what it holds; what it holds is limited when it is inflated.
    fn check_data(&self, opcode: Opcode, compressed: bool, len: u64) -> Result<(), Violation> {
        // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another"
        match (opcode.kind(), &self.assembly) {
            (None, None) => return Err(Violation::UnexpectedContinuation),
            (Some(_), Some(_)) => return Err(Violation::ExpectedContinuation),
            _ => {}
        }
        let Config { max_frame, max_message, .. } = *self.config;
        let taken = self.assembly.as_ref().and_then(|a| a.compressed()).or(compressed.then_some(0));
        let before = taken.unwrap_or(self.assembly.as_ref().map_or(0, |a| a.total)) as u64;
        let most = |limit: usize| if taken.is_some() { Config::compressed_len(limit) } else { limit as u64 };
        // RFC 6455 10.4: "MUST protect themselves against exceeding those limits"
        if len > most(max_frame) {
            return Err(Violation::FrameTooBig { limit: max_frame });
        }
        if len.saturating_add(before) > most(max_message) {
            return Err(Violation::MessageTooBig { limit: max_message });
        }
        Ok(())
    }

    fn lend_message<'b>(
        &mut self,
        kind: Kind,
        len: usize,
        input: &mut Input<'b>,
    ) -> Result<Step<'b>, Violation> {
        // RFC 6455 6.2: "A server MUST remove masking for data frames received from a client"
        let payload = input.take(len);
        self.unmask(payload);
        self.stage = Stage::Rest;
        let message = match kind {
            Kind::Text => {
                Message::Text(Cow::Borrowed(utf8::check(payload).map_err(|_| Violation::TextNotUtf8)?))
            }
            _ => Message::Binary(Cow::Borrowed(payload)),
        };
        self.counters.messages_in += 1;
        Ok(Step::Event(Event::Message(message)))
    }

    /// Reads payload of a data frame that is cut, or a fragment.
    fn read_payload<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        #[cfg(feature = "deflate")]
        if self.assembly.as_ref().is_some_and(|assembly| assembly.deflated.is_some()) {
            return self.read_deflated(input);
        }
        if self.frame.remaining > 0 && input.is_empty() {
            return Ok(Step::More);
        }
        let piece = input.take(self.frame.remaining);
        let streaming = self.config.delivery == Delivery::Streaming;
        let mask = self.frame.advance_mask(piece.len());
        self.frame.remaining -= piece.len();
        let Some(assembly) = &mut self.assembly else { return Err(Violation::UnexpectedContinuation) };
        if let (true, Some((key, phase))) = (streaming, mask) {
            mask::apply(piece, key, phase);
        }
        let ahead = self.frame.remaining;
        let pushed = match mask {
            _ if streaming => assembly.pass(piece),
            Some(mask) => assembly.push_masked(piece, mask, ahead, self.outbox.spares()),
            None => assembly.push(piece, ahead, self.outbox.spares()),
        };
        pushed.map_err(|_| Violation::TextNotUtf8)?;
        let ended = self.frame.remaining == 0;
        if ended {
            self.stage = Stage::Header;
        }
        let last = ended && self.frame.fin;
        // RFC 6455 5.6: "the whole message MUST contain valid UTF-8"
        // RFC 6455 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds"
        if last && !assembly.may_end() {
            return Err(Violation::TextNotUtf8);
        }
        if streaming && (last || !piece.is_empty()) {
            let first = !core::mem::replace(&mut assembly.begun, true);
            let chunk = Chunk { kind: assembly.kind(), first, last, bytes: (&*piece).into() };
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

    pub(super) fn end_message(&mut self) {
        // RFC 6455 6.2: "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message"
        self.assembly = None;
        self.stage = Stage::Rest;
        self.counters.messages_in += 1;
    }

    /// `n` bytes stand in the space that the message lent.
    pub(super) fn fill_space(&mut self, now: Instant, n: usize) {
        let Some(assembly) = &mut self.assembly else { return };
        let piece = assembly.fill_space(n, self.frame.remaining);
        if piece.is_empty() {
            return;
        }
        if let Some((key, phase)) = self.frame.advance_mask(piece.len()) {
            mask::apply(piece, key, phase);
        }
        self.frame.remaining -= piece.len();
        self.liveness.last_read = now;
        self.counters.bytes_in += piece.len() as u64;
    }

    pub(super) fn unmask(&mut self, piece: &mut [u8]) {
        if let Some((key, phase)) = self.frame.advance_mask(piece.len()) {
            mask::apply(piece, key, phase);
        }
    }
}

/// What a step of reading came to.
pub(super) enum Step<'b> {
    Event(Event<'b>),
    On,
    More,
}
