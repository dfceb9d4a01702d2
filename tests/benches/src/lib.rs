//! How fast, beside other libraries and the raw socket.
#![forbid(unsafe_code)]

#[cfg(feature = "servers")]
pub mod bus;
#[cfg(feature = "servers")]
pub mod client;
#[cfg(feature = "servers")]
pub mod descriptors;
pub mod echo;
#[cfg(feature = "peers")]
pub mod engine;
#[cfg(feature = "servers")]
pub mod fanout;
pub mod frames;
#[cfg(feature = "servers")]
pub mod memory;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "servers")]
pub mod raw;
#[cfg(feature = "peers")]
pub mod report;
#[cfg(feature = "servers")]
pub mod room;
pub mod statistics;
