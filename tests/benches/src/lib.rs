//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

#[cfg(feature = "peers")]
pub mod engine;
pub mod frames;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "peers")]
pub mod report;
