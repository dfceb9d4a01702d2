//! Recordings of connections, and running them again: what a connection was fed and what it was made to do, with the times
//! of it, on the plaintext side of TLS.
//!
//! A server records its connections where [`Config::recorder`](super::Config::recorder) is set, and [`replay`] runs such a
//! recording through a machine of its own and compares each event, each outcome of a call and each byte of output with what
//! was recorded. So a fault that was seen in production becomes a test.
//!
//! A recording begins with `WHARFREC` and a version. Behind that stand blocks of a length, a checksum (the first four bytes of
//! the content's SHA-1) and their content; the last one is empty.

mod blocks;
mod call;
mod replay;
mod tape;

pub use replay::{Difference, ReplayError, Replayed, note, replay};
pub use tape::Recorder;

pub(super) use call::{Call, Sending};
pub(super) use tape::Tape;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod interplay;
