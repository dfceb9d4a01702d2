//! What nobody can do without: the bytes are copied once, unmasked once, and a text is looked at once.

use super::{Batch, Subject};
use bytes::Bytes;
use simdutf8::basic::from_utf8;
use std::hint::black_box;

/// The bytes are copied into the reader's buffer.
pub(super) fn copy(batch: &Batch) -> Subject {
    let (wire, mut buffer) = (batch.masked.clone(), vec![0; batch.masked.len()]);
    Subject::new("limit: copy", move || black_box(&mut buffer[..]).copy_from_slice(black_box(&wire)))
}

/// … and each payload is unmasked where it is.
pub(super) fn copy_and_xor(batch: &Batch) -> Subject {
    let mut frames = Frames::new(batch);
    Subject::new("limit: copy, XOR", move || {
        frames.unmask_each(|payload| {
            black_box(payload);
        });
    })
}

/// … and found to be UTF-8.
pub(super) fn copy_xor_and_utf8(batch: &Batch) -> Subject {
    let mut frames = Frames::new(batch);
    Subject::new("limit: copy, XOR, UTF-8", move || {
        frames.unmask_each(|payload| {
            black_box(from_utf8(payload).expect("it is a text"));
        });
    })
}

/// That alone.
pub(super) fn utf8(batch: &Batch) -> Subject {
    let (payload, frames) = (batch.payload.clone(), batch.frames);
    Subject::new("limit: UTF-8", move || {
        for _ in 0..frames {
            black_box(from_utf8(black_box(&payload)).expect("it is a text"));
        }
    })
}

/// The payloads are copied behind one another.
pub(super) fn copy_out(batch: &Batch) -> Subject {
    copy_each_out("limit: copy", batch, |_| {})
}

/// … and masked there.
pub(super) fn copy_out_and_xor(batch: &Batch) -> Subject {
    let key = black_box([1, 2, 3, 4]);
    copy_each_out("limit: copy, XOR", batch, move |payload| xor(payload, key))
}

/// Each payload is masked where it is.
pub(super) fn xor_in_place(batch: &Batch) -> Subject {
    let (mut payload, frames, key) = (batch.payload.to_vec(), batch.frames, black_box([1, 2, 3, 4]));
    Subject::new("limit: XOR", move || {
        for _ in 0..frames {
            xor(black_box(&mut payload), key);
        }
    })
}

fn copy_each_out(name: &'static str, batch: &Batch, each: impl Fn(&mut [u8]) + 'static) -> Subject {
    let (payload, mut out) = (batch.payload.clone(), vec![0; batch.bytes()]);
    Subject::new(name, move || {
        for slot in out.chunks_exact_mut(payload.len()) {
            slot.copy_from_slice(black_box(&payload));
            each(slot);
        }
        black_box(&mut out);
    })
}

/// The masked frames of a batch, all with headers of one length.
struct Frames {
    wire: Bytes,
    buffer: Vec<u8>,
    frame: usize,
    payload: usize,
}

/// Bytes copied at a time, or one frame if that is larger: what is copied is still near when it is unmasked.
const NEAR: usize = 16 * 1024;

impl Frames {
    fn new(batch: &Batch) -> Self {
        let (wire, frame) = (batch.masked.clone(), batch.masked.len() / batch.frames);
        let near = frame * (NEAR / frame).max(1);
        Self { buffer: vec![0; near.min(wire.len())], wire, frame, payload: batch.payload.len() }
    }

    /// Each payload, copied and unmasked.
    fn unmask_each(&mut self, each: impl Fn(&[u8])) {
        for piece in self.wire.chunks(self.buffer.len()) {
            let copied = &mut black_box(&mut self.buffer[..])[..piece.len()];
            copied.copy_from_slice(black_box(piece));
            for frame in copied.chunks_exact_mut(self.frame) {
                let (header, payload) = frame.split_at_mut(self.frame - self.payload);
                let key = header.last_chunk().expect("a key");
                xor(payload, *key);
                each(payload);
            }
        }
    }
}

/// The plain loop, which compilers turn into wide instructions.
fn xor(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let eight: [u8; 8] = (&*chunk).try_into().expect("eight");
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
