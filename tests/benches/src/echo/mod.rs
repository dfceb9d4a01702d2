//! Echo on loopback: servers in turn, round after round, against the raw socket.

pub mod grid;

#[cfg(feature = "servers")]
pub mod bars;
#[cfg(feature = "peers")]
pub mod plot;
#[cfg(feature = "servers")]
pub mod results;
#[cfg(feature = "servers")]
pub mod run;
#[cfg(feature = "servers")]
pub mod servers;
#[cfg(feature = "servers")]
pub mod summary;
#[cfg(feature = "servers")]
pub mod syscalls;
#[cfg(feature = "servers")]
pub mod table;
