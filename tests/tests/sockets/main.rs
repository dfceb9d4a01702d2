//! Sockets on each runtime: how they begin, carry and end.
#![forbid(unsafe_code)]

mod cancelled;
mod carrying;
mod door;
mod ends;
mod tls;
mod unix;
