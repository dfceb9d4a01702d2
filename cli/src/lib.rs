//! What the `wharf` binary is made of: one module a subcommand, so that tests and examples can use them.
#![forbid(unsafe_code)]

pub mod args;
pub mod bench;
pub mod bus;
pub mod chat;
pub mod connect;
pub mod database;
pub mod echo;
pub mod framing;
pub mod health;
mod latency;
pub mod limits;
mod logging;
mod manual;
mod program;
mod record;
pub mod replay;
pub mod runner;
mod runtime;
pub mod server;
mod signals;
pub mod tls;
mod worker;

pub use program::run;
