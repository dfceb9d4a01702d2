//! A receiver of RFC 6455 as plain as can be: the whole byte stream in, what it says out. The engine's judge.

use crate::packer::{Unpacked, unpack};
use wharf::base::{CloseCode, Kind};
use wharf::ws::{Config, Role};

/// What a stream of frames says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Messages and control frames, in order.
    pub items: Vec<Item>,
    /// How it ends.
    pub verdict: Verdict,
    /// The payload so far of a message that did not end.
    pub tail: Vec<u8>,
}

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole message.
    Message(Kind, Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
}

/// How a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong so far.
    Open,
    /// A Close frame with this code (1005: none) and reason.
    Close(u16, String),
    /// A violation that this close code answers.
    Fail(u16),
}

/// Reads `bytes`, which a peer in the role `from` sent, under the limits of `config`. Where that compresses, compression was
/// agreed on, and the peer takes over its context if it may.
#[must_use]
pub fn read(bytes: &[u8], from: Role, config: &Config) -> Reading {
    let mut reading = Reading { items: vec![], verdict: Verdict::Open, tail: vec![] };
    let (mut rest, mut message, mut before) = (bytes, None, Vec::new());
    while let Some(step) = frame(rest, from, config, (&mut message, &mut before), &mut reading.items) {
        match step {
            Ok(len) => rest = &rest[len..],
            Err(verdict) => {
                reading.verdict = verdict;
                break;
            }
        }
    }
    reading.tail = message.map(|message| message.payload).unwrap_or_default();
    reading
}

struct Unfinished {
    kind: Kind,
    payload: Vec<u8>,
    fragments: u32,
    /// What came of it, if it is compressed.
    packed: Option<Vec<u8>>,
}

/// One frame: how long it was, or how the stream ends here; `None` when it is not all there.
fn frame(
    bytes: &[u8],
    from: Role,
    config: &Config,
    (message, before): (&mut Option<Unfinished>, &mut Vec<Vec<u8>>),
    items: &mut Vec<Item>,
) -> Option<Result<usize, Verdict>> {
    let fail = |code| Some(Err(Verdict::Fail(code)));
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (fin, opcode, masked, short) = (first & 0x80 != 0, first & 15, second & 0x80 != 0, second & 0x7f);
    let compressed = first & 0x40 != 0;
    if compressed && (config.deflate.is_none() || !matches!(opcode, 1 | 2)) {
        return fail(1002);
    }
    if first & 0x30 != 0 || matches!(opcode, 3..=7 | 11..) || masked != (from == Role::Client) {
        return fail(1002);
    }
    if opcode >= 8 && (!fin || short > 125) || short == 127 && bytes.get(2).is_some_and(|b| b & 0x80 != 0) {
        return fail(1002);
    }
    let (wide, least) = [(0, 0), (2, 126), (8, 65536)][usize::from(short.saturating_sub(125))];
    let number = |total, byte: &u8| total << 8 | u64::from(*byte);
    let len = if wide == 0 { u64::from(short) } else { bytes.get(2..2 + wide)?.iter().fold(0, number) };
    if len < least || opcode == 0 && message.is_none() || matches!(opcode, 1 | 2) && message.is_some() {
        return fail(1002);
    }
    let packed = compressed || message.as_ref().is_some_and(|m| m.packed.is_some());
    let sum = message.as_ref().map_or(0, |m| m.packed.as_ref().unwrap_or(&m.payload).len());
    let most = |limit: usize| if packed { (limit + limit / 4 + 64) as u64 } else { limit as u64 };
    if opcode < 8 && (len > most(config.max_frame) || len + sum as u64 > most(config.max_message)) {
        return fail(1009);
    }
    let head = 2 + wide + if masked { 4 } else { 0 };
    let key = bytes.get(2 + wide..head)?;
    let here = &bytes[head..bytes.len().min(head + len as usize)];
    let payload: Vec<u8> = here.iter().enumerate().map(|(i, b)| b ^ key.get(i % 4).unwrap_or(&0)).collect();
    let whole = here.len() as u64 == len;
    if opcode >= 8 {
        return if whole {
            control(opcode, payload, items).map_or_else(|v| Some(Err(v)), |()| Some(Ok(head + len as usize)))
        } else {
            None
        };
    }
    let unfinished = message.get_or_insert(Unfinished {
        kind: if opcode == 1 { Kind::Text } else { Kind::Binary },
        payload: vec![],
        fragments: 0,
        packed: compressed.then(Vec::new),
    });
    unfinished.fragments += 1;
    if unfinished.fragments > config.max_fragments {
        return fail(1008);
    }
    if let Err(code) = unfinished.gather(payload, whole && fin, before, config) {
        return fail(code);
    }
    if whole && fin {
        items.extend(message.take().map(|done| Item::Message(done.kind, done.payload)));
    }
    whole.then_some(Ok(head + len as usize))
}

impl Unfinished {
    /// More of the payload came; `ends`: all of it. An error is the code that answers it.
    fn gather(
        &mut self,
        payload: Vec<u8>,
        ends: bool,
        before: &mut Vec<Vec<u8>>,
        config: &Config,
    ) -> Result<(), u16> {
        let mut corrupt = false;
        match &mut self.packed {
            None => self.payload.extend(payload),
            Some(packed) => {
                packed.extend(payload);
                let takeover = config.deflate.is_some_and(|deflate| deflate.peer_takeover);
                let unpacked = unpack(takeover.then_some(before), packed, ends, config.max_message);
                Unpacked { bytes: self.payload, corrupt } = unpacked;
                if ends {
                    before.push(packed.clone());
                }
            }
        }
        let too_big = self.payload.len() > config.max_message;
        self.payload.truncate(config.max_message);
        let ends = ends && !too_big && !corrupt;
        let bad = std::str::from_utf8(&self.payload).err().is_some_and(|e| e.error_len().is_some() || ends);
        match () {
            () if self.kind == Kind::Text && bad => Err(1007),
            () if too_big => Err(1009),
            () if corrupt => Err(1007),
            () => Ok(()),
        }
    }
}

fn control(opcode: u8, payload: Vec<u8>, items: &mut Vec<Item>) -> Result<(), Verdict> {
    match (opcode, &payload[..]) {
        (9, _) => items.push(Item::Ping(payload)),
        (10, _) => items.push(Item::Pong(payload)),
        (_, []) => return Err(Verdict::Close(1005, String::new())),
        (_, [_]) => return Err(Verdict::Fail(1002)),
        (_, [a, b, reason @ ..]) => {
            let code = u16::from_be_bytes([*a, *b]);
            if !CloseCode::from(code).may_be_sent() {
                return Err(Verdict::Fail(1002));
            }
            let reason = std::str::from_utf8(reason).map_err(|_| Verdict::Fail(1007))?;
            return Err(Verdict::Close(code, reason.into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{first, frame};

    fn verdict(bytes: &[u8]) -> Verdict {
        read(bytes, Role::Server, &Config::default()).verdict
    }

    #[test]
    fn messages_and_control_frames() {
        let bytes = [
            frame(first::TEXT_BEGIN, b"a", None),
            frame(first::PING, b"p", None),
            frame(first::END, b"b", None),
            frame(first::CLOSE, b"\x03\xe8bye", None),
            frame(first::TEXT, b"late", None),
        ]
        .concat();
        let reading = read(&bytes, Role::Server, &Config::default());
        assert_eq!(reading.items, [Item::Ping(b"p".into()), Item::Message(Kind::Text, b"ab".into())]);
        assert_eq!(reading.verdict, Verdict::Close(1000, "bye".into()));
    }

    #[test]
    fn each_wrong_is_told() {
        for (bytes, code) in [
            (&b"\xc1\x00"[..], 1002),
            (b"\x83\x00", 1002),
            (b"\x81\x80", 1002),
            (b"\x09\x00", 1002),
            (b"\x89\x7e", 1002),
            (b"\x80\x00", 1002),
            (b"\x01\x00\x81\x00", 1002),
            (b"\x82\x7e\x00\x7d", 1002),
            (b"\x82\x7f\x80", 1002),
            (b"\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00", 1009),
            (b"\x81\x02\xff", 1007),
            (b"\x81\x01\xc3", 1007),
            (b"\x88\x01a", 1002),
            (b"\x88\x02\x03\xed", 1002),
            (b"\x88\x03\x03\xe8\xff", 1007),
        ] {
            assert_eq!(verdict(bytes), Verdict::Fail(code), "{bytes:x?}");
            assert_eq!(verdict(&bytes[..bytes.len() - 1]), Verdict::Open, "{bytes:x?} too early");
        }
    }
}
