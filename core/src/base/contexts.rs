//! Contexts of DEFLATE (RFC 1951): a compressor and an inflater, which know nothing of whoever uses them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// What a thread lends for a turn: contexts without a past, which come with use.
#[derive(Default)]
pub(crate) struct Contexts {
    pub(crate) deflater: Option<Deflater>,
    pub(crate) inflater: Option<Inflater>,
    /// A message is compressed into it.
    pub(crate) buffer: Vec<u8>,
}

impl Contexts {
    /// Bytes of heap that they hold.
    pub(crate) fn capacity(&self) -> usize {
        self.deflater.as_ref().map_or(0, |deflater| Deflater::len(deflater.bits))
            + self.inflater.as_ref().map_or(0, |_| Inflater::LEN)
            + self.buffer.capacity()
    }
}

/// Compresses messages, each in the light of those before it until it is reset.
pub(crate) struct Deflater {
    stream: Deflate,
    level: u8,
    bits: u8,
}

impl Deflater {
    /// What ends a sync flush, and is left out on the wire.
    pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

    /// A compressor of a level from 1 to 9 with a window of `1 << bits` bytes. The library cannot compress with a
    /// window of 8 bits.
    pub(crate) fn new(level: u8, bits: u8) -> Self {
        let (level, bits) = (level.clamp(1, 9), bits.clamp(9, 15));
        Self { stream: Deflate::new(i32::from(level), false, bits), level, bits }
    }

    /// About how many bytes of heap one of such a window holds: no less than it does.
    pub(crate) const fn len(bits: u8) -> usize {
        (4 << bits) + 250 * 1024
    }

    pub(crate) fn is_of(&self, level: u8, bits: u8) -> bool {
        (self.level, self.bits) == (level.clamp(1, 9), bits.clamp(9, 15))
    }

    /// Compresses `payload` into `out`, without the tail. `false`: it would not become shorter, so `out` is of no use
    /// and the compressor must be reset before it goes on.
    pub(crate) fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        out.resize(Self::bound(payload.len()), 0);
        let (taken, written) = (self.stream.total_in(), self.stream.total_out());
        // RFC 7692 7.2.1: "an endpoint MUST add minimal padding bits of 0"
        let done = self.stream.compress(payload, out, DeflateFlush::SyncFlush);
        let taken = (self.stream.total_in() - taken) as usize;
        let written = (self.stream.total_out() - written) as usize;
        // A buffer that is full may not be all, and asking again would append another empty block if it is.
        let whole = done == Ok(Status::Ok) && taken == payload.len() && written < out.len();
        out.truncate(written);
        if !whole || !out.ends_with(&Self::TAIL) {
            // A stream that is reset with output pending forgets the place of it (zlib-rs 0.6.8), and runs over later.
            *self = Self::new(self.level, self.bits);
            return false;
        }
        out.truncate(written - Self::TAIL.len());
        out.len() < payload.len()
    }

    /// No payload of `len` bytes becomes longer: with the fixed code a byte may take nine bits.
    const fn bound(len: usize) -> usize {
        len + len / 8 + len / 128 + 64
    }

    pub(crate) fn reset(&mut self) {
        self.stream.reset();
    }
}

/// What a step of inflating came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inflated {
    /// Bytes of the input that were used.
    pub(crate) taken: usize,
    /// Bytes that stand in [`Inflater::out`].
    pub(crate) written: usize,
    /// There may be more to come without any further input.
    pub(crate) full: bool,
    /// What follows these bytes cannot be inflated.
    pub(crate) corrupt: bool,
}

/// Inflates a stream of blocks, step by step.
pub(crate) struct Inflater {
    stream: Inflate,
    out: Box<[u8]>,
    /// Nothing was inflated since it was made, reset, or since a block that said to be the last one.
    fresh: bool,
}

impl Inflater {
    /// Most bytes that one step inflates.
    pub(crate) const OUT: usize = 8 * 1024;
    /// About how many bytes of heap it holds: no less than it does.
    pub(crate) const LEN: usize = 48 * 1024 + Self::OUT;

    /// One without a past. Its window is of 15 bits, which inflates what was made with any.
    pub(crate) fn new() -> Self {
        Self {
            // RFC 7692 7.2.2: "Otherwise, the client MUST use a 32,768-byte"
            // RFC 7692 7.2.2: "Otherwise, the server MUST use a 32,768-byte"
            stream: Inflate::new(false, 15),
            out: alloc::vec![0; Self::OUT].into_boxed_slice(),
            fresh: true,
        }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Inflates of `input` what fits into one step. A block that says to be the last one ends nothing: RFC 7692
    /// section 7.2.3.4 lets further ones follow, and whoever sends those begins anew behind them.
    pub(crate) fn inflate(&mut self, input: &[u8]) -> Inflated {
        let mut step = Inflated::default();
        loop {
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let out = &mut self.out[step.written..];
            let status = self.stream.decompress(&input[step.taken..], out, InflateFlush::SyncFlush);
            let taken = (self.stream.total_in() - before_in) as usize;
            step.taken += taken;
            step.written += (self.stream.total_out() - before_out) as usize;
            step.full = step.written == self.out.len();
            self.fresh &= taken == 0;
            match status {
                Ok(Status::StreamEnd) => {
                    self.reset();
                    if step.taken < input.len() && !step.full {
                        continue;
                    }
                }
                Ok(_) => {}
                Err(_) => step.corrupt = true,
            }
            // Without progress there never would be any.
            step.corrupt |= step.taken == 0 && step.written == 0 && !input.is_empty();
            return step;
        }
    }

    /// The bytes of the last step.
    pub(crate) fn out(&self, written: usize) -> &[u8] {
        &self.out[..written]
    }

    /// Ends the stream, and begins anew. Whether it stood between two blocks: then a last, empty block ends it.
    pub(crate) fn finish(&mut self) -> bool {
        const LAST: [u8; 2] = [3, 0];
        let before = self.stream.total_out();
        let whole = self.fresh
            || self.stream.decompress(&LAST, &mut self.out, InflateFlush::SyncFlush) == Ok(Status::StreamEnd)
                && self.stream.total_out() == before;
        self.reset();
        whole
    }

    fn reset(&mut self) {
        self.stream.reset(false);
        self.fresh = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflated(inflater: &mut Inflater, mut input: &[u8]) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let step = inflater.inflate(input);
            all.extend_from_slice(inflater.out(step.written));
            if step.corrupt {
                return None;
            }
            input = &input[step.taken..];
            if input.is_empty() && !step.full {
                return Some(all);
            }
        }
    }

    /// Each size meets a buffer that ends with the flush or next to it.
    #[test]
    fn what_is_compressed_is_inflated_and_never_longer() {
        let (mut deflater, mut inflater, mut out) = (Deflater::new(6, 9), Inflater::new(), Vec::new());
        for len in (0..600).chain([5000, 70_000, 300_000]) {
            let payload: Vec<u8> = (0..len).map(|i| (i * i / 7) as u8).collect();
            if deflater.compress(&payload, &mut out) {
                assert!(out.len() < len);
                out.extend_from_slice(&Deflater::TAIL);
                assert_eq!(inflated(&mut inflater, &out).as_ref(), Some(&payload), "{len} bytes");
            } else {
                deflater.reset();
            }
        }
        assert!(inflater.finish());
    }

    #[test]
    fn no_block_says_to_be_the_last_one() {
        // RFC 7692 7.2.1: "an endpoint MUST add minimal padding bits of 0"
        let (mut deflater, mut out) = (Deflater::new(6, 15), Vec::new());
        let mut stream = Inflate::new(false, 15);
        for payload in [&b"harbour ".repeat(100)[..], &b"h".repeat(100_000)] {
            assert!(deflater.compress(payload, &mut out));
            out.extend_from_slice(&Deflater::TAIL);
            let mut all = alloc::vec![0; 200_000];
            let status = stream.decompress(&out, &mut all, InflateFlush::SyncFlush);
            assert_eq!(status, Ok(Status::Ok), "a last block would have ended the stream");
        }
    }

    #[test]
    fn a_stream_that_stops_inside_a_block_is_not_whole() {
        let (mut deflater, mut inflater, mut out) = (Deflater::new(6, 15), Inflater::new(), Vec::new());
        assert!(deflater.compress(&b"harbour ".repeat(100), &mut out));
        inflated(&mut inflater, &out[..out.len() - 3]).unwrap();
        assert!(!inflater.finish());
        assert!(inflater.finish(), "and begins anew");
    }

    /// RFC 7692 section 7.2.3.4.
    #[test]
    fn a_last_block_ends_nothing() {
        let mut inflater = Inflater::new();
        let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff];
        for _ in 0..3 {
            assert_eq!(inflated(&mut inflater, &hello[..]).unwrap(), b"Hello");
        }
        assert!(inflater.finish());
    }

    #[test]
    fn one_step_goes_on_behind_a_last_block_and_tells_of_corruption() {
        const HELLO: [u8; 12] = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff];
        let mut inflater = Inflater::new();
        assert!(inflater.is_fresh());
        let step = inflater.inflate(&HELLO.repeat(2));
        assert_eq!((step.taken, step.written, step.full, step.corrupt), (24, 10, false, false));
        assert_eq!(inflater.out(10), b"HelloHello");
        assert!(!inflater.is_fresh() && inflater.finish() && inflater.is_fresh());
        // A kind of block that there is not, behind one that is whole; and asked again.
        let step = inflater.inflate(&[&HELLO[..7], &[7]].concat());
        assert!(step.corrupt && inflater.inflate(&[7]).corrupt);
    }

    #[test]
    fn a_last_block_that_fills_a_step_ends_nothing() {
        let (mut payload, mut out) = (alloc::vec![b'h'; Inflater::OUT], [0; 100]);
        let mut stream = Deflate::new(6, false, 15);
        assert_eq!(stream.compress(&payload, &mut out, DeflateFlush::Finish), Ok(Status::StreamEnd));
        let block = &out[..stream.total_out() as usize];
        let mut inflater = Inflater::new();
        let step = inflater.inflate(&block.repeat(2));
        assert_eq!((step.written, step.full, step.corrupt), (Inflater::OUT, true, false));
        payload.extend_from_within(..);
        assert_eq!(inflated(&mut Inflater::new(), &block.repeat(2)), Some(payload));
    }

    #[test]
    fn what_becomes_a_little_shorter_is_compressed() {
        // Bytes of two hundred values, in no order: 7.6 bits each.
        let mut state = 1_u32;
        let payload = Vec::from_iter((0..20_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % 200) as u8
        }));
        let mut out = Vec::new();
        assert!(Deflater::new(6, 15).compress(&payload, &mut out));
        assert!((19_000..19_800).contains(&out.len()), "{} bytes", out.len());
    }

    #[test]
    fn a_compressor_is_of_its_level_and_window_within_what_there_is() {
        let deflater = Deflater::new(0, 8);
        assert!(deflater.is_of(1, 9) && deflater.is_of(0, 8));
        assert!(!deflater.is_of(2, 9) && !deflater.is_of(1, 10));
        assert!(Deflater::new(10, 16).is_of(9, 15));
    }

    #[test]
    fn contexts_count_what_they_hold() {
        let mut contexts = Contexts::default();
        assert_eq!(contexts.capacity(), 0);
        contexts.deflater = Some(Deflater::new(6, 15));
        assert_eq!(contexts.capacity(), 4 * 32_768 + 250 * 1024);
        contexts.inflater = Some(Inflater::new());
        contexts.buffer.reserve_exact(1000);
        assert_eq!(contexts.capacity(), 4 * 32_768 + (250 + 48 + 8) * 1024 + 1000);
    }
}
