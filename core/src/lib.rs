//! Wharf: sans-IO sockets. Bytes, time and events in; actions out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod base;
pub mod http;
pub mod link;
pub mod ws;
