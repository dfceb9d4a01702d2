//! Sockets without a network and without a clock, to test handlers with. They need no runtime either: whatever polls a future
//! drives them.

mod peer;
mod scene;
mod wire;

pub use peer::Peer;
pub use scene::{Scene, mock, mock_with};
#[cfg(feature = "json")]
pub(crate) use wire::MockTime;
pub use wire::Wire;

#[cfg(test)]
pub(crate) mod tests;
