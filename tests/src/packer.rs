//! Compression on the tests' own account: straight calls of the library, the whole message at a time.

use wharf::sim::Dice;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// What a sync flush ends with, and a message on the wire leaves out.
pub const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A peer's compressor.
pub struct Packer {
    stream: Deflate,
    takeover: bool,
}

impl Packer {
    /// One of any level and window, which takes over its context or not.
    pub fn any(dice: &mut Dice<'_>, takeover: bool) -> Self {
        Self { stream: Deflate::new(dice.between(0, 9) as i32, false, dice.between(9, 15) as u8), takeover }
    }

    /// A message as it goes on the wire.
    ///
    /// # Panics
    /// If the library fails.
    pub fn pack(&mut self, payload: &[u8]) -> Vec<u8> {
        if payload.is_empty() {
            return vec![0];
        }
        let mut out = vec![0; payload.len() + payload.len() / 4 + 100];
        let before = self.stream.total_out();
        let status = self.stream.compress(payload, &mut out, DeflateFlush::SyncFlush);
        assert_eq!(status, Ok(Status::Ok));
        out.truncate((self.stream.total_out() - before) as usize);
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        if !self.takeover {
            self.stream.reset();
        }
        out
    }
}

/// What one message inflates to.
#[derive(Debug)]
pub struct Unpacked {
    /// The bytes, up to one more than there may be.
    pub bytes: Vec<u8>,
    /// What follows them cannot be inflated, or the message stops short.
    pub corrupt: bool,
}

/// Inflates `message`, or as much of it as has come, to at most `room` bytes and one: in the light of the messages `before`
/// it, or alone, when it can be told whether it stops short.
#[must_use]
pub fn unpack(before: Option<&[Vec<u8>]>, message: &[u8], whole: bool, room: usize) -> Unpacked {
    let (mut stream, mut fresh) = (Inflate::new(false, 15), true);
    for message in before.unwrap_or_default() {
        feed(&mut stream, &mut fresh, message, usize::MAX);
        end(&mut stream, &mut fresh, message, usize::MAX);
    }
    let (mut bytes, mut corrupt) = feed(&mut stream, &mut fresh, message, room);
    if whole && !corrupt {
        let (rest, bad) = end(&mut stream, &mut fresh, message, room.saturating_sub(bytes.len()));
        bytes.extend(rest);
        corrupt = bad || bytes.len() <= room && before.is_none() && !fresh && !is_at_an_end(&mut stream);
    }
    bytes.truncate(room.saturating_add(1));
    Unpacked { bytes, corrupt }
}

/// Whether a last and empty block can follow.
fn is_at_an_end(stream: &mut Inflate) -> bool {
    let before = stream.total_out();
    let status = stream.decompress(&[3, 0], &mut [0; 9], InflateFlush::SyncFlush);
    status == Ok(Status::StreamEnd) && stream.total_out() == before
}

fn end(stream: &mut Inflate, fresh: &mut bool, message: &[u8], room: usize) -> (Vec<u8>, bool) {
    if message.is_empty() || *fresh { (vec![], false) } else { feed(stream, fresh, &TAIL, room) }
}

fn feed(stream: &mut Inflate, fresh: &mut bool, mut input: &[u8], room: usize) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let mut out = vec![0; 1 << 16];
    loop {
        let (i, o) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(input, &mut out, InflateFlush::SyncFlush);
        let (taken, written) = ((stream.total_in() - i) as usize, (stream.total_out() - o) as usize);
        *fresh &= taken == 0;
        input = &input[taken..];
        if room < usize::MAX {
            all.extend_from_slice(&out[..written]);
        }
        match status {
            Err(_) => return (all, true),
            Ok(Status::StreamEnd) => {
                stream.reset(false);
                *fresh = true;
            }
            Ok(_) => {}
        }
        let more = written == out.len() || status == Ok(Status::StreamEnd) && !input.is_empty();
        if !more || all.len() > room && room < usize::MAX {
            return (all, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        for takeover in [false, true] {
            let mut dice = Dice::seeded(7);
            let mut packer = Packer::any(&mut dice, takeover);
            let mut before = Vec::new();
            for len in [0, 10, 3000, 0, 70_000] {
                let payload = dice.bytes(len / 10).repeat(10);
                let packed = packer.pack(&payload);
                let unpacked = unpack(takeover.then_some(&before), &packed, true, 100_000);
                assert!(unpacked.bytes == payload && !unpacked.corrupt);
                if takeover {
                    before.push(packed);
                }
            }
        }
        assert!(unpack(None, &[7], true, 9).corrupt);
        assert_eq!(unpack(None, &[0x4b, 0x84, 0], true, 5).bytes.len(), 6, "one more than there is room");
    }
}
