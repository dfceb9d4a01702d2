//! Control frames (RFC 6455 section 5.5): ping, pong, close.

use super::connection::Connection;
use super::receive::{Stage, Step};
use super::wire::header::Opcode;
use crate::base::utf8;
use crate::base::{CloseCode, Event, Input, Instant, Violation};
use alloc::boxed::Box;
use core::time::Duration;

/// Up to 125 bytes, on the heap only while a control frame is cut by a read or a pong has to wait.
#[derive(Debug)]
pub(super) struct ControlPayload {
    bytes: [u8; 125],
    len: u8,
}

impl ControlPayload {
    pub(super) fn new(payload: &[u8]) -> Box<Self> {
        let mut this = Box::new(Self { bytes: [0; 125], len: 0 });
        this.push(payload);
        this
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn push(&mut self, piece: &[u8]) {
        let from = usize::from(self.len);
        let to = self.bytes.len().min(from + piece.len());
        self.bytes[from..to].copy_from_slice(&piece[..to - from]);
        self.len = to as u8;
    }
}

impl Connection {
    pub(super) fn begin_control(&mut self, opcode: Opcode) {
        // The opcode of a control frame in progress needs no field of its own: the header buffer is free meanwhile.
        self.partial[0] = opcode as u8;
    }

    pub(super) fn read_control<'b>(
        &mut self,
        now: Instant,
        input: &mut Input<'b>,
    ) -> Result<Step<'b>, Violation> {
        let piece = input.take(self.frame.remaining);
        self.unmask(piece);
        self.frame.remaining -= piece.len();
        if self.frame.remaining > 0 {
            match &mut self.control {
                Some(control) => control.push(piece),
                None => self.control = Some(ControlPayload::new(piece)),
            }
            return Ok(Step::More);
        }
        self.stage = if self.assembly.is_some() { Stage::Header } else { Stage::Rest };
        match self.control.take() {
            None => self.handle_control(now, piece),
            Some(mut control) => {
                control.push(piece);
                self.handle_control(now, control.as_slice())
            }
        }
    }

    fn handle_control<'b>(&mut self, now: Instant, payload: &[u8]) -> Result<Step<'b>, Violation> {
        const PING: u8 = Opcode::Ping as u8;
        const PONG: u8 = Opcode::Pong as u8;
        match self.partial[0] {
            PING => {
                self.counters.pings_in = self.counters.pings_in.wrapping_add(1);
                self.queue_pong(now, payload);
                Ok(Step::On)
            }
            PONG => Ok(match self.take_answer(now, payload) {
                Some(rtt) => Step::Event(Event::Pong { rtt }),
                None => Step::On,
            }),
            _ => {
                let (code, reason) = parse_close(payload)?;
                self.handle_peer_close(now, code, reason);
                Ok(Step::On)
            }
        }
    }

    /// The round trip if this pong answers the newest ping. One that nobody asked for is fine (RFC 6455 section 5.5.3).
    fn take_answer(&mut self, now: Instant, payload: &[u8]) -> Option<Duration> {
        if payload != self.pings.to_be_bytes() {
            return None;
        }
        self.liveness.pong(now, self.config.patience(), &mut self.deadlines)
    }
}

/// The code and reason of a Close frame (RFC 6455 section 5.5.1); 1005 for an empty body (section 7.1.5).
fn parse_close(payload: &[u8]) -> Result<(CloseCode, &str), Violation> {
    let (code, reason) = match payload {
        [] => return Ok((CloseCode::NO_STATUS, "")),
        [_] => return Err(Violation::CloseBody),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    if !CloseCode::from(code).may_be_sent() {
        return Err(Violation::CloseCode(code));
    }
    let reason = utf8::check(reason).map_err(|_| Violation::ReasonNotUtf8)?;
    Ok((code.into(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_bodies() {
        assert_eq!(parse_close(b""), Ok((CloseCode::NO_STATUS, "")));
        assert_eq!(parse_close(b"\x03\xe8bye"), Ok((CloseCode::NORMAL, "bye")));
        assert_eq!(parse_close(b"\x03"), Err(Violation::CloseBody));
        assert_eq!(parse_close(b"\x03\xed"), Err(Violation::CloseCode(1005)));
        assert_eq!(parse_close(b"\x03\xe8\xff"), Err(Violation::ReasonNotUtf8));
    }
}
