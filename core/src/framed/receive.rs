//! Bytes in, messages out: headers in pieces, payloads whole or gathered.

use super::assembly::{Assembly, of_bytes};
use super::connection::{Connection, Gate};
use super::{Codec, Header, MAX_HEADER};
use crate::base::utf8::{self, NotUtf8};
use crate::base::{Event, Input, Instant, Kind, Message, Violation};
use alloc::borrow::Cow;

/// Where in the stream the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before a message, or in the part of its front that does not tell yet what it is.
    Header,
    /// In a message.
    Body,
}

/// The message that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    kind: Kind,
    shape: Shape,
    /// Bytes before the payload that are still to come.
    skip: usize,
    /// Bytes of the payload that are still to come; where a byte ends it, at most.
    remaining: usize,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Sized { trailer: u8 },
    Until { byte: u8, ends_at_eof: bool },
    Rest,
}

impl Default for Frame {
    fn default() -> Self {
        Self { kind: Kind::Binary, shape: Shape::Rest, skip: 0, remaining: 0 }
    }
}

impl Frame {
    /// What `header` says, within the limit of a message: on the header, before a byte is stored.
    fn new(header: Header, max_message: usize) -> Result<Self, Violation> {
        match header {
            Header::Payload { len, .. } if len > max_message => {
                Err(Violation::MessageTooBig { limit: max_message })
            }
            Header::Payload { trailer, .. } if trailer > MAX_HEADER => {
                Err(Violation::HeaderTooLong { limit: MAX_HEADER })
            }
            // It would come for ever.
            Header::Payload { skip: 0, len: 0, trailer: 0, .. } => {
                Err(Violation::Framing("a message of no bytes"))
            }
            Header::Payload { kind, skip, len, trailer } => {
                Ok(Self { kind, shape: Shape::Sized { trailer: trailer as u8 }, skip, remaining: len })
            }
            Header::Until { kind, skip, byte, trim, ends_at_eof } => {
                let remaining = max_message.saturating_add(trim);
                Ok(Self { kind, shape: Shape::Until { byte, ends_at_eof }, skip, remaining })
            }
            Header::Rest { kind } => {
                Ok(Self { kind, shape: Shape::Rest, skip: 0, remaining: max_message.max(1) })
            }
            Header::More(_) => Err(Violation::HeaderTooLong { limit: MAX_HEADER }),
        }
    }

    /// How the payload and what is behind it lie in `bytes`, if they are all there: their lengths.
    fn measure(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        match self.shape {
            Shape::Sized { trailer } => {
                let all = self.remaining.saturating_add(usize::from(trailer));
                (bytes.len() >= all).then_some((self.remaining, usize::from(trailer)))
            }
            Shape::Until { byte, .. } => {
                let within = &bytes[..bytes.len().min(self.remaining.saturating_add(1))];
                memchr::memchr(byte, within).map(|at| (at, 1))
            }
            Shape::Rest => Some((bytes.len().min(self.remaining), 0)),
        }
    }
}

/// What a step of reading came to.
enum Step<'b> {
    Message(Message<'b>),
    On,
    More,
}

impl<C: Codec> Connection<C> {
    pub(super) fn next_event<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        loop {
            if let Some(event) = self.pending_event() {
                return Some(event);
            }
            if !self.closing.is_receiving() {
                let discarded = input.take_all().len();
                self.counters.bytes_discarded =
                    self.counters.bytes_discarded.saturating_add(discarded as u32);
                return None;
            }
            if self.is_paused() {
                return None;
            }
            let step = match self.stage {
                Stage::Header => self.read_header(input),
                Stage::Body => self.read_body(input),
            };
            match step {
                Ok(Step::Message(message)) => {
                    if let Some(event) = self.hand_up(now, message) {
                        return Some(event);
                    }
                }
                Ok(Step::On) => {}
                Ok(Step::More) => return None,
                Err(violation) => self.violate(now, violation),
            }
        }
    }

    fn pending_event(&mut self) -> Option<Event<'static>> {
        if self.gate & Gate::DRAINED != 0 {
            self.gate &= !Gate::DRAINED;
            return Some(Event::Drained);
        }
        if let Some(last) = self.last.take() {
            self.counters.messages_in += 1;
            return Some(Event::Message(*last));
        }
        self.report.take().map(Event::Closed)
    }

    /// A message is an event, unless it is one of the keepalive.
    fn hand_up<'b>(&mut self, now: Instant, message: Message<'b>) -> Option<Event<'b>> {
        if let (Message::Typed(tag, payload), Some((ping, pong))) = (&message, self.keepalive_types()) {
            if *tag == ping {
                self.counters.pings_in = self.counters.pings_in.wrapping_add(1);
                self.queue_pong(now, pong, payload);
                return None;
            }
            if *tag == pong {
                let rtt = self.liveness.pong(now, self.config.patience(), &mut self.deadlines)?;
                return Some(Event::Pong { rtt });
            }
        }
        self.counters.messages_in += 1;
        Some(Event::Message(message))
    }

    /// Asks the codec what the next message is, about bytes in place where they tell it.
    fn read_header<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        if self.held_len == 0 {
            if input.is_empty() {
                return Ok(Step::More);
            }
            let seen = &input.as_slice()[..input.len().min(MAX_HEADER)];
            match self.codec.header(seen)? {
                Header::More(least) => drop(needed(least, seen.len())?),
                header => {
                    self.frame = Frame::new(header, self.config.max_message)?;
                    self.stage = Stage::Body;
                    return Ok(Step::On);
                }
            }
        }
        loop {
            let held = usize::from(self.held_len);
            let least = match held {
                0 => 1,
                _ => match self.codec.header(&self.held[..held])? {
                    Header::More(least) => needed(least, held)?,
                    header => return self.begin_held(header),
                },
            };
            let piece = input.take(least - held);
            if piece.is_empty() {
                return Ok(Step::More);
            }
            self.held[held..held + piece.len()].copy_from_slice(piece);
            self.held_len += piece.len() as u8;
        }
    }

    /// Begins a message whose front was held: what of it is payload is gathered.
    fn begin_held<'b>(&mut self, header: Header) -> Result<Step<'b>, Violation> {
        self.frame = Frame::new(header, self.config.max_message)?;
        self.stage = Stage::Body;
        let front = self.held;
        let front = &front[..usize::from(core::mem::take(&mut self.held_len))];
        let skip = self.frame.skip.min(front.len());
        self.frame.skip -= skip;
        let front = &front[skip..];
        if front.is_empty() {
            return Ok(Step::On);
        }
        let (used, message) = self.gather(front, self.frame.measure(front))?;
        let Some(message) = message else { return Ok(Step::On) };
        // The message was over before the end of what told that.
        let rest = &front[used..];
        self.held[..rest.len()].copy_from_slice(rest);
        self.held_len = rest.len() as u8;
        Ok(Step::Message(message))
    }

    fn read_body<'b>(&mut self, input: &mut Input<'b>) -> Result<Step<'b>, Violation> {
        self.frame.skip -= input.take(self.frame.skip).len();
        if self.frame.skip > 0 {
            return Ok(Step::More);
        }
        let measured = self.frame.measure(input.as_slice());
        if let Some((len, end)) = measured.filter(|_| self.assembly.is_none() && self.held_len == 0) {
            return self.lend_message(len, end, input);
        }
        let (used, message) = self.gather(input.as_slice(), measured)?;
        input.take(used);
        Ok(message.map_or(Step::More, Step::Message))
    }

    /// Hands up a message that lies whole in the input.
    fn lend_message<'b>(
        &mut self,
        len: usize,
        end: usize,
        input: &mut Input<'b>,
    ) -> Result<Step<'b>, Violation> {
        let kind = self.frame.kind;
        self.stage = Stage::Header;
        let (payload, end) = input.take(len + end).split_at_mut(len);
        let payload: &'b [u8] = payload;
        if kind == Kind::Text {
            let text = utf8::check(payload)?;
            let keep = self.keep(kind, payload, end)?;
            return Ok(Step::Message(Message::Text(Cow::Borrowed(text.get(..keep).ok_or(NotUtf8)?))));
        }
        let keep = self.keep(kind, payload, end)?;
        Ok(Step::Message(of_bytes(kind, Cow::Borrowed(&payload[..keep]))))
    }

    /// Takes what belongs to the message from the front of `bytes`, of which `measured` says where it ends; how many
    /// bytes that were, and the message once it is whole.
    fn gather(
        &mut self,
        bytes: &[u8],
        measured: Option<(usize, usize)>,
    ) -> Result<(usize, Option<Message<'static>>), Violation> {
        let len = measured.map_or(bytes.len(), |(len, _)| len).min(self.frame.remaining);
        if len > 0 {
            let kind = self.frame.kind;
            self.frame.remaining -= len;
            let ahead = self.sized_remaining();
            let assembly = self.assembly.get_or_insert_with(|| Assembly::begin(kind));
            assembly.push(&bytes[..len], ahead, self.outbox.spares())?;
        }
        match self.frame.shape {
            Shape::Sized { .. } if self.frame.remaining > 0 => Ok((len, None)),
            Shape::Sized { trailer } => self.gather_trailer(bytes, len, usize::from(trailer)),
            Shape::Until { byte, .. } if measured.is_some() => {
                Ok((len + 1, Some(self.finish_message(&[byte])?)))
            }
            Shape::Until { .. } if bytes.len() > len => {
                Err(Violation::MessageTooBig { limit: self.config.max_message })
            }
            Shape::Until { .. } => Ok((len, None)),
            Shape::Rest => Ok((len, Some(self.finish_message(&[])?))),
        }
    }

    /// The payload is whole and ends at `len` in `bytes`.
    fn gather_trailer(
        &mut self,
        bytes: &[u8],
        len: usize,
        trailer: usize,
    ) -> Result<(usize, Option<Message<'static>>), Violation> {
        let held = usize::from(self.held_len);
        let piece = &bytes[len..bytes.len().min(len + trailer - held)];
        self.held[held..held + piece.len()].copy_from_slice(piece);
        self.held_len += piece.len() as u8;
        let used = len + piece.len();
        if usize::from(self.held_len) < trailer {
            return Ok((used, None));
        }
        self.held_len = 0;
        let end = self.held;
        Ok((used, Some(self.finish_message(&end[..trailer])?)))
    }

    /// The message that was gathered, with `end` behind it.
    fn finish_message(&mut self, end: &[u8]) -> Result<Message<'static>, Violation> {
        self.stage = Stage::Header;
        let kind = self.frame.kind;
        let assembly = match self.assembly.take() {
            Some(assembly) => assembly,
            None => Assembly::begin(kind),
        };
        let keep = self.keep(kind, assembly.payload()?, end)?;
        Ok(assembly.finish(kind, keep)?)
    }

    /// How much of a whole payload the message is.
    fn keep(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
        let keep = self.codec.end(kind, payload, end)?.min(payload.len());
        let limit = self.config.max_message;
        if keep > limit && !matches!(self.frame.shape, Shape::Rest) {
            return Err(Violation::MessageTooBig { limit });
        }
        Ok(keep)
    }

    /// Whether the stream may end here.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.stage == Stage::Header && self.held_len == 0
    }

    /// The stream ended inside a message: the message, where that ends it.
    pub(super) fn finish_at_eof(&mut self) -> Result<Option<Message<'static>>, Violation> {
        let may_end = matches!(self.frame.shape, Shape::Until { ends_at_eof: true, .. });
        if self.stage != Stage::Body || !may_end || self.frame.skip > 0 {
            return Ok(None);
        }
        self.finish_message(&[]).map(Some)
    }

    /// Bytes of a payload of known length that are still to come.
    pub(super) fn sized_remaining(&self) -> usize {
        let sized = self.stage == Stage::Body && matches!(self.frame.shape, Shape::Sized { .. });
        if sized { self.frame.remaining } else { 0 }
    }

    /// `n` bytes stand in the space that the message lent.
    pub(super) fn fill_space(&mut self, now: Instant, n: usize) {
        let remaining = self.sized_remaining();
        let Some(assembly) = &mut self.assembly else { return };
        let n = assembly.fill_space(n.min(assembly.space_len(remaining)));
        if n > 0 {
            self.frame.remaining -= n;
            self.liveness.last_read = now;
            self.counters.bytes_in += n as u64;
        }
    }
}

/// How many bytes to show next, when `least` were asked for about `shown` of them.
fn needed(least: usize, shown: usize) -> Result<usize, Violation> {
    let least = least.max(shown + 1);
    if least > MAX_HEADER { Err(Violation::HeaderTooLong { limit: MAX_HEADER }) } else { Ok(least) }
}
