//! Messages in, frames out.

use super::Role;
use super::connection::Connection;
use super::control::ControlPayload;
use super::gate::Gate;
use super::prepared::{Prepared, opcode};
use super::wire::header::{self, Opcode};
use super::wire::mask;
use crate::base::utf8;
use crate::base::{Accepted, CloseCode, Instant, Kind, Message, Progress, SendError};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

/// A payload from here on is referenced, a smaller one copied: a copy of this much costs less than another slice.
pub(super) const REFERENCE: usize = 16 * 1024;

/// A client's payload from here on is masked into a buffer of its own, which is written once and so is cheaper than a copy in
/// the cork that is masked there.
const BESIDE: usize = 32 * 1024;

/// Room that pongs, and pings of the keepalive, have of their own beside the queue's limit, in bytes.
pub(super) const PONG_RESERVE: u16 = 4096;

impl Connection {
    /// Sends a message that was framed once for many ([`Prepared`]).
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn send_prepared(&mut self, now: Instant, prepared: &Prepared) -> Result<Accepted, SendError> {
        if self.role == Role::Client {
            return self.send_checked(now, prepared);
        }
        if self.send_framed_fast(now, prepared.frames().as_slice()) {
            return Ok(Accepted::Queued);
        }
        let now = self.settle(now);
        self.admit(prepared.payload().len())?;
        #[cfg(not(feature = "deflate"))]
        let frames = prepared.frames();
        #[cfg(feature = "deflate")]
        let Some(frames) = self.choose_frames(now, prepared)? else { return Ok(self.accepted(now)) };
        if frames.len() < REFERENCE {
            self.outbox.mark_boundary();
            let cork = self.outbox.cork(now);
            for frame in frames.iter() {
                cork.extend_from_slice(&frame);
            }
        } else {
            for frame in frames.iter() {
                self.outbox.mark_boundary();
                self.outbox.push_shared(now, frame);
            }
        }
        Ok(self.accepted(now))
    }

    /// A client's way to send what was prepared: masked, so by itself, but the text is known to be UTF-8.
    fn send_checked(&mut self, now: Instant, prepared: &Prepared) -> Result<Accepted, SendError> {
        let now = self.settle(now);
        let first = opcode(prepared.kind())?;
        self.admit(prepared.payload().len())?;
        #[cfg(feature = "deflate")]
        if self.deflates(prepared.payload().len()) && self.queue_deflated(now, first, prepared.payload()) {
            return Ok(self.accepted(now));
        }
        self.copy_frames(now, first, prepared.payload());
        Ok(self.accepted(now))
    }

    /// Whether [`send`](crate::base::Engine::send) would take `message` at this moment, for those who must not lose it: asked
    /// first, the send that follows does not fail. A refusal counts as one.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn can_send(&mut self, now: Instant, message: &Message<'_>) -> Result<(), SendError> {
        self.settle(now);
        opcode(message.kind())?;
        self.admit(message.payload().len())
    }

    /// The general way of a message.
    pub(super) fn send_message(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        let now = self.settle(now);
        let len = message.payload().len();
        // RFC 6455 6.1: "an endpoint MUST perform the following steps"
        // RFC 6455 6.1: "The opcode (frame-opcode) of the first frame containing the data MUST be set"
        let first = opcode(message.kind())?;
        self.admit(len)?;
        #[cfg(feature = "deflate")]
        if self.deflates(len) && self.queue_deflated(now, first, message.payload()) {
            return Ok(self.accepted(now));
        }
        if len >= REFERENCE && !message.is_lent() {
            self.own_frames(now, first, message.into_vec());
        } else {
            // RFC 7692 6.1: "to send a message in the form of an uncompressed message"
            self.copy_frames(now, first, message.payload());
        }
        Ok(self.accepted(now))
    }

    pub(super) fn send_shared(
        &mut self,
        now: Instant,
        kind: Kind,
        payload: Bytes,
    ) -> Result<Accepted, SendError> {
        let first = opcode(kind)?;
        self.admit(payload.len())?;
        if kind == Kind::Text {
            utf8::check(&payload).map_err(|_| SendError::NotUtf8)?;
        }
        #[cfg(feature = "deflate")]
        if self.deflates(payload.len()) && self.queue_deflated(now, first, &payload) {
            return Ok(self.accepted(now));
        }
        if payload.len() >= REFERENCE {
            self.reference_frames(now, first, payload);
        } else {
            self.copy_frames(now, first, &payload);
        }
        Ok(self.accepted(now))
    }

    /// Whether a message of `len` bytes may be queued now. Whoever is refused for want of room is told by `Drained`
    /// when to try again, so there is room then: what would not fit behind the low mark is too big for ever.
    fn admit(&mut self, len: usize) -> Result<(), SendError> {
        // RFC 6455 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame"
        // RFC 6455 6.1: "The endpoint MUST ensure the WebSocket connection is in the OPEN state"
        if self.gate & Gate::NOT_OPEN != 0 {
            return Err(if self.closing.is_receiving() { SendError::Closing } else { SendError::Closed });
        }
        let framed = self.config.framed_len(len);
        let limit = self.config.queue_limit();
        if self.outbox.len() + framed <= limit {
            return Ok(());
        }
        self.counters.sends_refused = self.counters.sends_refused.wrapping_add(1);
        let limit = limit - self.config.low_mark();
        if framed > limit {
            return Err(SendError::TooBig { limit });
        }
        self.gate |= Gate::CONGESTED;
        Err(SendError::Full)
    }

    fn accepted(&mut self, now: Instant) -> Accepted {
        self.counters.messages_out += 1;
        self.arm_write_stall(now);
        if self.outbox.len() > self.config.high_mark {
            self.gate |= Gate::CONGESTED;
            return Accepted::Congested;
        }
        Accepted::Queued
    }

    /// Frames a copy of `payload`, in fragments where it is large.
    pub(super) fn copy_frames(&mut self, now: Instant, first: Opcode, payload: &[u8]) {
        let size = self.config.fragment_size();
        if payload.len() <= size {
            return self.copy_frame(now, true, first, payload);
        }
        // RFC 6455 5.4: "Message fragments MUST be delivered to the recipient in the order sent"
        // RFC 6455 5.4: "the type for all fragments in a message MUST be either text, binary"
        // RFC 6455 6.1: "The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1"
        let pieces = payload.len().div_ceil(size);
        for (i, piece) in payload.chunks(size).enumerate() {
            self.copy_frame(now, i + 1 == pieces, if i == 0 { first } else { Opcode::Continuation }, piece);
        }
    }

    fn copy_frame(&mut self, now: Instant, fin: bool, opcode: Opcode, payload: &[u8]) {
        self.outbox.mark_boundary();
        let mask = self.next_mask();
        if let Some(key) = mask.filter(|_| payload.len() >= BESIDE) {
            let mut masked = self.outbox.take_buffer(payload.len());
            mask::copy(&mut masked, payload, key, 0);
            header::encode(self.outbox.cork(now), fin, opcode, mask, payload.len());
            return self.outbox.push_own(now, masked);
        }
        let cork = self.outbox.cork(now);
        cork.reserve(payload.len() + header::MAX_LEN);
        // RFC 6455 6.1: "An endpoint MUST encapsulate the /data/ in a WebSocket frame"
        header::encode(cork, fin, opcode, mask, payload.len());
        match mask {
            Some(key) => mask::append(cork, payload, key),
            None => cork.extend_from_slice(payload),
        }
    }

    /// Frames a message's own buffer as it is. A client masks it in place.
    fn own_frames(&mut self, now: Instant, first: Opcode, mut payload: Vec<u8>) {
        if payload.len() > self.config.fragment_size() {
            return self.reference_frames(now, first, payload.into());
        }
        let key = self.next_mask();
        if let Some(key) = key {
            mask::apply(&mut payload, key, 0);
        }
        self.outbox.mark_boundary();
        header::encode(self.outbox.cork(now), true, first, key, payload.len());
        self.outbox.push_own(now, payload);
    }

    /// Frames `payload` by reference. A client masks it in place when nobody else holds it, else in a copy.
    pub(super) fn reference_frames(&mut self, now: Instant, first: Opcode, payload: Bytes) {
        let size = self.config.fragment_size();
        let pieces = payload.len().div_ceil(size);
        if self.role == Role::Server {
            for i in 0..pieces {
                let piece = payload.slice(i * size..payload.len().min((i + 1) * size));
                self.reference_frame(now, i, pieces, first, None, piece);
            }
            return;
        }
        let mut own = match payload.try_into_mut() {
            Ok(own) => own,
            Err(shared) => return self.copy_frames(now, first, &shared),
        };
        for i in 0..pieces {
            let mut piece = own.split_to(own.len().min(size));
            let key = self.draw_mask();
            mask::apply(&mut piece, key, 0);
            self.reference_frame(now, i, pieces, first, Some(key), piece.freeze());
        }
    }

    fn reference_frame(
        &mut self,
        now: Instant,
        i: usize,
        pieces: usize,
        first: Opcode,
        mask: Option<[u8; 4]>,
        piece: Bytes,
    ) {
        self.outbox.mark_boundary();
        let opcode = if i == 0 { first } else { Opcode::Continuation };
        header::encode(self.outbox.cork(now), i + 1 == pieces, opcode, mask, piece.len());
        self.outbox.push_shared(now, piece);
    }

    /// The key of the next frame: fresh and unpredictable for a client (RFC 6455 section 5.3), none for a server.
    fn next_mask(&mut self) -> Option<[u8; 4]> {
        // RFC 6455 5.1: "a client MUST mask all frames that it sends to the server"
        // RFC 6455 5.1: "A server MUST NOT mask any frames that it sends to the client"
        // RFC 6455 6.1: "If the data is being sent by the client, the frame(s) MUST be masked"
        (self.role == Role::Client).then(|| self.draw_mask())
    }

    #[inline]
    pub(super) fn draw_mask(&mut self) -> [u8; 4] {
        // RFC 6455 5.3: "the client MUST pick a fresh masking key from the set of allowed 32-bit values"
        // RFC 6455 10.3: "Clients MUST choose a new masking key for each frame"
        self.outbox.next_mask(&mut self.entropy)
    }

    /// Sends a ping now, whatever the idle deadline; its answer comes as [`Event::Pong`](crate::base::Event::Pong).
    /// Only the newest ping's answer is told. The pong deadline runs from now, or from the first one that is unanswered.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send); never `TooBig`.
    pub fn ping(&mut self, now: Instant) -> Result<(), SendError> {
        let now = self.settle(now);
        self.admit(0)?;
        let payload = self.next_ping(now);
        self.insert_control(now, Opcode::Ping, &payload);
        Ok(())
    }

    /// How far it has come: what became of a message, and whether the peer lives.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.outbox.progress_of(self.counters.bytes_in, self.closing.is_aborted())
    }

    /// The keepalive's ping. Without room for it the peer has much to read before it, and its deadline runs as well.
    pub(super) fn queue_ping(&mut self, now: Instant) {
        let payload = self.next_ping(now);
        if self.reserve_pong(payload.len()) {
            self.insert_control(now, Opcode::Ping, &payload);
        }
    }

    /// A ping goes out now; its payload.
    fn next_ping(&mut self, now: Instant) -> [u8; 4] {
        self.pings = self.pings.wrapping_add(1);
        self.liveness.ping(now, self.config.patience(), &mut self.deadlines);
        self.pings.to_be_bytes()
    }

    /// Answers a ping at the next frame boundary, also while our Close waits for the peer's. Behind the peer's no ping is
    /// heard, and no pong waits any more.
    pub(super) fn queue_pong(&mut self, now: Instant, payload: &[u8]) {
        // RFC 6455 5.5.2: "an endpoint MUST send a Pong frame in response, unless it already received a Close frame"
        if self.pong.is_some() || !self.reserve_pong(payload.len()) {
            self.gate |= Gate::PONG;
            if self.pong.replace(ControlPayload::new(payload)).is_some() {
                self.counters.pongs_dropped = self.counters.pongs_dropped.wrapping_add(1);
            }
            return;
        }
        self.insert_control(now, Opcode::Pong, payload);
    }

    /// Queues the pong that waited, once there is room.
    pub(super) fn flush_pong(&mut self, now: Instant) {
        if let Some(pong) = self.take_pong() {
            self.queue_pong(now, pong.as_slice());
        }
    }

    /// The pong that waits, which from here on does not.
    pub(super) fn take_pong(&mut self) -> Option<Box<ControlPayload>> {
        self.gate &= !Gate::PONG;
        self.pong.take()
    }

    fn reserve_pong(&mut self, len: usize) -> bool {
        if self.outbox.has_written_inserted() {
            self.pongs_used = 0;
        }
        let size = header::encoded_len(self.role == Role::Client, len) + len;
        let fits = self.pongs_used + size as u16 <= PONG_RESERVE;
        if fits {
            self.pongs_used += size as u16;
        }
        fits
    }

    /// Queues the Close frame, behind all that was accepted. 1005 stands for an empty body.
    pub(super) fn queue_close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        // RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer"
        let mut body = Vec::with_capacity(2 + reason.len());
        if code != CloseCode::NO_STATUS {
            body.extend_from_slice(&code.as_u16().to_be_bytes());
            body.extend_from_slice(reason.as_bytes());
        }
        // A pong that waits goes first, though its room is used up: there is one of it, as there is one Close.
        if let Some(pong) = self.take_pong() {
            self.insert_control(now, Opcode::Pong, pong.as_slice());
        }
        let frame = self.control_frame(Opcode::Close, &body);
        self.outbox.cork(now).extend_from_slice(&frame);
        self.arm_write_stall(now);
        self.close_sent = Some(code);
    }

    fn insert_control(&mut self, now: Instant, opcode: Opcode, payload: &[u8]) {
        let frame = self.control_frame(opcode, payload);
        self.outbox.insert_at_boundary(now, &frame);
        self.arm_write_stall(now);
    }

    fn control_frame(&mut self, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mask = self.next_mask();
        let mut frame = Vec::with_capacity(header::MAX_LEN + payload.len());
        // RFC 6455 5.4: "Control frames themselves MUST NOT be fragmented"
        header::encode(&mut frame, true, opcode, mask, payload.len());
        let from = frame.len();
        frame.extend_from_slice(payload);
        if let Some(key) = mask {
            mask::apply(&mut frame[from..], key, 0);
        }
        frame
    }
}
