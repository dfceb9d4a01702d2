//! One message to many: what a broadcast costs beside as many plain writes.
//!
//! The server sends whatever one member says to all members, the speaker among them ([`service`], [`grouped`], [`raw`]). The driver holds the
//! members, checks what each gets, and asks the kernel for the server's CPU time ([`measure`]), or for how long each of them waits for
//! its message, while some read and others do not ([`latency`]).

pub mod grouped;
pub mod latency;
pub mod measure;
pub mod raw;
pub mod service;
