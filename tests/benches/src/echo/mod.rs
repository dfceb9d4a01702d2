//! Echo on loopback: servers in turn, round after round, against the raw socket.

pub mod grid;

#[cfg(feature = "peers")]
pub mod bars;
#[cfg(feature = "peers")]
pub mod plot;
#[cfg(feature = "peers")]
pub mod results;
#[cfg(feature = "peers")]
pub mod run;
#[cfg(feature = "servers")]
pub mod servers;
#[cfg(feature = "peers")]
pub mod summary;
#[cfg(feature = "peers")]
pub mod syscalls;
#[cfg(feature = "peers")]
pub mod table;
