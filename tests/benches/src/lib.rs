//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

pub mod frames;
#[cfg(feature = "peers")]
pub mod peers;
