//! A protocol that is not ours, RESP, over the framed machine.
#![forbid(unsafe_code)]

mod clients;
#[allow(dead_code)]
#[path = "../../examples/resp.rs"]
mod resp;
mod server;
