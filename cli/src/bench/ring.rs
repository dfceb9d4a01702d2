//! What is sent, encoded before the start, and what is to come back.

use wharf::base::Entropy;
use wharf::ws::wire::header::{self, Opcode};
use wharf::ws::wire::mask;

/// How messages are framed on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// WebSocket frames: masked on the way out, not masked on the way back.
    WebSocket(Opcode),
    /// No protocol: the bytes of the masked frames go out, and come back as they are.
    Raw,
}

/// Different messages of one size, encoded one behind the other as a cycle. Each is followed by as many more as can be in
/// flight without a seam, so what is sent and what is expected is always one slice.
#[derive(Debug)]
pub(crate) struct Ring {
    sent: Cycle,
    expected: Option<Cycle>,
    wire: Wire,
    size: usize,
    len: usize,
}

/// One direction of it.
#[derive(Debug)]
pub(crate) struct Cycle {
    bytes: Vec<u8>,
    frame: usize,
    period: usize,
}

impl Cycle {
    /// Bytes of one frame.
    pub(crate) fn frame(&self) -> usize {
        self.frame
    }

    /// Bytes until it comes round.
    pub(crate) fn period(&self) -> usize {
        self.period
    }

    /// `n` bytes from the position `at` on, which is below the period. `n` is at most the messages in flight.
    pub(crate) fn slice(&self, at: usize, n: usize) -> &[u8] {
        &self.bytes[at..at + n]
    }

    /// The frame of message `index`.
    pub(crate) fn frame_of(&self, index: usize) -> &[u8] {
        self.slice(index * self.frame, self.frame)
    }
}

impl Ring {
    /// Bytes that the different messages may take together, as long as there are enough of them.
    const BUDGET: usize = 1 << 19;
    /// Most different messages, unless more are in flight.
    const MOST: usize = 256;
    /// Fewest.
    const LEAST: usize = 4;

    /// Messages of `size` bytes, of which `depth` are in flight at once; `size` times `depth` is bounded by the caller.
    pub(crate) fn new(wire: Wire, size: usize, depth: usize) -> Self {
        let len = (Self::BUDGET / size.max(1)).clamp(Self::LEAST, Self::MOST).max(depth + 1);
        let mut dice = Entropy::from_seed([0x5e; 32]);
        let opcode = if let Wire::WebSocket(opcode) = wire { opcode } else { Opcode::Binary };
        let mut sent = Vec::with_capacity((len + depth) * header::encoded_len(true, size));
        let mut expected = Vec::new();
        let mut payload = vec![0; size];
        for index in 0..len {
            fill(&mut payload, index, opcode == Opcode::Text, &mut dice);
            header::encode(&mut expected, true, opcode, None, size);
            expected.extend_from_slice(&payload);
            let key = dice.bytes();
            header::encode(&mut sent, true, opcode, Some(key), size);
            let begin = sent.len();
            sent.extend_from_slice(&payload);
            mask::apply(&mut sent[begin..], key, 0);
        }
        Self {
            sent: Cycle::new(sent, len, depth),
            expected: (wire != Wire::Raw).then(|| Cycle::new(expected, len, depth)),
            wire,
            size,
            len,
        }
    }

    /// What the client sends.
    pub(crate) fn sent(&self) -> &Cycle {
        &self.sent
    }

    /// What the server answers.
    pub(crate) fn expected(&self) -> &Cycle {
        self.expected.as_ref().unwrap_or(&self.sent)
    }

    /// How many different messages there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of payload a message.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How they are framed.
    pub(crate) fn wire(&self) -> Wire {
        self.wire
    }
}

impl Cycle {
    fn new(mut bytes: Vec<u8>, len: usize, more: usize) -> Self {
        let period = bytes.len();
        let frame = period / len;
        bytes.extend_from_within(..more * frame);
        Self { bytes, frame, period }
    }
}

/// A payload that differs from its neighbours from its first byte on.
fn fill(payload: &mut [u8], index: usize, text: bool, dice: &mut Entropy) {
    dice.fill(payload);
    if text {
        payload.iter_mut().for_each(|byte| *byte = b' ' + *byte % 95);
    }
    for (place, byte) in payload.iter_mut().take(4).enumerate() {
        *byte = if text {
            b'!' + (index / 90_usize.pow(place as u32) % 90) as u8
        } else {
            (index >> (8 * place)) as u8
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_differ_and_come_back_unmasked() {
        for (opcode, size) in [(Opcode::Binary, 16), (Opcode::Text, 125), (Opcode::Binary, 70_000)] {
            let ring = Ring::new(Wire::WebSocket(opcode), size, 3);
            for index in 0..ring.len() {
                let (sent, expected) = (ring.sent().frame_of(index), ring.expected().frame_of(index));
                let head = header::encoded_len(true, size);
                let mut payload = sent[head..].to_vec();
                mask::apply(&mut payload, sent[head - 4..head].try_into().unwrap(), 0);
                assert_eq!(payload, expected[head - 4..]);
                assert!(opcode == Opcode::Binary || payload.is_ascii());
                assert_ne!(expected, ring.expected().frame_of((index + 1) % ring.len()));
            }
        }
    }

    #[test]
    fn a_cycle_has_no_seam() {
        let ring = Ring::new(Wire::Raw, 1, 700);
        assert_eq!(ring.len(), 701);
        let cycle = ring.sent();
        let last = cycle.period() - cycle.frame();
        let run = cycle.slice(last, 700 * cycle.frame());
        assert_eq!(run[cycle.frame()..], *cycle.slice(0, 699 * cycle.frame()));
        assert_eq!(ring.expected().period(), cycle.period());
    }

    #[test]
    fn an_empty_message_is_only_a_header() {
        let ring = Ring::new(Wire::WebSocket(Opcode::Binary), 0, 1);
        assert_eq!(ring.expected().frame_of(0), [0x82, 0]);
    }
}
