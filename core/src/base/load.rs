//! Bytes that wait to be written without being copied.

use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// What is written from where it is: shared with others, or a message's own buffer.
#[derive(Debug)]
pub(crate) enum Load {
    Shared(Bytes),
    /// From the given place on it is not yet written.
    Own(Vec<u8>, usize),
}

impl Load {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(buffer, from) => &buffer[*from..],
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Shared(bytes) => bytes.len(),
            Self::Own(buffer, from) => buffer.len() - from,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `n` bytes were written.
    pub(crate) fn advance(&mut self, n: usize) {
        match self {
            Self::Shared(bytes) => bytes.advance(n),
            Self::Own(_, from) => *from += n,
        }
    }
}
