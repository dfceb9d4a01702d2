//! What is told as `tracing` events, and the spans that these stand in, on every runtime.
#![forbid(unsafe_code)]

mod alike;
mod clients;
mod handlers;
mod services;
