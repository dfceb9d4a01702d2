//! Seeded byte streams of a client: valid ones, and valid ones with wounds.

use crate::packer::Packer;
use crate::wire::{Length, close_body, first, frame, header};
use wharf::sim::Dice;

const WORDS: [&str; 8] = ["wharf ", "näher", "κόσμε", "€", "🦀", "\u{10ffff}", "\0", "\u{d7ff}\u{e000}"];

/// The frames of one valid stream, with messages of at most `limit` bytes.
pub fn valid(dice: &mut Dice<'_>, limit: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for _ in 0..dice.between(1, 8) {
        match dice.below(20) {
            0..3 => {
                let (kind, len) = (dice.pick(&[first::PING, first::PONG]), dice.pick(&[0, 1, 5, 125]));
                let payload = dice.bytes(len);
                frames.push(masked(dice, kind, &payload));
            }
            3..10 => {
                let payload = payload(dice, limit);
                fragments(dice, payload, 0, &mut frames);
            }
            _ => {
                let (text, payload) = payload(dice, limit);
                frames.push(masked(dice, if text { first::TEXT } else { first::BINARY }, &payload));
            }
        }
    }
    if dice.percent(30) {
        let reason: &[u8] = dice.pick(&[&b""[..], b"bye", "schön".as_bytes()]);
        let body = close_body(dice.pick(&[1000, 1001, 3000, 4999]), reason);
        let body = if dice.percent(10) { Vec::new() } else { body };
        frames.push(masked(dice, first::CLOSE, &body));
    }
    frames
}

/// The frames of one valid stream whose messages are compressed, most of them, and take over their context or not.
pub fn compressed(dice: &mut Dice<'_>, limit: usize, takeover: bool) -> Vec<Vec<u8>> {
    let (mut frames, mut packer) = (Vec::new(), Packer::any(dice, takeover));
    for _ in 0..dice.between(1, 8) {
        match dice.below(20) {
            0..2 => frames.extend(valid(dice, limit).into_iter().filter(|frame| frame[0] != first::CLOSE)),
            2..5 => {
                // A message a little too large, and a bomb.
                let payload = vec![b'a'; dice.pick(&[limit, limit + 1, 40 * limit])];
                fragments(dice, (true, packer.pack(&payload)), 0x40, &mut frames);
            }
            5..7 => {
                let bytes = dice.bytes(20);
                fragments(dice, (false, bytes), 0x40, &mut frames);
            }
            _ => {
                let (text, payload) = payload(dice, limit);
                fragments(dice, (text, packer.pack(&payload)), 0x40, &mut frames);
            }
        }
    }
    frames
}

/// A valid stream with up to three wounds: bits, bytes, slices, lengths, order.
pub fn wounded(dice: &mut Dice<'_>, limit: usize) -> Vec<u8> {
    let frames = valid(dice, limit);
    wound_all(dice, frames, limit)
}

/// As [`wounded`], of a stream of compressed messages.
pub fn wounded_compressed(dice: &mut Dice<'_>, limit: usize, takeover: bool) -> Vec<u8> {
    let frames = compressed(dice, limit, takeover);
    wound_all(dice, frames, limit)
}

fn wound_all(dice: &mut Dice<'_>, mut frames: Vec<Vec<u8>>, limit: usize) -> Vec<u8> {
    for _ in 0..dice.pick(&[0, 1, 1, 1, 2, 3]) {
        let at = dice.below(frames.len());
        wound(dice, &mut frames, at, limit);
    }
    frames.concat()
}

/// Where to cut a stream of `len` bytes: up to `most` cuts, in order.
pub fn cuts(dice: &mut Dice<'_>, len: usize, most: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..dice.between(0, most)).map(|_| dice.between(0, len)).collect();
    cuts.sort_unstable();
    cuts
}

fn masked(dice: &mut Dice<'_>, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut key = [0; 4];
    dice.fill(&mut key);
    frame(first, payload, Some(key))
}

fn payload(dice: &mut Dice<'_>, limit: usize) -> (bool, Vec<u8>) {
    let len = match dice.below(10) {
        0..3 => dice.pick(&[0, 1, 7, 60, 125, 126, 127, 300, 1000, 4096, 65535, 65536, limit]),
        _ => dice.between(0, 200),
    };
    let len = len.min(limit);
    if dice.percent(50) {
        return (false, dice.bytes(len));
    }
    let mut text = String::new();
    while text.len() + 10 <= len {
        text.push_str(dice.pick(&WORDS));
    }
    (true, text.into_bytes())
}

/// `bits` are added to the first byte of all.
fn fragments(dice: &mut Dice<'_>, (text, payload): (bool, Vec<u8>), bits: u8, frames: &mut Vec<Vec<u8>>) {
    let begin = bits | if text { first::TEXT_BEGIN } else { first::BINARY_BEGIN };
    let cuts = cuts(dice, payload.len(), 4);
    let (mut from, last) = (0, cuts.len());
    for (i, to) in cuts.into_iter().chain([payload.len()]).enumerate() {
        let opcode = if i == 0 { begin } else { first::MIDDLE };
        frames.push(masked(dice, opcode | if i == last { 0x80 } else { 0 }, &payload[from..to]));
        from = to;
        if i < last && dice.percent(20) {
            frames.push(masked(dice, first::PING, b"between"));
        }
    }
}

fn wound(dice: &mut Dice<'_>, frames: &mut Vec<Vec<u8>>, at: usize, limit: usize) {
    let bytes = &mut frames[at];
    let (len, end) = (bytes.len(), bytes.len().saturating_sub(1));
    match dice.below(11) {
        0 if len > 0 => {
            let place = dice.between(0, end);
            bytes[place] ^= 1 << dice.below(8);
        }
        1 if len > 0 => bytes[0] ^= 1 << dice.below(8),
        2 if len > 1 => bytes[1] ^= 1 << dice.below(8),
        3 if len > 0 => {
            let from = dice.between(0, end);
            bytes.drain(from..len.min(from + dice.between(1, 9)));
        }
        4 => {
            let (place, n) = (dice.between(0, len), dice.between(1, 12));
            bytes.splice(place..place, dice.bytes(n));
        }
        5 => {
            let (copy, place) = (bytes.clone(), dice.between(0, frames.len()));
            frames.insert(place, copy);
        }
        6 => {
            let other = dice.below(frames.len());
            frames.swap(at, other);
        }
        7 => {
            bytes.truncate(dice.between(0, len));
            frames.truncate(at + 1);
        }
        8 => {
            let n = dice.between(1, 40);
            *bytes = dice.bytes(n);
        }
        9 => {
            let (first, len) = (dice.pick(&[0x00, 0x01, 0x02, 0x80, 0x81, 0x82]), dice.between(0, 3) + limit);
            *bytes =
                header(first, len as u64, Some([1, 2, 3, 4]), dice.pick(&[Length::Shortest, Length::Bits64]));
        }
        _ => {
            let (first, length) =
                (dice.pick(&[0x00, 0x82, 0x89]), dice.pick(&[Length::Bits16, Length::Bits64]));
            *bytes = header(first, dice.below(300) as u64, Some([0; 4]), length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{Verdict, read};
    use wharf::ws::{Config, Role};

    #[test]
    fn valid_streams_are_valid_and_wounds_are_of_every_kind() {
        let mut limits = Config::default();
        limits.max_message = 5000;
        let mut verdicts = std::collections::BTreeMap::<String, u32>::new();
        for seed in 0..2000 {
            let bytes = valid(&mut Dice::seeded(seed), 5000).concat();
            assert!(!matches!(read(&bytes, Role::Client, &limits).verdict, Verdict::Fail(_)), "seed {seed}");
            let bytes = wounded(&mut Dice::seeded(seed), 5000);
            let verdict = match read(&bytes, Role::Client, &limits).verdict {
                Verdict::Close(..) => "close".to_owned(),
                verdict => format!("{verdict:?}"),
            };
            *verdicts.entry(verdict).or_default() += 1;
        }
        for verdict in ["Open", "close", "Fail(1002)", "Fail(1007)", "Fail(1009)"] {
            assert!(verdicts.get(verdict).is_some_and(|n| *n >= 20), "{verdict} is rare in {verdicts:?}");
        }
    }
}
