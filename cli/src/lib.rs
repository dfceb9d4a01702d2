//! What the `wharf` binary is made of: one module a subcommand, so that tests and examples can use them.
#![forbid(unsafe_code)]

pub mod chat;
