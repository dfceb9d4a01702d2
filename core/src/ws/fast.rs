//! The fast paths: a whole message in one frame, at rest.

use super::connection::Connection;
use super::gate::Gate;
use super::receive::Stage;
use super::send::REFERENCE;
use super::wire::{header, mask};
use super::{Config, Role};
use crate::base::utf8;
use crate::base::{Event, Input, Instant, Message, Violation};
use alloc::borrow::Cow;

impl Connection {
    /// Takes a message when nothing is out of the ordinary. The caller has seen the connection at rest; what comes begins with 0x81 or
    /// 0x82 and is masked
    /// as the role demands, a minimal 7- or 16-bit length within the limits, the whole payload here. `None` leaves
    /// all to the general path; only a text that is not UTF-8 is failed right here.
    #[inline]
    pub(super) fn receive_fast<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        debug_assert_eq!((self.stage, self.gate), (Stage::Rest, 0));
        let bytes = input.as_slice();
        let &[first, second, a, b, ..] = bytes else { return None };
        if first != 0x81 && first != 0x82 {
            return None;
        }
        let (short, masked) = (second & 0x7f, second & 0x80 != 0);
        if masked != (self.role == Role::Server) {
            return None;
        }
        let (len, mut size) = match short {
            127 => return None,
            126 => (usize::from(u16::from_be_bytes([a, b])), 4),
            short => (usize::from(short), 2),
        };
        if (short == 126 && len < 126) || len > self.config.max_frame || len > self.config.max_message {
            return None;
        }
        size += if masked { 4 } else { 0 };
        if bytes.len() < size + len {
            return None;
        }
        let now = self.clock.advance(now);
        self.liveness.last_read = now;
        self.counters.bytes_in += (size + len) as u64;
        let (header, payload) = input.take(size + len).split_at_mut(size);
        if masked {
            mask::apply(payload, [header[size - 4], header[size - 3], header[size - 2], header[size - 1]], 0);
        }
        let message = if first == 0x82 {
            Message::Binary(Cow::Borrowed(payload))
        } else if let Ok(text) = utf8::check(payload) {
            Message::Text(Cow::Borrowed(text))
        } else {
            self.violate(now, Violation::TextNotUtf8);
            return None;
        };
        self.counters.messages_in += 1;
        Some(Event::Message(message))
    }

    /// The most that may be queued, with the payload of the message, for [`send_fast`](Self::send_fast): its frame stays
    /// below the high mark. None where messages are cut into small fragments.
    pub(super) fn fast_room(config: &Config) -> u32 {
        if config.fragment_size() < REFERENCE {
            return 0;
        }
        u32::try_from(config.high_mark.saturating_sub(header::MAX_LEN)).unwrap_or(u32::MAX)
    }

    /// Frames a copy of a message when nothing is out of the ordinary: the connection open, the message small and
    /// not to be compressed, room for it below the high mark. `false` leaves all to the general path.
    #[inline(always)]
    pub(super) fn send_fast(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let (first, payload) = match message {
            Message::Text(text) => (0x81, text.as_bytes()),
            Message::Binary(payload) => (0x82, &**payload),
            Message::Typed(..) => return false,
        };
        let len = payload.len();
        let Some(queued) = self.fast_queued(len) else { return false };
        let now = self.accept_fast(now);
        if self.role == Role::Client {
            self.cork_masked(now, queued, first, payload);
            return true;
        }
        let cork = self.outbox.cork_behind(now, queued, len + 4);
        if len < 126 {
            cork.extend_from_slice(&[first, len as u8]);
        } else {
            let [a, b] = (len as u16).to_be_bytes();
            cork.extend_from_slice(&[first, 126, a, b]);
        }
        cork.extend_from_slice(payload);
        true
    }

    /// The same for the frame of a message that a server framed before.
    #[inline]
    pub(super) fn send_framed_fast(&mut self, now: Instant, frame: &[u8]) -> bool {
        let Some(queued) = self.fast_queued(frame.len()) else { return false };
        let now = self.accept_fast(now);
        self.outbox.cork_behind(now, queued, frame.len()).extend_from_slice(frame);
        true
    }

    /// How much is queued, if a message of `len` bytes can go behind it at once.
    #[inline(always)]
    fn fast_queued(&self, len: usize) -> Option<usize> {
        let queued = self.outbox.len();
        let open = self.gate & Gate::SHUT_OUT == 0;
        (open && len < REFERENCE && queued + len < self.fast_room as usize).then_some(queued)
    }

    #[inline(always)]
    fn accept_fast(&mut self, now: Instant) -> Instant {
        let now = self.clock.advance(now);
        self.counters.messages_out += 1;
        self.arm_write_stall(now);
        self.outbox.mark_boundary();
        now
    }

    /// A client's frame, whose length fits into 16 bits.
    #[inline(always)]
    fn cork_masked(&mut self, now: Instant, queued: usize, first: u8, payload: &[u8]) {
        let key @ [k, l, m, n] = self.draw_mask();
        let cork = self.outbox.cork_behind(now, queued, payload.len() + 8);
        if payload.len() < 126 {
            cork.extend_from_slice(&[first, 0x80 | payload.len() as u8, k, l, m, n]);
        } else {
            let [a, b] = (payload.len() as u16).to_be_bytes();
            cork.extend_from_slice(&[first, 0x80 | 126, a, b, k, l, m, n]);
        }
        mask::append(cork, payload, key);
    }
}
