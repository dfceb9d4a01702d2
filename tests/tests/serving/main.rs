//! A server under load, at its limits and at its end, on each runtime.
#![forbid(unsafe_code)]

mod accept;
mod backpressure;
mod close_codes;
mod drain;
mod handlers;
mod judging;
mod limiter;
mod limits;
mod message_loop;
mod resilient;
mod server;
