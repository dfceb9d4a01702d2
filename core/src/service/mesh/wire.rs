//! The frames of a mesh. All numbers are big-endian; a text is its length in two bytes and UTF-8.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | `WM` |
//! | 1 | version of the format: 1 |
//! | 1 | kind |
//! | 16 | the node that says it |
//!
//! Behind that, by kind, to the end of the frame:
//!
//! | kind | on | what |
//! |---|---|---|
//! | 1 message | `all`, a group | sequence 8; payload |
//! | 2 step in | `all`, a group | last sequence 8, version before 8, version 8; name (text), about (length 2, bytes): the member is in, with that told about it |
//! | 3 step out | `all`, a group | last sequence 8, version before 8, version 8; name (text): the member is out |
//! | 4 roll | `all`, a group | last sequence 8, version 8, part 2 (from 0), parts 2; for each member name (text), about (length 2, bytes) |
//! | 5 ask | `all`, a group | for each node that is asked 16; none: all are asked |
//! | 6 page | `nodes` | clock 8, flags 1 (1: greets), after (text), up to (text); for each subject path (text), last sequence 8, version 8, members 4 |
//! | 7 goodbye | `nodes` | nothing |
//!
//! A node counts the changes of all its rolls; the *version* of a roll is that count at its last change, and the *clock* of a page is
//! the count as it stood then. So of two things that a node said about a roll it is plain which is the newer, whatever came first.
//! The version before a step is 0 if the roll was empty. A page tells of all subjects of which there is something to tell and whose
//! path is greater than *after* and not greater than *up to*; nothing stands there for the first and beyond the last.
//! Sequences and versions are below 2^62.

use super::NodeId;
use alloc::vec::Vec;
use bytes::Bytes;

#[cfg(test)]
mod tests;

/// What every frame begins with.
const MAGIC: [u8; 2] = *b"WM";
const VERSION: u8 = 1;
/// Where the part behind the origin begins.
const HEAD: usize = 20;
/// Bytes of a message besides its payload.
pub(super) const MESSAGE_OVERHEAD: usize = HEAD + 8;
/// What a sequence and a version are below of: so many no node comes to, and nothing overflows.
const END: u64 = 1 << 62;

const MESSAGE: u8 = 1;
const STEP_IN: u8 = 2;
const STEP_OUT: u8 = 3;
const ROLL: u8 = 4;
const ASK: u8 = 5;
const PAGE: u8 = 6;
const GOODBYE: u8 = 7;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame<'b> {
    Message {
        sequence: u64,
        payload: Bytes,
    },
    Step(Step<'b>),
    Roll(Part<'b>),
    /// Empty: all are asked.
    Ask(Vec<NodeId>),
    Page(Page<'b>),
    Goodbye,
}

/// One change of a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step<'b> {
    pub(super) last: u64,
    pub(super) before: u64,
    pub(super) version: u64,
    pub(super) member: &'b str,
    /// `None`: it is out.
    pub(super) about: Option<&'b [u8]>,
}

/// A part of a roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) last: u64,
    pub(super) version: u64,
    pub(super) part: u16,
    pub(super) parts: u16,
    pub(super) members: Vec<(&'b str, &'b [u8])>,
}

/// A page of a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page<'b> {
    pub(super) clock: u64,
    /// The others are to tell what they have, soon.
    pub(super) greets: bool,
    pub(super) after: &'b str,
    pub(super) upto: &'b str,
    pub(super) entries: Vec<Entry<'b>>,
}

/// What a page tells of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'b> {
    pub(super) subject: &'b str,
    pub(super) last: u64,
    pub(super) version: u64,
    pub(super) members: u32,
}

impl Entry<'_> {
    /// Bytes of it.
    pub(super) fn len(&self) -> usize {
        2 + self.subject.len() + 8 + 8 + 4
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Version,
    Other,
}

impl Frame<'_> {
    /// The frame, said by `origin`.
    pub(super) fn encode(&self, origin: NodeId) -> Bytes {
        let mut out = Vec::new();
        let kind = match self {
            Frame::Message { .. } => MESSAGE,
            Frame::Step(step) => {
                if step.about.is_some() {
                    STEP_IN
                } else {
                    STEP_OUT
                }
            }
            Frame::Roll(_) => ROLL,
            Frame::Ask(_) => ASK,
            Frame::Page(_) => PAGE,
            Frame::Goodbye => GOODBYE,
        };
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, kind]);
        out.extend_from_slice(origin.as_bytes());
        match self {
            Frame::Message { sequence, payload } => {
                out.extend_from_slice(&sequence.to_be_bytes());
                out.extend_from_slice(payload);
            }
            Frame::Step(step) => {
                [step.last, step.before, step.version]
                    .iter()
                    .for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
                put(&mut out, step.member.as_bytes());
                if let Some(about) = step.about {
                    put(&mut out, about);
                }
            }
            Frame::Roll(part) => {
                [part.last, part.version].iter().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
                [part.part, part.parts].iter().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
                for (name, about) in &part.members {
                    put(&mut out, name.as_bytes());
                    put(&mut out, about);
                }
            }
            Frame::Ask(nodes) => nodes.iter().for_each(|node| out.extend_from_slice(node.as_bytes())),
            Frame::Page(page) => {
                out.extend_from_slice(&page.clock.to_be_bytes());
                out.push(u8::from(page.greets));
                put(&mut out, page.after.as_bytes());
                put(&mut out, page.upto.as_bytes());
                for entry in &page.entries {
                    put(&mut out, entry.subject.as_bytes());
                    [entry.last, entry.version].iter().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
                    out.extend_from_slice(&entry.members.to_be_bytes());
                }
            }
            Frame::Goodbye => {}
        }
        out.into()
    }
}

/// Reads a frame, all of it or nothing: who says it, and what.
pub(super) fn decode(bytes: &Bytes) -> Result<(NodeId, Frame<'_>), Malformed> {
    let mut rest = Reader(bytes);
    let (magic, version) = (rest.array::<2>()?, rest.array::<1>()?[0]);
    if magic != MAGIC {
        return Err(Malformed::Other);
    }
    if version != VERSION {
        return Err(Malformed::Version);
    }
    let (kind, origin) = (rest.array::<1>()?[0], NodeId::from_bytes(rest.array()?));
    let frame = match kind {
        MESSAGE => match rest.number()? {
            0 => return Err(Malformed::Other),
            sequence => {
                return Ok((origin, Frame::Message { sequence, payload: bytes.slice(MESSAGE_OVERHEAD..) }));
            }
        },
        STEP_IN | STEP_OUT => Frame::Step(rest.step(kind == STEP_IN)?),
        ROLL => Frame::Roll(rest.part()?),
        ASK => {
            let mut nodes = Vec::new();
            while !rest.0.is_empty() {
                nodes.push(NodeId::from_bytes(rest.array()?));
            }
            Frame::Ask(nodes)
        }
        PAGE => Frame::Page(rest.page()?),
        GOODBYE => Frame::Goodbye,
        _ => return Err(Malformed::Other),
    };
    if rest.0.is_empty() { Ok((origin, frame)) } else { Err(Malformed::Other) }
}

/// What is left to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, n: usize) -> Result<&'b [u8], Malformed> {
        let (front, rest) = self.0.split_at_checked(n).ok_or(Malformed::Other)?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Other)
    }

    /// A sequence or a version.
    fn number(&mut self) -> Result<u64, Malformed> {
        Some(u64::from_be_bytes(self.array()?)).filter(|n| *n < END).ok_or(Malformed::Other)
    }

    fn short(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        let len = self.short()?;
        self.take(len.into())
    }

    fn text(&mut self) -> Result<&'b str, Malformed> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Malformed::Other)
    }

    fn name(&mut self) -> Result<&'b str, Malformed> {
        self.text().and_then(|name| if name.is_empty() { Err(Malformed::Other) } else { Ok(name) })
    }

    fn step(&mut self, is_in: bool) -> Result<Step<'b>, Malformed> {
        let (last, before, version) = (self.number()?, self.number()?, self.number()?);
        let member = self.name()?;
        let about = if is_in { Some(self.bytes()?) } else { None };
        // Nobody leaves an empty roll, and time goes forward.
        if before >= version || (before == 0 && !is_in) {
            return Err(Malformed::Other);
        }
        Ok(Step { last, before, version, member, about })
    }

    fn part(&mut self) -> Result<Part<'b>, Malformed> {
        let (last, version) = (self.number()?, self.number()?);
        let (part, parts) = (self.short()?, self.short()?);
        let mut members = Vec::new();
        while !self.0.is_empty() {
            members.push((self.name()?, self.bytes()?));
        }
        if part >= parts || version == 0 {
            Err(Malformed::Other)
        } else {
            Ok(Part { last, version, part, parts, members })
        }
    }

    fn page(&mut self) -> Result<Page<'b>, Malformed> {
        let (clock, [flags]) = (self.number()?, self.array()?);
        let (after, upto) = (self.text()?, self.text()?);
        let mut entries: Vec<Entry<'b>> = Vec::new();
        let mut before = after;
        while !self.0.is_empty() {
            let (subject, last, version) = (self.name()?, self.number()?, self.number()?);
            if subject <= before || (!upto.is_empty() && subject > upto) || version > clock {
                return Err(Malformed::Other);
            }
            entries.push(Entry { subject, last, version, members: u32::from_be_bytes(self.array()?) });
            before = subject;
        }
        if flags > 1 {
            Err(Malformed::Other)
        } else {
            Ok(Page { clock, greets: flags == 1, after, upto, entries })
        }
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Names, paths and what is told about members are held to less before.
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&bytes[..len.into()]);
}
