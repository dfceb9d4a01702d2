//! What left a machine, told to whoever keeps a record of it.

use super::Instant;
use alloc::vec::Vec;

/// What left since it was looked at last, in order. It is emptied with each call that is recorded.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    pub(crate) gone: Vec<(Instant, Gone)>,
}

/// How some output left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The transport took bytes, with this checksum.
    Taken { n: usize, sum: u32 },
    /// A stage sealed bytes, with this checksum.
    Sealed { n: usize, sum: u32 },
    /// The transport took sealed bytes, which completed so many of the machine's.
    Credited { wire: usize, plain: usize },
}
