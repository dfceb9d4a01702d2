//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

#[cfg(feature = "servers")]
pub mod client;
pub mod echo;
#[cfg(feature = "servers")]
pub mod fanout;
#[cfg(feature = "peers")]
pub mod engine;
pub mod frames;
#[cfg(feature = "servers")]
pub mod memory;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "servers")]
pub mod raw;
pub mod statistics;
#[cfg(feature = "peers")]
pub mod report;
