//! The ways to a server, and what goes wrong on them.
#![forbid(unsafe_code)]

mod errors;
mod proxies;
mod redirects;
