//! What comes back, compared byte by byte with what was sent.

use super::ring::{Ring, Wire};
use wharf::ws::wire::header;

/// How far one connection's answers have come.
#[derive(Debug)]
pub(crate) struct Checker {
    /// Where in the cycle the next byte is expected.
    at: usize,
    /// Bytes that are in flight.
    due: usize,
    /// Bytes that have come.
    offset: u64,
}

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset} of what came: {what}")]
pub(crate) struct Mismatch {
    /// How many right bytes came before.
    pub(crate) offset: u64,
    /// What is wrong.
    pub(crate) what: What,
}

/// What can be wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum What {
    /// A byte of the payload.
    #[error("byte {0} of the message is {1:#04x} and not {2:#04x}")]
    Byte(usize, u8, u8),
    /// The answer to another message.
    #[error("the answer to message {0} in place of that to message {1}")]
    Swapped(usize, usize),
    /// The header says another length.
    #[error("an answer of another length, or with a longer header than its length needs")]
    Length,
    /// A frame that is not the last of its message, or a later one.
    #[error("a message in several frames, which cannot be measured")]
    Fragmented,
    /// A frame of control, or of the other kind of message, or none at all.
    #[error("no answer but a frame that begins with {0:#04x}")]
    Frame(u8),
    /// More than is in flight.
    #[error("more than was sent")]
    TooMuch,
    /// The end, with answers missing.
    #[error("the end, with {0} bytes of answers missing")]
    Short(usize),
}

impl Checker {
    /// Expects answers from message `first` of the ring on.
    pub(crate) fn new(ring: &Ring, first: usize) -> Self {
        Self { at: first * ring.expected().frame(), due: 0, offset: 0 }
    }

    /// `messages` more have been sent.
    pub(crate) fn sent(&mut self, ring: &Ring, messages: usize) {
        self.due += messages * ring.expected().frame();
    }

    /// Compares what was read; returns how many messages it completed.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    #[inline]
    pub(crate) fn take(&mut self, ring: &Ring, got: &[u8]) -> Result<usize, Mismatch> {
        let cycle = ring.expected();
        if got.len() > self.due {
            self.take(ring, &got[..self.due])?;
            return Err(Mismatch { offset: self.offset, what: What::TooMuch });
        }
        if got != cycle.slice(self.at, got.len()) {
            return Err(self.name(ring, got));
        }
        let reached = self.at % cycle.frame() + got.len();
        self.at += got.len();
        if self.at >= cycle.period() {
            self.at -= cycle.period();
        }
        self.due -= got.len();
        self.offset += got.len() as u64;
        Ok(reached / cycle.frame())
    }

    /// Whether all that was sent has been answered.
    pub(crate) fn is_done(&self) -> bool {
        self.due == 0
    }

    /// What an end of the connection means here.
    pub(crate) fn end(&self) -> Mismatch {
        Mismatch { offset: self.offset, what: What::Short(self.due) }
    }

    /// What is wrong with `got`, which is not what is expected.
    #[cold]
    fn name(&self, ring: &Ring, got: &[u8]) -> Mismatch {
        let cycle = ring.expected();
        let expected = cycle.slice(self.at, got.len());
        let right = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
        let place = self.at + right;
        let (message, within) = (place / cycle.frame() % ring.len(), place % cycle.frame());
        // This frame as far as it is known: what came of it in earlier reads was right.
        let mut frame = cycle.frame_of(message)[..within].to_vec();
        frame.extend_from_slice(&got[right..got.len().min(right + cycle.frame() - within)]);
        Mismatch { offset: self.offset + right as u64, what: name_frame(ring, message, within, &frame) }
    }
}

/// What is wrong with `frame`, of which only the first `right` bytes are those of message `index`.
fn name_frame(ring: &Ring, index: usize, right: usize, frame: &[u8]) -> What {
    let cycle = ring.expected();
    let head = match ring.wire() {
        Wire::WebSocket(_) => header::encoded_len(false, ring.size()),
        Wire::Raw => 0,
    };
    if right < head {
        return match frame[0] {
            _ if right > 0 => What::Length,
            0..=2 | 0x80 => What::Fragmented,
            first => What::Frame(first),
        };
    }
    let other = (0..ring.len()).find(|&other| cycle.frame_of(other).starts_with(frame));
    match other {
        // A byte or two may be another message's by chance.
        Some(other) if frame.len() - head >= ring.size().min(4) => What::Swapped(other, index),
        _ => What::Byte(right - head, frame[right], cycle.frame_of(index)[right]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::ws::wire::header::Opcode;

    const SIZE: usize = 20;
    const FRAME: usize = SIZE + 2;

    /// A ring, a checker with three messages in flight, and their answers.
    fn three() -> (Ring, Checker, Vec<u8>) {
        let ring = Ring::new(Wire::WebSocket(Opcode::Binary), SIZE, 3);
        let first = ring.len() - 2;
        let mut checker = Checker::new(&ring, first);
        checker.sent(&ring, 3);
        let answers = ring.expected().slice(first * FRAME, 3 * FRAME).to_vec();
        (ring, checker, answers)
    }

    #[test]
    fn right_answers_are_counted_at_any_cut() {
        for cut in 0..=3 * FRAME {
            let (ring, mut checker, answers) = three();
            assert_eq!(checker.take(&ring, &answers[..cut]), Ok(cut / FRAME));
            assert_eq!(checker.is_done(), cut == 3 * FRAME);
            assert_eq!(checker.take(&ring, &answers[cut..]), Ok(3 - cut / FRAME));
            assert!(checker.is_done());
        }
    }

    #[test]
    fn any_wrong_byte_is_found_where_it_is() {
        for wrong in 0..3 * FRAME {
            for cut in [0, wrong / 2, wrong] {
                let (ring, mut checker, mut answers) = three();
                answers[wrong] ^= 0x40;
                checker.take(&ring, &answers[..cut]).unwrap();
                let found = checker.take(&ring, &answers[cut..]).unwrap_err();
                assert_eq!(found.offset, wrong as u64);
                let what = match wrong % FRAME {
                    0 => What::Frame(0xc2),
                    1 => What::Length,
                    n => What::Byte(n - 2, answers[wrong], answers[wrong] ^ 0x40),
                };
                assert_eq!(found.what, what);
            }
        }
    }

    #[test]
    fn a_swapped_answer_is_found() {
        let (ring, mut checker, answers) = three();
        let swapped = [&answers[FRAME..2 * FRAME], &answers[..FRAME], &answers[2 * FRAME..]].concat();
        let what = What::Swapped(ring.len() - 1, ring.len() - 2);
        assert_eq!(checker.take(&ring, &swapped), Err(Mismatch { offset: 2, what }));
    }

    #[test]
    fn a_short_answer_is_found() {
        let (ring, mut checker, mut answers) = three();
        answers.remove(FRAME - 1);
        // The next frame's header stands where the last byte was.
        let Err(Mismatch { offset, what: What::Byte(19, 0x82, _) }) = checker.take(&ring, &answers) else {
            panic!("not found")
        };
        assert_eq!(offset, FRAME as u64 - 1);

        let (ring, mut checker, mut answers) = three();
        answers[1] = SIZE as u8 - 1;
        assert_eq!(checker.take(&ring, &answers), Err(Mismatch { offset: 1, what: What::Length }));

        let (ring, mut checker, answers) = three();
        checker.take(&ring, &answers[..2 * FRAME + 5]).unwrap();
        let what = What::Short(FRAME - 5);
        assert_eq!(checker.end(), Mismatch { offset: 2 * FRAME as u64 + 5, what });
    }

    #[test]
    fn what_was_not_asked_for_is_found() {
        let (ring, mut checker, answers) = three();
        let more = [&answers[..], &[0x89, 0]].concat();
        assert_eq!(checker.take(&ring, &more), Err(Mismatch { offset: 66, what: What::TooMuch }));

        for (first, what) in [(0x02, What::Fragmented), (0x80, What::Fragmented), (0x88, What::Frame(0x88))] {
            let (ring, mut checker, mut answers) = three();
            answers[0] = first;
            assert_eq!(checker.take(&ring, &answers), Err(Mismatch { offset: 0, what }));
        }
    }

    #[test]
    fn raw_answers_are_the_masked_bytes() {
        let ring = Ring::new(Wire::Raw, SIZE, 1);
        let mut checker = Checker::new(&ring, 0);
        checker.sent(&ring, 1);
        let mut answer = ring.sent().frame_of(0).to_vec();
        assert_eq!(checker.take(&ring, &answer), Ok(1));
        checker.sent(&ring, 1);
        answer[0] ^= 1;
        assert!(matches!(
            checker.take(&ring, &answer),
            Err(Mismatch { offset: 26, what: What::Byte(0, ..) })
        ));
    }
}
