//! Echoes of bytes without any protocol: what the runtime and the sockets cost by themselves.

pub mod mio_echo;
pub mod tokio_echo;
