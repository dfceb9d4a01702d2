//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

#[cfg(feature = "servers")]
pub mod client;
pub mod echo;
pub mod frames;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "peers")]
#[cfg(feature = "servers")]
pub mod fanout;
#[cfg(feature = "servers")]
pub mod memory;
#[cfg(feature = "servers")]
pub mod raw;
pub mod statistics;
