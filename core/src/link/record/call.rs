//! The calls that a recording is made of.

use super::blocks::{put, put_bytes, take, take_bytes};
use crate::base::{End, Kind};
use crate::http::Response;
use crate::ws::handshake::Acceptance;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What was done with a machine, or came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::link) enum Call {
    /// Bytes came, behind those that are not taken.
    Came(Vec<u8>),
    /// It was asked for an event, over so many of the bytes that came; its outcome is the event.
    Receive {
        offered: usize,
        consumed: usize,
    },
    Ended(End),
    Timeout,
    /// The calendar time, in milliseconds.
    Wall(u64),
    /// Its output was looked at.
    Looked,
    Taken {
        n: usize,
        sum: u32,
    },
    Sealed {
        n: usize,
        sum: u32,
    },
    Credited {
        wire: usize,
        plain: usize,
    },
    Accept(Acceptance),
    Respond(Response),
    Send(Sending, Kind, Vec<u8>),
    Close(u16, String),
    /// The program failed, or did not want it: it ends with this code.
    Fail(u16),
    Abort,
    Overload,
    Pause,
    Resume,
    /// Whether answers are owed.
    Owe(bool),
    /// Nothing more was recorded: it would have been too much.
    Cut,
}

/// How a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum Sending {
    Message,
    Bytes,
    Prepared,
    /// Prepared, and compressed for those who inflate.
    Compressed,
}

const ENDS: [End; 8] = [
    End::Eof,
    End::Reset,
    End::TimedOut,
    End::ReadFailed,
    End::WriteFailed,
    End::Truncated,
    End::TlsFailed,
    End::Dropped,
];

const SENDINGS: [Sending; 4] = [Sending::Message, Sending::Bytes, Sending::Prepared, Sending::Compressed];

impl Call {
    /// What it is called where a difference is named.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Came(_) => "bytes that came",
            Self::Receive { .. } => "receive",
            Self::Ended(_) => "end of stream",
            Self::Timeout => "timeout",
            Self::Wall(_) => "calendar time",
            Self::Looked => "a look at the output",
            Self::Taken { .. } | Self::Sealed { .. } | Self::Credited { .. } => "output",
            Self::Accept(_) => "accept",
            Self::Respond(_) => "respond",
            Self::Send(..) => "send",
            Self::Close(..) => "close",
            Self::Fail(_) => "fail",
            Self::Abort | Self::Overload => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Owe(_) => "owe",
            Self::Cut => "the end of what was recorded",
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut numbers = |tag: u8, numbers: &[u64]| {
            out.push(tag);
            numbers.iter().for_each(|number| put(out, *number));
        };
        match self {
            Self::Receive { offered, consumed } => numbers(2, &[*offered as u64, *consumed as u64]),
            Self::Ended(end) => numbers(3, &[place(&ENDS, end)]),
            Self::Timeout => numbers(4, &[]),
            Self::Wall(millis) => numbers(5, &[*millis]),
            Self::Looked => numbers(6, &[]),
            Self::Taken { n, sum } => numbers(7, &[*n as u64, u64::from(*sum)]),
            Self::Sealed { n, sum } => numbers(8, &[*n as u64, u64::from(*sum)]),
            Self::Credited { wire, plain } => numbers(9, &[*wire as u64, *plain as u64]),
            Self::Fail(code) => numbers(14, &[u64::from(*code)]),
            Self::Abort => numbers(15, &[]),
            Self::Overload => numbers(16, &[]),
            Self::Pause => numbers(17, &[]),
            Self::Resume => numbers(18, &[]),
            Self::Owe(owes) => numbers(20, &[u64::from(*owes)]),
            Self::Cut => numbers(19, &[]),
            Self::Came(bytes) => {
                out.push(1);
                put_bytes(out, bytes);
            }
            Self::Accept(acceptance) => {
                out.push(10);
                let (subprotocol, headers) = acceptance.parts();
                out.push(u8::from(subprotocol.is_some()));
                put_bytes(out, subprotocol.unwrap_or_default().as_bytes());
                put_fields(out, headers.iter().map(|(name, value)| (&**name, &**value)));
            }
            Self::Respond(response) => {
                out.push(11);
                put(out, u64::from(response.status()));
                out.push(u8::from(response.closes()));
                put_fields(out, response.fields());
                put_bytes(out, response.content());
            }
            Self::Send(sending, kind, payload) => {
                out.push(12);
                put(out, place(&SENDINGS, sending));
                put(out, number_of(*kind));
                put_bytes(out, payload);
            }
            Self::Close(code, reason) => {
                out.push(13);
                put(out, u64::from(*code));
                put_bytes(out, reason.as_bytes());
            }
        }
    }

    /// Takes a call; `None` if there is none.
    pub(super) fn decode(from: &mut &[u8]) -> Option<Self> {
        let (tag, rest) = from.split_first()?;
        *from = rest;
        Some(match tag {
            1 => Self::Came(take_bytes(from)?.to_vec()),
            2 => Self::Receive { offered: size(from)?, consumed: size(from)? },
            3 => Self::Ended(*ENDS.get(size(from)?)?),
            4 => Self::Timeout,
            5 => Self::Wall(take(from)?),
            6 => Self::Looked,
            7 => Self::Taken { n: size(from)?, sum: narrow(from)? },
            8 => Self::Sealed { n: size(from)?, sum: narrow(from)? },
            9 => Self::Credited { wire: size(from)?, plain: size(from)? },
            10 => {
                let has_subprotocol = take(from)? == 1;
                let subprotocol = text(from)?;
                let mut acceptance = Acceptance::default();
                if has_subprotocol {
                    acceptance = acceptance.subprotocol(subprotocol);
                }
                let fields = take_fields(from)?.into_iter();
                Self::Accept(
                    fields.fold(acceptance, |acceptance, (name, value)| acceptance.header(name, value)),
                )
            }
            11 => {
                let (mut response, closes) = (Response::new(narrow(from)?), take(from)? == 1);
                for (name, value) in take_fields(from)? {
                    response = response.with(name, value);
                }
                response = response.body(take_bytes(from)?.to_vec());
                Self::Respond(if closes { response.closing() } else { response })
            }
            12 => {
                let sending = *SENDINGS.get(size(from)?)?;
                let kind = match take(from)? {
                    0 => Kind::Text,
                    1 => Kind::Binary,
                    tag => Kind::Typed(u8::try_from(tag - 2).ok()?),
                };
                Self::Send(sending, kind, take_bytes(from)?.to_vec())
            }
            13 => Self::Close(narrow(from)?, text(from)?),
            14 => Self::Fail(narrow(from)?),
            15 => Self::Abort,
            16 => Self::Overload,
            17 => Self::Pause,
            18 => Self::Resume,
            19 => Self::Cut,
            20 => Self::Owe(size(from)? != 0),
            _ => return None,
        })
    }
}

fn place<T: PartialEq>(all: &[T], one: &T) -> u64 {
    // One that is new counts as the last.
    all.iter().position(|other| other == one).unwrap_or(all.len() - 1) as u64
}

fn number_of(kind: Kind) -> u64 {
    match kind {
        Kind::Text => 0,
        Kind::Binary => 1,
        Kind::Typed(tag) => 2 + u64::from(tag),
    }
}

fn put_fields<'f>(out: &mut Vec<u8>, fields: impl Iterator<Item = (&'f str, &'f str)>) {
    let fields: Vec<_> = fields.collect();
    put(out, fields.len() as u64);
    for (name, value) in fields {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

fn take_fields(from: &mut &[u8]) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    for _ in 0..take(from)? {
        fields.push((text(from)?, text(from)?));
    }
    Some(fields)
}

fn size(from: &mut &[u8]) -> Option<usize> {
    usize::try_from(take(from)?).ok()
}

fn narrow<T: TryFrom<u64>>(from: &mut &[u8]) -> Option<T> {
    T::try_from(take(from)?).ok()
}

fn text(from: &mut &[u8]) -> Option<String> {
    Some(core::str::from_utf8(take_bytes(from)?).ok()?.to_string())
}
