//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

pub mod echo;
pub mod frames;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "peers")]
pub mod raw;
pub mod statistics;
