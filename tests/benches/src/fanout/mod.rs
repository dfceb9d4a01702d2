//! One message to many: what a broadcast costs beside as many plain writes.
//!
//! The server sends whatever one member says to all members, the speaker among them ([`service`], [`grouped`], [`raw`]). The driver holds the
//! members, checks what each gets, and asks the kernel for the server's CPU time ([`measure`]).

pub mod grouped;
pub mod measure;
pub mod raw;
pub mod service;
