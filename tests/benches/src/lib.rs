//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

#[cfg(feature = "peers")]
pub mod raw;
