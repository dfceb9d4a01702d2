//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

pub mod echo;
#[cfg(feature = "peers")]
pub mod raw;
pub mod statistics;
