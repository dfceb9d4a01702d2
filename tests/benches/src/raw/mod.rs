//! Plain TCP echo on one thread, as well as one can write it by hand: the ceiling.
//!
//! All forms read into one buffer of the thread, write at once what a read gave, and keep only what a full socket did
//! not take.

mod on_async_std;
mod on_mio;
mod on_tokio;

pub use on_async_std::async_std_echo;
pub use on_mio::mio_echo;
pub use on_tokio::tokio_echo;

/// How much is read at once, unless a flag says otherwise: what servers usually take, and what all are compared with.
pub const BUFFER: usize = 64 << 10;
/// What is faster where messages are large, and no slower elsewhere: fewer turns, each of which costs the other side too.
pub const LARGE_BUFFER: usize = 256 << 10;
