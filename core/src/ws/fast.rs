//! The fast path: a whole message in one frame, at rest.

use super::Role;
use super::connection::Connection;
use super::receive::Stage;
use super::wire::{mask, utf8};
use crate::base::{Event, Input, Instant, Message, Violation};
use alloc::borrow::Cow;

impl Connection {
    /// Takes a message when nothing is out of the ordinary: the connection at rest, first byte 0x81 or 0x82, masked
    /// as the role demands, a minimal 7- or 16-bit length within the limits, the whole payload here. `None` leaves
    /// all to the general path; only a text that is not UTF-8 is failed right here.
    #[inline]
    pub(super) fn receive_fast<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        if self.stage != Stage::Rest || self.gate != 0 {
            return None;
        }
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
        self.keepalive.last_read = now;
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
}
