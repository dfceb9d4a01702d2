//! How many bytes a server keeps for a connection that says nothing, and for one that has said something.
//!
//! The server runs in a process of its own whose allocator counts, and tells what it counts when asked ([`gauge`]). The driver
//! starts it ([`server`]), opens connections ([`client`](crate::client)) and divides ([`measure`]).

pub mod gauge;
pub mod measure;
pub mod server;
