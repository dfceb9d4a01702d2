//! Messages in, bytes out.

use super::connection::{Connection, Gate};
use super::{Codec, Config, Keepalive};
use crate::base::{Accepted, Instant, Kind, Message, Progress, SendError, utf8};
use alloc::vec::Vec;
use bytes::Bytes;

/// A payload from here on is referenced, a smaller one copied: a copy of this much costs less than another slice.
const REFERENCE: usize = 16 * 1024;

impl<C: Codec> Connection<C> {
    /// Whether [`send`](crate::base::Engine::send) would take `message` at this moment, for those who must not lose it: asked
    /// first, the send that follows does not fail. A refusal counts as one.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn can_send(&mut self, now: Instant, message: &Message<'_>) -> Result<(), SendError> {
        self.settle(now);
        self.admit(message.kind(), message.payload().len())?;
        self.codec.encode_head(message.kind(), message.payload(), &mut Vec::new())
    }

    pub(super) fn send_message(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        let (kind, len) = (message.kind(), message.payload().len());
        self.admit(kind, len)?;
        if len >= REFERENCE && !message.is_lent() {
            self.reference(now, kind, &message.into_bytes())?;
        } else {
            self.copy(now, kind, message.payload())?;
        }
        Ok(self.accepted(now))
    }

    pub(super) fn send_shared(
        &mut self,
        now: Instant,
        kind: Kind,
        payload: &Bytes,
    ) -> Result<Accepted, SendError> {
        self.admit(kind, payload.len())?;
        if kind == Kind::Text {
            utf8::check(payload).map_err(|_| SendError::NotUtf8)?;
        }
        if payload.len() >= REFERENCE {
            self.reference(now, kind, payload)?;
        } else {
            self.copy(now, kind, payload)?;
        }
        Ok(self.accepted(now))
    }

    /// Whether a message of `len` bytes may be queued now. Whoever is refused for want of room is told by `Drained`
    /// when to try again, so there is room then: what would not fit behind the low mark is too big for ever.
    fn admit(&mut self, kind: Kind, len: usize) -> Result<(), SendError> {
        if !self.codec.accepts(kind) {
            return Err(SendError::UnsupportedKind(kind));
        }
        if self.gate & Gate::NOT_OPEN != 0 {
            return Err(if self.closing.is_receiving() { SendError::Closing } else { SendError::Closed });
        }
        let framed = Config::framed_len(len);
        let limit = self.config.queue_limit();
        if self.outbox.len().saturating_add(framed) <= limit {
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
        if !self.outbox.is_empty() {
            self.arm_write_stall(now);
        }
        if self.outbox.len() > self.config.high_mark {
            self.gate |= Gate::CONGESTED;
            return Accepted::Congested;
        }
        Accepted::Queued
    }

    /// Frames a copy of `payload`.
    fn copy(&mut self, now: Instant, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        self.head(now, kind, payload)?;
        let cork = self.outbox.cork(now);
        cork.extend_from_slice(payload);
        self.codec.encode_tail(kind, payload, cork);
        Ok(())
    }

    /// Frames `payload` by reference.
    fn reference(&mut self, now: Instant, kind: Kind, payload: &Bytes) -> Result<(), SendError> {
        self.head(now, kind, payload)?;
        self.outbox.push_shared(now, payload.clone());
        self.codec.encode_tail(kind, payload, self.outbox.cork(now));
        Ok(())
    }

    /// What stands before a payload; on an error, nothing.
    fn head(&mut self, now: Instant, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        self.outbox.mark_boundary();
        let cork = self.outbox.cork(now);
        let from = cork.len();
        self.codec.encode_head(kind, payload, cork).inspect_err(|_| cork.truncate(from))
    }

    /// The types of ping and pong, where the codec can write them.
    pub(super) fn keepalive_types(&self) -> Option<(u8, u8)> {
        let types = self.config.keepalive_types();
        types.filter(|(ping, pong)| [*ping, *pong].iter().all(|t| self.codec.accepts(Kind::Typed(*t))))
    }

    /// The keepalive's ping. Without room for it the peer has much to read before it, and its deadline runs as well.
    pub(super) fn queue_ping(&mut self, now: Instant) {
        let config = self.config.clone();
        if let Keepalive::Frames { ping, payload, .. } = &config.keepalive {
            self.liveness.ping(now, config.patience(), &mut self.deadlines);
            self.insert_control(now, *ping, payload);
        }
    }

    /// How far it has come: what became of a message, and whether the peer lives.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.outbox.progress_of(self.counters.bytes_in, self.closing.is_aborted())
    }

    /// Answers a ping at the next boundary between messages. Without room the answer is dropped, and the bytes that are
    /// in its way tell the peer as much. Once this side has closed nothing follows.
    pub(super) fn queue_pong(&mut self, now: Instant, tag: u8, payload: &[u8]) {
        if self.closing.is_open() && !self.insert_control(now, tag, payload) {
            self.counters.pongs_dropped = self.counters.pongs_dropped.wrapping_add(1);
        }
    }

    fn insert_control(&mut self, now: Instant, tag: u8, payload: &[u8]) -> bool {
        let (kind, len) = (Kind::Typed(tag), Config::framed_len(payload.len()));
        let mut frame = Vec::new();
        if self.outbox.len().saturating_add(len) > self.config.control_limit()
            || self.codec.encode_head(kind, payload, &mut frame).is_err()
        {
            return false;
        }
        frame.extend_from_slice(payload);
        self.codec.encode_tail(kind, payload, &mut frame);
        self.outbox.insert_at_boundary(now, &frame);
        self.arm_write_stall(now);
        true
    }
}
