//! Servers and clients on a poll loop, over TCP and Unix sockets.
#![forbid(unsafe_code)]

mod client;
mod server;
mod unix;
